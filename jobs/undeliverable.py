"""Send stored messages to Slack; `jobs.rerouting` finds another place for one that Slack will never take."""

from bot.slack.outbox import outbox
from jobs import process, rerouting
from jobs.process import WorkerContext


def deliver(ticket_id: int) -> None:
    """Send all due messages of one ticket; 0: of all tickets."""
    ctx = process.current()
    _deliver(ctx, ticket_id or None)


def deliver_all(ctx: WorkerContext) -> int:
    """Send all due messages; return how many were sent."""
    return _deliver(ctx, None)


def _deliver(ctx: WorkerContext, ticket_id: int | None) -> int:
    return outbox.deliver(
        ctx.database, ctx.slack, ticket_id=ticket_id, elsewhere=rerouting.of(ctx), keep=ctx.leases.sending
    )
