"""One trial: people ask all the time, a worker host is cut off in the middle of its turns, and comes back.

The cable is pulled at the worst moment that can be caught: the host has turns in hand, and one of its
connections is inside a transaction that has written. What came of it is read from outside: from the database
and from the workspace, once everything is quiet and the host that was away takes turns again.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import func, select

from bot.sandbox.demo.scenes.stage import QUEUE, Stage, Thread
from bot.store.db import Session
from bot.store.schema import AuditRow, DirectoryWrite, Handoff, LedgerRow, Message, Ticket, Turn, TurnOutcome
from tests.e2e.hosts.premises import WORKERS, Premises, hosts_account_of

CUT_OFF, STAYS = WORKERS
_LOCKED, PERSON = "I'm locked out of my account.", "Can I talk to a real person, please?"
EVERY = 5
"One request in so many asks for a person, the others for their account."
TRIES = 20
"How often the cable is pulled for a moment, until that catches a transaction."
_QUIET_SECONDS, MONEY_SECONDS, BACK_SECONDS = 60.0, 180.0, 120.0
CATCH_SECONDS, PAUSE_SECONDS = 1.0, 0.05
WRITING = """SELECT count(*) FROM pg_stat_activity
WHERE client_addr = %s::inet AND backend_xid IS NOT NULL AND state LIKE 'idle in transaction%%'"""
"Transactions that have written and wait for a client who cannot be heard."


@dataclass(frozen=True, slots=True)
class HostsOrder:
    """How the trial goes."""

    before: int
    "Requests that are under way when the cable is pulled."
    a_second: float
    "Requests a second while the host is away and until it is back at work."
    away_seconds: float
    made_good_seconds: float
    "Longest time that a request may lose by the cut."


@dataclass(slots=True)
class HostsTrial:
    """What has happened so far."""

    premises: Premises
    stage: Stage
    say: Callable[[str], None]
    asked: list[tuple[Thread, str]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    cut_at: datetime = field(init=False)
    joined_at: datetime = field(init=False)
    in_hand: tuple[int, ...] = ()
    "Turns of the host when it was cut off."
    transactions: int = 0
    "Its transactions that were open then, with locks."
    released: float | None = None
    "Seconds until the database had ended them."

    def ask(self, count: int = 1) -> None:
        """Let so many people who have not asked yet ask in their direct messages, while there are any."""
        for user in self.people[:count]:
            said = PERSON if len(self.asked) % EVERY == EVERY - 1 else _LOCKED
            self.asked.append((self.stage.ask(user, said, private=True), said))
        del self.people[:count]


def play_cut_off(premises: Premises, order: HostsOrder, say: Callable[[str], None]) -> dict[str, Any]:
    """Cut a worker host off and join it again under load; return what came of it.

    `made_good_s` is of every request that was under way at the cut, whoever had it: seconds from the cut to the
    answer. The other times are from a request to its answer.
    """
    stage = Stage(premises.running_demo, lambda _line: None)
    trial = HostsTrial(premises, stage, say, people=list(premises.requesters))
    trial.ask(order.before)
    _cut(trial, max(1, order.before // 4))
    say(f"{CUT_OFF} is cut off with {len(trial.in_hand)} turns in hand, {trial.transactions} in a transaction")
    _while_away(trial, order)
    premises.network.join(CUT_OFF)
    trial.joined_at = datetime.now(UTC)
    say(f"{CUT_OFF} is back")
    back = _until_at_work(trial, order)
    say(f"{CUT_OFF} took a turn again {back} s after it was back; waiting for quiet")
    stage.wait("everything to be said", lambda: stage.read(_quiet), seconds=_QUIET_SECONDS)
    quiet = _since(trial.joined_at)
    stage.wait("all money to be settled", lambda: not stage.read(_open_money), seconds=MONEY_SECONDS)
    after = {"back_at_work_s": back, "quiet_s": round(quiet, 1), "money_settled_s": round(_since(trial.joined_at), 1)}
    return {**_judged(trial, order), **after}


def _cut(trial: HostsTrial, wanted: int) -> None:
    """Pull the cable while the host has turns in hand and a transaction open; if that cannot be caught, only turns."""
    network, stage = trial.premises.network, trial.stage
    with psycopg.connect(trial.premises.database_url, autocommit=True) as database:
        for last in (*[False] * TRIES, True):
            stage.wait(f"{CUT_OFF} to have turns in hand", lambda: len(stage.read(_in_hand)) >= wanted)
            deadline = time.monotonic() + CATCH_SECONDS
            while not _writing(trial, database) and time.monotonic() < deadline:
                pass  # a transaction lasts for milliseconds
            network.cut(CUT_OFF)
            trial.cut_at = datetime.now(UTC)
            time.sleep(PAUSE_SECONDS)  # what was on its way has arrived
            trial.in_hand, trial.transactions = tuple(stage.read(_in_hand)), _writing(trial, database)
            if trial.in_hand and (trial.transactions or last):
                return
            network.join(CUT_OFF)
            time.sleep(PAUSE_SECONDS)


def _while_away(trial: HostsTrial, order: HostsOrder) -> None:
    """Let people go on asking until the host has been away long enough, and see when its locks are gone."""
    with psycopg.connect(trial.premises.database_url, autocommit=True) as database:
        asked = 0
        while (away := _since(trial.cut_at)) < order.away_seconds:
            if asked < away * order.a_second:
                trial.ask()
                asked += 1
            if trial.transactions and trial.released is None and not _writing(trial, database):
                trial.released = away
            time.sleep(PAUSE_SECONDS)


def _until_at_work(trial: HostsTrial, order: HostsOrder) -> float | None:
    """Let people go on asking until the host has taken a new turn; return after how many seconds, None if never."""
    while (passed := _since(trial.joined_at)) < BACK_SECONDS and trial.people:
        if first := trial.stage.read(lambda session: _first_after(session, trial.joined_at)):
            return round(_seconds(trial.joined_at, first), 1)
        trial.ask()
        time.sleep(max(0.0, 1 / order.a_second - (_since(trial.joined_at) - passed)))
    return None


def _judged(trial: HostsTrial, order: HostsOrder) -> dict[str, Any]:
    """Return what came of it, and whether nobody was harmed and everybody answered in time."""
    harm, times = _harm(trial), _times(trial)
    slowest = times["made_good_s"]["max"]
    answered = Counter(turn.outcome for thread, _ in trial.asked for turn in trial.stage.history(thread).turns)
    return {
        "requests": len(trial.asked),
        "replies": answered[TurnOutcome.REPLY],
        "handoffs": answered[TurnOutcome.HANDOFF],
        "handed_off_for": trial.stage.read(_reasons),
        **harm,
        "in_hand_at_cut": len(trial.in_hand),
        "transactions_at_cut": trial.transactions,
        "transactions_ended_s": trial.released and round(trial.released, 1),
        **times,
        "target_s": order.made_good_seconds,
        "met": not any(harm.values()) and slowest is not None and slowest <= order.made_good_seconds,
    }


def _harm(trial: HostsTrial) -> dict[str, int]:
    """Count what must not be: requests without one answer, accounts without their one change, acts without an end."""
    stage, harm = trial.stage, Counter(lost=0, doubled=0, wrong_turns=0, wrong_writes=0, wrong_cards=0)
    cards, writes = stage.read(_cards), stage.read(_writes)
    for thread, said in trial.asked:
        story, answers = stage.history(thread), len(stage.replies(thread))
        harm["lost"] += answers == 0
        harm["doubled"] += answers > 1
        harm["wrong_turns"] += len(story.turns) != 1
        harm["wrong_writes"] += writes.pop(hosts_account_of(thread.user), 0) != (said == _LOCKED)
        harm["wrong_cards"] += cards[story.ticket.id] != (said == PERSON)
    harm["wrong_writes"] += writes.total()  # accounts of nobody who asked
    harm["audit_gaps"] = stage.read(_audit_gaps)
    return dict(harm)


def _times(trial: HostsTrial) -> dict[str, Any]:
    """Return how long everything took, in seconds."""
    cut, joined, waits = trial.cut_at, trial.joined_at, trial.stage.read(_waits)
    return {
        "away_s": round((joined - cut).total_seconds(), 1),
        "made_good_s": _span([_seconds(cut, said) for asked, said in waits if asked < cut < said]),
        "asked_while_away_s": _span([_seconds(asked, said) for asked, said in waits if cut <= asked < joined]),
        "asked_afterwards_s": _span([_seconds(asked, said) for asked, said in waits if joined <= asked]),
    }


def _seconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds()


def _span(seconds: Sequence[float]) -> dict[str, Any]:
    if not seconds:
        return {"count": 0, "p50": None, "max": None}
    return {"count": len(seconds), "p50": round(statistics.median(seconds), 1), "max": round(max(seconds), 1)}


def _since(moment: datetime) -> float:
    return _seconds(moment, datetime.now(UTC))


def _writing(trial: HostsTrial, database: psycopg.Connection) -> int:
    address = trial.premises.network.addresses[CUT_OFF]
    row = database.execute(WRITING, [address]).fetchone()
    return 0 if row is None else int(row[0])


def _in_hand(session: Session) -> list[int]:
    """Return the turns that the host works at."""
    query = select(Turn.id).where(Turn.state == "running", Turn.lease_owner.startswith(f"{CUT_OFF}:"))
    return list(session.scalars(query))


def _first_after(session: Session, moment: datetime) -> datetime | None:
    """Return when the host began its first turn after a moment."""
    query = select(func.min(Turn.started_at))
    return session.scalars(
        query.where(Turn.lease_owner.startswith(f"{CUT_OFF}:"), Turn.started_at > moment)
    ).one_or_none()


def _quiet(session: Session) -> bool:
    """Tell whether every turn has ended and everything is said."""
    turns = select(func.count()).select_from(Turn).where(Turn.state != "done")
    unsaid = select(func.count()).select_from(Message).where(Message.state.in_(("stored", "sending")))
    return not session.scalars(turns).one() and not session.scalars(unsaid).one()


def _open_money(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(LedgerRow).where(LedgerRow.state == "sent")).one()


def _waits(session: Session) -> list[tuple[datetime, datetime]]:
    """Return of each request when it was heard and when its answer was said."""
    query = select(Ticket.created_at, Message.posted_at).join(Message, Message.ticket_id == Ticket.id)
    answers = session.execute(query.where(Message.kind.in_(("reply", "notice"))))
    return [(asked, said) for asked, said in answers if said is not None]


def _writes(session: Session) -> Counter[str]:
    """Count the changes of each account in the directory."""
    return Counter(session.scalars(select(DirectoryWrite.account_id)))


def _reasons(session: Session) -> dict[str, int]:
    """Count the handoffs by their reason: one that nobody asked for says why something else was tried."""
    return dict(Counter(str(reason) for reason in session.scalars(select(Handoff.reason))))


def _cards(session: Session) -> Counter[int]:
    """Count the cards that stand in the queue channel, by ticket."""
    query = select(Ticket.id).join(Handoff, Handoff.ticket_id == Ticket.id).join(Message)
    return Counter(
        session.scalars(query.where(Message.kind == "card", Message.channel == QUEUE, Message.state == "posted"))
    )


def _audit_gaps(session: Session) -> int:
    """Count the intents of tools that have no outcome."""
    closed = select(AuditRow.intent_id).where(AuditRow.intent_id.is_not(None))
    query = select(func.count()).select_from(AuditRow).where(AuditRow.event == "tool.intended")
    return session.scalars(query.where(AuditRow.seq.not_in(closed))).one()
