"""Say what is owed, in Slack; `jobs.rerouting` finds another place for what can never be said where it should be."""

from bot.slack.outbox import outbox
from jobs import process, rerouting
from jobs.process import WorkerContext


def deliver(ticket_id: int) -> None:
    """Say everything that is owed in one ticket; with 0, anywhere."""
    ctx = process.current()
    _deliver(ctx, ticket_id or None)


def deliver_all(ctx: WorkerContext) -> int:
    """Say everything that is owed anywhere; return how many messages went out."""
    return _deliver(ctx, None)


def _deliver(ctx: WorkerContext, ticket_id: int | None) -> int:
    return outbox.deliver(
        ctx.database, ctx.slack, ticket_id=ticket_id, elsewhere=rerouting.of(ctx), keep=ctx.leases.sending
    )
