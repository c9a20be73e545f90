"""Moves of a handoff, each with all that is said of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.slack.handoffs import handoff_messages
from bot.store.db import Database, Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.schema import Handoff, HandoffContext
from bot.store.tickets import tickets
from tests.support import factories
from tests.support.factories import FIRST, open_for_people


def open_and_tell(
    database: Database,
    text: str = "I cannot sign in",
    *,
    opens_at: datetime | None = None,
    footers: Sequence[str] = (),
    **more: object,
) -> Handoff:
    """Hand a ticket off and tell everybody."""
    factories.new_turn(database, replace(FIRST, text=text, **more))  # type: ignore[arg-type]  # fields of a message
    with database.write() as session:
        ticket_id = tickets.lock(session, 1).id
        handoff = open_for_people(
            session,
            ticket_id,
            context=HandoffContext(
                tried=(("look_up_my_account", "status: locked"),), account="locked", cost_nusd=1_500_000
            ),
            actor="agent:access@1",
        )
        tell_everybody(session, handoff, opens_at=opens_at, footers=footers)
    return handoff


def tell_everybody(
    session: Session, handoff: Handoff, *, opens_at: datetime | None = None, footers: Sequence[str] = ()
) -> None:
    """Tell everybody of a handoff that was opened."""
    ticket = tickets.lock(session, handoff.ticket_id)
    handoff_messages.opened(session, handoff, ticket, expected_minutes=15, opens_at=opens_at, footers=footers)


def claim_and_tell(database: Database, handoff: Handoff, user: str = "U0PRIYA") -> Moved:
    """Let a responder claim it, and tell everybody."""
    with database.write() as session:
        moved = handoffs.claim(session, handoff.id, user, lease_minutes=30)
        assert isinstance(moved, Moved)
        handoff_messages.claimed(session, moved, user)
    return moved
