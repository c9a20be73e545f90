"""Repair what a crash left, found from SQL alone.

Every sweep may run in two clock processes at once: rows are locked one by one, money is settled once, and a turn that
is queued twice is begun once.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog

from bot import durations
from bot.agent import card
from bot.errors import Transient
from bot.principals import Solved
from bot.queue import ANSWER_COMMAND, RUN_TURN
from bot.slack.handoffs import relay
from bot.slack.handoffs.queue_notes import DraftEnd
from bot.slack.outbox import duplicates
from bot.store import audit, dashboard_access, members
from bot.store.accounts import read_backs, used_tokens
from bot.store.handoffs import handoffs, responses
from bot.store.schema import DirectoryAgreement, InboxState, now
from bot.store.tickets import inbox_commands, steps, tickets, turns
from jobs import held_back_turns, undeliverable
from jobs.process import WorkerContext

log = structlog.get_logger()

FORGOTTEN = timedelta(minutes=10)
"Many times as long as a look-up is good for, so that one under way meets what is known of a change."
UNDECIDED = timedelta(hours=1)
"Unredacted words of a responder are deleted if their author has not decided within this time."
UNSEEN = timedelta(seconds=10)
"A tool call counts as unseen this long after its turn ended: longer than a directory takes to answer."


def sweep(ctx: WorkerContext) -> None:
    """Run all repairs once, except those that wait for Slack (`deliver_messages`) or a directory."""
    _run_each(ctx, requeue_turns, held_back_turns.look, requeue_commands, settle_money, close_intents)


def forget(ctx: WorkerContext) -> None:
    """Delete what has been kept for long enough, and close expired dashboard sessions; it may be half a minute late."""
    _run_each(ctx, forget_undecided, forget_members, forget_used_tokens, close_sessions)


def _run_each(ctx: WorkerContext, *repairs: Callable[[WorkerContext], None]) -> None:
    for repair in repairs:
        try:
            repair(ctx)
        except Transient as error:
            log.warning("upkeep.delayed", repair=repair.__name__, error=str(error))
        except Exception as bug:  # an error in one repair must not stop the others
            log.exception("upkeep.crashed", repair=repair.__name__, error=type(bug).__name__)


def requeue_turns(ctx: WorkerContext) -> None:
    """Queue turns again that have lost their job, or whose worker died.

    Jobs leave the queue in order, so a turn that was queued well before the oldest job in it is no longer there.
    """
    with ctx.database.look() as session:
        if not turns.to_requeue(session, queued_before=now() - timedelta(seconds=durations.ON_ITS_WAY)):
            return  # Redis need not be asked
    head = ctx.queue.oldest()
    with ctx.database.write() as session:
        turn_ids = turns.to_requeue(
            session, queued_before=min(now(), head or now()) - timedelta(seconds=durations.ON_ITS_WAY)
        )
        turns.mark_queued(session, turn_ids)
    for turn_id in turn_ids:
        ctx.queue.put(RUN_TURN, turn_id)
        log.warning("turn.requeued", turn=turn_id)


def requeue_commands(ctx: WorkerContext) -> None:
    """Queue slash commands and shortcuts again that were not answered in time."""
    with ctx.database.look() as session:
        if not inbox_commands.any_to_requeue(session):
            return
    with ctx.database.write() as session:
        event_ids = inbox_commands.to_requeue(session)
    for event_id in event_ids:
        ctx.queue.put(ANSWER_COMMAND, event_id)
        log.warning("command.requeued", event_id=event_id)


def forget_undecided(ctx: WorkerContext) -> None:
    """Delete the unredacted words of drafts that responders have not confirmed in time."""
    before = now() - UNDECIDED
    with ctx.database.look() as session:
        due = responses.undecided(session, before=before)
    for draft_id in due:
        with ctx.database.write() as session:
            draft = responses.draft(session, draft_id)
            found = None if draft is None else handoffs.find(session, int(draft.detail["handoff"]))
            if draft is None or found is None:
                continue
            decided = responses.decide(session, draft_id, draft.user, state=InboxState.KEPT)
            if decided is not None:
                relay.decided(session, *found, decided, end=DraftEnd.EXPIRED)
                log.info("draft.expired", draft=draft_id)


def deliver_messages(ctx: WorkerContext) -> None:
    """Send the messages that the clock stored, and those that a dead worker or an outage of Slack left unsent."""
    sent = undeliverable.deliver_all(ctx)
    if sent:
        log.info("messages.delivered", count=sent)


def close_sessions(ctx: WorkerContext) -> None:
    """End the dashboard sessions whose time is over, and delete links and sessions that are of no use any more."""
    with ctx.database.look() as session:
        if not dashboard_access.any_to_forget(session):
            return
    with ctx.database.write() as session:
        dashboard_access.forget(session)


def take_back_duplicates(ctx: WorkerContext) -> None:
    """Delete messages that Slack has twice: one in doubt was sent again, and the first had arrived after all."""
    taken_back = duplicates.take_back(ctx.database, ctx.slack)
    if taken_back:
        log.info("messages.taken_back", count=taken_back)


def settle_money(ctx: WorkerContext) -> None:
    """Charge calls whose outcome will never be known, and free the money of calls that were never sent."""
    settled = ctx.meter.sweep()
    if settled:
        log.warning("ledger.swept", rows=settled)


def close_intents(ctx: WorkerContext) -> None:
    """Close every audit intent whose tool call will have no known result, with the outcome `tool.unseen`.

    The worker died during the call, and its turn ended without another attempt at it. Whether the directory agrees with
    a write is unknown; `jobs.read_backs` asks it.
    """
    before = now() - UNSEEN
    with ctx.database.look() as session:
        if not steps.any_unseen(session, done_before=before):
            return
    with ctx.database.write() as session:
        for step, ticket in steps.end_unseen(session, done_before=before):
            written = read_backs.unseen(session, step.turn_id, step.seq, at=now())
            audit.append(
                session,
                "tool.unseen",
                actor="clock",
                subject=ticket.requester,
                ticket_id=ticket.id,
                intent_id=step.request["intent"],
                tool=step.name,
                **({"agreement": DirectoryAgreement.UNKNOWN} if written else {}),
            )
            log.warning("tool.unseen", turn=step.turn_id, step=step.seq, tool=step.name)


def forget_members(ctx: WorkerContext) -> None:
    """Delete profiles that are too old to be used: they hold people's addresses."""
    before = now() - FORGOTTEN
    with ctx.database.look() as session:
        if not members.any_before(session, before):
            return
    with ctx.database.write() as session:
        members.forget_all(session, before=before)


def forget_used_tokens(ctx: WorkerContext) -> None:
    """Delete the numbers of delegation tokens that expired long ago."""
    with ctx.database.look() as session:
        if not used_tokens.any_to_forget(session):
            return
    with ctx.database.write() as session:
        used_tokens.forget(session)


def close_solved_tickets(ctx: WorkerContext) -> None:
    """Close resolved tickets once they count as solved: for most agents, when the directory shows an active account."""
    with ctx.database.look() as session:
        waiting = tickets.awaiting_confirmation(session)
    for ticket in waiting:
        account = ctx.directory.account(str(ticket.account))
        agent = card.answering(ctx.agents, ticket.agent)
        counts = Solved.ACCOUNT_ACTIVE if agent is None else agent.card.solved
        if counts.holds(None if account is None else account.status):
            with ctx.database.write() as session:
                tickets.close(session, ticket.id, by=f"agent:{ticket.agent}")
            log.info("ticket.closed", ticket=ticket.id)
