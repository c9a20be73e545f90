"""Surges over time: the directory is checked, the card counts up, and after the end the agent goes on with everyone.

Invariant: each follower is told of the end and gets their turn in one transaction that takes them off the list of those
who wait. So of several clocks one does it, and what a killed clock left is done by the next. No transaction is open
while the directory is asked.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

import structlog

from bot.agent import card
from bot.agent.card import Agent
from bot.casework import surge_followers, surge_handoffs
from bot.errors import Transient
from bot.queue import RUN_TURN
from bot.store.handoffs import handoffs
from bot.store.schema import HandoffState, Surge, SurgeCause, SurgeEnd, now
from bot.store.tickets import followers, surges, tickets
from jobs.process import WorkerContext

log = structlog.get_logger()

CHECK_EVERY = timedelta(seconds=5)
"Between two checks of a directory that is down."
SHOWN_EVERY = timedelta(seconds=10)
"Between two updates of the number of people on a card: Slack limits edits."
AT_ONCE = 10
"The most turns of one surge that the agent goes on with at a time: others need room under the budgets, and in Slack."


def look(ctx: WorkerContext) -> None:
    """Watch the surges under way, and go on with those that are over.

    Raises:
        Transient: the database cannot be reached.
    """
    with ctx.database.look() as session:
        if not surges.any_unsettled(session):
            return
        under_way, over = surges.all_under_way(session), surges.unsettled(session)
    for surge in under_way:
        _seen_to(ctx, surge, _watch)
    for surge in over:
        _seen_to(ctx, surge, _go_on)


def _seen_to(ctx: WorkerContext, surge: Surge, do: Callable[[WorkerContext, Surge, Agent], None]) -> None:
    agent = card.answering(ctx.agents, surge.agent)
    if agent is None:
        return  # its folder is gone; its heir goes on, once there is one
    try:
        do(ctx, surge, agent)
    except Transient as error:
        log.warning("surge.delayed", surge=surge.id, error=str(error))
    except Exception as bug:  # an error with one surge must not stop the others
        log.exception("surge.crashed", surge=surge.id, error=type(bug).__name__)


def _watch(ctx: WorkerContext, surge: Surge, agent: Agent) -> None:
    """End a surge whose cause is gone; else bring its card up to date."""
    for ticket_id in surge.left_out:
        with ctx.database.write() as session:
            surges.link_left_out(session, surge.id, ticket_id)
    with ctx.database.look() as session:
        found = handoffs.find(session, surge.handoff_id)
    if found is None:
        raise ValueError(f"surge {surge.id} has no parent handoff")
    parent, ticket = found
    match parent.state:
        case HandoffState.RESOLVED | HandoffState.RETURNED:
            _end(ctx, surge, ticket.id, SurgeEnd.PEOPLE)
        case HandoffState.CANCELLED:
            _pass_on(ctx, surge, agent)
        case HandoffState.OPEN | HandoffState.CLAIMED:
            if surge.cause is SurgeCause.DIRECTORY and _is_healthy(ctx, surge, agent, ticket.requester):
                _end(ctx, surge, ticket.id, SurgeEnd.ANSWERS)
            else:
                with ctx.database.write() as session:
                    surge_handoffs.count(session, ticket.id, surge.id, shown_before=now() - SHOWN_EVERY)
        case _:
            assert_never(parent.state)


def _is_healthy(ctx: WorkerContext, surge: Surge, agent: Agent, user: str) -> bool:
    """Check the directory if that is due; return whether it has now answered often enough in a row."""
    with ctx.database.write() as session:
        if not surges.take_check(session, surge.id, before=now() - CHECK_EVERY):
            return False
    try:
        ctx.directory.find_by_slack_user(user)
    except Transient as error:
        healthy = False
        log.info("surge.checked", surge=surge.id, healthy=False, error=str(error))
    else:
        healthy = True
    with ctx.database.write() as session:
        return surges.note_check(session, surge.id, healthy=healthy) >= agent.card.surge.healthy_checks


def _end(ctx: WorkerContext, surge: Surge, parent_id: int, by: SurgeEnd) -> None:
    with ctx.database.write() as session:
        tickets.lock(session, parent_id)
        over = surges.end(session, surge.id, by)
        if over is None:
            return  # another clock has ended it
        surge_followers.show_over(session, over)
    log.warning("surge.ended", surge=surge.id, by=by)


def _pass_on(ctx: WorkerContext, surge: Surge, agent: Agent) -> None:
    """Make the first follower's ticket the parent, since the previous one was withdrawn; without followers, end it."""
    with ctx.database.look() as session:
        waiting = followers.waiting(session, surge.id, most=1)
        parent = handoffs.find(session, surge.handoff_id)
    if not waiting and parent is not None:
        _end(ctx, surge, parent[1].id, SurgeEnd.NOBODY)
    for ticket_id in waiting:
        with ctx.database.write() as session:
            passed_on = surge_handoffs.pass_on(session, ticket_id, surge.id, agent)
        if passed_on:
            log.info("surge.passed_on", surge=surge.id, ticket=ticket_id)


def _go_on(ctx: WorkerContext, surge: Surge, agent: Agent) -> None:
    """Go on with the next followers, and with what people have not claimed; settle the surge when nobody is left."""
    with ctx.database.look() as session:
        held = surges.with_people(session, surge.id) if surge.over_by is SurgeEnd.ANSWERS else ()
        room = AT_ONCE - surges.going_on(session, surge.id)
        waiting = followers.waiting(session, surge.id, most=max(0, room))
    for handoff_id in held:
        with ctx.database.write() as session:
            turn_id = surge_handoffs.over(session, handoff_id, surge, agent)
        _queue(ctx, turn_id)
    for ticket_id in waiting:
        with ctx.database.write() as session:
            turn_id = surge_followers.go_on(session, agent, ticket_id, surge)
        _queue(ctx, turn_id)
    with ctx.database.write() as session:
        if surges.settle(session, surge.id):
            log.info("surge.settled", surge=surge.id)


def _queue(ctx: WorkerContext, turn_id: int | None) -> None:
    if turn_id is None:
        return
    try:
        ctx.queue.put(RUN_TURN, turn_id)
    except Transient as error:
        log.warning("job.not_queued", job=RUN_TURN, error=str(error))  # the clock finds the row
