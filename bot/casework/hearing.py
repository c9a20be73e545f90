"""Decides what a heard message becomes: a request, a message in the thread of one, an answer of people, or nothing.

Listeners call it for events, workers for messages that they read in Slack (`bot.casework.heard`).
"""

from bot import rights
from bot.admission import NotAdmitted
from bot.agent.card import Agent
from bot.agent.thanks import Tone, tone_of
from bot.casework import (
    addressing,
    answers,
    bystanders,
    choices,
    limit_notices,
    overhearing,
    queue_mentions,
    redelivery,
    rewriting,
    surge_followers,
)
from bot.casework.context import NOTHING, FollowUp, HearingContext, actor, only
from bot.casework.heard import HeardMessage
from bot.casework.pleas import PleaVerdict
from bot.casework.rewriting import EditEvent
from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.slack.handoffs import linked_threads, relay
from bot.slack.requesters import refusals
from bot.slack.sentences import say, spoken_by
from bot.store import audit
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.outbox import messages
from bot.store.schema import Ticket, TicketState, now
from bot.store.tickets import shares, threads, tickets
from bot.store.tickets.shares import ShareBounds
from bot.store.tickets.tickets import Heard


def hear(ctx: HearingContext, message: HeardMessage) -> None:
    """Store a message and queue what it needs.

    Raises:
        Transient: it could not be stored.
    """
    heard = message.heard
    if ctx.stored.has(heard.channel, heard.ts) and message.barred is None and not redelivery.brings_more(heard):
        return  # Slack has delivered it before, and an edit of it does not come here
    verdict = PleaVerdict.CALLED if message.called else overhearing.judge(ctx, heard, message.marked)
    with ctx.database.write() as session:
        follow_up = _store(ctx, session, message, verdict)
        added, has_transcript = redelivery.joined(session, heard), redelivery.brings_words(session, heard)
    if follow_up.turn_id is not None and heard.thread_ts is None:  # it is a request
        ctx.stored.add(heard.channel, heard.ts)
    if has_transcript:
        rewriting.follow(ctx, _as_edit(message), lambda: message.membership)
    ctx.deliver(added.say_in)
    if follow_up.stopped is not None:
        ctx.stop(RUN_TURN, follow_up.stopped)
        ctx.put(SHOW_STOPPED, follow_up.say_in or 0)
    if follow_up.turn_id is not None:
        ctx.put(RUN_TURN, follow_up.turn_id)
    ctx.deliver(follow_up.say_in)


def to_chosen(ctx: HearingContext, session: Session, heard: Heard, ticket: Ticket | None, agent: Agent) -> FollowUp:
    """Hear a direct message for the chosen agent; it is never added to a request of another agent."""
    return _from_requester(ctx, session, heard, ticket, agent, of=agent)


