"""Alert the owners of an agent when a ticket, a person or a tool costs far more than in the weeks before.

Owners are alerted of each subject once a day. The day before is checked too, for what happened after its last check.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.agent.card import Agent
from bot.budget.reports import anomalies
from bot.budget.reports.anomalies import Anomaly
from bot.slack.api import client as slack
from bot.slack.money import alerts
from bot.slack.reports.about_ticket import About
from bot.store.money import daily_costs, digests
from bot.store.money.digests import Key
from bot.store.schema import MessageKind, now
from jobs.process import WorkerContext

log = structlog.get_logger()

MOST = 5
"The most alerts for one agent and day, as people stop reading when they get more. The most expensive come first."


def tell(ctx: WorkerContext) -> None:
    """Check this day and the day before, and send the alerts that were not sent yet."""
    at = now()
    since, _ = ctx.meter.budgets.bounds("day", at)
    for agent in ctx.agents.values():
        for moment in (since - timedelta(hours=1), at):
            _look(ctx, agent, moment)


def _look(ctx: WorkerContext, agent: Agent, at: datetime) -> None:
    name = agent.card.name
    with ctx.database.read() as session:
        found = anomalies.find(session, ctx.meter.budgets, agent=name, at=at)
        if not found:
            return
        day = found[0].since.astimezone(ctx.meter.budgets.zone).date().isoformat()
        alerted = {key for key in digests.alerts(session, found[0].since, now()) if (key[0], key[3]) == (name, day)}
        owners = digests.still_members(session, agent.card.owners)
    keyed = [(one, (name, one.per, one.name, day)) for one in found]
    for one, key in [(one, key) for one, key in keyed if key not in alerted][: max(0, MOST - len(alerted))]:
        _tell(ctx, owners, one, key)


def _tell(ctx: WorkerContext, owners: Sequence[str], found: Anomaly, key: Key) -> None:
    today = found.since == ctx.meter.budgets.bounds("day", now())[0]
    tickets = {ticket: about(ctx, ticket) for ticket in alerts.tickets_in(found)}
    when = "today so far" if today else f"on {found.since.astimezone(ctx.meter.budgets.zone):%A, %Y-%m-%d}"
    body = alerts.alert(found, when=when, tickets={ticket: one for ticket, one in tickets.items() if one is not None})
    with ctx.database.write() as session:
        sent_to = [
            owner
            for owner in owners
            if digests.say(session, MessageKind.ALERT, digests.alert_key(key, owner), owner, body)
        ]
    if sent_to:
        agent, per, _, day = key
        causes = [pattern.cause for pattern in found.patterns]
        log.warning("anomaly.found", agent=agent, per=per, day=day, extra_nusd=found.extra_nusd, causes=causes)


def about(ctx: WorkerContext, ticket: str) -> About | None:
    """Return what owners may see of a ticket; Slack is asked for its link, with no transaction open."""
    with ctx.database.read() as session:
        place = daily_costs.place_of(session, ticket)
    if place is None:
        return None
    if place.private:
        return About(place.requester, None, None)
    link = slack.permalink(ctx.slack, place.channel, place.thread_ts)
    return About(place.requester, place.channel, link)
