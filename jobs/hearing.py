"""What a worker hears itself, reading a thread: through the same listeners as the web process, with their look-ups."""

from bot.listeners.context import Door
from bot.slack.api import names, roles
from jobs.process import Process


def door(house: Process) -> Door:
    """Return what the listeners are handed in a worker."""
    return Door(
        house.database,
        house.queue,
        house.agents,
        names=names.of(house.slack),
        is_app=roles.sorter(house.members),
    )
