"""One ticket's story, read from every table that has a part of it; nothing is written here.

To show or explain what happened: each turn, step, message, handoff, directory change and
nano-dollar of one thread, as of one moment.
"""

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.store.schema import DirectoryWrite, Handoff, LedgerRow, Message, Step, Ticket, Turn
from bot.store.tickets import threads


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happened to one ticket, each list in order."""

    ticket: Ticket
    turns: tuple[Turn, ...]
    steps: tuple[Step, ...]
    messages: tuple[Message, ...]
    handoffs: tuple[Handoff, ...]
    writes: tuple[DirectoryWrite, ...]
    "Changes made for its turns; of the local directory only."
    cost_nusd: int
    "Of all model calls, settled or charged."


def of_thread(session: Session, channel: str, thread_ts: str) -> Story | None:
    """Return the story of the ticket in a thread, or None when the thread is no ticket."""
    ticket = threads.ticket_at(session, channel, thread_ts)
    if ticket is None:
        return None
    turns = session.scalars(select(Turn).where(Turn.ticket_id == ticket.id).order_by(Turn.id)).all()
    keys = [DirectoryWrite.key.startswith(f"turn:{turn.id}:") for turn in turns]
    cost = select(func.coalesce(func.sum(LedgerRow.cost_nusd), 0)).where(LedgerRow.ticket_id == ticket.id)
    return Story(
        ticket=ticket,
        turns=tuple(turns),
        steps=tuple(
            session.scalars(
                select(Step).where(Step.turn_id.in_([turn.id for turn in turns])).order_by(Step.turn_id, Step.seq)
            )
        ),
        messages=tuple(session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id))),
        handoffs=tuple(session.scalars(select(Handoff).where(Handoff.ticket_id == ticket.id).order_by(Handoff.id))),
        writes=tuple(session.scalars(select(DirectoryWrite).where(or_(False, *keys)).order_by(DirectoryWrite.at))),
        cost_nusd=int(session.scalars(cost).one()),
    )
