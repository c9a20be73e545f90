"""Keep App Homes current: draw each stale home again, and publish it if it looks different.

Errors are only logged: the next look of the clock tries again.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import structlog

from bot import rights
from bot.agent import standing
from bot.agent.card import Agent
from bot.errors import Transient
from bot.principals import NoRequest, Reason
from bot.rights import Actor, Forbidden
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.slack.approvals import approval_home, approval_messages
from bot.slack.approvals.approval_home import ApprovalItem
from bot.slack.handoffs import home
from bot.slack.handoffs.home import HomeView, Item, Request, RequestState, Worklist, WorklistPart
from bot.slack.mrkdwn import Block
from bot.slack.reports import agent_standing, case_form
from bot.slack.reports.case_form import CaseItem
from bot.slack.sentences import spoken_by
from bot.store.approvals import waiting
from bot.store.db import Session
from bot.store.outbox import homes, messages
from bot.store.outbox.homes import Active, Carded, HomeTicket
from bot.store.releases import case_proposals
from bot.store.schema import HandoffState, TicketState
from bot.store.tickets import first_words
from jobs import process
from jobs.process import WorkerContext

log = structlog.get_logger()

HOLD_SECONDS = 20.0
"Seconds that a publisher has a home: longer than its two Slack calls can take."
PAUSE_SECONDS = 1.0
"Least seconds between two publications of one home; the next one shows all that happened between them."
MOST_PROPOSED = 1_000
"The most proposed cases of one person that are counted; a home shows far fewer."
LATER_SECONDS = 10.0
"Seconds until Slack is tried again."


@dataclass(frozen=True, slots=True)
class Drawn:
    """A home as it should look, and the mark of the tables before it was drawn."""

    view: HomeView
    mark: str
    pause: float
    "Seconds until it may be published again."


def show(user: str) -> None:
    """Publish the home that somebody has just opened."""
    _publish_all(process.current(), [user])


def refresh(ctx: WorkerContext) -> int:
    """Publish the homes that have changed; return how many. Errors are logged and never raised."""
    try:
        with ctx.database.look() as session:
            users = homes.stale(session)
    except Transient as error:
        log.warning("homes.delayed", error=str(error))
    except Exception as bug:  # a home matters less than what the caller does besides
        log.exception("homes.crashed", error=type(bug).__name__)
    else:
        return _publish_all(ctx, users)
    return 0


def _publish_all(ctx: WorkerContext, users: Sequence[str]) -> int:
    published = 0
    for number, user in enumerate(users):
        try:
            published += _publish(ctx, user)
        except Transient as error:  # Slack or the database cannot be reached, so the other homes would fail too
            log.warning("homes.delayed", error=str(error), left=len(users) - number)
            _put_off(ctx, users[number:], error)
            break
        except Exception as bug:  # an error with one home must not stop the others; it becomes free by itself
            log.exception("home.crashed", user=user, error=type(bug).__name__)
    return published


def _publish(ctx: WorkerContext, user: str) -> bool:
    """Publish one home if it is free and has changed; return whether it was published."""
    with ctx.database.write() as session:
        taken = homes.take(session, user, seconds=HOLD_SECONDS)
    if taken is None:
        return False
    site, who = _site(ctx.slack), ctx.actor(user) if rights.served_by(ctx.agents, user) else None
    with ctx.database.read() as session:
        drawn = _draw(session, ctx.agents, user, site, who, has_dashboard=ctx.door is not None)
    body = home.home(drawn.view)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    differs = digest != taken.shown
    if differs:
        try:
            slack.call(ctx.slack.views_publish, user_id=user, view=body)
        except slack.Rejected as error:
            log.error("home.rejected", user=user, error=error.code)  # noqa: TRY400 - Slack's error code is enough
            with ctx.database.write() as session:
                homes.close(session, user)
            return False
    with ctx.database.write() as session:
        homes.shown(session, taken, mark=drawn.mark, digest=digest, pause=drawn.pause)
    return differs


def _put_off(ctx: WorkerContext, users: Sequence[str], error: Transient) -> None:
    try:
        with ctx.database.write() as session:
            homes.put_off(session, users, seconds=max(error.retry_after or 0.0, LATER_SECONDS))
    except Transient:
        log.warning("homes.not_postponed", error=str(error))  # the database cannot be reached


@lru_cache(maxsize=1)
def _site(client: WebClient) -> str:
    """Return the URL of the workspace, which Slack is asked for once; it ends with a slash."""
    return str(slack.call(client.auth_test)["url"])


def _draw(
    session: Session,
    agents: Mapping[str, Agent],
    user: str,
    site: str,
    who: Actor | None,
    *,
    has_dashboard: bool = False,
) -> Drawn:
    """Read what a person's home shows; the mark is read first, so that a later change makes the home stale again.

    A person with a role sees a worklist if they may act now. If Slack does not say who they are, the home is drawn
    again later, since look-ups are needed for requesters first.
    """
    mark = homes.mark(session)
    serves = rights.served_by(agents, user)
    why = Forbidden.NO_ROLE if who is None else rights.barred(who, (user,))
    unchecked = why is Forbidden.UNCHECKED
    worklist, is_incomplete = _worklist(session, agents, serves, user, site) if why is None else (None, unchecked)
    to_approve = _to_approve(session, agents, user, site) if why is None else []
    is_incomplete |= any(item.card_link is None for item in to_approve)
    view = HomeView(
        worklist=worklist,
        requests=tuple(_request(asked, site) for asked in homes.asked(session, user)),
        channels=tuple(dict.fromkeys(channel for agent in agents.values() for channel in agent.card.channels)),
        language=spoken_by(session, user),
        dashboard=has_dashboard and why is None,
        to_approve=tuple(approval_home.blocks(to_approve)),
        proposed=_proposed(session, user) if why is None else (),
        idle=_idle(session, agents, serves) if why is None else (),
        by_mention=any(agent.card.channels and agent.card.mention == "required" for agent in agents.values()),
    )
    return Drawn(view, "" if is_incomplete else mark, LATER_SECONDS if unchecked else PAUSE_SECONDS)


def _proposed(session: Session, user: str) -> tuple[Block, ...]:
    """Return the proposed cases that somebody is to decide about."""
    found = case_proposals.assigned_to(session, user, at_most=MOST_PROPOSED)
    items = [CaseItem(one, one.draft.says.partition("\n")[0]) for one in found[: case_form.MOST_ITEMS]]
    return tuple(case_form.entries(items, len(found)))


def _idle(session: Session, agents: Mapping[str, Agent], serves: Collection[str]) -> tuple[str, ...]:
    """Return a line for each agent that somebody serves and that does not work now."""
    idle = standing.idle(session, agents)
    return tuple(agent_standing.line(name, found) for name, found in idle.items() if name in serves)[: home.MOST_IDLE]


def _worklist(
    session: Session, agents: Mapping[str, Agent], serves: Collection[str], user: str, site: str
) -> tuple[Worklist, bool]:
    """Return a responder's worklist, and whether one of its cards is not posted yet, which the mark would not show."""
    active = [one for one in homes.active(session) if one.agent in serves]
    own = [one for one in active if one.holder == user]
    waiting = [one for one in active if one.holder is None]
    others = [one for one in active if one.holder not in (None, user)]
    shown = (*own[: home.MOST_OWN], *waiting[: home.MOST_OPEN], *others[: home.MOST_OTHERS])
    found = homes.carded(session, [one.id for one in shown])
    words = first_words.of(session, [one.ticket.id for one in found.values()])
    worklist = Worklist(
        responder=user,
        own=_part(own, found, words, site),
        waiting=_part(waiting, found, words, site),
        others=_part(others, found, words, site),
        queues=tuple(
            dict.fromkeys(one.card.handoff.queue_channel for one in agents.values() if one.card.name in serves)
        ),
    )
    return worklist, any(one.card_owed for one in found.values())


