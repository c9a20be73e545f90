"""Messages: a request, an answer in its thread, a responder's word in the queue channel."""

import asyncio
import html
import re
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.agent import card
from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.listeners.door import Door, tell_only
from bot.queue import RUN_TURN
from bot.slack import handoff_messages
from bot.store import handoffs, messages, tickets
from bot.store.db import Session
from bot.store.handoffs import Moved
from bot.store.schema import Ticket
from bot.store.tickets import Heard

HEARD_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})
SEND_MARK = ">"
"A responder's message that starts so goes to the requester; any other stays among responders."


@dataclass(frozen=True, slots=True)
class Owed:
    """What a stored message asks of the workers."""

    turn_id: int | None = None
    say_in: int | None = None
    "A ticket that something is to be said in; 0 for none in particular."


NOTHING = Owed()


def register(app: AsyncApp, door: Door) -> None:
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
        _rewrite(door, event, bot_user)
    elif subtype in HEARD_SUBTYPES and event.get("user") not in (None, bot_user) and not event.get("bot_id"):
        heard = _read(body, bot_user)
        with door.database.write() as session:
            owed = _store(door, session, heard, mentioned=mentioned or f"<@{bot_user}>" in (event.get("text") or ""))
        if owed.turn_id is not None:
            door.put(RUN_TURN, owed.turn_id)
        door.deliver(owed.say_in)


def _store(door: Door, session: Session, heard: Heard, *, mentioned: bool) -> Owed:
    """Find what a message is, and keep it."""
    above = messages.by_ts(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if above is not None and above.kind == "card" and above.handoff_id is not None:
        return _from_responder(door, session, heard, above.handoff_id)
    if door.agent_of_queue(heard.channel) is not None:
        return NOTHING  # responders talking among themselves
    agent = door.agent_in(heard.channel, private=heard.private)
    ticket = tickets.ticket_at(session, heard.team, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if ticket is None and not heard.private and not mentioned:
        return NOTHING  # people talking among themselves
    if agent is None:
        return _only(session, heard, None, "I only help in the help channel and in direct messages. Write to me there.")
    if ticket is not None and ticket.requester != heard.user:
        return _from_third(session, ticket, heard, agent, mentioned=mentioned)
    return _from_requester(session, heard, agent)


def _from_requester(session: Session, heard: Heard, agent: Agent) -> Owed:
    accepted = tickets.accept(session, _redacted(heard), agent=agent.card.name)
    if accepted is None:
        return NOTHING  # known: Slack delivered it again
    if accepted.bystander:  # somebody else was first in this thread, this very moment
        return _from_third(session, tickets.lock(session, accepted.ticket_id), heard, agent, mentioned=True)
    if not accepted.handed_off:
        return Owed(turn_id=accepted.turn_id)
    handoff = handoffs.active(session, accepted.ticket_id)
    if handoff is not None:
        handoff_messages.requester_wrote(session, handoff, [accepted.event])
    return Owed(say_in=accepted.ticket_id)


def _redacted(heard: Heard) -> Heard:
    return replace(heard, text=redact(heard.text), files=tuple(redact(name) for name in heard.files))


def _from_third(session: Session, ticket: Ticket, heard: Heard, agent: Agent, *, mentioned: bool) -> Owed:
    """Hear somebody else in a requester's thread: the person who has it, or a bystander."""
    if ticket.owner == heard.user:
        handoff = handoffs.active(session, ticket.id)
        if handoff is not None:
            handoffs.spoke(session, handoff.id, heard.user, lease_minutes=agent.card.handoff.lease_minutes)
        return NOTHING
    if not mentioned:
        return NOTHING
    say = f"This thread is <@{ticket.requester}>'s. If you cannot sign in yourself, start a thread of your own."
    return _only(session, heard, ticket.id, say)


def _from_responder(door: Door, session: Session, heard: Heard, handoff_id: int) -> Owed:
    """Hear a word below a card: internal unless it starts with the mark; then it goes out as it was written."""
    found = handoffs.find(session, handoff_id)
    key = f"{heard.channel}:{heard.ts}"
    if found is None or not heard.text.startswith(SEND_MARK) or handoff_messages.was_sent(session, key):
        return NOTHING
    ticket = found[1]
    lease = card.named(door.agents, ticket.agent).card.handoff.lease_minutes
    moved = handoffs.spoke(session, handoff_id, heard.user, lease_minutes=lease)
    match moved:
        case Moved():
            text = heard.text.removeprefix(SEND_MARK).lstrip()
            handoff_messages.replied(session, moved, key=key, text=text, user=heard.user)
            return Owed(say_in=ticket.id)
        case _:
            holder = f"<@{moved.holder}> has this" if moved.state == "claimed" else f"this is {moved.state}"
            return _only(session, heard, ticket.id, f"Not sent: {holder}. Only who has claimed it can answer.")


def _rewrite(door: Door, event: dict[str, Any], bot_user: str) -> None:
    """Honour an edit or a deletion of a request that still waits."""
    channel, changed = event["channel"], event.get("message", {})
    ts = event.get("deleted_ts") or changed.get("ts")
    deleted = event["subtype"] == "message_deleted" or changed.get("subtype") == "tombstone"
    if not ts or changed.get("user") == bot_user or changed.get("bot_id"):
        return
    with door.database.write() as session:
        tickets.rewrite(session, channel, ts, None if deleted else redact(_clean(changed.get("text") or "", bot_user)))


def _only(session: Session, heard: Heard, ticket_id: int | None, text: str) -> Owed:
    tell_only(
        session,
        key=f"{heard.channel}:{heard.ts}",
        user=heard.user,
        channel=heard.channel,
        thread_ts=heard.thread_ts,
        text=text,
        ticket_id=ticket_id,
    )
    return Owed(say_in=ticket_id or 0)


def _read(body: dict[str, Any], bot_user: str) -> Heard:
    event = body["event"]
    return Heard(
        event_id=body["event_id"],
        team=body.get("team_id") or event.get("team", ""),
        channel=event["channel"],
        ts=event["ts"],
        thread_ts=event.get("thread_ts"),
        user=event["user"],
        text=_clean(event.get("text") or "", bot_user),
        files=tuple(_storable(str(file.get("name") or file.get("id"))) for file in event.get("files", ())),
        private=event.get("channel_type") == "im" or event["channel"].startswith("D"),
    )


def _clean(text: str, bot_user: str) -> str:
    """Return what was said: without the mention, in plain characters."""
    without = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", "", text)
    return _storable(html.unescape(without)).strip()


def _storable(text: str) -> str:
    """Return a text without what a database cannot hold: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
