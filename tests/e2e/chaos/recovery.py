"""How soon what a kill interrupted is made good."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select

from bot.durations import SENDING_LEASE
from bot.store.db import Database
from bot.store.schema import Handoff, Message, Turn
from tests.e2e.chaos.processes import Child

ANSWERS = ("reply", "notice", "card")
"What a requester or a responder waits for."
SAYING_SECONDS = 2.0
"What was taken to be said for longer is nobody's any more: its sender would have shown that it lives."


@dataclass
class Recovery:
    """The turns that kills found unfinished; one that hits a turn again starts its time anew."""

    database: Database
    _hit: dict[int, float] = field(default_factory=dict)
    "When the last kill hit each, in Unix seconds."

    def hit(self, child: Child) -> None:
        """Note which turns a dead or frozen process leaves.

        A worker leaves those it had, and those that it may have had: they wait, or their lease is over and they were
        queued again, or someone has just begun to say what came of them. A clock leaves those same ones, which it
        would have queued.

        Raises:
            Transient: the database is away.
        """
        if child.part == "web":
            return
        at, said_since = time.time(), datetime.now(UTC) + timedelta(seconds=SENDING_LEASE - SAYING_SECONDS)
        unsaid = select(Message.ticket_id).where(Message.state.in_(("stored", "sending")))
        overdue = (Turn.state == "running") & (Turn.lease_until < datetime.now(UTC))
        being_said = (
            select(func.coalesce(Message.turn_id, Handoff.turn_id))
            .outerjoin(Handoff, Handoff.id == Message.handoff_id)
            .where(Message.state == "sending", Message.due_at > said_since, Message.kind.in_(ANSWERS))
        )
        had = Turn.lease_owner.like(f"%:{child.pid}%") & or_(Turn.state == "running", Turn.ticket_id.in_(unsaid))
        with self.database.read() as session:
            query = select(Turn.id).where(or_(Turn.state == "waiting", overdue, had, Turn.id.in_(being_said)))
            self._hit.update(dict.fromkeys(session.scalars(query), at))

    def times(self) -> list[tuple[float, int]]:
        """Return how long each turn took from the last kill that hit it to its answer in Slack, in seconds."""
        said = select(Message.turn_id, Handoff.turn_id, Message.posted_at).outerjoin(
            Handoff, Handoff.id == Message.handoff_id
        )
        query = said.where(
            or_(Message.turn_id.in_(self._hit), Handoff.turn_id.in_(self._hit)),
            Message.kind.in_(ANSWERS),
        )
        answered: dict[int, float] = {}
        with self.database.read() as session:
            for own, through, posted_at in session.execute(query):
                turn, at = int(own or through or 0), 0.0 if posted_at is None else posted_at.timestamp()
                answered[turn] = max(answered.get(turn, 0.0), at)
        return [(answered[turn] - at, turn) for turn, at in self._hit.items() if turn in answered]
