"""App Homes: who has opened theirs, whether it is stale, and what it shows.

A home whose mark differs from that of the tables is drawn again. One publisher has it at a time, until `due_at`; a
publisher that took longer only marks the home as stale.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TypedReturnsRows

from bot.store import db
from bot.store.schema import (
    AccountWrite,
    AuditRow,
    Handoff,
    Home,
    InboxEvent,
    InboxKind,
    InboxState,
    Message,
    MessageKind,
    MessageState,
    Ticket,
    Turn,
    TurnOutcome,
    WriteState,
    now,
)
from bot.store.sql import prebuilt

OPEN_HOURS = 24
"Hours after its opening for which a home is kept current."
MOST_STALE = 50
"The most homes that one look publishes; the others follow in the next."
NEWEST = 200
"The mark of a table is computed from this many of its newest rows."
MOST_ACTIVE = 1_000
"The most handoffs that are counted; a home shows far fewer."
LATEST = 10
"The number of their own tickets that a person is shown."
LINK = "send_password_reset"
"The tool after which the requester has to act."
WORDS = 300
"The number of characters of a request that are read."
_FREE = select(Home.user).where(Home.opened_at > bindparam("since"), Home.due_at <= bindparam("at"))
_STALE = _FREE.where(Home.mark != bindparam("latest")).order_by(Home.due_at).limit(MOST_STALE)


@dataclass(frozen=True, slots=True)
class Taken:
    """A home that one publisher has taken."""

    user: str
    mark: str
    shown: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Active:
    """The part of an open or claimed handoff that decides who is shown it."""

    id: int
    holder: str | None
    agent: str


@dataclass(frozen=True, slots=True)
class Carded:
    """A handoff, its ticket and its card."""

    handoff: Handoff
    ticket: Ticket
    card_ts: str | None
    "Timestamp of its card in the queue channel; None: it is in another channel, or not posted yet."
    card_owed: bool
    "The card is not posted yet."


@dataclass(frozen=True, slots=True)
class HomeTicket:
    """A ticket of a requester."""

    ticket: Ticket
    handoff: Handoff | None
    "The newest."
    withdrawn_at: datetime | None
    "When its last message was deleted before it was answered; None: it was not."
    answered_at: datetime | None
    "When the agent answered its last message; None: it did not, or is still at it."
    linked: bool
    "A reset link was sent, and its requester has to use it."
    words: str | None
    "The text of its first message."


def opened(session: Session, user: str, team: str, *, blank: bool) -> None:
    """Note that somebody has opened their home; `blank` means that Slack shows nothing there."""
    at = now()
    if db.insert_new(session, Home, user=user, team=team, opened_at=at, mark="", shown="", due_at=at) is None:
        anew = {"shown": ""} if blank else {}
        session.execute(update(Home).where(Home.user == user).values(team=team, opened_at=at, mark="", **anew))


def mark(session: Session) -> str:
    """Return the mark of the tables: it differs after every change that a home may show.

    Every move has an audit row, every request an event. Ids are assigned before commit, so the highest id would miss
    a transaction that commits late; the newest rows change with it. A request that is deleted before its answer
    changes only its event, an answer without a tool only its turn.
    """
    return _joined(prebuilt.rows(session, _mark()).one())


def stale(session: Session) -> Sequence[str]:
    """Return the people whose homes may be stale and are free to be published, the longest waiting first."""
    at = now()
    since = at - timedelta(hours=OPEN_HOURS)
    latest = prebuilt.rows(session, _mark_if_free(), since=since, at=at).one_or_none()
    if latest is None:
        return ()
    return prebuilt.rows(session, _STALE, since=since, latest=_joined(latest), at=at).scalars().all()


def _joined(row: Sequence[Any]) -> str:
    return ":".join(str(value or 0) for value in row)


def take(session: Session, user: str, *, seconds: float) -> Taken | None:
    """Take a home for `seconds`; return None if another publisher has it or has just had it."""
    at = now()
    until = at + timedelta(seconds=seconds)
    row = session.execute(
        update(Home).where(Home.user == user, Home.due_at <= at).values(due_at=until).returning(Home.mark, Home.shown)
    ).one_or_none()
    return None if row is None else Taken(user, row.mark, row.shown, until)


def shown(session: Session, taken: Taken, *, mark: str, digest: str, pause: float) -> None:
    """Store what a home shows and free it.

    Args:
        session: the open write transaction.
        taken: the home.
        mark: the mark of the tables before it was drawn; empty: draw it again soon.
        digest: hash of what it shows.
        pause: seconds until it may be published again.
    """
    # If it was opened again meanwhile, its mark and hash were emptied and stay so.
    values = {
        "mark": case((Home.mark == taken.mark, mark), else_=Home.mark),
        "shown": case((Home.shown == taken.shown, digest), else_=Home.shown),
        "due_at": now() + timedelta(seconds=pause),
    }
    kept = session.execute(
        update(Home).where(Home.user == taken.user, Home.due_at == taken.until).values(values).returning(Home.user)
    ).scalar_one_or_none()
    if kept is None:  # another publisher has taken it, and it is unknown whose view Slack got last
        session.execute(update(Home).where(Home.user == taken.user).values(mark="", shown=""))


def put_off(session: Session, users: Collection[str], *, seconds: float) -> None:
    """Postpone homes by `seconds`: Slack does not take them now."""
    until = now() + timedelta(seconds=seconds)
    session.execute(update(Home).where(Home.user.in_(users), Home.due_at < until).values(due_at=until))


def close(session: Session, user: str) -> None:
    """Delete a home, so that it is not published until it is opened again."""
    session.execute(delete(Home).where(Home.user == user))


def active(session: Session) -> list[Active]:
    """Return the handoffs that are open or claimed, the longest waiting first."""
    query = select(Handoff.id, Handoff.claimed_by, Ticket.agent).join(Ticket, Ticket.id == Handoff.ticket_id)
    found = session.execute(query.where(_is_active()).order_by(Handoff.waiting_since, Handoff.id).limit(MOST_ACTIVE))
    return [Active(*row) for row in found]


def carded(session: Session, handoff_ids: Collection[int]) -> dict[int, Carded]:
    """Return handoffs with their tickets and cards, by id."""
    query = (
        select(Handoff, Ticket, Message.channel, Message.ts, Message.state)
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .outerjoin(Message, and_(Message.handoff_id == Handoff.id, Message.kind == MessageKind.CARD))
        .where(Handoff.id.in_(handoff_ids))
    )
    return {
        handoff.id: Carded(
            handoff,
            ticket,
            card_ts=ts if channel == handoff.queue_channel else None,
            card_owed=state in (MessageState.STORED, MessageState.SENDING),
        )
        for handoff, ticket, channel, ts, state in session.execute(query)
    }


def asked(session: Session, user: str) -> list[HomeTicket]:
    """Return a requester's latest tickets, the newest first."""
    query = select(Ticket).where(Ticket.requester == user).order_by(Ticket.id.desc())
    mine = session.scalars(query.limit(LATEST)).all()
    ids = [ticket.id for ticket in mine]
    handed = select(Handoff).where(Handoff.ticket_id.in_(ids)).order_by(Handoff.id)
    turns = select(Turn).where(Turn.ticket_id.in_(ids)).order_by(Turn.id)
    sent = select(AccountWrite.ticket_id).where(
        AccountWrite.ticket_id.in_(ids), AccountWrite.tool == LINK, AccountWrite.state == WriteState.DONE
    )
    texts = select(InboxEvent.ticket_id, func.substr(InboxEvent.text, 1, WORDS).label("words")).where(
        InboxEvent.ticket_id.in_(ids), InboxEvent.kind == InboxKind.MESSAGE, InboxEvent.state != InboxState.WITHDRAWN
    )
    # If a ticket has several, the last one in the query wins.
    newest = {handoff.ticket_id: handoff for handoff in session.scalars(handed)}
    last = {turn.ticket_id: turn for turn in session.scalars(turns)}
    linked = set(session.scalars(sent))
    first = {row.ticket_id: row.words for row in session.execute(texts.order_by(InboxEvent.id.desc()))}
    return [
        HomeTicket(
            ticket=one,
            handoff=newest.get(one.id),
            withdrawn_at=_ended(last.get(one.id), TurnOutcome.WITHDRAWN),
            answered_at=_ended(last.get(one.id), TurnOutcome.REPLY),
            linked=one.id in linked and one.category is not None,
            words=first.get(one.id),
        )
        for one in mine
    ]


