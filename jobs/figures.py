"""The clock counts for the dashboard, so that a page need not read every request.

What can no longer change is added up for good; what had become of the requests of each day is counted again and again.
"""

import time

from bot import agent_cards
from bot.store.figures import folding, success_days
from bot.store.money import spending
from bot.store.schema import now
from jobs.process import WorkerContext

SECONDS = 2.0
"How long one round goes on while there is more to add, such as the past of an installation, or a week without a clock."


def add_up(ctx: WorkerContext) -> None:
    """Add piece after piece, the newest first. Of two clocks at the same piece, one stops until its next round."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with ctx.database.read() as session:
            spending.at_one_moment(session)
            piece = folding.next_piece(session, at=now())
        if piece is None:
            return
        with ctx.database.write() as session:
            if not folding.add(session, piece):
                return


def count_success(ctx: WorkerContext) -> None:
    """Count what became of the requests of the days that are due, the newest first, as long as the round lasts."""
    deadline = time.monotonic() + SECONDS
    with ctx.database.read() as session:
        days = success_days.due(session, at=now())
    for day in days:
        if time.monotonic() > deadline:
            return
        at = now()
        with ctx.database.read() as session:
            spending.at_one_moment(session)
            counts = success_days.count(session, day, at=at, rates=agent_cards.rates(ctx.agents))
        with ctx.database.write() as session:
            success_days.keep(session, day, counts, at=at)
