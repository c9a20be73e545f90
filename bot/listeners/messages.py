"""Messages: a request, an answer in its thread, a responder's word in the queue channel."""

import asyncio
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bot import admission
from bot.admission import NotAdmitted
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.listeners import excesses, presses
from bot.listeners.door import Door, tell_only
from bot.queue import RUN_TURN
from bot.slack import handoff_messages, refusals, relay
from bot.store import audit, events, handoffs, members, messages, responses, shares, tickets
from bot.store.db import Session
from bot.store.events import Asked
from bot.store.handoffs import Moved, NotMoved
from bot.store.schema import Handoff, InboxEvent, Ticket, now
from bot.store.shares import Bounds
from bot.store.tickets import Attachment, Heard

if TYPE_CHECKING:  # whoever only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncApp

MOST_CHARACTERS, MOST_FILES = 40_000, 20
MOST_OF_A_NAME, MOST_OF_A_LINK = 255, 2_000
HEARD_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})


@dataclass(frozen=True, slots=True)
class Owed:
    """What a stored message asks of the workers."""

    turn_id: int | None = None
    say_in: int | None = None
    "A ticket that something is to be said in; 0 for none in particular."


NOTHING = Owed()


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
        _rewrite(door, event, bot_user)
    elif is_said(event) and event["user"] != bot_user:
        heard, names_us = _read(body, bot_user), f"<@{bot_user}>" in (event.get("text") or "")
        with door.database.write() as session:
            owed = _store(door, session, heard, body, mentioned=mentioned or names_us)
        if owed.turn_id is not None:
            door.put(RUN_TURN, owed.turn_id)
        door.deliver(owed.say_in)


def is_said(message: dict[str, Any]) -> bool:
    """Tell whether a message is somebody's words, and no bot's; Slackbot's carry no mark of one."""
    user = message.get("user")
    is_apps = bool(message.get("bot_id")) or user == admission.SLACKBOT
    return message.get("subtype") in HEARD_SUBTYPES and bool(user) and not is_apps


def _store(door: Door, session: Session, heard: Heard, body: dict[str, Any], *, mentioned: bool) -> Owed:
    """Find what a message is, and keep it."""
    above = messages.by_ts(session, heard.channel, heard.thread_ts) if heard.thread_ts else None
    if above is not None and above.kind in handoff_messages.QUEUE_SIDE and above.handoff_id is not None:
        return _from_responder(door, session, heard, above.handoff_id)
    if door.agent_of_queue(heard.channel) is not None:
        return NOTHING  # responders talking among themselves
    ticket = tickets.ticket_at(session, heard.team, heard.channel, heard.thread_ts) if heard.thread_ts else None
    agent = card.named(door.agents, ticket.agent) if ticket else door.agent_in(heard.channel, private=heard.private)
    if ticket is None and not heard.private and not mentioned:
        return NOTHING  # people talking among themselves
    organisation = agent is not None and agent.card.admission.accept_organisation
    barred = admission.sender_elsewhere(body, organisation=organisation)
    if barred is not None and (mentioned or heard.private or (ticket is not None and ticket.requester == heard.user)):
        return _turned_away(session, heard, barred)
    if agent is None:
        excesses.once(session, heard, f"elsewhere:{heard.channel}", _elsewhere(door), None)
        return Owed(say_in=0)
    if ticket is not None and ticket.requester != heard.user:
        return _from_third(session, ticket, heard, agent, mentioned=mentioned)
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
    accepted = tickets.accept(session, _redacted(heard), agent=agent.card.name, at_once=bounds.turns)
    if accepted is None:
        return NOTHING  # known under another id
    if accepted.bystander:  # somebody else was first in this thread, this very moment
        return _from_third(session, tickets.lock(session, accepted.ticket_id), heard, agent, mentioned=True)
    if accepted.held_back:
        ticket = tickets.lock(session, accepted.ticket_id)
        return Owed(say_in=excesses.held_back(session, heard, ticket, bounds))
    if not accepted.handed_off:
        return Owed(turn_id=accepted.turn_id)
    handoff = handoffs.active(session, accepted.ticket_id)
    if handoff is not None:
        relay.wrote(session, handoff, tickets.lock(session, accepted.ticket_id), [accepted.event])
    return Owed(say_in=accepted.ticket_id)