def _ended(turn: Turn | None, outcome: TurnOutcome) -> datetime | None:
    """Return when a turn ended, if it ended with this outcome."""
    return turn.finished_at if turn is not None and turn.outcome == outcome else None


@cache
def _mark_if_free() -> TypedReturnsRows[*tuple[Any, ...]]:
    """Return the same statement, which has no row when no home is free: then the tables are not read for nothing."""
    return _mark().where(_FREE.exists())


@cache
def _mark() -> Select[*tuple[Any, ...]]:
    """Return the statement whose only row is the mark of the tables."""
    taken_back = case((InboxEvent.state == InboxState.WITHDRAWN, 1), else_=0).label("taken_back")
    records = select(AuditRow.seq.label("id")).order_by(AuditRow.seq.desc()).limit(NEWEST).subquery()
    events = select(InboxEvent.id, taken_back).order_by(InboxEvent.id.desc()).limit(NEWEST).subquery()
    audited = select(func.count().label("a"), func.min(records.c.id).label("b"), func.max(records.c.id).label("c"))
    heard = select(
        func.count().label("a"),
        func.min(events.c.id).label("b"),
        func.max(events.c.id).label("c"),
        func.sum(events.c.taken_back).label("d"),
    )
    under_way = select(func.count().label("a"), func.sum(Turn.id).label("b")).where(_is_under_way())
    one, two, three = audited.subquery(), heard.subquery(), under_way.subquery()
    return select(one, two, three).join_from(one, two, true()).join(three, true())


def _is_under_way() -> ColumnElement[bool]:
    """Return the condition of the partial index, literally, as below."""
    return Turn.state != literal_column("'done'")


def _is_active() -> ColumnElement[bool]:
    """Return the condition of the partial index, literally: with bound values it would not be used."""
    return Handoff.state.in_([literal_column("'open'"), literal_column("'claimed'")])
