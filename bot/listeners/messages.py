"""Messages: a request, an answer in its thread, a responder's word in the queue channel."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot import admission, rights
from bot.admission import NotAdmitted
from bot.agent.card import Agent
from bot.agent.thanks import Tone, weigh
from bot.listeners import (
    addressing,
    again,
    answers,
    asides,
    buttons,
    bystanders,
    choices,
    excesses,
    forms,
    overhearing,
    queue_edits,
    reading,
    rewriting,
    said,
    senders,
)
from bot.listeners.answers import NOTHING
from bot.listeners.context import FollowUp, ListenerContext, only
from bot.listeners.pleas import PleaVerdict
from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.rights import Actor, Membership
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

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncApp

SHOWN = ("type", "subtype", "user", "bot_id", "text", "blocks", "attachments", "ts", "thread_ts", "files")
"""Of a message that is read; in an Enterprise organisation its team may be any of its author's, whom the turn looks up
anyway."""
HEARD_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of messages."""

    @app.event("app_mention")
    async def on_mention(body: dict[str, Any], context: dict[str, Any]) -> None:
        await asyncio.to_thread(_take, ctx, body, context, mentioned=True)

    @app.event("message")
    async def on_message(body: dict[str, Any], context: dict[str, Any]) -> None:
        await asyncio.to_thread(_take, ctx, body, context, mentioned=False)


def _take(ctx: ListenerContext, body: dict[str, Any], context: dict[str, Any], *, mentioned: bool) -> None:
    bot_user = str(context["bot_user_id"])
    if forms.is_form(body["event"]):
        forms.answer(ctx, body, bot_user=bot_user, bot_id=str(context.get("bot_id")), mentioned=mentioned)
    else:
        hear(ctx, body, bot_user, mentioned=mentioned)


def hear(ctx: ListenerContext, body: dict[str, Any], bot_user: str, *, mentioned: bool) -> None:
    """Store one message event and queue what it needs.

    Raises:
        Transient: it could not be stored; Slack is answered 500 and sends it again.
    """
    event = body["event"]
    subtype = event.get("subtype")
    if subtype in ("message_changed", "message_deleted"):
        followed = _follows(ctx, body, event.get("message") or {}, bot_user)
        queue_edits.follow(ctx, body)
        event = {} if followed else overhearing.reworded(event)
        body = {**body, "event": event}
    if is_persons(ctx, event, bot_user):
        if event.get("edited") and (_follows(ctx, body, event, bot_user) or queue_edits.is_one(ctx, event)):
            return  # an edit of what was heard before; what it makes a request is heard like any other
        heard, membership = _read(ctx, body, bot_user), _membership(ctx, event, body)
        called = mentioned or said.mentions(event, bot_user)
        verdict = PleaVerdict.CALLED if called else overhearing.judge(ctx, event, heard)
        with ctx.database.write() as session:
            owed = _store(ctx, session, heard, membership, body, verdict)
            more, words = again.joined(session, heard), again.brings_words(session, heard)
        if words:
            _follows(ctx, body, event, bot_user)
        ctx.deliver(more.say_in)
        if owed.stopped is not None:
            ctx.stop(RUN_TURN, owed.stopped)
            ctx.put(SHOW_STOPPED, owed.say_in or 0)
        if owed.turn_id is not None:
            ctx.put(RUN_TURN, owed.turn_id)
        ctx.deliver(owed.say_in)


def _follows(ctx: ListenerContext, body: dict[str, Any], message: dict[str, Any], bot_user: str) -> bool:
    change = rewriting.read(ctx, body, message, bot_user)
    return change is not None and rewriting.follow(ctx, change, lambda: _membership(ctx, message, body))


def is_said(message: dict[str, Any]) -> bool:
    """Return whether a message is the words of a user other than Slackbot."""
    user = message.get("user")
    return message.get("subtype") in HEARD_SUBTYPES and bool(user) and user != admission.SLACKBOT


def is_persons(ctx: ListenerContext, message: dict[str, Any], bot_user: str) -> bool:
    """Return whether a message is a person's words: they may write through an app, which is no user of its own.

    While Slack does not say what such a user is, it counts as a person's: the turn looks up who asks in any case.
    """
    if not is_said(message) or message["user"] == bot_user:
        return False
    return not message.get("bot_id") or ctx.is_app(message["user"]) is not True


