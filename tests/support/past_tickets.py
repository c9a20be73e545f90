"""Tickets of the past, written as rows: each with its first turn and that turn's steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from bot.store.db import Database
from bot.store.schema import Release, Step, Ticket, Turn

LOOKED_UP, UNLOCKED = "look_up_my_account", "unlock_my_account"
PAST_BEGINS = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass
class PastTickets:
    """Tickets that are being written down, one every minute."""

    database: Database
    agent: str = "access"
    model: str = "stand-in-1"
    at: datetime = PAST_BEGINS
    "When the last one ended."
    every: timedelta = timedelta(minutes=1)
    last: int = 0
    "The number of the last ticket, which is that of its turn too."
    _rows: dict[type, list[dict[str, Any]]] = field(default_factory=lambda: {Ticket: [], Turn: [], Step: []})

    def release(self, name: str, *, at: datetime = PAST_BEGINS) -> str:
        """Register a release."""
        with self.database.write() as session:
            session.add(Release(fingerprint=name, agent=self.agent, body={}, created_at=at))
        return name

    def add(
        self,
        release: str | None,
        *,
        outcome: str = "reply",
        tools: Sequence[str] = (LOOKED_UP, UNLOCKED),
        seconds: float = 5.0,
        tokens: int = 40,
        ends_with: str | None = None,
        answered_by: str | None = None,
        of: int | None = None,
        **turn: Any,
    ) -> int:
        """Add a ticket with its first turn, or a later turn of the ticket `of`; return the turn's number.

        A tool is its name, with what distinguishes its arguments after a space; the call that `ends_with` names ends
        the turn and is not made.
        """
        self.last, self.at = self.last + 1, self.at + self.every
        place = {"team": "T1", "channel": "C0HELP", "thread_ts": f"1.{self.last}", "private": False}
        ticket = {"id": self.last, "requester": "U0MAYA", "agent": self.agent, "state": "resolved"}
        accepted = self.at - timedelta(seconds=seconds)
        if of is None:
            self._rows[Ticket].append(ticket | place | {"created_at": accepted})
        done = {"id": self.last, "ticket_id": of or self.last, "state": "done", "outcome": outcome, "release": release}
        times = {"created_at": accepted, "started_at": accepted, "finished_at": self.at}
        self._rows[Turn].append({"attempt": 1, "failures": 0, "reason": None} | done | times | turn)
        for number, tool in enumerate((*tools, ends_with)):
            name, _, arguments = (tool or "").partition(" ")
            used = [{"type": "tool_use", "id": "1", "name": name, "input": {"of": arguments}}] if tool else []
            said = {"content": used, "usage": {"model": answered_by or self.model}}
            self._step("model", self.model, said, output_tokens=tokens if number == 0 else 0)
            if number < len(tools):
                self._step("tool", name, {"content": {}, "ok": True})
        return self.last

    def write(self) -> None:
        """Write down what was added."""
        with self.database.write() as session:
            for table, rows in self._rows.items():
                if rows:
                    session.execute(insert(table), rows)
                rows.clear()

    def _step(self, kind: str, name: str, response: Any, *, output_tokens: int = 0) -> None:
        steps = self._rows[Step]
        seq = steps[-1]["seq"] + 1 if steps and steps[-1]["turn_id"] == self.last else 0
        of = {"turn_id": self.last, "seq": seq, "attempt": 1, "kind": kind, "name": name, "status": "ok"}
        said = {"request": {}, "response": response, "output_tokens": output_tokens}
        steps.append(of | said | {"started_at": self.at, "finished_at": self.at})
