"""Who pressed what, and if they may: `bot.rights` is asked each time.

The value of a button and the metadata of a form are the browser's word: they name a row, and everything else is read
from it.
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
from bot.store.schema import Handoff, Ticket

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from bot.slack.api.async_client import AsyncWebClient

log = structlog.get_logger()

LONGEST_ID = 18
"Digits: a number of that many fits a database's integer."
NOT_OPENED = "Slack did not open the form. If you do not see it, please press the button again."


@dataclass(frozen=True, slots=True)
class Press:
    """One click of a button, on a message or in App Home."""

    user: str
    membership: Membership
    "What Slack says of them now, where they have a role."
    value: object
    trigger: str
    channel: str | None
    "None in App Home."
    thread_ts: str | None
    "None at the top level of a channel: what is said in the thread below a message is not seen beside it."
    message_ts: str | None
    "Of the message that bears the button; None in App Home."


@dataclass(frozen=True, slots=True)
class PressedHandoff:
    """A handoff that somebody named, with what it belongs to."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent | None
    "Who answers for it; None for an agent that is gone and has no heir."


@dataclass(frozen=True, slots=True)
class HandoffRef:
    """A handoff that somebody named and may act on."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent
    release: str | None = None
    "What the agent serves as, where that is known."

    @property
    def lease_minutes(self) -> float:
        """How long a claim of it holds."""
        return self.agent.card.handoff.lease_minutes


def read(ctx: ListenerContext, body: dict[str, Any]) -> Press:
    """Read a click, and look up who has made it; no transaction is open."""
    return replace(_unchecked(body), membership=ctx.membership(body["user"]["id"], team_of(body)))


async def open_form(ctx: ListenerContext, client: "AsyncWebClient", body: dict[str, Any], view: Block) -> None:
    """Show a form to the person who has pressed a button; where Slack does not, tell them to press it again."""
    try:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
    except Exception as error:  # noqa: BLE001 - whatever it was, they see no form and must not wait for one
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
    """Return the workspace of the person who pressed something: theirs where Slack tells it, else where they did."""
    return str(body["user"].get("team_id") or (body.get("team") or {}).get("id") or "")


def workspace(body: dict[str, Any]) -> str:
    """Return the workspace that something was pressed in; an installation for a whole organisation tells none."""
    return str((body.get("team") or {}).get("id") or body["user"].get("team_id") or "")


def answered_at(ctx: ListenerContext, body: dict[str, Any]) -> str | None:
    """Return where a click is answered; None when Slack names no address, or one that is not its own."""
    url = str(body.get("response_url") or "")
    return url if response_urls.is_slacks(url, ctx.slack_api_url) else None


def find(ctx: ListenerContext, session: Session, value: object) -> PressedHandoff | None:
    """Return the handoff of this id, if there is one."""
    wanted = number(value)
    found = None if wanted is None else handoffs.find(session, wanted)
    return None if found is None else PressedHandoff(*found, card.answering(ctx.agents, found[1].agent))


def by_responder(ctx: ListenerContext, session: Session, press: Press, *, move: str) -> HandoffRef | None:
    """Return what a button names, or tell who pressed it why it does nothing; that is audited."""
    found = find(ctx, session, press.value)
    if found is None:
        tell(session, press, say("press.out_of_date", "en"), None)
        return None
    named = permitted(ctx, session, found, actor(session, press.user, press.membership), move=move)
    if isinstance(named, str):
        tell(session, press, named, found.ticket.id)
        return None
    return named


def permitted(
    ctx: ListenerContext, session: Session, found: PressedHandoff, who: Actor, *, move: str
) -> HandoffRef | str:
    """Return what somebody may act on, or why they may not, which is audited."""
    why, agent = rights.barred_from(found.agent, who), found.agent
    if why is None and agent is not None:
        return HandoffRef(found.handoff, found.ticket, agent, ctx.releases.get(agent.card.name))
    moves.refuse(session, found.handoff.id, who.user, move=move, why=str(why))
    return denials.in_words(why or Forbidden.NO_AGENT)


def lost(session: Session, named: HandoffRef | PressedHandoff, user: str, refused: NotMoved, *, move: str) -> str:
    """Write down that a move came too late or from the wrong person; return the words that say so."""
    moves.refuse(session, named.handoff.id, user, move=move, why=f"it is {refused.state or 'unknown'}")
    return denials.standing(refused, user)


def tell(session: Session, press: Press, text: str, ticket_id: int | None) -> None:
    """Tell who pressed a button, and no one else: where it stands, or directly when that is App Home."""
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
    """Say to somebody why they may not do what is a requester's alone."""
    if why is not Forbidden.NOT_THEIRS:
        return denials.in_words(why, language)
    return say(f"press.only_theirs_to_{what}", language, who=f"<@{ticket.requester}>")


def number(value: object) -> int | None:
    """Return the id that a browser has sent, or None when no row can have it."""
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal()) or len(value) > LONGEST_ID:
        return None
    return int(value)