def _redacted(heard: Heard) -> Heard:
    files = tuple(replace(file, name=redact(file.name)) for file in heard.files)
    return replace(heard, text=redact(heard.text), files=files)


def _from_third(session: Session, ticket: Ticket, heard: Heard, agent: Agent, *, mentioned: bool) -> Owed:
    """Hear somebody else in a requester's thread: a responder who answers there, or a bystander."""
    handoff = handoffs.active(session, ticket.id)
    if handoff is not None and heard.user in (*agent.card.handoff.responders, *agent.card.owners):
        return _answered_there(session, handoff, ticket, heard, agent)
    if not mentioned:
        return NOTHING
    say = f"This thread is <@{ticket.requester}>'s. If you cannot sign in yourself, start a thread of your own."
    excesses.once(session, heard, f"bystander:{ticket.id}", say, ticket)
    return Owed(say_in=ticket.id)


def _answered_there(session: Session, handoff: Handoff, ticket: Ticket, heard: Heard, agent: Agent) -> Owed:
    """Keep what a responder says to the requester in their own thread, and show it to the others.

    While nobody has the ticket that claims it: the requester is being answered.
    """
    lease = agent.card.handoff.lease_minutes
    tickets.lock(session, ticket.id)
    answer = responses.answered(session, ticket, _redacted(heard))
    if answer is None or members.has_left(session, heard.user):
        return NOTHING  # known: Slack delivered it again
    claimed = handoffs.claim(session, handoff.id, heard.user, lease_minutes=lease)
    if isinstance(claimed, Moved):
        handoff_messages.claimed(session, claimed, heard.user)
    moved = handoffs.spoke(session, handoff.id, heard.user, lease_minutes=lease, sent=False)
    if isinstance(moved, Moved):
        handoff_messages.refresh(session, moved)
    relay.wrote(session, handoff, ticket, [answer])
    return Owed(say_in=ticket.id)


def _from_responder(door: Door, session: Session, heard: Heard, handoff_id: int) -> Owed:
    """Hear a word below a card: internal unless it starts with the mark; then it goes out as it was written."""
    found = handoffs.find(session, handoff_id)
    if found is None or members.has_left(session, heard.user):
        return NOTHING
    ticket, lease = found[1], card.named(door.agents, found[1].agent).card.handoff.lease_minutes
    if not heard.text.startswith(relay.SEND_MARK):
        return _internal(session, found[0], heard, lease)
    tickets.lock(session, ticket.id)
    if tickets.heard_at(session, heard.channel, heard.ts) is not None:
        return NOTHING  # known: Slack delivered it again
    handoff = session.get_one(Handoff, handoff_id, populate_existing=True)
    own = ticket.requester == heard.user
    if handoff.state != "claimed" or handoff.claimed_by != heard.user or own:
        why = "their own request" if own else "not the holder"
        handoffs.refuse(session, handoff_id, heard.user, move="send", why=why)
        stands = presses.standing(NotMoved(handoff.state, handoff.claimed_by, own), heard.user)
        return _only(session, heard, ticket.id, f"This was not sent. {stands}")
    if not (relay.sendable(heard.text) or heard.files):
        return _only(session, heard, ticket.id, "This was not sent: nothing stands behind its `>`.")
    state = "sent" if handoff.sent else "asked"
    draft = responses.drafted(session, ticket, heard, handoff_id=handoff_id, state=state)
    if draft is None:
        return NOTHING  # known: Slack delivered it again
    if state == "asked":
        moved = handoffs.renew(session, handoff_id, heard.user, lease_minutes=lease)
        relay.asked(session, handoff, ticket, draft)
    else:
        moved = handoffs.spoke(session, handoff_id, heard.user, lease_minutes=lease)
        relay.sent(session, handoff, ticket, draft)
    if isinstance(moved, Moved):
        handoff_messages.refresh(session, moved)
    return Owed(say_in=ticket.id)


