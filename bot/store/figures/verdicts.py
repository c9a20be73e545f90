"""What became of each request, in SQL: one row for each, which `bot.store.figures.success` sums up.

The conditions of the success criterion are here and nowhere else; `success` says them in words.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from bot.principals import NoRequest
from bot.store.handoffs import claims
from bot.store.handoffs.handoff_metrics import Cohort
from bot.store.schema import (
    Feedback,
    Handoff,
    InboxEvent,
    InboxKind,
    InboxState,
    LedgerRow,
    Message,
    MessageKind,
    Purpose,
    Ticket,
    TicketState,
    Turn,
    TurnState,
)
from bot.store.sql_dialects import SecondsBetween, UtcDate

DAY = timedelta(hours=24)
"How long a resolution must last, and how old a request must be to be settled."
HOUR = 3_600
"Seconds."
SOLVED, TO_PEOPLE, CONTRADICTED, UNCONFIRMED = ENDS = ("solved", "to_people", "contradicted", "unconfirmed")
"What becomes of requests: the fields of `success.Requests`."


def each(cohort: Cohort) -> FromClause:
    """Return one row for each request of a cohort: its day and agent, what became of it, its times and its costs."""
    flags = _flags(cohort)
    c = flags.c
    end = case(
        (c.touched, TO_PEOPLE),
        (and_(c.confirmed, c.contradicted), CONTRADICTED),
        (c.confirmed, SOLVED),
        else_=UNCONFIRMED,
    )
    return select(*c, end.label("end"), and_(c.day_old, or_(c.touched, ~c.fresh)).label("settled")).subquery()


def _flags(cohort: Cohort) -> FromClause:
    of, day_ago = _within(cohort), cohort.at - DAY
    confirmed, contradicted, touched = Ticket.resolved_at.is_not(None), _contradicted(), _touched()
    is_request = func.coalesce(Ticket.category, "").not_in(tuple(NoRequest))
    resolved = and_(confirmed, ~contradicted, Ticket.state != TicketState.HANDED_OFF, is_request)
    lasts = and_(confirmed, ~contradicted)
    answers, spent, held = _answers(of), _spent(of), claims.by_ticket(of, at=cohort.at)
    seconds = func.coalesce(held.c.claimed_seconds, 0.0)
    query = select(
        Ticket.id.label("ticket_id"),
        UtcDate(Ticket.created_at).label("day"),
        Ticket.agent.label("agent"),
        touched.label("touched"),
        confirmed.label("confirmed"),
        contradicted.label("contradicted"),
        (Ticket.created_at <= day_ago).label("day_old"),
        and_(lasts, or_(Ticket.resolved_at > day_ago, _written_again())).label("fresh"),
        resolved.label("resolved"),
        SecondsBetween(Ticket.created_at, answers.c.at).label("to_answer"),
        case((resolved, SecondsBetween(Ticket.created_at, Ticket.resolved_at))).label("to_resolution"),
        func.coalesce(spent.c.nusd, 0).label("ai_nusd"),
        seconds.label("claimed_seconds"),
        _nusd(seconds, cohort.rates).label("human_nusd"),
        and_(seconds > 0, Ticket.agent.not_in(tuple(cohort.rates))).label("unpriced"),
    )
    for part in (answers, spent, held):
        query = query.outerjoin(part, part.c.ticket_id == Ticket.id)
    return query.where(of, or_(touched, is_request)).subquery()


def _within(cohort: Cohort) -> ColumnElement[bool]:
    of_agent = [] if cohort.named is None else [Ticket.agent.in_(cohort.named)]
    return and_(Ticket.created_at >= cohort.since, Ticket.created_at < cohort.until, *of_agent)


def _touched() -> ColumnElement[bool]:
    """Return the condition that a ticket was ever handed off, or that a responder wrote to its requester."""
    to_requester = or_(
        InboxEvent.kind == InboxKind.ANSWER,
        and_(InboxEvent.kind == InboxKind.DRAFT, InboxEvent.state == InboxState.SENT),
    )
    return or_(
        exists().where(Handoff.ticket_id == Ticket.id),
        exists().where(InboxEvent.ticket_id == Ticket.id, to_requester),
    )


def _contradicted() -> ColumnElement[bool]:
    """Return the condition that the requester contradicted the last resolution of a ticket within 24 hours."""
    wrote = and_(Ticket.contradicted_at > Ticket.resolved_at, _in_time(Ticket.contradicted_at))
    no_help = exists().where(
        Turn.ticket_id == Ticket.id,
        Feedback.turn_id == Turn.id,
        Feedback.user == Ticket.requester,
        Feedback.good.is_(False),
        Feedback.at > Ticket.resolved_at,
        _in_time(Feedback.at),
    )
    return or_(func.coalesce(wrote, False), no_help)


def _in_time(later: Any) -> ColumnElement[bool]:
    return SecondsBetween(Ticket.resolved_at, later) < DAY.total_seconds()


def _written_again() -> ColumnElement[bool]:
    """Return the condition that a requester has written after the resolution, and the turn for it is under way."""
    return exists().where(Turn.ticket_id == Ticket.id, Turn.state != TurnState.DONE)


def _nusd(seconds: ColumnElement[Any], rates: Mapping[str, int]) -> ColumnElement[Any]:
    """Return what the time of people costs, rounded for each ticket; 0 where there is no rate."""
    if not rates:
        return literal(0, BigInteger())
    rate = case(*((Ticket.agent == agent, rate / HOUR) for agent, rate in rates.items()), else_=0.0)
    return cast(func.round(seconds * rate), BigInteger())


def _answers(of: ColumnElement[bool]) -> FromClause:
    """Return when the first answer of the agent or of a person was posted, by ticket."""
    posted = select(Message.ticket_id, Message.posted_at.label("at")).where(
        Message.kind.in_((MessageKind.REPLY, MessageKind.HUMAN_REPLY)), Message.posted_at.is_not(None)
    )
    written = select(InboxEvent.ticket_id, InboxEvent.received_at.label("at")).where(
        InboxEvent.kind == InboxKind.ANSWER
    )
    both = union_all(
        posted.join(Ticket, Ticket.id == Message.ticket_id).where(of),
        written.join(Ticket, Ticket.id == InboxEvent.ticket_id).where(of),
    ).subquery()
    return select(both.c.ticket_id, func.min(both.c.at).label("at")).group_by(both.c.ticket_id).subquery()


def _spent(of: ColumnElement[bool]) -> FromClause:
    """Return what the model calls of each ticket have cost."""
    cost = func.sum(LedgerRow.cost_nusd).label("nusd")
    query = select(LedgerRow.ticket_id, cost).join(Ticket, Ticket.id == LedgerRow.ticket_id)
    return query.where(of, LedgerRow.purpose == Purpose.TURN).group_by(LedgerRow.ticket_id).subquery()
