"""Tell the owners of agents what the checks have found, each cause once, and once more when it is over.

The checks write down what they find (`jobs.drift`, `jobs.watch`); this tells it. A message is stored in the transaction
that marks its alert as told, so that a clock that dies in between tells it later, and of two clocks one tells it.
"""

from collections.abc import Sequence

import structlog

from bot.slack.reports import owner_alert
from bot.store.figures import owner_alerts
from bot.store.figures.owner_alerts import EVERYBODYS, OpenAlert
from bot.store.money import digests
from bot.store.outbox import messages
from bot.store.schema import AlertKind, MessageKind, now
from jobs import alerts
from jobs.process import WorkerContext

log = structlog.get_logger()

IN_QUEUE = frozenset({AlertKind.PROBES_WORSE})
"What the responders of an agent are told, too, in its queue channel: its answers may be worse than they are used to."
MOST = 5
"The most new alerts for one agent and day, as people stop reading when they get more. The others wait for tomorrow."

AT_ONCE = frozenset({AlertKind.SAMPLE_FAILED, AlertKind.PROBES_WORSE, AlertKind.WRITE_DIVERGED})
"Kinds that never wait for tomorrow: there are only a few causes of them, or each is about somebody's account."


def tell(ctx: WorkerContext) -> None:
    """Tell what was not told yet."""
    tell_everybody(ctx)
    for agent in ctx.agents.values():
        _tell_of(ctx, agent.card.name, agent.card.owners, queue=agent.card.handoff.queue_channel)


def tell_everybody(ctx: WorkerContext) -> None:
    """Tell the owners of every agent what concerns the whole installation."""
    _tell_of(ctx, EVERYBODYS, [owner for agent in ctx.agents.values() for owner in agent.card.owners], queue=None)


def _tell_of(ctx: WorkerContext, agent: str, owners: Sequence[str], *, queue: str | None) -> None:
    today, _ = ctx.meter.budgets.bounds("day", now())
    with ctx.database.look() as session:
        waiting = owner_alerts.untold(session, agent)
        if not waiting:
            return
        room = max(0, MOST - owner_alerts.told_since(session, agent, today))
        present = digests.still_members(session, owners)
    urgent = [one for one in waiting if not one.closed and one.kind in AT_ONCE]
    new = [one for one in waiting if not one.closed and one.kind not in AT_ONCE]
    for one in [*urgent, *new[:room], *(one for one in waiting if one.closed)]:
        _tell(ctx, present, one, queue=queue)


def _tell(ctx: WorkerContext, owners: Sequence[str], alert: OpenAlert, *, queue: str | None) -> None:
    tickets = {ticket: alerts.about(ctx, ticket) for ticket in owner_alert.tickets_in(alert)}
    body = owner_alert.over(alert) if alert.closed else owner_alert.found(alert, tickets)
    stage = "over" if alert.closed else "found"
    with ctx.database.write() as session:
        if not owner_alerts.take(session, alert):
            return
        for owner in owners:
            digests.say(session, MessageKind.OWNER_ALERT, f"owner_alert:{alert.id}:{stage}:{owner}", owner, body)
        if queue is not None and alert.kind in IN_QUEUE:
            key, lane = f"owner_alert:{alert.id}:{stage}:queue", f"owner_alert:{alert.agent}"
            messages.add(session, key=key, kind=MessageKind.OWNER_ALERT, lane=lane, channel=queue, body=body)
    log.info("alert.told", alert=alert.id, agent=alert.agent, kind=alert.kind, stage=stage, owners=len(owners))
