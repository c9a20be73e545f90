"""Messages: a request, an answer in its thread, a responder's word in the queue channel."""

import asyncio
import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot import admission, rights
from bot.admission import NotAdmitted
from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.listeners import answers, excesses, presses, senders
from bot.listeners.answers import NOTHING
from bot.listeners.door import Door, Owed, only, tell_only
from bot.queue import RUN_TURN
from bot.rights import Actor, Membership
from bot.slack import denials, handoff_messages, linked_threads, refusals, relay, replies
from bot.store import audit, handoffs, messages, shares, tickets
from bot.store.db import Session
from bot.store.moves import Moved
from bot.store.schema import Handoff, InboxEvent, Ticket, now
from bot.store.shares import Bounds
from bot.store.tickets import Attachment, Heard

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncApp

MOST_CHARACTERS, MOST_FILES = 40_000, 20
MOST_OF_A_NAME, MOST_OF_A_LINK = 255, 2_000
HEARD_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})
NOT_BY_EDIT = "It seems to hold a password or another secret. To send it, write a new message that starts with `>`."
OF_RESPONDERS = frozenset({"draft", "answer"})
"Kinds of what a responder says to a requester."


def register(app: "AsyncApp", door: Door) -> None:
    """Attach the listeners of messages."""

    @app.event("app_mention")
    async def on_mention(body: dict[str, Any], context: dict[str, Any]) -> None:
        await asyncio.to_thread(hear, door, body, str(context["bot_user_id"]), mentioned=True)

    @app.event("message")
    async def on_message(body: dict[str, Any], context: dict[str, Any]) -> None:
        await asyncio.to_thread(hear, door, body, str(context["bot_user_id"]), mentioned=False)


def hear(door: Door, body: dict[str, Any], bot_user: str, *, mentioned: bool) -> None:
    """Store one message event and queue what it needs.

    Raises:
        Transient: it could not be stored; Slack is answered 500 and sends it again.
    """
    event = body["event"]
    subtype = event.get("subtype")
    if subtype in ("message_changed", "message_deleted"):
        _rewrite(door, body, bot_user)
    elif is_said(event) and event["user"] != bot_user:
        heard, membership = _read(body, bot_user), _membership(door, event, body)
        mentioned = mentioned or f"<@{bot_user}>" in (event.get("text") or "")
        with door.database.write() as session:
            owed = _store(door, session, heard, membership, body, mentioned=mentioned)
        if owed.turn_id is not None:
            door.put(RUN_TURN, owed.turn_id)
        door.deliver(owed.say_in)


def is_said(message: dict[str, Any]) -> bool:
    """Return whether a message is somebody's words, and no bot's; Slackbot's carry no mark of one."""
    user = message.get("user")
    is_apps = bool(message.get("bot_id")) or user == admission.SLACKBOT
    return message.get("subtype") in HEARD_SUBTYPES and bool(user) and not is_apps


def _membership(door: Door, said: dict[str, Any], body: dict[str, Any]) -> Membership:
    """Look up who has said something, if they have a role; no transaction is open."""
    team = said.get("user_team") or said.get("source_team") or said.get("team") or body.get("team_id")
    return door.membership(said["user"], str(team or "")) if said.get("user") else Membership.UNCHECKED


