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
    ScalarSelect,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
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
from bot.store.sql.dialects import SecondsBetween, UtcDate

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
    first = case((c.written_at < c.posted_at, c.written_at), else_=func.coalesce(c.posted_at, c.written_at))
    return select(
        *c,
        end.label("end"),
        and_(c.day_old, or_(c.touched, ~c.fresh)).label("settled"),
        SecondsBetween(c.created_at, first).label("to_answer"),
        _nusd(c.agent, c.claimed_seconds, cohort.rates).label("human_nusd"),
        and_(c.claimed_seconds > 0, c.agent.not_in(tuple(cohort.rates))).label("unpriced"),
    ).subquery()


def _flags(cohort: Cohort) -> FromClause:
    """Return what each condition says of each request.

    What belongs to a ticket is looked up by an index, ticket by ticket, so that the time to read depends on the
    requests of the cohort and not on all that was ever stored. OFFSET keeps SQLite from looking it up again wherever a
    column is used.
    """
    of, day_ago = _within(cohort), cohort.at - DAY
    confirmed, contradicted, touched = Ticket.resolved_at.is_not(None), _contradicted(), _touched()
    is_request = func.coalesce(Ticket.category, "").not_in(tuple(NoRequest))
    resolved = and_(confirmed, ~contradicted, Ticket.state != TicketState.HANDED_OFF, is_request)
    lasts = and_(confirmed, ~contradicted)
    # No handoff is older than its ticket.
    held = claims.by_ticket(and_(of, Handoff.opened_at >= cohort.since), at=cohort.at)
    query = select(
        Ticket.id.label("ticket_id"),
        Ticket.created_at.label("created_at"),
        UtcDate(Ticket.created_at).label("day"),
        Ticket.agent.label("agent"),
        touched.label("touched"),
        confirmed.label("confirmed"),
        contradicted.label("contradicted"),
        (Ticket.created_at <= day_ago).label("day_old"),
        and_(lasts, or_(Ticket.resolved_at > day_ago, _written_again())).label("fresh"),
        resolved.label("resolved"),
        case((resolved, SecondsBetween(Ticket.created_at, Ticket.resolved_at))).label("to_resolution"),
        _posted_at().label("posted_at"),
        _written_at().label("written_at"),
        func.coalesce(_spent(), 0).label("ai_nusd"),
        func.coalesce(held.c.claimed_seconds, 0.0).label("claimed_seconds"),
    )
    query = query.outerjoin(held, held.c.ticket_id == Ticket.id)
    return query.where(of, or_(touched, is_request)).offset(0).subquery()


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


def _nusd(agent: ColumnElement[str], seconds: ColumnElement[Any], rates: Mapping[str, int]) -> ColumnElement[Any]:
    """Return what the time of people costs, rounded for each ticket; 0 where there is no rate."""
    if not rates:
        return literal(0, BigInteger())
    rate = case(*((agent == name, rate / HOUR) for name, rate in rates.items()), else_=0.0)
    return cast(func.round(seconds * rate), BigInteger())


def _posted_at() -> ScalarSelect[Any]:
    """Return when the first answer of the agent, or of a person through the bot, was posted to the ticket."""
    answers = Message.kind.in_((MessageKind.REPLY, MessageKind.HUMAN_REPLY))
    return select(func.min(Message.posted_at)).where(Message.ticket_id == Ticket.id, answers).scalar_subquery()


def _written_at() -> ScalarSelect[Any]:
    """Return when a responder first wrote in the thread of the ticket's requester."""
    answers = InboxEvent.kind == InboxKind.ANSWER
    return select(func.min(InboxEvent.received_at)).where(InboxEvent.ticket_id == Ticket.id, answers).scalar_subquery()


def _spent() -> ScalarSelect[Any]:
    """Return what the model calls of the ticket have cost."""
    cost = select(func.sum(LedgerRow.cost_nusd))
    return cost.where(LedgerRow.ticket_id == Ticket.id, LedgerRow.purpose == Purpose.TURN).scalar_subquery()