def _membership(ctx: ListenerContext, message: dict[str, Any], body: dict[str, Any]) -> Membership:
    """Look up who has said something, if they have a role; no transaction is open."""
    team = message.get("user_team") or message.get("source_team") or message.get("team") or body.get("team_id")
    return ctx.membership(message["user"], str(team or "")) if message.get("user") else Membership.UNCHECKED


def _store(
    ctx: ListenerContext,
    session: Session,
    heard: Heard,
    membership: Membership,
    body: dict[str, Any],
    verdict: PleaVerdict,
) -> FollowUp:
    """Find what a message is, and keep it."""
    mentioned = verdict is PleaVerdict.CALLED
    above = messages.by_ts(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if above is not None and above.kind in linked_threads.QUEUE_SIDE and above.handoff_id is not None:
        who = buttons.actor(session, heard.user, membership)
        owed = answers.below_card(ctx, session, heard, above.handoff_id, who)
        return asides.below_card(session, heard, owed) if mentioned else owed
    if ctx.agent_of_queue(heard.channel) is not None:  # responders talking among themselves
        return asides.in_queue_channel(ctx, session, heard) if mentioned else NOTHING
    ticket = threads.ticket_at(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if ticket is None and verdict is PleaVerdict.TALK:
        return NOTHING  # people talking among themselves
    agent = ctx.answering(ticket.agent) if ticket else ctx.agent_in(heard.channel, private=heard.private)
    barred, own = senders.elsewhere(body), ticket is not None and ticket.requester == heard.user
    if own and ticket is not None and ticket.state is TicketState.HANDED_OFF:
        barred = None  # they were let in, and people have it: what is written to these must not be lost
    if barred is not None and (own or verdict in (PleaVerdict.CALLED, PleaVerdict.ASKS)):
        return _turned_away(session, heard, barred)
    if ticket is not None:
        who = buttons.actor(session, heard.user, membership)
        to = None if mentioned or heard.private else addressing.spoken_to(body["event"].get("text") or "")
        return _in_ticket(ctx, session, ticket, heard, agent, who, mentioned=mentioned, to=to)
    if agent is None:
        return _of_none(ctx, session, heard)
    if verdict in (PleaVerdict.UNCLEAR, PleaVerdict.RELATED) and (
        barred is not None or not overhearing.goes_on(ctx, session, heard, verdict)
    ):
        offers = verdict is PleaVerdict.UNCLEAR and barred is None
        return overhearing.offer(session, agent, heard) if offers else NOTHING
    return _from_requester(ctx, session, heard, None, agent)


def _of_none(ctx: ListenerContext, session: Session, heard: Heard) -> FollowUp:
    """Hear what opens no request of one agent: several hear direct messages, or none hears what is said here."""
    hearing = ctx.directly() if heard.private else {}
    if hearing:
        return choices.hear(ctx, session, heard, hearing, to_chosen)
    excesses.once(session, heard, f"elsewhere:{heard.channel}", asides.elsewhere(session, ctx, heard), None)
    return FollowUp(say_in=0)


def _in_ticket(
    ctx: ListenerContext,
    session: Session,
    ticket: Ticket,
    heard: Heard,
    agent: Agent | None,
    who: Actor,
    *,
    mentioned: bool,
    to: str | None,
) -> FollowUp:
    """Hear a word in the thread of a ticket; `to` is the one whom it speaks to, if that is not the agent."""
    aside = to is not None and to != ticket.requester and ticket.state is not TicketState.HANDED_OFF
    if ticket.requester != heard.user:
        owed = bystanders.hear(session, ticket, heard, agent, who, mentioned=mentioned, aside=aside)
        if owed is not None:
            return owed
    if aside and not _comes_back(ticket, heard, agent, to):
        return bystanders.overhear(session, heard, ticket)
    if agent is None:
        return only(session, heard, ticket.id, say("agent.gone", spoken_by(session, heard.user)))
    return _from_requester(ctx, session, heard, ticket, agent)


def _comes_back(ticket: Ticket, heard: Heard, agent: Agent | None, to: str | None) -> bool:
    """Return whether a requester writes more than thanks to somebody of the people who had resolved their request."""
    of_ours = agent is not None and to in rights.people(agent)
    return ticket.state is TicketState.RESOLVED and of_ours and weigh(heard.text) is not Tone.THANKS


def _turned_away(session: Session, heard: Heard, barred: NotAdmitted) -> FollowUp:
    """Tell somebody of another organisation, or in a channel shared with one, why they are not helped: once a day.

    That is audited; nothing that they wrote is kept.
    """
    told = refusals.tell(
        session,
        key=f"{heard.channel}:{heard.user}:{now().date()}",
        user=heard.user,
        channel=heard.channel,
        thread_ts=heard.thread_ts,
        private=heard.private,
        text=say(f"refused.{barred.why}", spoken_by(session, heard.user)),
    )
    if not told:
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


def to_chosen(ctx: ListenerContext, session: Session, heard: Heard, ticket: Ticket | None, agent: Agent) -> FollowUp:
    """Hear a direct message as one to the agent that was chosen: no request of another one's takes it."""
    return _from_requester(ctx, session, heard, ticket, agent, of=agent)


def _from_requester(
    ctx: ListenerContext,
    session: Session,
    heard: Heard,
    ticket: Ticket | None,
    agent: Agent,
    *,
    of: Agent | None = None,
) -> FollowUp:
    bounds = ShareBounds(**agent.card.per_person.model_dump())
    shares.lock(session, heard.team, heard.user)
    if tickets.heard_at(session, heard.channel, heard.ts) is not None:
        return NOTHING  # known: Slack delivered it again
    if ticket is None:  # looked for once no other message of theirs is heard
        ticket = overhearing.open_request(ctx, session, heard, of=of)
    excess = shares.excess(session, heard.team, heard.user, bounds, opens=ticket is None)
    if excess is not None:
        return FollowUp(say_in=excesses.refused(session, heard, ticket, excess, bounds))
    joins = None if ticket is None else ticket.id
    kept = answers.redacted(heard)
    accepted = tickets.accept(session, kept, agent=agent.card.name, at_once=bounds.turns, joins=joins)
    if accepted is None:
        return NOTHING  # known under another id
    if accepted.bystander:  # somebody else was first in this thread, this very moment
        return bystanders.turned_away(session, tickets.lock(session, accepted.ticket_id), heard)
    added = joins is not None and overhearing.added(session, agent, tickets.lock(session, joins), heard)
    if accepted.held_back:
        ticket = tickets.lock(session, accepted.ticket_id)
        return FollowUp(say_in=excesses.held_back(session, heard, ticket, bounds))
    if not accepted.handed_off:
        return FollowUp(turn_id=accepted.turn_id, say_in=accepted.ticket_id if added else None)
    handoff = handoffs.active(session, accepted.ticket_id)
    if handoff is not None:
        relay.wrote(session, handoff, tickets.lock(session, accepted.ticket_id), [accepted.event])
    return FollowUp(say_in=accepted.ticket_id)


def _read(ctx: ListenerContext, body: dict[str, Any], bot_user: str) -> Heard:
    event = body["event"]
    words = said.read(event, ctx.names, bot_user=bot_user)
    return Heard(
        event_id=body["event_id"],
        team=senders.installed_in(body) or event.get("team") or "",
        channel=event["channel"],
        ts=event["ts"],
        thread_ts=event.get("thread_ts"),
        user=event["user"],
        text=words.text,
        files=words.files,
        private=event.get("channel_type") == "im" or event["channel"].startswith("D"),
        quoted=words.quoted,
        spoken=words.spoken,
    )


def read_again(ctx: ListenerContext, message: dict[str, Any], ticket: Ticket, bot_user: str) -> Heard:
    """Return what Slack shows in the thread of a ticket, as it is heard."""
    return _read(ctx, told_again(message, channel=ticket.channel, team=ticket.team), bot_user)


def told_again(message: dict[str, Any], *, channel: str, team: str) -> dict[str, Any]:
    """Return what Slack shows in a channel, as an event would tell it."""
    event = {**{name: message[name] for name in SHOWN if name in message}, "channel": channel}
    body = {"event_id": id_of_read(channel, message["ts"]), "team_id": team, "event": event}
    whole: dict[str, Any] = reading.storable(body)
    return whole


def id_of_read(channel: str, ts: str) -> str:
    """Return the id of what was read in Slack, and not told by an event."""
    return f"thread:{channel}:{ts}"
