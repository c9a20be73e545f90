"""Tell the owners of an agent, once a week, that its review is over.

A reminder is taken and stored in one transaction, so that of two clocks one tells it, and a clock that dies in between
tells it later.
"""

from datetime import UTC, timedelta

import structlog

from bot.agent.card import Agent
from bot.principals import AgentStatus
from bot.slack.reports import review_reminder
from bot.store.installation import agents as principals
from bot.store.money import digests
from bot.store.schema import MessageKind, now
from jobs.process import WorkerContext

log = structlog.get_logger()

WEEK = timedelta(days=7)


def remind(ctx: WorkerContext) -> None:
    """Remind the owners of every agent whose review is over and who were not told in the last week."""
    for agent in ctx.agents.values():
        if agent.card.status is not AgentStatus.RETIRED:
            _remind(ctx, agent)


def _remind(ctx: WorkerContext, agent: Agent) -> None:
    name, at = agent.card.name, now()
    today = at.astimezone(UTC).date()
    with ctx.database.read() as session:
        due = principals.review_by(session, name, agent.card.review_by)
        owners = digests.still_members(session, agent.card.owners)
    if today <= due or not owners:
        return
    body = review_reminder.reminder(agent.card, due, days=(today - due).days)
    with ctx.database.write() as session:
        if not principals.take_reminder(session, name, told_before=at - WEEK):
            return
        for owner in owners:
            key = f"review:{name}:{at.isoformat(timespec='seconds')}:{owner}"
            digests.say(session, MessageKind.OWNER_ALERT, key, owner, body)
    log.info("review.reminded", agent=name, due=due.isoformat(), owners=len(owners))
