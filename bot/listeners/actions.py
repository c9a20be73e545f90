"""Buttons and modals: claim, answer, resolve, thumbs.

The value of a button and the metadata of a modal are the browser's word: they name a handoff, and
everything else is read from its row. Who may do what is read from the card of the agent.
"""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.agent import card
from bot.agent.card import Agent
from bot.listeners.door import Door, tell_only
from bot.slack import handoff_card, handoff_messages
from bot.slack.client import AsyncWebClient
from bot.store import feedback, handoffs
from bot.store.db import Session
from bot.store.handoffs import Moved, NotMoved
from bot.store.schema import Handoff, Ticket

ANYWHERE = 0
"The saying of what is owed in no ticket in particular."
LONGEST_ID = 18
"Digits: a number of so many fits a database's integer."
OUT_OF_DATE = "That button is out of date. Look at the newest card of this ticket."


def register(app: AsyncApp, door: Door) -> None:
    """Attach the listeners of buttons and modals."""

    @app.action("handoff.claim")
    async def on_claim(ack: AsyncAck, body: dict[str, Any]) -> None:
        await asyncio.to_thread(_claim, door, body)
        await ack()

    @app.action("handoff.reply")
    async def on_reply(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await _open_modal(door, body, client, "reply")
        await ack()

    @app.action("handoff.resolve")
    async def on_resolve(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await _open_modal(door, body, client, "resolve")
        await ack()

    @app.view("handoff.replied")
    async def on_replied(ack: AsyncAck, body: dict[str, Any]) -> None:
        refused = await asyncio.to_thread(_reply, door, body)
        await ack(**_answer("text", refused))

    @app.view("handoff.resolved")
    async def on_resolved(ack: AsyncAck, body: dict[str, Any]) -> None:
        refused = await asyncio.to_thread(_resolve, door, body)
        await ack(**_answer("done", refused))

    @app.action("feedback")
    async def on_feedback(ack: AsyncAck, body: dict[str, Any]) -> None:
        await asyncio.to_thread(_feedback, door, body)
        await ack()


def _claim(door: Door, body: dict[str, Any]) -> None:
    user = body["user"]["id"]
    with door.database.write() as session:
        found = _pressed(door, session, body, move="claim")
        if found is not None:
            handoff, ticket, agent = found
            moved = handoffs.claim(session, handoff.id, user, lease_minutes=agent.card.handoff.lease_minutes)
            match moved:
                case Moved():
                    handoff_messages.claimed(session, moved, user)
                case NotMoved():
                    _tell(session, body, _not_claimed(moved, user), ticket.id)
    door.deliver(found[1].id if found else ANYWHERE)


def _not_claimed(refused: NotMoved, user: str) -> str:
    if refused.state == "claimed":
        return "You have it already." if refused.holder == user else f"<@{refused.holder}> has it."
    return f"This is {refused.state} already."


async def _open_modal(door: Door, body: dict[str, Any], client: AsyncWebClient, move: str) -> None:
    view = await asyncio.to_thread(_modal, door, body, move)
    if view is not None:
        await client.views_open(trigger_id=body["trigger_id"], view=view)


def _modal(door: Door, body: dict[str, Any], move: str) -> dict[str, Any] | None:
    """Return the modal for a button, or tell who pressed it why there is none."""
    user = body["user"]["id"]
    with door.database.write() as session:
        found = _pressed(door, session, body, move=move)
        if found is not None:
            handoff, ticket, _agent = found
            if handoff.claimed_by == user and handoff.state == "claimed":
                if move == "resolve":
                    return handoff_card.resolve_modal(handoff.id)
                return handoff_card.reply_modal(handoff.id, ticket.requester)
            holder = f"<@{handoff.claimed_by}> has it." if handoff.state == "claimed" else f"This is {handoff.state}."
            handoffs.refuse(session, handoff.id, user, move=move, why="not the holder")
            _tell(session, body, f"{holder} Only who has claimed it can do that.", ticket.id)
    door.deliver(found[1].id if found else ANYWHERE)
    return None


def _reply(door: Door, body: dict[str, Any]) -> str | None:
    """Send a responder's answer; return why not, if not."""
    user, view = body["user"]["id"], body["view"]
    text = (_value(view, "text").get("value") or "").strip()
    if not text:
        return "Write something to send."
    with door.database.write() as session:
        found = _named(door, session, view.get("private_metadata"))
        if found is None:
            return "This handoff is gone."
        handoff, ticket, agent = found
        moved = handoffs.spoke(session, handoff.id, user, lease_minutes=agent.card.handoff.lease_minutes)
        if isinstance(moved, NotMoved):
            return _lost(moved)
        handoff_messages.replied(session, moved, key=f"view:{view['id']}", text=text, user=user)
    door.deliver(ticket.id)
    return None


def _resolve(door: Door, body: dict[str, Any]) -> str | None:
    """Resolve a handoff; return why not, if not."""
    user, view = body["user"]["id"], body["view"]
    done = (_value(view, "done").get("value") or "").strip()
    category = _value(view, "category").get("selected_option") or {}
    could = _value(view, "agent_could").get("selected_option") or {}
    if not done:
        return "Say what was done."
    with door.database.write() as session:
        found = _named(door, session, view.get("private_metadata"))
        if found is None:
            return "This handoff is gone."
        handoff, ticket, _agent = found
        moved = handoffs.resolve(
            session,
            handoff.id,
            user,
            done=done,
            category=str(category.get("value", "other")),
            agent_could=could.get("value") == "yes",
        )
        if isinstance(moved, NotMoved):
            return _lost(moved)
        handoff_messages.resolved(session, moved, user)
    door.deliver(ticket.id)
    return None


def _lost(refused: NotMoved) -> str:
    holder = "somebody else has it now" if refused.state == "claimed" else f"it is {refused.state}"
    return f"You no longer have this: {holder}. Nothing was sent; your words are still here to copy."


def _feedback(door: Door, body: dict[str, Any]) -> None:
    word, _, turn = str(body["actions"][0].get("value", "")).partition(":")
    turn_id = _number(turn)
    if word in ("good", "bad") and turn_id is not None:
        with door.database.write() as session:
            feedback.keep(session, turn_id, user=body["user"]["id"], good=word == "good")


def _pressed(door: Door, session: Session, body: dict[str, Any], *, move: str) -> tuple[Handoff, Ticket, Agent] | None:
    """Return what a button names, or tell who pressed it why it does nothing; that is audited."""
    user = body["user"]["id"]
    found = _named(door, session, body["actions"][0].get("value"))
    if found is None:
        _tell(session, body, OUT_OF_DATE, None)
        return None
    handoff, ticket, agent = found
    if user in (*agent.card.handoff.responders, *agent.card.owners):  # an owner gets the card when the queue is gone
        return found
    handoffs.refuse(session, handoff.id, user, move=move, why="not a responder")
    _tell(session, body, "Only responders can do that. Ask an owner of this agent to add you.", ticket.id)
    return None


def _named(door: Door, session: Session, value: object) -> tuple[Handoff, Ticket, Agent] | None:
    number = _number(value)
    found = None if number is None else handoffs.find(session, number)
    return None if found is None else (*found, card.named(door.agents, found[1].agent))


def _number(value: object) -> int | None:
    """Return the id that a browser has sent, or None when no row can have it."""
    if not isinstance(value, str) or not value.isdecimal() or len(value) > LONGEST_ID:
        return None
    return int(value)


def _tell(session: Session, body: dict[str, Any], text: str, ticket_id: int | None) -> None:
    container = body.get("container", {})
    tell_only(
        session,
        key=body["trigger_id"],
        user=body["user"]["id"],
        channel=container.get("channel_id") or body["channel"]["id"],
        thread_ts=container.get("thread_ts"),
        text=text,
        ticket_id=ticket_id,
    )


def _value(view: dict[str, Any], block: str) -> dict[str, Any]:
    values: dict[str, dict[str, Any]] = view["state"]["values"].get(block, {})
    return next(iter(values.values()), {})


def _answer(block: str, refused: str | None) -> dict[str, Any]:
    return {} if refused is None else {"response_action": "errors", "errors": {block: refused}}
