"""What names one person: their ids, their tickets, and what is under way for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from bot.store.outbox import messages
from bot.store.personal.stored_values import Naming
from bot.store.schema import (
    AccountRow,
    Approval,
    ApprovalState,
    BudgetReview,
    FollowerState,
    Handoff,
    HandoffState,
    InboxEvent,
    MemberRow,
    Message,
    ReviewState,
    Ticket,
    TicketState,
    Turn,
    TurnState,
    now,
)
from bot.store.tickets import threads

_ACTIVE = (ApprovalState.PROVING, ApprovalState.ASKED, ApprovalState.APPROVED)


@dataclass(frozen=True)
class Whose:
    """One person, as far as rows know them."""

    user: str
    "Slack user id."
    tickets: tuple[int, ...]
    "Ids of the tickets that they opened."
    accounts: tuple[str, ...]
    "Ids of their accounts in the directory."
    naming: Naming


def gather(session: Session, user: str, also: Sequence[str] = ()) -> Whose:
    """Return what names a person.

    Args:
        session: the open transaction.
        user: Slack user id.
        also: their names and addresses, as far as somebody has said them.
    """
    tickets = session.execute(
        select(Ticket.id, Ticket.account).where(Ticket.requester == user).order_by(Ticket.id)
    ).all()
    bound = session.scalars(select(Approval.account_id).where(Approval.requester == user))
    own = session.scalars(select(AccountRow.id).where(AccountRow.slack_user == user))
    accounts = tuple(dict.fromkeys(one for one in (*(ticket.account for ticket in tickets), *bound, *own) if one))
    direct = (
        select(Ticket.channel).where(Ticket.requester == user, Ticket.private),
        select(InboxEvent.channel).where(InboxEvent.user == user, InboxEvent.channel.startswith("D")),
    )
    channels = tuple(dict.fromkeys(channel for query in direct for channel in session.scalars(query)))
    called = (*accounts, *_names(session, user, accounts), *also)
    return Whose(
        user, tuple(ticket.id for ticket in tickets), accounts, Naming(user, channels, tuple(dict.fromkeys(called)))
    )


def _names(session: Session, user: str, accounts: Sequence[str]) -> Iterator[str]:
    """Yield the addresses of a person, and their names of more than one word: one word names many."""
    profile = session.scalar(select(MemberRow.said).where(MemberRow.user == user))
    if profile and profile.get("email"):
        yield str(profile["email"])
    for name, email in session.execute(select(AccountRow.name, AccountRow.email).where(AccountRow.id.in_(accounts))):
        yield email
        if " " in name.strip():
            yield name


def under_way(session: Session, whose: Whose) -> list[str]:
    """Return what is still under way for a person, each with what to do about it; a claim of theirs counts too."""
    running = select(Turn.ticket_id).where(Turn.ticket_id.in_(whose.tickets), Turn.state != TurnState.DONE)
    answered = list(session.scalars(running.order_by(Turn.id)))
    found = [f"Ticket {ticket} is being answered: wait until its turn has ended." for ticket in answered]
    handed = select(Handoff.ticket_id, Handoff.claimed_by).where(
        Handoff.state.in_((HandoffState.OPEN, HandoffState.CLAIMED)),
        or_(Handoff.ticket_id.in_(whose.tickets), Handoff.claimed_by == whose.user),
    )
    for ticket, holder in session.execute(handed):
        has = "They have claimed" if holder == whose.user else "People have"
        found.append(f"{has} ticket {ticket}: resolve it, or let the agent or somebody else have it.")
    asked = select(Approval.id, Approval.ticket_id).where(Approval.requester == whose.user, Approval.state.in_(_ACTIVE))
    found += [f"Approval {one} of ticket {ticket} is not decided: decide it." for one, ticket in session.execute(asked)]
    raised = select(BudgetReview.id).where(BudgetReview.user == whose.user, BudgetReview.state == ReviewState.OPEN)
    found += [f"Budget review {one} is not decided: decide it." for one in session.scalars(raised)]
    owed = session.scalars(select(func.count()).select_from(Message).where(_messages(whose), messages.OWED)).one()
    if owed:
        what, has = ("A message", "it") if owed == 1 else (f"{owed} messages", "them")
        found.append(
            f"{what} for or about them {'is' if owed == 1 else 'are'} on the way to Slack: wait until Slack has {has}, "
            f"or, if Slack will never take {has}, add --withdraw."
        )
    return found + [
        f"Ticket {ticket} is open: resolve it, or wait until nobody has written in it for a day."
        for ticket in _still_open(session, whose)
        if ticket not in answered
    ]


def withdraw_owed(session: Session, whose: Whose) -> None:
    """Send nothing more for or about a person; one that is being sent at this moment is still on its way."""
    messages.withdraw_owed(session, _messages(whose))


def _messages(whose: Whose) -> ColumnElement[bool]:
    return or_(Message.ticket_id.in_(whose.tickets), Message.user == whose.user)


def _still_open(session: Session, whose: Whose) -> Iterator[int]:
    """Yield the tickets that the agent has and in which the next message would go on."""
    mine = select(Ticket).where(Ticket.id.in_(whose.tickets), Ticket.state == TicketState.OPEN)
    for ticket in session.scalars(mine.order_by(Ticket.id)):
        recent = threads.last_message_at(session, ticket) > now() - threads.UNRESOLVED_FOR
        if recent or ticket.following is FollowerState.WAITING:
            yield ticket.id