def _store(
    door: Door, session: Session, heard: Heard, membership: Membership, body: dict[str, Any], *, mentioned: bool
) -> Owed:
    """Find what a message is, and keep it."""
    above = messages.by_ts(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if above is not None and above.kind in linked_threads.QUEUE_SIDE and above.handoff_id is not None:
        return answers.below_card(
            door, session, heard, above.handoff_id, presses.actor(session, heard.user, membership)
        )
    if door.agent_of_queue(heard.channel) is not None:
        return NOTHING  # responders talking among themselves
    ticket = tickets.ticket_at(session, heard.team, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if ticket is None and not heard.private and not mentioned:
        return NOTHING  # people talking among themselves
    agent = door.answering(ticket.agent) if ticket else door.agent_in(heard.channel, private=heard.private)
    barred = senders.elsewhere(body)
    if barred is not None and (mentioned or heard.private or (ticket is not None and ticket.requester == heard.user)):
        return _turned_away(session, heard, barred)
    if ticket is not None:
        who = presses.actor(session, heard.user, membership)
        return _in_ticket(session, ticket, heard, agent, who, mentioned=mentioned)
    if agent is None:
        excesses.once(session, heard, f"elsewhere:{heard.channel}", _elsewhere(door), None)
        return Owed(say_in=0)
    return _from_requester(session, heard, None, agent)


def _in_ticket(
    session: Session, ticket: Ticket, heard: Heard, agent: Agent | None, who: Actor, *, mentioned: bool
) -> Owed:
    """Hear a word in the thread of a ticket."""
    if ticket.requester != heard.user:
        return _from_third(session, ticket, heard, agent, who, mentioned=mentioned)
    if agent is None:
        return only(session, heard, ticket.id, replies.AGENT_GONE)
    return _from_requester(session, heard, ticket, agent)


def _turned_away(session: Session, heard: Heard, barred: NotAdmitted) -> Owed:
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
        text=barred.sentence,
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
    return Owed(say_in=0)


def _from_requester(session: Session, heard: Heard, ticket: Ticket | None, agent: Agent) -> Owed:
    bounds = Bounds(**agent.card.per_person.model_dump())
    shares.lock(session, heard.team, heard.user)
    if tickets.heard_at(session, heard.channel, heard.ts) is not None:
        return NOTHING  # known: Slack delivered it again
    excess = shares.excess(session, heard.team, heard.user, bounds, opens=ticket is None)
    if excess is not None:
        return Owed(say_in=excesses.refused(session, heard, ticket, excess, bounds))
    accepted = tickets.accept(session, answers.redacted(heard), agent=agent.card.name, at_once=bounds.turns)
    if accepted is None:
        return NOTHING  # known under another id
    if accepted.bystander:  # somebody else was first in this thread, this very moment
        return _from_bystander(session, tickets.lock(session, accepted.ticket_id), heard)
    if accepted.held_back:
        ticket = tickets.lock(session, accepted.ticket_id)
        return Owed(say_in=excesses.held_back(session, heard, ticket, bounds))
    if not accepted.handed_off:
        return Owed(turn_id=accepted.turn_id)
    handoff = handoffs.active(session, accepted.ticket_id)
    if handoff is not None:
        relay.wrote(session, handoff, tickets.lock(session, accepted.ticket_id), [accepted.event])
    return Owed(say_in=accepted.ticket_id)


def _from_third(
    session: Session, ticket: Ticket, heard: Heard, agent: Agent | None, who: Actor, *, mentioned: bool
) -> Owed:
    """Hear somebody else in a requester's thread: a responder who answers there, or a bystander."""
    handoff = handoffs.active(session, ticket.id)
    if handoff is not None and agent is not None and heard.user in rights.people(agent):
        return answers.in_their_thread(session, handoff, ticket, heard, agent, who)
    return _from_bystander(session, ticket, heard) if mentioned else NOTHING


def _from_bystander(session: Session, ticket: Ticket, heard: Heard) -> Owed:
    say = f"This thread is <@{ticket.requester}>'s. If you cannot sign in yourself, start a thread of your own."
    excesses.once(session, heard, f"bystander:{ticket.id}", say, ticket)
    return Owed(say_in=ticket.id)


def _rewrite(door: Door, body: dict[str, Any], bot_user: str) -> None:
    """Let an edit or a deletion follow: in a request that still waits, and in what a person has by now."""
    event = body["event"]
    channel, changed = event["channel"], event.get("message") or {}
    ts = event.get("deleted_ts") or changed.get("ts")
    deleted = event["subtype"] == "message_deleted" or changed.get("subtype") == "tombstone"
    if not ts or changed.get("user") == bot_user or changed.get("bot_id"):
        return
    with door.database.read() as session:
        if tickets.heard_at(session, channel, ts) is None:
            return  # as most edits and deletions: of what was never said to us
    text = None if deleted else _clean(changed.get("text") or "", bot_user)[:MOST_CHARACTERS]
    kept = None if text is None else redact(text)  # which takes its time, so no transaction is open
    membership = Membership.UNCHECKED if deleted else _membership(door, changed, body)
    with door.database.write() as session:
        known, ticket_id = tickets.heard_at(session, channel, ts), None
        if known is not None and text is not None and known.kind in OF_RESPONDERS:
            ticket_id, kept = _edited(door, session, body, known, text, membership)
        if ticket_id is None:
            ticket_id = _follow(session, channel, ts, kept)
    door.deliver(ticket_id)


def _edited(
    door: Door, session: Session, body: dict[str, Any], known: InboxEvent, text: str, membership: Membership
) -> tuple[int | None, str]:
    """Judge the edit of a responder's word; return the ticket where its author is told why it changes nothing, if so.

    Returns:
        That ticket or None, and the new text as it is kept.
    """
    ticket = tickets.lock(session, int(known.ticket_id or 0))
    why = rights.barred_from(door.answering(ticket.agent), presses.actor(session, known.user, membership))
    kept = None if why is not None else answers.edited(known, text) if known.kind == "draft" else redact(text)
    if kept is not None:
        return None, kept
    say = NOT_BY_EDIT if why is None else denials.in_words(why)
    tell_only(
        session,
        key=str(body["event_id"]),
        user=known.user,
        channel=known.channel,
        thread_ts=body["event"]["message"].get("thread_ts"),
        text=f"Your edit was not passed on. {say}",
        ticket_id=ticket.id,
    )
    return ticket.id, text


def _follow(session: Session, channel: str, ts: str, text: str | None) -> int | None:
    """Carry an edit or a deletion to wherever the words are shown; return the ticket in which something is to be said.

    A deletion follows for everybody: it takes words back and says none.
    """
    rewritten = tickets.rewrite(session, channel, ts, text)
    if rewritten is None or rewritten.ticket_id is None:
        return None
    ticket = tickets.lock(session, rewritten.ticket_id)
    for handoff in _shown_in(session, rewritten):
        relay.rewritten(session, handoff, ticket, rewritten)
    handoff_now = handoffs.active(session, ticket.id)
    if text is None and handoff_now is not None and not tickets.anything_left(session, ticket.id):
        moved = handoffs.cancel(session, handoff_now.id, by=ticket.requester)
        if isinstance(moved, Moved):
            handoff_messages.cancelled(session, moved)
        else:
            relay.emptied(session, handoff_now, ticket)
    return ticket.id


def _shown_in(session: Session, event: InboxEvent) -> Sequence[Handoff]:
    """Return the handoffs in whose two threads something is shown."""
    shown = handoffs.of_ticket(session, int(event.ticket_id or 0))
    return [one for one in shown if event.kind != "draft" or one.id == event.detail["handoff"]]


def _elsewhere(door: Door) -> str:
    directly = "" if door.agent_in("", private=True) is None else " and in direct messages"
    return f"I only help in the help channel{directly}. Write to me there."


def _read(body: dict[str, Any], bot_user: str) -> Heard:
    event = body["event"]
    # No more than Slack itself takes, whatever is sent as an event.
    return Heard(
        event_id=body["event_id"],
        team=senders.installed_in(body) or event.get("team") or "",
        channel=event["channel"],
        ts=event["ts"],
        thread_ts=event.get("thread_ts"),
        user=event["user"],
        text=_clean(event.get("text") or "", bot_user)[:MOST_CHARACTERS],
        files=tuple(map(_file, (event.get("files") or ())[:MOST_FILES])),
        private=event.get("channel_type") == "im" or event["channel"].startswith("D"),
    )


def _file(file: dict[str, Any]) -> Attachment:
    name, link = str(file.get("name") or file.get("id")), file.get("permalink")
    links = isinstance(link, str) and len(link) <= MOST_OF_A_LINK
    return Attachment(name[:MOST_OF_A_NAME], str(link) if links else None)


def _clean(text: str, bot_user: str) -> str:
    """Return what was said, without the mention of the bot."""
    without = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", "", text)
    return html.unescape(without).strip()