def _store(ctx: HearingContext, session: Session, message: HeardMessage, verdict: PleaVerdict) -> FollowUp:
    """Find out what a message is, and store it."""
    heard = message.heard
    mentioned = verdict is PleaVerdict.CALLED
    above = messages.by_ts(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if above is not None and above.kind in linked_threads.QUEUE_SIDE and above.handoff_id is not None:
        who = actor(session, heard.user, message.membership)
        follow_up = answers.below_card(ctx, session, heard, above.handoff_id, who)
        return queue_mentions.below_card(session, heard, follow_up) if mentioned else follow_up
    if ctx.agent_of_queue(heard.channel) is not None:  # responders talk among themselves
        return queue_mentions.in_queue_channel(ctx, session, heard) if mentioned else NOTHING
    ticket = threads.ticket_at(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if ticket is None and verdict is PleaVerdict.TALK:
        return NOTHING  # people talk among themselves
    agent = ctx.answering(ticket.agent) if ticket else ctx.agent_in(heard.channel, private=heard.private)
    barred, own = message.barred, ticket is not None and ticket.requester == heard.user
    if own and ticket is not None and ticket.state is TicketState.HANDED_OFF:
        barred = None  # they were admitted before and people have the ticket, so their message must not be lost
    if barred is not None and (own or verdict in (PleaVerdict.CALLED, PleaVerdict.ASKS)):
        return _turned_away(session, heard, barred)
    if ticket is not None:
        to = None if mentioned or heard.private else addressing.spoken_to(message.marked)
        return _in_ticket(ctx, session, ticket, message, agent, mentioned=mentioned, to=to)
    if agent is None:
        return _of_none(ctx, session, heard)
    if verdict in (PleaVerdict.UNCLEAR, PleaVerdict.RELATED) and (
        barred is not None or not overhearing.goes_on(ctx, session, heard, verdict)
    ):
        offers = verdict is PleaVerdict.UNCLEAR and barred is None
        return overhearing.offer(session, agent, heard) if offers else NOTHING
    return _from_requester(ctx, session, heard, None, agent)


def _of_none(ctx: HearingContext, session: Session, heard: Heard) -> FollowUp:
    """Hear a message for which there is not exactly one agent: several hear direct messages, or none hears here."""
    hearing = ctx.directly() if heard.private else {}
    if hearing:
        return choices.hear(ctx, session, heard, hearing, to_chosen)
    limit_notices.once(
        session, heard, f"elsewhere:{heard.channel}", queue_mentions.elsewhere(session, ctx, heard), None
    )
    return FollowUp(say_in=0)


def _in_ticket(
    ctx: HearingContext,
    session: Session,
    ticket: Ticket,
    message: HeardMessage,
    agent: Agent | None,
    *,
    mentioned: bool,
    to: str | None,
) -> FollowUp:
    """Hear a message in the thread of a ticket; `to` is the id of the person it speaks to, None for the agent."""
    heard = message.heard
    aside = to is not None and to != ticket.requester and ticket.state is not TicketState.HANDED_OFF
    if ticket.requester != heard.user:
        who = actor(session, heard.user, message.membership)
        follow_up = bystanders.hear(session, ticket, heard, agent, who, mentioned=mentioned, aside=aside)
        if follow_up is not None:
            return follow_up
    if aside and not _comes_back(ticket, heard, agent, to):
        return bystanders.overhear(session, heard, ticket)
    if agent is None:
        return only(session, heard, ticket.id, say("agent.gone", spoken_by(session, heard.user)))
    return _from_requester(ctx, session, heard, ticket, agent)


def _comes_back(ticket: Ticket, heard: Heard, agent: Agent | None, to: str | None) -> bool:
    """Return whether a requester writes more than thanks to one of the people after these resolved their request."""
    of_ours = agent is not None and to in rights.people(agent)
    return ticket.state is TicketState.RESOLVED and of_ours and tone_of(heard.text) is not Tone.THANKS


def _turned_away(session: Session, heard: Heard, barred: NotAdmitted) -> FollowUp:
    """Tell an outsider, or a person in a shared channel, once a day why they get no help.

    It is audited; their message is not stored.
    """
    is_new = refusals.tell(
        session,
        key=f"{heard.channel}:{heard.user}:{now().date()}",
        user=heard.user,
        channel=heard.channel,
        thread_ts=heard.thread_ts,
        private=heard.private,
        text=say(f"refused.{barred.why}", spoken_by(session, heard.user)),
    )
    if not is_new:
        return NOTHING
    audit.append(
        session,
        "requester.refused",
        actor="deskhand",
        subject=heard.user,
        why=barred.why,
        because=barred.because,
        to_person=False,
        in_answer_to=[heard.channel, heard.thread_ts or heard.ts],
    )
    return FollowUp(say_in=0)


def _from_requester(
    ctx: HearingContext,
    session: Session,
    heard: Heard,
    ticket: Ticket | None,
    agent: Agent,
    *,
    of: Agent | None = None,
) -> FollowUp:
    bounds = ShareBounds(**agent.card.per_person.model_dump())
    shares.lock(session, heard.team, heard.user)
    met = threads.met(session, heard.channel, heard.ts, heard.user)
    if met.itself:
        return NOTHING  # Slack has delivered it before
    # Only under the lock, so that another message of theirs cannot open a request meanwhile:
    if ticket is None and (met.unresolved or heard.private):
        ticket = overhearing.open_request(ctx, session, heard, of=of)
    excess = shares.excess(session, heard.team, heard.user, bounds, opens=ticket is None)
    if excess is not None:
        return FollowUp(say_in=limit_notices.refused(session, heard, ticket, excess, bounds))
    joins = None if ticket is None else ticket.id
    kept = answers.redacted(heard)
    accepted = tickets.accept(session, kept, agent=agent.card.name, at_once=bounds.turns, joins=joins)
    if accepted is None:
        return NOTHING  # it was stored under another id
    if accepted.bystander:  # somebody else has just made a request in this thread
        return bystanders.turned_away(session, tickets.lock(session, accepted.ticket_id), heard)
    surge_followers.heard(session, agent, accepted.ticket_id, kept.text)
    added = ticket is not None and overhearing.added(session, agent, ticket, heard)  # as it was locked and read again
    if accepted.held_back:
        ticket = tickets.lock(session, accepted.ticket_id)
        return FollowUp(say_in=limit_notices.held_back(session, heard, ticket, bounds))
    if not accepted.handed_off:
        return FollowUp(turn_id=accepted.turn_id, say_in=accepted.ticket_id if added else None)
    handoff = handoffs.active(session, accepted.ticket_id)
    if handoff is not None:
        relay.wrote(session, handoff, tickets.lock(session, accepted.ticket_id), [accepted.event])
    return FollowUp(say_in=accepted.ticket_id)


def _as_edit(message: HeardMessage) -> EditEvent:
    """Return a repeated delivery with a clip's transcript as an edit of the stored message."""
    heard = message.heard
    return EditEvent(
        event_id=heard.event_id,
        channel=heard.channel,
        ts=heard.ts,
        thread_ts=heard.thread_ts,
        text=heard.text,
        edited_at=message.edited_at,
        asks=message.called,
    )
