"""Ledgers as the tests of deviations and of digests need them: many calls of many days, written at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from bot.store.db import Database
from bot.store.schema import LedgerRow, Ticket, Turn

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, tzinfo=UTC)
USUAL = ("look_up_my_account", "unlock_my_account", None)
"The tools that the calls of one turn ask for, in order; None: it answers."
RATE = 2_000
"Nano-USD of a fresh token of the prompt; one read from the cache costs a tenth, one of output five times as much."

MONDAY_MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


def cost(prompt: int = 2_000, read: int = 1_600, output: int = 80, *, price: float = 1.0) -> int:
    """Return what a call costs: by default $0.00192."""
    return round(price * RATE * (prompt - read + read // 10 + 5 * output))


@dataclass
class LedgerFactory:
    """A ledger that is being written."""

    database: Database
    noon: datetime = NOON
    rows: dict[type, list[dict[str, Any]]] = field(default_factory=lambda: {Ticket: [], Turn: [], LedgerRow: []})

    def ask(
        self,
        days_ago: int,
        user: str = "U0MAYA",
        *,
        tickets: int = 1,
        turns: int = 1,
        tools: Sequence[str | None] = USUAL,
        at: datetime | None = None,
        **call: Any,
    ) -> int:
        """Let somebody make requests of so many turns each on a day; return the number of the last ticket."""
        when = at or self.noon - timedelta(days=days_ago)
        for _ in range(tickets):
            number = len(self.rows[Ticket]) + 1
            place = {"team": "T1", "channel": "C0HELP", "thread_ts": f"1.{number}", "private": False}
            row = {"id": number, "requester": user, "agent": "access", "state": "resolved", "created_at": when}
            self.rows[Ticket].append(row | place)
            for _ in range(turns):
                turn = len(self.rows[Turn]) + 1
                done = {"ticket_id": number, "state": "done", "outcome": "reply", "finished_at": when}
                self.rows[Turn].append({"id": turn, **done})
                for tool in tools:
                    self.call(when, user, ticket_id=number, turn_id=turn, tool=tool, **call)
        return len(self.rows[Ticket])

    def call(self, at: datetime, user: str, **of: Any) -> None:
        """Let a model be called once."""
        prompt, read, output = of.pop("prompt", 2_000), of.pop("read", 1_600), of.pop("output", 80)
        nusd = of.pop("cost_nusd", cost(prompt, read, output, price=of.pop("price", 1.0)))
        known = of.get("state", "settled") != "charged"
        tokens = {"input_tokens": prompt - read, "cache_read_tokens": read, "output_tokens": output}
        row = {
            "rid": str(len(self.rows[LedgerRow])),
            "state": "settled",
            "team": "T1",
            "channel": "C0HELP",
            "user": user,
            "agent": "access",
            "release": "access@1",
            "step": 0,
            "model": "stand-in-1",
            "price_version": "1",
            "accounts": [],
            "reserved_nusd": nusd,
            "cost_nusd": nusd,
            "at": at,
            "lease_until": at,
            "ticket_id": None,
            "turn_id": None,
            "tool": None,
            **(tokens if known else dict.fromkeys(tokens, 0)),
        }
        self.rows[LedgerRow].append(row | of)

    def write(self) -> None:
        """Write it all down."""
        with self.database.write() as session:
            for table, rows in self.rows.items():
                if rows:
                    session.execute(insert(table), rows)

    def weeks(self, *users: str, days: int = 28) -> None:
        """Let people make a request on each of the days before, one more on every third."""
        for days_ago in range(1, days + 1):
            for user in users:
                self.ask(days_ago, user, tickets=2 if days_ago % 3 == 0 else 1)