def _internal(session: Session, handoff: Handoff, heard: Heard, lease_minutes: float) -> Owed:
    """Let a word among responders keep the claim of who said it, once; it is shown and kept nowhere else."""
    if handoff.claimed_by != heard.user:
        return NOTHING
    said = Asked(f"internal:{heard.channel}:{heard.ts}", "internal", heard.team, heard.channel, heard.user, "", {})
    if events.accept(session, said) is None:
        return NOTHING  # known: Slack delivered it again
    moved = handoffs.renew(session, handoff.id, heard.user, lease_minutes=lease_minutes)
    if not isinstance(moved, Moved):
        return NOTHING
    handoff_messages.refresh(session, moved)
    return Owed(say_in=moved.ticket.id)


def _rewrite(door: Door, event: dict[str, Any], bot_user: str) -> None:
    """Let an edit or a deletion follow: in a request that still waits, and in what a person has by now."""
    channel, changed = event["channel"], event.get("message", {})
    ts = event.get("deleted_ts") or changed.get("ts")
    deleted = event["subtype"] == "message_deleted" or changed.get("subtype") == "tombstone"
    if not ts or changed.get("user") == bot_user or changed.get("bot_id"):
        return
    text = None if deleted else _clean(changed.get("text") or "", bot_user)[:MOST_CHARACTERS]
    with door.database.write() as session:
        known = tickets.heard_at(session, channel, ts)
        if text is not None and (known is None or known.kind != "draft"):
            text = redact(text)
        rewritten = tickets.rewrite(session, channel, ts, text)
        if rewritten is None or rewritten.ticket_id is None:
            return
        ticket = tickets.lock(session, rewritten.ticket_id)
        for handoff in _shown_in(session, rewritten):
            relay.rewritten(session, handoff, ticket, rewritten)
        handoff_now = handoffs.active(session, ticket.id)
        if deleted and handoff_now is not None and not tickets.anything_left(session, ticket.id):
            moved = handoffs.cancel(session, handoff_now.id, by=ticket.requester)
            if isinstance(moved, Moved):
                handoff_messages.cancelled(session, moved)
            else:
                relay.emptied(session, handoff_now, ticket)
    door.deliver(ticket.id)


def _shown_in(session: Session, event: InboxEvent) -> Sequence[Handoff]:
    """Return the handoffs in whose two threads something is shown."""
    shown = handoffs.of_ticket(session, int(event.ticket_id or 0))
    return [one for one in shown if event.kind != "draft" or one.id == event.detail["handoff"]]


def _elsewhere(door: Door) -> str:
    directly = "" if door.agent_in("", private=True) is None else " and in direct messages"
    return f"I only help in the help channel{directly}. Write to me there."


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
    # No more than Slack itself takes, whatever is sent as an event.
    return Heard(
        event_id=body["event_id"],
        team=admission.installed_in(body) or event.get("team", ""),
        channel=event["channel"],
        ts=event["ts"],
        thread_ts=event.get("thread_ts"),
        user=event["user"],
        text=_clean(event.get("text") or "", bot_user)[:MOST_CHARACTERS],
        files=tuple(map(_file, event.get("files", ())[:MOST_FILES])),
        private=event.get("channel_type") == "im" or event["channel"].startswith("D"),
    )


def _file(file: dict[str, Any]) -> Attachment:
    name, link = str(file.get("name") or file.get("id")), file.get("permalink")
    links = isinstance(link, str) and len(link) <= MOST_OF_A_LINK
    return Attachment(_storable(name)[:MOST_OF_A_NAME], _storable(str(link)) if links else None)


def _clean(text: str, bot_user: str) -> str:
    """Return what was said: without the mention, in plain characters."""
    without = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", "", text)
    return _storable(html.unescape(without)).strip()


def _storable(text: str) -> str:
    """Return a text without what a database cannot hold: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