def _to_approve(session: Session, agents: Mapping[str, Agent], user: str, site: str) -> list[ApprovalItem]:
    """Return what waits for somebody as an approver; their own request, and what they have approved, does not."""
    items = []
    for approval, ticket in waiting.waiting_for(session, rights.approving(agents, user)):
        view = approval_messages.view_of(session, approval, ticket)
        if user in (ticket.requester, view.first_by, view.given and view.given.answered_by):
            continue
        card = messages.by_key(session, approval_messages.card_key(approval.id))
        posted = card is not None and card.ts is not None
        items.append(ApprovalItem(view, _permalink(site, card.channel, str(card.ts)) if card and posted else None))
    return items


def _part(active: Sequence[Active], found: dict[int, Carded], words: dict[int, str], site: str) -> WorklistPart:
    return WorklistPart(tuple(_item(found[one.id], words, site) for one in active if one.id in found), len(active))


def _item(carded: Carded, words: dict[int, str], site: str) -> Item:
    handoff, ticket = carded.handoff, carded.ticket
    return Item(
        handoff_id=handoff.id,
        ticket_id=ticket.id,
        requester=ticket.requester,
        private=ticket.private,
        reason=Reason(handoff.reason),
        words=words.get(ticket.id),
        summary=handoff.summary,
        holder=handoff.claimed_by,
        lease_until=handoff.lease_until,
        waiting_since=handoff.waiting_since,
        card_link=_permalink(site, handoff.queue_channel, carded.card_ts) if carded.card_ts else None,
        thread_link=handoff.context.link,
    )


def _request(asked: HomeTicket, site: str) -> Request:
    ticket = asked.ticket
    state, at = _state_of(asked)
    return Request(
        ticket_id=ticket.id,
        words=asked.words,
        state=state,
        holder=ticket.assignee,
        at=at,
        link=_permalink(site, ticket.channel, ticket.thread_ts),
    )


def _state_of(asked: HomeTicket) -> tuple[RequestState, datetime]:
    """Return the state of a ticket as its requester sees it, and since when."""
    ticket, handoff = asked.ticket, asked.handoff
    if handoff is not None and handoff.state is HandoffState.CLAIMED:
        return "person", handoff.claimed_at or handoff.opened_at
    if handoff is not None and handoff.state is HandoffState.OPEN:
        return "waiting", handoff.waiting_since
    if handoff is not None and handoff.state is HandoffState.CANCELLED and ticket.state is TicketState.RESOLVED:
        return "withdrawn", handoff.closed_at or handoff.opened_at
    if ticket.state is TicketState.RESOLVED:
        return (
            "refused" if ticket.category == NoRequest.REFUSED else "resolved",
            ticket.resolved_at or ticket.created_at,
        )
    if asked.withdrawn_at is not None:
        return "withdrawn", asked.withdrawn_at
    if asked.answered_at is not None:
        return "yours" if asked.linked else "answered", asked.answered_at
    return "agent", ticket.created_at


def _permalink(site: str, channel: str, ts: str) -> str:
    """Return the permanent link of a message, built as Slack builds it, without asking Slack."""
    return f"{site}archives/{channel}/p{ts.replace('.', '')}"
