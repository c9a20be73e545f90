"""What is said to the followers of a surge, with each move that it is said of: linked, left, gone on with.

Invariant: every message has a key of the surge and the ticket, so that each follower is told once at the start and once
at the end.
"""

from typing import assert_never

import structlog

from bot.agent.card import Agent
from bot.agent.linked import Linked, LinkKind
from bot.casework import surge_words
from bot.slack import sentences
from bot.slack.handoffs import linked_threads
from bot.slack.requesters import surge_messages
from bot.slack.sentences import Language, spoken_by
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import FollowerState, Surge, SurgeEnd, Ticket, TicketState
from bot.store.tickets import followers, shares, surges, tickets

log = structlog.get_logger()


def tell_linked(session: Session, ticket: Ticket, linked: Linked) -> None:
    """Tell a follower, in the transaction that links them: once that they wait, and once more if they write again."""
    language = spoken_by(session, ticket.requester)
    surge = surges.find(session, linked.surge_id)
    if surge is None:
        raise ValueError(f"there is no surge {linked.surge_id}")
    match linked.kind:
        case LinkKind.JOINED:
            body = surge_messages.linked(surge.cause, ticket.id, language)
        case LinkKind.AGAIN:
            body = surge_messages.again(language)
        case LinkKind.SOLVED:
            body = surge_messages.solved(language)
        case _:
            assert_never(linked.kind)
    linked_threads.in_thread(session, ticket, key=f"surge:{surge.id}:{linked.kind}:ticket:{ticket.id}", body=body)
    log.info("surge.joined", surge=surge.id, ticket=ticket.id, kind=linked.kind)


def heard(session: Session, agent: Agent, ticket_id: int, text: str) -> None:
    """Note that a requester says in a message that theirs is different, while a surge of the agent is under way."""
    if not surge_words.says_different(text):
        return
    ticket = tickets.lock(session, ticket_id)
    for surge in surges.under_way(session, agent.card.name):
        waits = ticket.surge_id == surge.id and ticket.following is FollowerState.WAITING
        if waits or (ticket.surge_id != surge.id and ticket.state is TicketState.OPEN):
            _left(session, ticket, surge, ask=False)
            return


def different(session: Session, agent: Agent, ticket_id: int) -> tuple[bool, int | None]:
    """Give the agent a ticket whose requester pressed "mine is different".

    Args:
        session: a write transaction that has locked the requester (`bot.store.tickets.shares`).
        agent: the agent.
        ticket_id: the ticket.

    Returns:
        Whether it waited for a surge, and the turn to queue, if any.
    """
    ticket = tickets.lock(session, ticket_id)
    surge = None if ticket.surge_id is None else surges.find(session, ticket.surge_id)
    if surge is None or ticket.following is not FollowerState.WAITING or ticket.state is not TicketState.OPEN:
        return False, None
    _left(session, ticket, surge, ask=True)
    return True, followers.resume(session, ticket, at_once=agent.card.per_person.turns)


def go_on(session: Session, agent: Agent, ticket_id: int, surge: Surge) -> int | None:
    """Tell one follower of a surge that is over, and let the agent go on; return the turn to queue, if any."""
    ticket = tickets.read(session, ticket_id)
    shares.lock(session, ticket.team, ticket.requester)
    gone_on = followers.go_on(session, ticket_id, surge.id, at_once=agent.card.per_person.turns)
    if gone_on is None:
        return None
    if gone_on.tells:
        language = spoken_by(session, ticket.requester)
        _without_button(session, ticket, surge, language)
        body = surge_messages.over(_over_by(surge), language)
        linked_threads.in_thread(session, ticket, key=f"surge:{surge.id}:ended:ticket:{ticket.id}", body=body)
    return gone_on.turn_id


def show_over(session: Session, surge: Surge) -> None:
    """Change the notice in the help channel: the surge is over. Without anybody who waited it is taken back."""
    if surge.over_by is SurgeEnd.NOBODY:
        messages.take_back(session, surge_messages.notice_key(surge.id))
        return
    language = sentences.language_of(surge.language)
    messages.revise(session, surge_messages.notice_key(surge.id), surge_messages.notice_over(_over_by(surge), language))


def _over_by(surge: Surge) -> SurgeEnd:
    return surge.over_by or SurgeEnd.PEOPLE


def _left(session: Session, ticket: Ticket, surge: Surge, *, ask: bool) -> None:
    followers.leave(session, ticket, why="different", surge_id=surge.id)
    _without_button(session, ticket, surge, spoken_by(session, ticket.requester), looks=ask)
    log.info("surge.left", surge=surge.id, ticket=ticket.id)


def _without_button(session: Session, ticket: Ticket, surge: Surge, language: Language, *, looks: bool = False) -> None:
    """Remove the button from what the follower was told, because it no longer does anything."""
    key = f"surge:{surge.id}:{LinkKind.JOINED}:ticket:{ticket.id}"
    messages.revise(session, key, surge_messages.linked(surge.cause, None, language, looks=looks))
