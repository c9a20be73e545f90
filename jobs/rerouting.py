"""Where a message goes if Slack will never take it in its own place, and who is told if it reaches nobody.

A message for the queue channel goes to the holder of the handoff, else to an owner, else to a responder, until Slack
reaches one of them; the card of an approval goes to an approver. A message for the requester's thread, or for one
person only, becomes a direct message that says why. If an answer of the agent cannot reach its requester, the ticket is
handed off; if a responder's words cannot, the responders are told, so that they do not believe it was read. A message
that Slack rejects because of its content is not sent elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import structlog

from bot import rights
from bot.agent import card
from bot.agent.card import Agent
from bot.casework import handoffs as casework
from bot.principals import Reason
from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.api import queue_channels
from bot.slack.approvals import approval_messages
from bot.slack.handoffs import linked_threads, queue_notes, removed_cards
from bot.slack.outbox import outbox
from bot.slack.outbox.posting import ROOT_GONE, UNSAYABLE
from bot.slack.sentences import Language, say, spoken_by
from bot.store.handoffs import handoffs, shown
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import TO_REQUESTER, Handoff, HandoffContext, HandoffState, MessageKind, Ticket
from bot.store.tickets import tickets, turns
from jobs.process import WorkerContext

log = structlog.get_logger()

Place = tuple[str, dict[str, Any]]
"Another channel, and the body of the message there."
EDIT_REJECTED = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"Slack rejected an edit of this message; the channel itself still works."
CHANNEL_CLOSED = frozenset({"is_archived", "is_inactive", "not_in_channel", "channel_not_found"})
"Slack takes none of our messages in the channel."
UNREAD = "The agent has answered, but Slack could deliver its answer neither in the thread nor as a direct message."
ALONE = frozenset({"only_you", "response"})
"Kinds of message that only one person sees."


@dataclass(frozen=True, slots=True)
class _About:
    """The ticket and handoff that a message is about."""

    handoff: Handoff | None
    ticket: Ticket
    agent: Agent | None
    "None: its folder is gone and it has no heir."


def of(ctx: WorkerContext) -> outbox.Elsewhere:
    """Return what finds another place for a message."""
    return lambda delivery, code: None if delivery.body.get("deleted") else _found(ctx, delivery, code)


def _found(ctx: WorkerContext, delivery: Delivery, code: str) -> Place | None:
    if delivery.kind in ALONE:
        return _to_one_person(ctx, delivery, code)
    about = _about(ctx, delivery)
    if about is None:
        return None
    if delivery.kind in linked_threads.QUEUE_SIDE:
        return None if about.handoff is None else _to_a_person(ctx, delivery, about.handoff, about.agent, code)
    if delivery.kind is MessageKind.APPROVAL:
        return _to_an_approver(ctx, delivery, about, code)
    if delivery.kind in TO_REQUESTER:
        place = _to_requester(ctx, delivery, about.ticket, code)
        if place is None:
            _to_people(ctx, delivery, about, code)
        return place
    return None


def _about(ctx: WorkerContext, delivery: Delivery) -> _About | None:
    if delivery.ticket_id is None:
        return None
    with ctx.database.read() as session:
        ticket = tickets.find(session, delivery.ticket_id)
        found = None if delivery.handoff_id is None else handoffs.find(session, delivery.handoff_id)
    return None if ticket is None else _About(found and found[0], ticket, card.answering(ctx.agents, ticket.agent))


def _to_one_person(ctx: WorkerContext, delivery: Delivery, code: str) -> Place | None:
    """Send a message for one person only as a direct message."""
    if delivery.user is None or code in UNSAYABLE:
        return None
    return delivery.user, _headed(delivery, say("where.here_instead", _spoken(ctx, delivery.user)))


def _to_a_person(
    ctx: WorkerContext, delivery: Delivery, handoff: Handoff, agent: Agent | None, code: str
) -> Place | None:
    """Send a message for the queue channel to the holder, an owner or a responder, or again if it was deleted."""
    if code in UNSAYABLE:
        return None  # Slack would reject it there too
    holder = (
        handoff.claimed_by if handoff.state is HandoffState.CLAIMED and delivery.kind is not MessageKind.CARD else None
    )
    in_turn = ([holder] if holder else []) + ([*agent.card.owners, *rights.people(agent)] if agent else [])
    if delivery.channel != handoff.queue_channel:
        return _to_the_next(delivery, list(dict.fromkeys(in_turn)))
    if code == ROOT_GONE:
        with ctx.database.write() as session:
            removed_cards.below_again(session, handoff.id, delivery)
        return None
    if code in EDIT_REJECTED:
        with ctx.database.write() as session:
            removed_cards.say_again(
                session, handoff.id, delivery.id, str(delivery.ts), stands=code != "message_not_found"
            )
        return None
    if delivery.kind is MessageKind.CARD:
        with ctx.database.write() as session:
            shown.fell_back(session, handoff.id)
    note = f":warning: I could not post this in <#{delivery.channel}> ({code}), so it comes to you."
    return (in_turn[0], _headed(delivery, note)) if in_turn else None


def _to_an_approver(ctx: WorkerContext, delivery: Delivery, about: _About, code: str) -> Place | None:
    """Send the card of an approval to one who may decide, or again if it was deleted or may not be changed."""
    if code in EDIT_REJECTED and delivery.ts is not None:
        stands = code != "message_not_found"
        with ctx.database.write() as session:
            approval_messages.say_card_again(session, about.ticket.id, delivery.key, delivery.ts, stands=stands)
        return None
    if about.agent is None or code in UNSAYABLE or delivery.ts is not None:
        return None
    people = about.agent.card.handoff
    in_turn = [user for user in people.approvers if user != about.ticket.requester]
    if delivery.channel != people.queue_channel:
        return _to_the_next(delivery, in_turn)
    note = f":warning: I could not post this in <#{delivery.channel}> ({code}), so it comes to you."
    return (in_turn[0], _headed(delivery, note)) if in_turn else None


def _to_the_next(delivery: Delivery, in_turn: Sequence[str]) -> Place | None:
    """Send a message that did not reach one person to the next one."""
    following = dict(pairwise(in_turn)).get(delivery.channel)
    return None if following is None or delivery.ts is not None else (following, delivery.body)


def _to_requester(ctx: WorkerContext, delivery: Delivery, ticket: Ticket, code: str) -> Place | None:
    """Send a message for the requester's thread as a direct message, unless they have already read it."""
    read = delivery.kind is MessageKind.NOTICE and delivery.ts is not None
    if delivery.channel != ticket.channel or ticket.private or read or code in EDIT_REJECTED | UNSAYABLE:
        return None
    key = "where.about_closed" if code in CHANNEL_CLOSED else "where.about"
    note = say(key, _spoken(ctx, ticket.requester), channel=f"<#{delivery.channel}>")
    return ticket.requester, _headed(delivery, note)


