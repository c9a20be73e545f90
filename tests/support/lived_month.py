"""A month of an installation as owners see it: some hundred requests with every kind of end, for pages to show."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.sampling import draw
from bot.store.db import Database, Session
from bot.store.figures import drift_checks
from bot.store.figures.drift_checks import DriftReading, Shift
from bot.store.installation import heartbeats
from bot.store.releases import eval_runs, releases, samples
from bot.store.releases.samples import NewSample, WeekKey
from bot.store.schema import (
    Base,
    DriftStream,
    Feedback,
    Handoff,
    HandoffMove,
    InboxEvent,
    LedgerRow,
    Message,
    RunState,
    SampledFor,
    Step,
    Ticket,
    Turn,
    Verdict,
)
from tests.support.dashboard_history import DashboardHistory

RELEASE = "access@1f3c9a20"
DAYS = 30
ASKED = {
    "locked_out": "I can't sign in, it says my account is locked",
    "password_expired": "my password has expired and the page does not let me in",
    "forgotten": "I forgot my password :(",
    "lost_phone": "I lost my phone, the code goes there",
}
CHANCES: Mapping[str, float] = {"locked_out": 0.44, "password_expired": 0.24, "forgotten": 0.17, "lost_phone": 0.15}
PLAYED = {
    "locked_out": ("look_up_my_account", "unlock_my_account", "resolve"),
    "password_expired": ("look_up_my_account", "send_me_a_reset_link", "resolve"),
    "forgotten": ("look_up_my_account", "send_me_a_reset_link", "resolve"),
    "lost_phone": ("look_up_my_account", "hand_off"),
}
CALLED_FOR = (
    "out_of_policy",
    "out_of_policy",
    "requested",
    "requested",
    "identity_mismatch",
    "repeated_failure",
    "budget",
)
FAILED = ("context_handed_over", "The handoff does not tell of look_up_my_account.")
PEOPLE = ("U0MAYA", "U0LENA", "U0BEN", "U0NOAH")


@dataclass
class Month:
    """The rows of a month, which ends now."""

    at: datetime
    random: Random = field(default_factory=lambda: Random(7))
    history: DashboardHistory = field(init=False)

    def __post_init__(self) -> None:
        tables = (Ticket, Turn, Step, Handoff, HandoffMove, Feedback, LedgerRow, InboxEvent, Message)
        rows: dict[type[Base], list[dict[str, Any]]] = {table: [] for table in tables}
        self.history = DashboardHistory(self.random, self.at - timedelta(days=DAYS), DAYS, rows=rows)

    def day(self, opened: datetime) -> None:
        """Let the requests of one day be made: few on a weekend."""
        usual = 4 if opened.weekday() >= 5 else 13
        for _ in range(self.random.randrange(usual - 3, usual + 4)):
            moment = opened + timedelta(hours=8 + 9 * self.random.random())
            if moment < self.at - timedelta(minutes=20):
                self.request(moment)

    def request(self, at: datetime) -> None:
        """Let somebody ask, and the agent answer or hand over."""
        random, add = self.random, self.history.add
        kind = random.choices(list(CHANCES), list(CHANCES.values()))[0]
        handed = kind == "lost_phone" or random.random() < 0.07
        chance = random.random()
        outcome = "withdrawn" if chance < 0.02 else "refused" if chance < 0.035 else "handoff" if handed else "reply"
        took = timedelta(seconds=round(4 + random.expovariate(1 / 5) + (30 if random.random() < 0.04 else 0), 3))
        solved = outcome == "reply" and random.random() < 0.93
        again = solved and random.random() < 0.06
        number = len(self.history.rows[Ticket]) + 1
        place = {"team": "T1", "channel": "C0HELP", "private": random.random() < 0.15, "thread_ts": f"1.{number}"}
        ticket = add(
            Ticket,
            **place,
            requester=random.choice(PEOPLE),
            agent="access",
            state="handed_off" if outcome == "handoff" else "resolved" if solved else "open",
            category=kind if solved else outcome if outcome in ("withdrawn", "refused") else None,
            created_at=at,
            resolved_at=at + took if solved else None,
            contradicted_at=at + took + timedelta(hours=2) if again else None,
        )
        reason = random.choice(CALLED_FOR) if outcome == "handoff" else None
        ended = {"state": "done", "outcome": outcome, "reason": reason, "category": kind if solved else None}
        turn = add(
            Turn,
            ticket_id=ticket,
            release=RELEASE,
            attempt=1,
            created_at=at,
            started_at=at + timedelta(seconds=0.4),
            finished_at=at + took,
            **ended,
        )
        self.said(ticket, turn, kind, at, took, outcome)
        if outcome in ("reply", "handoff"):
            self.play(ticket, turn, kind, at, took)
        if outcome == "handoff":
            self.hand_over(ticket, at + took, str(reason))
        if outcome == "reply" and random.random() < 0.3:
            add(Feedback, turn_id=turn, user="U0MAYA", good=random.random() < 0.86, at=at + took)

    def said(self, ticket: int, turn: int, kind: str, at: datetime, took: timedelta, outcome: str) -> None:
        """Keep the words of the requester and the answer."""
        row = self.history.rows[Ticket][ticket - 1]
        event = {"event_id": f"Ev{ticket}", "ts": f"1.{ticket}", "team": "T1", "channel": "C0HELP", "state": "accepted"}
        self.history.add(
            InboxEvent,
            **event,
            kind="message",
            user=row["requester"],
            text=ASKED[kind],
            ticket_id=ticket,
            turn_id=turn,
            received_at=at,
        )
        if outcome in ("reply", "handoff"):
            body = {"text": "Your account is open again." if outcome == "reply" else "A person will help you."}
            to = {"lane": f"ticket:{ticket}", "channel": "C0HELP", "body": body, "key": f"reply:turn:{turn}"}
            self.history.add(
                Message,
                **to,
                kind="reply" if outcome == "reply" else "notice",
                ticket_id=ticket,
                turn_id=turn,
                state="posted",
                posted_at=at + took,
                created_at=at + took,
            )

    def play(self, ticket: int, turn: int, kind: str, at: datetime, took: timedelta) -> None:
        """Let the agent call its model and tools."""
        clock, seq, tools = at + timedelta(seconds=0.5), 0, PLAYED[kind]
        for tool in tools:
            asked, answered = clock, clock + took * 0.2
            prompt = {"model": "claude-1", "messages": [{"role": "user", "content": ASKED[kind]}], "release": RELEASE}
            block = {"type": "tool_use", "id": f"t{seq}", "name": tool, "input": {}}
            completion = {"content": [block], "stop_reason": "tool_use", "usage": {}}
            cost = self.random.randrange(2_000_000, 9_000_000)
            model = {"kind": "model", "name": "claude-1", "request": prompt, "response": completion, "cost_nusd": cost}
            tokens = {"input_tokens": 2_310, "output_tokens": 84}
            self.step(turn, seq, (asked, answered), status="ok", **model, **tokens)
            self.history.spend(asked, ticket_id=ticket, turn_id=turn, agent="access")
            self.history.rows[LedgerRow][-1].update(state="settled", cost_nusd=cost)
            status = self.random.choices(("ok", "refused", "failed"), (0.96, 0.025, 0.015))[0]
            arguments, result = {"arguments": {}, "decision": "Allowed"}, {"content": {"status": "active"}, "ok": True}
            called = {"kind": "tool", "name": tool, "request": arguments, "response": result, "cost_nusd": 0}
            clock, seq = answered + took * 0.05, seq + 2
            self.step(turn, seq - 1, (answered, clock), status=status, **called, input_tokens=0, output_tokens=0)

    def step(self, turn: int, seq: int, times: tuple[datetime, datetime], **call: Any) -> None:
        """Write one call down."""
        began, ended = times
        self.history.add(Step, turn_id=turn, seq=seq, attempt=1, started_at=began, finished_at=ended, **call)

    def hand_over(self, ticket: int, at: datetime, reason: str) -> None:
        """Open a handoff, and let most be claimed and resolved."""
        random = self.random
        claimed = at + timedelta(minutes=random.expovariate(1 / 14))
        closed = claimed + timedelta(minutes=5 + random.expovariate(1 / 40))
        done = closed < self.at and random.random() < 0.94
        state = "resolved" if done else "open"
        values = {"waiting_since": at, "opened_at": at, "open_since": at, "closed_at": closed if done else None}
        answer = {"first_response_at": claimed + timedelta(minutes=1) if done else None}
        handoff = self.history.add(
            Handoff,
            ticket_id=ticket,
            state=state,
            reason=reason,
            summary="",
            queue_channel="C0QUEUE",
            **values,
            **answer,
        )
        moves = [("opened", at, "agent:access")]
        moves += [("claimed", claimed, "U0PRIYA"), ("resolved", closed, "U0PRIYA")] if done else []
        for move, when, who in moves:
            self.history.add(HandoffMove, handoff_id=handoff, move=move, actor=who, at=when)
        if done:
            self.history.rows[Ticket][ticket - 1].update(state="resolved", resolved_at=closed)


def live(database: Database, at: datetime) -> Month:
    """Write a month down that ends at a time, with its release, its evaluation and its drift checks."""
    month = Month(at)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(DAYS - 1, -1, -1):
        month.day(midnight - timedelta(days=back))
    month.history.write(database)
    with database.write() as session:
        releases.register(session, agent="access", fingerprint=RELEASE, body={})
        run = eval_runs.start_run(session, release=RELEASE, suite="s1", repeats=1, cases=122, started_by="U0OLIVIA")
        for number in range(122):
            kept = {"slice": "locked" if number % 3 else "injection", "hard": number % 3 == 0, "passed": number != 40}
            eval_runs.add_result(session, run, case_id=f"case-{number}", repeat=0, duration_ms=900, **kept)
        eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=Verdict.PASS)
        heartbeats.give(session, "clock", who="clock-1")
        drift_checks.replace(session, "access", RELEASE, [_reading(stream, window, at) for stream in DriftStream
                                                          for window in (100, 300)])  # fmt: skip
        _sample(session, month)
    return month


def _sample(session: Session, month: Month) -> None:
    """Sample the turns of the month by the rule, and score all but the newest; one handoff in nine fails."""
    weeks: dict[WeekKey, list[dict[str, Any]]] = defaultdict(list)
    for turn in month.history.rows[Turn]:
        if turn["outcome"] in ("reply", "handoff"):
            weeks[WeekKey("access", RELEASE, draw.week_of(turn["finished_at"]))].append(turn)
    for key, turns in weeks.items():
        samples.count_turns(session, key, len(turns))
        rest = sorted((one for one in turns if one["outcome"] == "reply"), key=lambda one: draw.number(one["id"]))
        drawn = rest[: draw.drawn([draw.number(one["id"]) for one in rest])]
        for turn in [*drawn, *(one for one in turns if one["outcome"] == "handoff")]:
            number, why = turn["id"], SampledFor.DRAWN if turn["outcome"] == "reply" else SampledFor.HANDOFF
            new = NewSample(key, number, turn["ticket_id"], turn["finished_at"], why, draw.number(number))
            samples.keep(session, [new])
    for sample in samples.unscored(session, ended_before=month.at - timedelta(hours=2), limit=1_000):
        failed = sample.kept_for is SampledFor.HANDOFF and sample.turn_id % 9 == 0
        samples.score(session, [sample.id], [FAILED] if failed else [], to_judge=False)


def _reading(stream: DriftStream, window: int, at: datetime) -> DriftReading:
    drifted = stream is DriftStream.OUTCOME and window == 300
    moved = (Shift("handoff", 0.18, 0.31 if drifted else 0.2), Shift("reply", 0.8, 0.66 if drifted else 0.78))
    return DriftReading(
        stream=stream,
        window=window,
        reference_release=RELEASE,
        reference=500,
        p_value=0.00004 if drifted else 0.41,
        effect=0.19 if drifted else 0.04,
        detectable=0.16 if window == 100 else 0.1,
        drifted=drifted,
        moved=moved,
        at=at - timedelta(minutes=3),
    )
