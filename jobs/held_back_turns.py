"""Turns that are held back because their requester has the most turns under way that one person may.

They are not in the queue, so they do not delay the turns of others. When a turn of the requester ends, the next one is
queued; the clock queues those that a crash left.
"""

import structlog

from bot.agent import card
from bot.errors import Transient
from bot.queue import RUN_TURN
from bot.store.tickets import shares
from jobs.process import WorkerContext

log = structlog.get_logger()

WITHOUT_AGENT = 1
"The most turns of one person under way if the agent is gone: each ends with a sentence that says so."


def queue_next(ctx: WorkerContext, team: str, user: str, agent: str) -> None:
    """Queue a person's oldest held-back turns, as many as they may have now."""
    found = card.answering(ctx.agents, agent)
    most = WITHOUT_AGENT if found is None else found.card.per_person.turns
    with ctx.database.look() as session:
        if not shares.waits(session, team, user):
            return  # as after almost every turn
    with ctx.database.write() as session:
        turn_ids = shares.queue_next(session, team, user, turns=most)
    for turn_id in turn_ids:
        try:
            ctx.queue.put(RUN_TURN, turn_id)
        except Transient as error:
            log.warning("job.not_queued", job=RUN_TURN, error=str(error))  # the clock finds the row


def look(ctx: WorkerContext) -> None:
    """Queue all held-back turns that may go now: their requester's turns also end without an answer, or workers die."""
    with ctx.database.look() as session:
        waiting = shares.held_back(session)
    for one in waiting:
        queue_next(ctx, one.team, one.user, one.agent)
