"""What of a handoff has been shown, and to whom it is not: noted on its row, so that it can follow what it repeats."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.store.schema import Handoff, InboxEvent, Message


def noticed(handoff: Handoff, notice: str, footers: Iterable[str] = ()) -> None:
    """Note what the requester is told of it, and the lines below that."""
    handoff.context = replace(handoff.context, notice=notice, footers=tuple(footers))


def withhold(handoff: Handoff) -> None:
    """Note that the queue channel may not show what was said in private."""
    handoff.context = replace(handoff.context, withheld=True)


def transcribed(handoff: Handoff, said: Sequence[InboxEvent | Message]) -> None:
    """Note the rows that the transcript is made of."""
    handoff.context = replace(handoff.context, transcript=tuple((type(row).__name__, row.id) for row in said))