def _spoken(ctx: WorkerContext, user: str) -> Language:
    with ctx.database.read() as session:
        return spoken_by(session, user)


def _to_people(ctx: WorkerContext, delivery: Delivery, about: _About, code: str) -> None:
    """Tell people of a message that cannot reach its requester; a notice only says what people do anyway."""
    if delivery.kind is MessageKind.HUMAN_REPLY and about.handoff is not None:
        missed = queue_notes.not_delivered(about.ticket.requester, code)
        with ctx.database.write() as session:
            key = f"undelivered:{delivery.key}"
            linked_threads.below(session, about.handoff, key=key, kind=MessageKind.MOVE, bodies=[missed])
    elif delivery.kind is MessageKind.REPLY and delivery.ts is None and about.agent is not None:
        _hand_off(ctx, about.ticket, about.agent, code)


def _hand_off(ctx: WorkerContext, ticket: Ticket, agent: Agent, code: str) -> None:
    """Hand off a ticket whose answer cannot reach its requester, unless people have it already."""
    link = slack.permalink(ctx.slack, ticket.channel, ticket.thread_ts)
    hides = ticket.private and queue_channels.of(ctx.slack).withholds(agent, ctx.agents)
    with ctx.database.write() as session:
        locked = tickets.lock(session, ticket.id)
        if handoffs.active(session, ticket.id) is not None:
            return
        turns.stop(session, ticket.id)
        why, actor = f"{UNREAD} Slack says {code}.", f"agent:{agent.card.name}"
        casework.open_for(
            session,
            locked,
            agent,
            reason=Reason.ERROR,
            summary=why,
            actor=actor,
            known=HandoffContext(link=link, withheld=hides),
        )
    log.error("reply.undelivered", ticket=ticket.id, error=code)


def _headed(delivery: Delivery, note: str) -> dict[str, Any]:
    where = ("response_url", "response_type", "replace_original")
    body = {name: one for name, one in delivery.body.items() if name not in where}
    return {**body, "text": f"{note}\n{body['text']}", "blocks": [mrkdwn.section(note), *body.get("blocks", [])]}
