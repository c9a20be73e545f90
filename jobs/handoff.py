"""Handoffs over time: claims expire, and unclaimed handoffs escalate.

Invariant: a move and its messages are written in one transaction, and every move is conditional, so that of several
clocks only one makes it. A look does not call Slack: its messages are written down, and `jobs.upkeep` sends them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import rights
from bot.admission import Bar
from bot.agent import card
from bot.casework import departures
from bot.casework import handoffs as casework
from bot.errors import Transient
from bot.escalation import EscalationAction
from bot.responders.people import People
from bot.slack.api import queue_channels
from bot.slack.api.membership import Unseen
from bot.slack.handoffs import linked_threads
from bot.store import members
from bot.store.db import Session
from bot.store.handoffs import handoffs, handoffs_due
from bot.store.handoffs.handoffs_due import Claim, OpenHandoff
from bot.store.handoffs.moves import Moved
from bot.store.schema import ExpiryCause, now
from bot.store.tickets import tickets
from jobs.process import WorkerContext

log = structlog.get_logger()

Move = Callable[[Session], None]

GRACE = timedelta(minutes=2)
"An escalation that was due right before the office closed is still made this long after."
DEPARTED_AT_A_TIME = 20
"Departed members re-checked per round; Slack allows about 100 look-ups a minute."


def look(ctx: WorkerContext) -> None:
    """Make every move that is due.

    Raises:
        Transient: the database cannot be reached.
    """
    with ctx.database.look() as session:
        due = list(_due(session, ctx))
    for handoff_id, move in due:
        try:
            with ctx.database.write() as session:
                move(session)
        except Transient as error:
            log.warning("handoff.delayed", handoff=handoff_id, error=str(error))
        except Exception as bug:  # an error with one handoff must not stop the others
            log.exception("handoff.crashed", handoff=handoff_id, error=type(bug).__name__)


def check_departures(ctx: WorkerContext) -> None:
    """Ask Slack whether holders are still full members and departed people are back: events may have been lost."""
    with ctx.database.look() as session:
        gone = members.departed(session, most=DEPARTED_AT_A_TIME)
        asked = {*handoffs_due.holders(session), *gone}
    for user in sorted(asked):
        try:
            member = ctx.members.look_up(user)
            barred = None if isinstance(member, Unseen) else ctx.members.may_act(user)
        except Transient as error:
            log.info("member.not_looked_up", user=user, error=str(error))
            continue
        if isinstance(member, Unseen) or (barred is not None and barred.why is Bar.UNCLEAR):
            continue  # their membership is unknown, so they may not act until it is known
        if barred is not None:
            left(ctx, user)
        elif user in gone:
            with ctx.database.write() as session:
                members.note_return(session, user)


def check_queue_privacy(ctx: WorkerContext) -> None:
    """Remove private words from queue channels that others can read by now."""
    with ctx.database.look() as session:
        active = handoffs_due.private(session)
    unfit = {name: _withholds(ctx, name) for name in {agent for _, agent in active}}
    for handoff_id in [number for number, agent in active if unfit[agent]]:
        with ctx.database.write() as session:
            found = handoffs.find(session, handoff_id)
            if found is None or linked_threads.withheld(found[0]):
                continue
            tickets.lock(session, found[1].id)
            casework.withhold(session, *found)
            log.warning("handoff.withheld", handoff=handoff_id)


def _withholds(ctx: WorkerContext, name: str) -> bool:
    agent = card.answering(ctx.agents, name)
    return agent is not None and queue_channels.of(ctx.slack).withholds(agent, ctx.agents)


def left(ctx: WorkerContext, user: str) -> None:
    """Note that somebody has left the workspace, and end their claims."""
    with ctx.database.write() as session:
        departures.note(session, user)
    look(ctx)


def _due(session: Session, ctx: WorkerContext) -> Iterator[tuple[int, Move]]:
    """Yield the moves that are due, those of claims first.

    For an agent that is gone only claims end: nobody may act on its handoffs until it has an heir.
    """
    at, agents = now(), ctx.agents
    cards = [agent.card.handoff for agent in agents.values()]
    earliest = max((people.lease_reminder_minutes for people in cards), default=0.0)
    serving = rights.serving(agents)
    for claim in handoffs_due.ending(session, before=at + timedelta(minutes=earliest), serving=serving):
        agent = card.answering(agents, claim.agent)
        people = None if agent is None else agent.card.handoff
        if claim.why is not ExpiryCause.LEASE or claim.lease_until <= at:
            yield claim.id, partial(_expire, claim=claim, people=people)
        elif people is not None and claim.lease_until <= at + timedelta(minutes=people.lease_reminder_minutes):
            yield claim.id, partial(_remind_holder, claim=claim)
    for handoff in handoffs_due.open_below_level(session, max((len(people.escalation) for people in cards), default=0)):
        agent = card.answering(agents, handoff.agent)
        actions = [] if agent is None else _overdue(agent.card.handoff, handoff, at)
        if agent is not None and actions:
            yield handoff.id, partial(_escalate, handoff=handoff, people=agent.card.handoff, actions=actions)


def _overdue(people: People, handoff: OpenHandoff, at: datetime) -> list[EscalationAction]:
    """Return the escalation actions that are due now, in order.

    An action that calls responders waits while they are not at work. The requester, who was promised a person, is told
    meanwhile.
    """
    ahead = people.actions(handoff.open_since)
    for taken in handoff.taken:
        same = next((one for one in ahead if one[1] == taken), None)
        if same is not None:
            ahead.remove(same)
    overdue = [action for due, action in ahead if due <= at]
    if overdue and people.opens_at(at) and people.opens_at(at - GRACE):
        return [action for action in overdue if not action.calls_responders]
    return overdue


def _expire(session: Session, *, claim: Claim, people: People | None) -> None:
    casework.expire(session, claim.id, holder=claim.holder, people=people, why=claim.why)


def _remind_holder(session: Session, *, claim: Claim) -> None:
    moved = casework.warn(session, claim.id, lease_until=claim.lease_until)
    if isinstance(moved, Moved):
        log.info("handoff.warned", handoff=claim.id, holder=claim.holder)


def _escalate(session: Session, *, handoff: OpenHandoff, people: People, actions: Sequence[EscalationAction]) -> None:
    taken = list(handoff.taken)
    for action in actions:
        moved = casework.escalate(session, handoff, people, action, taken=taken)
        if not isinstance(moved, Moved):
            return  # it was claimed, or another clock has made the move
        taken.append(action)
        log.info("handoff.escalated", handoff=handoff.id, action=action)
