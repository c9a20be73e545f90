"""A random history of requests, as the dashboard's figures are worked out from: the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert

from bot.store.db import Database
from bot.store.schema import (
    Base,
    Feedback,
    Handoff,
    HandoffMove,
    LedgerRow,
    Release,
    Step,
    Ticket,
    Turn,
    VerdictRow,
)

SPRING_FORWARD = datetime(2026, 3, 26, tzinfo=UTC)
"Three days before the clocks of Europe change: a week from here has a day of 23 hours there."
TOOLS = ("look_up_my_account", "unlock_my_account", "hand_off")
REASONS = ("requested", "budget", "out_of_policy")


@dataclass
class DashboardHistory:
    """Rows of every table that the figures read, to be written at once."""

    random: Random
    since: datetime
    days: int
    agents: Sequence[str] = ("access", "vpn", "gone")
    rows: dict[type[Base], list[dict[str, Any]]] = field(
        default_factory=lambda: {
            table: [] for table in (Ticket, Turn, Step, Handoff, HandoffMove, Feedback, LedgerRow, Release, VerdictRow)
        }
    )

    def moment(self) -> datetime:
        """Return a time within the days, often at the very bound of one."""
        day = self.since + timedelta(days=self.random.randrange(self.days))
        edges = (timedelta(0), timedelta(hours=24, microseconds=-1000), timedelta(hours=1, minutes=59, seconds=59))
        if self.random.random() < 0.2:
            return day + self.random.choice(edges)
        return day + timedelta(milliseconds=self.random.randrange(86_400_000))

    def add(self, table: type[Base], **values: Any) -> int:
        """Add a row and return its number."""
        number = len(self.rows[table]) + 1
        own = {} if table in (LedgerRow, Release, VerdictRow) else {"id": number}
        self.rows[table].append(own | values)
        return number

    def ticket(self, at: datetime) -> int:
        """Open a ticket of any agent."""
        number = len(self.rows[Ticket]) + 1
        place = {"team": "T1", "channel": "C0HELP", "thread_ts": f"1.{number}", "private": False}
        agent = self.random.choice(self.agents)
        return self.add(Ticket, **place, requester="U0MAYA", agent=agent, state="open", created_at=at)

    def turn(self) -> None:
        """Let a turn be opened and, most often, end; with its calls and thumbs."""
        opened, random = self.moment(), self.random
        ticket = self.ticket(opened - timedelta(hours=random.choice((0, 0, 30))))
        took = timedelta(milliseconds=int(10 ** random.uniform(0, 7)))
        done = {"state": "done", "finished_at": opened + took} if random.random() < 0.9 else {"state": "waiting"}
        outcome = (
            random.choice(("reply", "reply", "handoff", "refused", "withdrawn", "linked")) if len(done) > 1 else None
        )
        category = random.choice((None, "locked", "two words")) if outcome == "reply" else None
        values = {"outcome": outcome, "category": category, "finished_at": None, "created_at": opened}
        turn = self.add(Turn, ticket_id=ticket, release="access@1", **(values | done))
        for seq in range(random.randrange(6)):
            self.call(ticket, turn, seq, opened)
        if random.random() < 0.4:
            for user in ("U0MAYA", "U0LENA")[: random.randrange(1, 3)]:
                self.add(Feedback, turn_id=turn, user=user, good=random.random() < 0.7, at=self.moment())
        if random.random() < 0.4:
            self.handoff(ticket, opened)

    def call(self, ticket: int, turn: int, seq: int, at: datetime) -> None:
        """Let a model or a tool be called in a turn."""
        tool = self.random.random() < 0.5
        name = self.random.choice(TOOLS) if tool else "stand-in-1"
        status = self.random.choice(("ok", "ok", "refused", "failed", "unseen", "started"))
        values = {"kind": "tool" if tool else "model", "name": name, "status": status, "request": {"intent": 1}}
        self.add(Step, turn_id=turn, seq=seq, attempt=1, started_at=at, **values)
        if not tool:
            self.spend(at, ticket_id=ticket, turn_id=turn, agent=self.rows[Ticket][ticket - 1]["agent"])

    def spend(self, at: datetime, **of: Any) -> None:
        """Let a model call leave; its outcome may be unknown yet."""
        random, number = self.random, len(self.rows[LedgerRow])
        place = {"team": "T1", "channel": "C0HELP", "user": "U0MAYA", "release": "access@1", "step": 0}
        price = {"model": "stand-in-1", "price_version": "1", "accounts": [], "reserved_nusd": 9_000_000}
        tokens = {
            name: random.randrange(2_000)
            for name in (
                *("input_tokens", "cache_read_tokens", "output_tokens"),
                *("cache_write_5m_tokens", "cache_write_1h_tokens"),
            )
        }
        state = random.choice(("settled", "settled", "charged"))
        values = {"rid": f"r{number}", "state": state, "cost_nusd": random.randrange(9_000_000), "purpose": "turn"}
        links = {"ticket_id": None, "turn_id": None}
        self.add(LedgerRow, at=at, lease_until=at, **place, **price, **tokens, **(values | links | of))

    def handoff(self, ticket: int, at: datetime) -> None:
        """Open a handoff, and let some of its moves be made."""
        random = self.random
        times = [at]
        for _ in range(4):
            times.append(times[-1] + timedelta(milliseconds=random.randrange(1, 40_000_000)))
        wait, opened, claimed, answered, closed = times
        state = random.choice(("open", "claimed", "returned", "resolved", "resolved", "cancelled"))
        ended = state in ("returned", "resolved", "cancelled")
        values = {
            "state": state,
            "reason": random.choice(REASONS),
            "waiting_since": wait,
            "opened_at": opened,
            "open_since": opened,
            "first_response_at": answered if state != "open" and random.random() < 0.7 else None,
            "closed_at": closed if ended else None,
        }
        number = self.add(Handoff, ticket_id=ticket, summary="", queue_channel="C0QUEUE", **values)
        moves = [("opened", opened)]
        moves += [("claimed", claimed), ("renewed", answered)] if state != "open" else []
        moves += [(state, closed)] if ended else []
        for move, when in moves:
            self.add(HandoffMove, handoff_id=number, move=move, actor="U0PRIYA", at=when)
        if random.random() < 0.2 and state != "open":
            self.add(HandoffMove, handoff_id=number, move="claimed", actor="U0LENA", at=closed)

    def write(self, database: Database) -> None:
        """Write every row down."""
        with database.write() as session:
            for table, rows in self.rows.items():
                if rows:
                    session.execute(insert(table), rows)


def dashboard_history(seed: int, *, turns: int = 200, days: int = 7) -> DashboardHistory:
    """Return a random history of a week, with evaluations and a release of each agent."""
    history = DashboardHistory(Random(seed), SPRING_FORWARD, days)
    for _ in range(turns):
        history.turn()
    for _ in range(turns // 10):
        history.spend(history.moment(), purpose="eval", agent="access")
    for number, agent in enumerate(history.agents):
        history.add(Release, fingerprint=f"{agent}@1", agent=agent, body={}, created_at=history.since)
        if number:
            said = {"suite": "s1", "verdict": "pass", "run_id": number, "why": []}
            history.add(VerdictRow, release=f"{agent}@1", at=history.since, **said)
    return history
