"""Turns that were held back, because their requester had as many under way as one person may: one goes as one ends.

They are in no queue meanwhile, so they take no place in it from anybody. What a crash leaves, the clock lets go.
"""

import structlog

from bot.agent import card
from bot.errors import Transient
from bot.queue import RUN_TURN
from bot.store.tickets import shares
from jobs.process import WorkerContext

log = structlog.get_logger()

OF_NOBODY = 1
"Turns at once of an agent that is gone: each ends with a sentence that says so."


def queue_next(ctx: WorkerContext, team: str, user: str, agent: str) -> None:
    """Queue as many of a person's turns as there is room for, the oldest first."""
    found = card.answering(ctx.agents, agent)
    most = OF_NOBODY if found is None else found.card.per_person.turns
    with ctx.database.write() as session:
        going = shares.queue_next(session, team, user, turns=most)
    for turn_id in going:
        try:
            ctx.queue.put(RUN_TURN, turn_id)
        except Transient as error:
            log.warning("job.not_queued", job=RUN_TURN, error=str(error))  # the clock finds the row


def look(ctx: WorkerContext) -> None:
    """Let go whatever has room by now: turns end in other ways than by an answer, and workers die."""
    with ctx.database.read() as session:
        waiting = shares.held_back(session)
    for one in waiting:
        queue_next(ctx, one.team, one.user, one.agent)
