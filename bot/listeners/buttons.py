"""Reads who pressed which button, and asks `bot.rights` each time whether they may.

The value of a button and the metadata of a form come from a browser and are not trusted: they only name a row, and
everything else is read from that row.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from bot import rights
from bot.agent import card
from bot.agent.card import Agent
from bot.casework.context import ANYWHERE, actor, tell_directly, tell_only
from bot.listeners.context import ListenerContext
from bot.rights import Actor, Forbidden, Membership
from bot.slack.api import response_urls
from bot.slack.handoffs import denials
from bot.slack.mrkdwn import Block
from bot.slack.sentences import Language, say
from bot.store.db import Session
from bot.store.handoffs import handoffs, moves
from bot.store.handoffs.moves import NotMoved
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import Handoff, Ticket

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from bot.slack.api.async_client import AsyncWebClient

log = structlog.get_logger()

LONGEST_ID = 18
"The most digits of an id, so that it fits a database's integer."
NOT_OPENED = "Slack did not open the form. If you do not see it, please press the button again."


@dataclass(frozen=True, slots=True)
class Press:
    """One click of a button, on a message or in App Home."""

    user: str
    membership: Membership
    "What Slack says of them now, if they have a role."
    value: object
    trigger: str
    channel: str | None
    "None in App Home."
    thread_ts: str | None
    "None when the button's message is at the top level: an answer only in its thread would not be seen beside it."
    message_ts: str | None
    "The ts of the button's message; None in App Home."


@dataclass(frozen=True, slots=True)
class PressedHandoff:
    """The handoff of a pressed button or a form, with its ticket and agent."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent | None
    "The agent that answers for it; None when it is gone and has no heir."


@dataclass(frozen=True, slots=True)
class HandoffRef:
    """A handoff on which the person who pressed or submitted may act."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent
    pair: ReleasePair | None = None
    "The release that the agent serves now and the suite in its folder, if they are known."

    @property
    def lease_minutes(self) -> float:
        """Return how many minutes a claim of it lasts."""
        return self.agent.card.handoff.lease_minutes


def read(ctx: ListenerContext, body: dict[str, Any]) -> Press:
    """Read a click and look up its author; no transaction may be open."""
    return replace(_unchecked(body), membership=ctx.membership(body["user"]["id"], team_of(body)))


async def open_form(ctx: ListenerContext, client: "AsyncWebClient", body: dict[str, Any], view: Block) -> None:
    """Open a form for the person who pressed a button; if Slack fails, tell them to press it again."""
    try:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
    except Exception as error:  # noqa: BLE001 - after any error they see no form and must be told
        log.warning("form.not_opened", error=type(error).__name__)
        await asyncio.to_thread(_not_opened, ctx, body)


def _not_opened(ctx: ListenerContext, body: dict[str, Any]) -> None:
    with ctx.database.write() as session:
        tell(session, _unchecked(body), NOT_OPENED, None)
    ctx.deliver(ANYWHERE)


def _unchecked(body: dict[str, Any]) -> Press:
    container = body.get("container") or {}
    at, thread = container.get("message_ts"), container.get("thread_ts")
    return Press(
        user=body["user"]["id"],
        membership=Membership.UNCHECKED,
        value=body["actions"][0].get("value"),
        trigger=body["trigger_id"],
        channel=container.get("channel_id") or (body.get("channel") or {}).get("id"),
        thread_ts=None if thread == at else thread,
        message_ts=at,
    )


def team_of(body: dict[str, Any]) -> str:
    """Return the workspace of the person who pressed, or where they pressed if Slack does not say."""
    return str(body["user"].get("team_id") or (body.get("team") or {}).get("id") or "")


def workspace(body: dict[str, Any]) -> str:
    """Return the workspace of a press, or the person's own if the app is installed for a whole organisation."""
    return str((body.get("team") or {}).get("id") or body["user"].get("team_id") or "")


def answered_at(ctx: ListenerContext, body: dict[str, Any]) -> str | None:
    """Return the address for answers to a click; None when Slack gives none, or it is not Slack's."""
    url = str(body.get("response_url") or "")
    return url if response_urls.is_slacks(url, ctx.slack_api_url) else None


def find(ctx: ListenerContext, session: Session, value: object) -> PressedHandoff | None:
    """Return the handoff with this id, or None."""
    handoff_id = number(value)
    found = None if handoff_id is None else handoffs.find(session, handoff_id)
    return None if found is None else PressedHandoff(*found, card.answering(ctx.agents, found[1].agent))


def by_responder(ctx: ListenerContext, session: Session, press: Press, *, move: str) -> HandoffRef | None:
    """Return the handoff of a button, or tell the presser why they may not act on it, which is audited."""
    found = find(ctx, session, press.value)
    if found is None:
        tell(session, press, say("press.out_of_date", "en"), None)
        return None
    ref = permitted(ctx, session, found, actor(session, press.user, press.membership), move=move)
    if isinstance(ref, str):
        tell(session, press, ref, found.ticket.id)
        return None
    return ref


def permitted(
    ctx: ListenerContext, session: Session, found: PressedHandoff, who: Actor, *, move: str
) -> HandoffRef | str:
    """Return a handoff if somebody may act on it, or else the sentence that says why not, which is audited."""
    why, agent = rights.barred_from(found.agent, who), found.agent
    if why is None and agent is not None:
        return HandoffRef(found.handoff, found.ticket, agent, ctx.releases.get(agent.card.name))
    moves.refuse(session, found.handoff.id, who.user, move=move, why=str(why))
    return denials.in_words(why or Forbidden.NO_AGENT)


def not_moved(session: Session, ref: HandoffRef | PressedHandoff, user: str, refused: NotMoved, *, move: str) -> str:
    """Audit a move that came too late or from the wrong person, and return the sentence that says so."""
    moves.refuse(session, ref.handoff.id, user, move=move, why=f"it is {refused.state or 'unknown'}")
    return denials.explanation(refused, user)


def tell(session: Session, press: Press, text: str, ticket_id: int | None) -> None:
    """Tell only the person who pressed a button: beside the button, or directly when it is in App Home."""
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


def not_theirs(why: Forbidden, what: str, ticket: Ticket, language: Language) -> str:
    """Return the sentence that says why somebody may not do what only the requester may."""
    if why is not Forbidden.NOT_THEIRS:
        return denials.in_words(why, language)
    return say(f"press.only_theirs_to_{what}", language, who=f"<@{ticket.requester}>")


def number(value: object) -> int | None:
    """Return the id that a browser has sent, or None when it cannot be the id of a row."""
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal()) or len(value) > LONGEST_ID:
        return None
    return int(value)
