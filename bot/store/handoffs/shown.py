"""What people have been shown of a handoff, noted on its row, so that it can be updated later."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from bot.store.schema import Handoff, InboxEvent, Message


def noticed(handoff: Handoff, notice: str, footers: Iterable[str] = ()) -> None:
    """Note the notice that the requester was given, and its footers."""
    handoff.context = replace(handoff.context, notice=notice, footers=tuple(footers))


def withhold(handoff: Handoff) -> None:
    """Note that the queue channel must not show what was said in private."""
    handoff.context = replace(handoff.context, withheld=True)


def proposed(handoff: Handoff, user: str) -> None:
    """Note who has proposed it as an evaluation case."""
    handoff.context = replace(handoff.context, proposed_by=user)


def transcribed(handoff: Handoff, said: Sequence[InboxEvent | Message]) -> None:
    """Note the rows of the transcript."""
    handoff.context = replace(handoff.context, transcript=tuple((type(row).__name__, row.id) for row in said))


def fell_back(session: Session, handoff_id: int) -> None:
    """Note that the card could not be posted in the queue channel, so that later versions say so too."""
    handoff = session.get_one(Handoff, handoff_id, with_for_update=True)
    handoff.context = replace(handoff.context, fell_back=True)
