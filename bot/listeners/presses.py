"""Who pressed what, and whether they may. The value of a button and the metadata of a form are the browser's
word: they name a row, and everything else is read from it. Who may do what is read from the card of the agent.
"""  # noqa: D205 - the first paragraph is one thought

from dataclasses import dataclass
from typing import Any

from bot.agent import card
from bot.agent.card import Agent
from bot.listeners.door import Door, tell_directly, tell_only
from bot.store import handoffs, members
from bot.store.db import Session
from bot.store.handoffs import NotMoved
from bot.store.schema import Handoff, Ticket

ANYWHERE = 0
"The saying of what is owed in no ticket in particular."
LONGEST_ID = 18
"Digits: a number of so many fits a database's integer."
OUT_OF_DATE = "That button is out of date. Look at the newest card of this ticket."
NO_RESPONDER = "Only responders can do that. Ask an owner of this agent to add you."
OWN_REQUEST = "This is your own request, so somebody else has to take care of it."
DEPARTED = "Slack says that you are no longer a member of this workspace, so this did nothing."


@dataclass(frozen=True, slots=True)
class Press:
    """One click of a button, on a message or in App Home."""

    user: str
    value: object
    trigger: str
    channel: str | None
    "None in App Home."
    thread_ts: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """A handoff that somebody named, with what it belongs to."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent
    release: str | None = None
    "What the agent serves as, where that is known."

    @property
    def lease_minutes(self) -> float:
        """How long a claim of it holds."""
        return self.agent.card.handoff.lease_minutes

    def is_responder(self, user: str) -> bool:
        """Tell whether somebody may take it; an owner may, who gets the card when the queue is gone."""
        return user in (*self.agent.card.handoff.responders, *self.agent.card.owners)


def read(body: dict[str, Any]) -> Press:
    """Read a click."""
    container = body.get("container", {})
    return Press(
        user=body["user"]["id"],
        value=body["actions"][0].get("value"),
        trigger=body["trigger_id"],
        channel=container.get("channel_id") or body.get("channel", {}).get("id"),
        thread_ts=container.get("thread_ts"),
    )


def find(door: Door, session: Session, value: object) -> Named | None:
    """Return the handoff of this id, if there is one."""
    wanted = number(value)
    found = None if wanted is None else handoffs.find(session, wanted)
    if found is None:
        return None
    agent = card.named(door.agents, found[1].agent)
    return Named(*found, agent, door.releases.get(agent.card.name))


def by_responder(door: Door, session: Session, press: Press, *, move: str) -> Named | None:
    """Return what a button names, or tell who pressed it why it does nothing; that is audited."""
    named = find(door, session, press.value)
    if named is None:
        tell(session, press, OUT_OF_DATE, None)
        return None
    why = refusal(session, named, press.user, move=move)
    if why is not None:
        tell(session, press, why, named.ticket.id)
        return None
    return named


def refusal(session: Session, named: Named, user: str, *, move: str) -> str | None:
    """Return why somebody may not do this, which is audited, or None."""
    if not named.is_responder(user):
        handoffs.refuse(session, named.handoff.id, user, move=move, why="not a responder")
        return NO_RESPONDER
    if members.has_left(session, user):
        handoffs.refuse(session, named.handoff.id, user, move=move, why="no longer a member")
        return DEPARTED
    return None


def lost(session: Session, named: Named, user: str, refused: NotMoved, *, move: str) -> str:
    """Write down that a move came too late or from the wrong person; return the words that say so."""
    handoffs.refuse(session, named.handoff.id, user, move=move, why=f"it is {refused.state}")
    return standing(refused, user)


def tell(session: Session, press: Press, text: str, ticket_id: int | None) -> None:
    """Tell who pressed a button, and nobody else: where it stands, or directly when that is App Home."""
    if press.channel is None:
        tell_directly(session, key=press.trigger, user=press.user, text=text, ticket_id=ticket_id)
        return
    tell_only(
        session,
        key=press.trigger,
        user=press.user,
        channel=press.channel,
        thread_ts=press.thread_ts,
        text=text,
        ticket_id=ticket_id,
    )


def standing(refused: NotMoved, user: str) -> str:
    """Say how a handoff stands that could not be moved."""
    if refused.own:
        return OWN_REQUEST
    match refused.state:
        case "claimed":
            return "You have it already." if refused.holder == user else f"<@{refused.holder}> has it."
        case "open":
            return "Nobody has it at the moment: claim it first."
        case "returned":
            return "It was given back to the agent."
        case "cancelled":
            return "The requester took this back."
        case state:
            return f"This is {state} already."


def number(value: object) -> int | None:
    """Return the id that a browser has sent, or None when no row can have it."""
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal()) or len(value) > LONGEST_ID:
        return None
    return int(value)
