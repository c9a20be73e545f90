"""The clock adds up what the dashboard counts and can no longer change, so that a page need not read it again."""

import time

from bot.store.figures import folding
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
