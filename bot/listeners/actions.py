"""Buttons that act at once: claim, release, take a request back, send or keep a draft, thumbs."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.listeners import presses
from bot.listeners.door import Door
from bot.listeners.presses import ANYWHERE, Named, Press
from bot.slack import handoff_messages, relay
from bot.store import feedback, handoffs, responses, tickets
from bot.store.db import Session
from bot.store.handoffs import Moved, NotMoved
from bot.store.schema import InboxEvent, now

if TYPE_CHECKING:  # whoever only hears with these needs no Bolt
    from slack_bolt.async_app import AsyncAck, AsyncApp

Does = Callable[[Door, Session, Press], int]
"(door, session, press) -> the ticket in which something is to be said now."


def register(app: "AsyncApp", door: Door) -> None:
    """Attach the listeners of buttons."""
    _on(app, door, "handoff.claim", _claim)
    _on(app, door, "handoff.release", _release)
    _on(app, door, "handoff.cancel", _cancel)
    _on(app, door, "handoff.send", _send)
    _on(app, door, "handoff.keep", _keep)

    @app.action("feedback")
    async def on_feedback(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_feedback, door, body)
        await ack()


def _on(app: "AsyncApp", door: Door, action: str, does: Does) -> None:
    @app.action(action)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_press, door, presses.read(body), does)
        await ack()


def _press(door: Door, press: Press, does: Does) -> None:
    with door.database.write() as session:
        ticket_id = does(door, session, press)
    door.deliver(ticket_id)


def _claim(door: Door, session: Session, press: Press) -> int:
    named = presses.by_responder(door, session, press, move="claim")
    if named is None:
        return ANYWHERE
    moved = handoffs.claim(session, named.handoff.id, press.user, lease_minutes=named.lease_minutes)
    match moved:
        case Moved():
            handoff_messages.claimed(session, moved, press.user)
        case _:
            why = presses.lost(session, named, press.user, moved, move="claim")
            presses.tell(session, press, why, named.ticket.id)
    return named.ticket.id


def _release(door: Door, session: Session, press: Press) -> int:
    named = presses.by_responder(door, session, press, move="release")
    if named is None:
        return ANYWHERE
    moved = handoffs.release(session, named.handoff.id, press.user)
    match moved:
        case Moved():
            people = named.agent.card.handoff
            opens_at = people.opens_at(now())
            call = people.called if opens_at is None else ()  # nobody is called while people are away
            handoff_messages.released(session, moved, press.user, call=call, opens_at=opens_at)
        case _:
            why = presses.lost(session, named, press.user, moved, move="release")
            presses.tell(session, press, why, named.ticket.id)
    return named.ticket.id


def _cancel(door: Door, session: Session, press: Press) -> int:
    """Take a request back: its requester's right alone, and only while nobody works on it."""
    named = presses.find(door, session, press.value)
    if named is None:
        presses.tell(session, press, presses.OUT_OF_DATE, None)
        return ANYWHERE
    if press.user != named.ticket.requester:
        handoffs.refuse(session, named.handoff.id, press.user, move="cancel", why="not the requester")
        presses.tell(session, press, f"Only <@{named.ticket.requester}> can take this back.", named.ticket.id)
        return named.ticket.id
    moved = handoffs.cancel(session, named.handoff.id, by=press.user)
    match moved:
        case Moved():
            handoff_messages.cancelled(session, moved)
        case _:
            presses.lost(session, named, press.user, moved, move="cancel")
            presses.tell(session, press, _too_late(moved), named.ticket.id)
    return named.ticket.id


def _too_late(refused: NotMoved) -> str:
    """Say to a requester why their request cannot be taken back."""
    match refused.state:
        case "claimed":
            return f"<@{refused.holder}> has your request by now: tell them here."
        case "cancelled":
            return "You have taken this back already."
        case _:
            return "This request has ended already."


def _send(door: Door, session: Session, press: Press) -> int:
    """Send a draft, if who wrote it still has the ticket."""
    asked = _draft(door, session, press)
    if asked is None:
        return ANYWHERE
    draft, named = asked
    moved = handoffs.spoke(session, named.handoff.id, press.user, lease_minutes=named.lease_minutes)
    state, shown = ("sent", "sent") if isinstance(moved, Moved) else ("kept", "late")
    decided = responses.decide(session, draft.id, press.user, state=state)
    if decided is not None:
        relay.decided(session, named.handoff, named.ticket, decided, state=shown)
    if isinstance(moved, Moved):
        handoff_messages.refresh(session, moved)
    else:
        presses.lost(session, named, press.user, moved, move="send")
    return named.ticket.id


def _keep(door: Door, session: Session, press: Press) -> int:
    asked = _draft(door, session, press)
    if asked is None:
        return ANYWHERE
    draft, named = asked
    decided = responses.decide(session, draft.id, press.user, state="kept")
    if decided is not None:
        relay.decided(session, named.handoff, named.ticket, decided, state="kept")
    return named.ticket.id


def _draft(door: Door, session: Session, press: Press) -> tuple[InboxEvent, Named] | None:
    """Return the undecided draft that a button names, or tell who pressed it why it is not theirs to decide."""
    draft = responses.draft(session, presses.number(press.value))
    named = None if draft is None else presses.find(door, session, str(draft.detail["handoff"]))
    if draft is None or named is None:
        presses.tell(session, press, presses.OUT_OF_DATE, None)
        return None
    why = presses.refusal(session, named, press.user, move="send")
    if why is None and draft.user != press.user:
        why = f"Only <@{draft.user}>, who wrote it, can decide that."
    tickets.lock(session, named.ticket.id)
    session.refresh(draft)
    if why is None and draft.state != "asked":  # or a word that nobody sends would count as one
        why = "That is decided already."
    if why is None:
        return draft, named
    presses.tell(session, press, why, named.ticket.id)
    return None


def _feedback(door: Door, body: dict[str, Any]) -> None:
    word, _, turn = str(body["actions"][0].get("value", "")).partition(":")
    turn_id = presses.number(turn)
    if word in ("good", "bad") and turn_id is not None:
        with door.database.write() as session:
            feedback.keep(session, turn_id, user=body["user"]["id"], good=word == "good")
