"""The words of tickets that are long at rest go, some tickets at a time.

A batch is one transaction: the words, the mark on the tickets and the record in the audit log, so a process that dies
has erased a batch or has not begun it. The record holds no words, only how many rows there were and a hash over them:
of whoever has a copy it shows whether it is one. Invariants: a ticket with anything under way is not touched, and
nothing that is counted is changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Select, and_, exists, func, or_, select, text, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.outbox import messages
from bot.store.personal import rewriting_rows
from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import Kept
from bot.store.releases import case_proposals
from bot.store.schema import (
    Approval,
    ApprovalState,
    CaseProposal,
    FollowerState,
    Handoff,
    HandoffState,
    InboxEvent,
    Message,
    ProposalState,
    RetentionMark,
    Ticket,
    TicketState,
    Turn,
    TurnState,
)

AT_MOST: Final = 20
"Tickets of one batch: few enough that no turn waits for their rows."
CLOCK: Final = "clock"
IN_SLACK: Final = "in Slack"
"The name of the mark that says which ticket was looked for in Slack last."
_ACTIVE = (ApprovalState.PROVING, ApprovalState.ASKED, ApprovalState.APPROVED)


@dataclass(frozen=True, slots=True)
class RowsErased:
    """What went from one table."""

    rows: int
    root: str
    "SHA-256 over the keys of the rows, each with the SHA-256 of the words that it had."


@dataclass(frozen=True, slots=True)
class BatchErased:
    """What one batch has erased."""

    tickets: tuple[int, ...]
    tables: Mapping[str, RowsErased]
    "The tables with rows that had words."


def erase_batch(
    session: Session, days: Mapping[str, int], at: datetime, *, at_most: int = AT_MOST
) -> BatchErased | None:
    """Erase the words of the tickets that are longest at rest; None: there is none.

    Tickets that another transaction has locked are left for the next batch.

    Args:
        session: the open write transaction.
        days: for how many days each agent's tickets keep their words after the last one, by the agent's name; those
            of other agents keep them for the longest of these.
        at: now.
        at_most: the most tickets.
    """
    due = _due(days, at).order_by(Ticket.created_at, Ticket.id).limit(at_most)
    tickets = tuple(session.scalars(due.with_for_update(of=Ticket, skip_locked=True)))
    return erase_words(session, tickets, at, rule="days of the card") if tickets else None


def any_due(session: Session, days: Mapping[str, int], at: datetime) -> bool:
    """Return whether `erase_batch` would find a ticket."""
    return session.scalar(_due(days, at).limit(1)) is not None


def erase_words(session: Session, tickets: Sequence[int], at: datetime, *, rule: str) -> BatchErased:
    """Erase the words of tickets, and record that in the audit log.

    Args:
        session: the open write transaction, which has locked the tickets.
        tickets: their ids.
        at: now.
        rule: why they go, for the audit log.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))  # else the words stay in the file where they were
    for proposal in session.scalars(_undecided(tickets)):
        case_proposals.decide(session, proposal.id, proposal.revision, by=CLOCK, state=ProposalState.DISMISSED)
    session.flush()
    tables = {}
    for name, data in TABLES.items():
        columns = rewriting_rows.words_of(name)
        if data.kept is Kept.CARD and data.of and columns:
            rows = rewriting_rows.read(session, name, rewriting_rows.of_tickets(name, data, tickets), columns)
            erased = rewriting_rows.change(session, name, rows, partial(rewriting_rows.without_words, name))
            if erased:
                tables[name] = RowsErased(len(erased), rewriting_rows.root(name, [row for row, _ in erased]))
    batch = BatchErased(tuple(tickets), tables)
    oldest, newest = session.execute(
        select(func.min(Ticket.created_at), func.max(Ticket.created_at)).where(Ticket.id.in_(tickets))
    ).one()
    session.execute(update(Ticket).where(Ticket.id.in_(tickets)).values(words_erased_at=at))
    if tables:
        audit.append(
            session,
            "retention.erased",
            actor=CLOCK,
            rule=rule,
            tickets=list(tickets),
            opened=[oldest.isoformat(), newest.isoformat()],
            tables={name: asdict(rows) for name, rows in tables.items()},
        )
    return batch


def next_to_look_for(session: Session, before: datetime) -> Ticket | None:
    """Return the ticket whose messages are to be looked for in Slack; None: there is none.

    Tickets at rest since a time that have words come one after the other by their ids, and then from the first again.
    """
    done = session.scalar(select(RetentionMark.row_id).where(RetentionMark.name == IN_SLACK)) or 0
    waiting = (Ticket.words_erased_at.is_(None), Ticket.created_at < before, *_at_rest(before))
    mine = select(Ticket).where(*waiting).order_by(Ticket.id).limit(1)
    return session.scalars(mine.where(Ticket.id > done)).one_or_none() or session.scalars(mine).one_or_none()


def looked_for(session: Session, ticket_id: int, before: datetime, *, gone: bool, at: datetime) -> bool:
    """Note that a ticket was looked for in Slack; if it is gone and still at rest, erase its words and return True."""
    db.upsert(session, RetentionMark, name=IN_SLACK, row_id=ticket_id)
    if not gone:
        return False
    mine = select(Ticket.id).where(Ticket.id == ticket_id, Ticket.words_erased_at.is_(None), *_at_rest(before))
    found = session.scalars(mine.with_for_update(of=Ticket)).one_or_none()
    if found is not None:
        erase_words(session, (found,), at, rule="gone from Slack")
    return found is not None


def _due(days: Mapping[str, int], at: datetime) -> Select[int]:
    """Return the query of the tickets at rest for long enough whose words are still there."""
    spans = [(Ticket.agent == agent, timedelta(days=kept)) for agent, kept in days.items()]
    spans.append((Ticket.agent.not_in(days), timedelta(days=max(days.values()))))  # no card answers for them any longer
    due = [and_(theirs, Ticket.created_at < at - span, *_at_rest(at - span)) for theirs, span in spans]
    return select(Ticket.id).where(Ticket.words_erased_at.is_(None), or_(*due))


def _at_rest(since: datetime) -> tuple[Any, ...]:
    """Return what is true of a ticket in which nothing is under way and nobody has written since a time."""
    mine = {table: table.ticket_id == Ticket.id for table in (Turn, Handoff, Approval, InboxEvent, Message)}
    active = (HandoffState.OPEN, HandoffState.CLAIMED)
    return (
        Ticket.state != TicketState.HANDED_OFF,
        or_(Ticket.following.is_(None), Ticket.following != FollowerState.WAITING),
        ~exists().where(mine[Turn], Turn.state != TurnState.DONE),
        ~exists().where(mine[Handoff], Handoff.state.in_(active)),
        ~exists().where(mine[Approval], Approval.state.in_(_ACTIVE)),
        ~exists().where(mine[InboxEvent], InboxEvent.received_at >= since),
        ~exists().where(mine[Message], or_(Message.created_at >= since, messages.OWED)),
    )


def _undecided(tickets: Sequence[int]) -> Select[CaseProposal]:
    mine = (CaseProposal.ticket_id.in_(tickets), CaseProposal.state == ProposalState.PROPOSED)
    return select(CaseProposal).where(*mine).order_by(CaseProposal.id)
