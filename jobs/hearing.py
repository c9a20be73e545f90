"""What a worker hears itself, reading a thread: through the same listeners as the web process, with their look-ups."""

from bot.listeners.context import ListenerContext
from bot.slack.api import names, roles
from jobs.process import WorkerContext


def listener_ctx(ctx: WorkerContext) -> ListenerContext:
    """Return what the listeners are handed in a worker."""
    return ListenerContext(
        ctx.database,
        ctx.queue,
        ctx.agents,
        names=names.of(ctx.slack),
        is_app=roles.sorter(ctx.members),
    )
