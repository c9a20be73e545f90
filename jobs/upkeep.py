"""What a crash left, found from SQL alone and put right.

Every sweep may run in two clock processes at once: rows are taken one by one, money is settled once,
and a turn that is queued twice is begun once.
"""

from datetime import timedelta

import structlog

from bot.agent import card
from bot.errors import Transient
from bot.principals import Solved
from bot.queue import ANSWER_COMMAND, RUN_TURN
from bot.slack.handoffs import relay
from bot.slack.outbox import duplicates
from bot.store import audit, members
from bot.store.accounts.accounts import LocalDirectory
from bot.store.handoffs import handoffs, responses
from bot.store.schema import now
from bot.store.tickets import inbox, steps, tickets, turns
from jobs import room, undeliverable
from jobs.process import Process

log = structlog.get_logger()

LOST = timedelta(seconds=5)
"How long a job may be on its way from the commit to the queue, or from the queue to its first write."
FORGOTTEN = timedelta(minutes=10)
"Many times as long as a look-up is good for, so that one under way meets what is known of a change."
UNDECIDED = timedelta(hours=1)
"How long the words of a responder that hold a secret wait for their author's answer."
UNSEEN = timedelta(seconds=10)
"Longer than a directory takes to answer somebody whose turn was stopped meanwhile."


def sweep(house: Process) -> None:
    """Look once at everything that may be owed, but for what waits for Slack (`say_what_is_owed`) or a directory."""
    for story in (
        requeue_turns,
        room.look,
        requeue_commands,
        settle_money,
        close_intents,
        forget_undecided,
        forget_members,
    ):
        try:
            story(house)
        except Transient as error:
            log.warning("upkeep.delayed", story=story.__name__, error=str(error))
        except Exception as bug:  # one story that is broken must not end the others
            log.exception("upkeep.crashed", story=story.__name__, error=type(bug).__name__)


def requeue_turns(house: Process) -> None:
    """Put turns back in the queue that wait in none, or whose worker has died.

    Jobs leave the queue in the order in which they came, so a turn that was queued well before the job that
    is next is no longer among them.
    """
    with house.database.read() as session:
        if not turns.owed(session, queued_before=now() - LOST):
            return  # nothing to ask Redis about
    head = house.queue.oldest()
    with house.database.write() as session:
        owed = turns.owed(session, queued_before=min(now(), head or now()) - LOST)
        turns.queued(session, owed)
    for turn_id in owed:
        house.queue.put(RUN_TURN, turn_id)
        log.warning("turn.requeued", turn=turn_id)


def requeue_commands(house: Process) -> None:
    """Put slash commands and shortcuts back in the queue that nobody has answered."""
    with house.database.write() as session:
        owed = inbox.owed(session)
    for event_id in owed:
        house.queue.put(ANSWER_COMMAND, event_id)
        log.warning("command.requeued", event_id=event_id)


def forget_undecided(house: Process) -> None:
    """Let go of secrets that responders were asked about and have not decided: they are held no longer than that."""
    before = now() - UNDECIDED
    with house.database.read() as session:
        due = [draft.id for draft in responses.undecided(session, before=before)]
    for draft_id in due:
        with house.database.write() as session:
            draft = responses.draft(session, draft_id)
            found = None if draft is None else handoffs.find(session, int(draft.detail["handoff"]))
            if draft is None or found is None:
                continue
            decided = responses.decide(session, draft_id, draft.user, state="kept")
            if decided is not None:
                relay.decided(session, *found, decided, state="expired")
                log.info("draft.expired", draft=draft_id)


def say_what_is_owed(house: Process) -> None:
    """Post what the clock itself has written down, and what a worker that died or a Slack that was away left unsaid."""
    said = undeliverable.deliver_all(house)
    if said:
        log.info("messages.delivered", count=said)


def take_back_doubles(house: Process) -> None:
    """Look once more at what was in doubt when it was said: Slack may have posted the first one after all."""
    taken_back = duplicates.take_back(house.database, house.slack)
    if taken_back:
        log.info("messages.taken_back", count=taken_back)


def settle_money(house: Process) -> None:
    """Charge calls whose outcome nobody will ever know, and free what was never sent."""
    settled = house.meter.sweep()
    if settled:
        log.warning("ledger.swept", rows=settled)


def close_intents(house: Process) -> None:
    """Give every tool call that was intended its outcome in the audit log: nobody knows, where nobody will.

    The worker died in it, and its turn has ended without another attempt at it.
    """
    with house.database.write() as session:
        for step, ticket in steps.end_unseen(session, done_before=now() - UNSEEN):
            audit.append(
                session,
                "tool.unseen",
                actor="clock",
                subject=ticket.requester,
                ticket_id=ticket.id,
                intent_id=step.request["intent"],
                tool=step.name,
            )
            log.warning("tool.unseen", turn=step.turn_id, step=step.seq, tool=step.name)


def forget_members(house: Process) -> None:
    """Drop what Slack said of people when it is good for nothing any longer: it holds their addresses."""
    before = now() - FORGOTTEN
    with house.database.read() as session:
        if not members.any_before(session, before):
            return
    with house.database.write() as session:
        members.forget_all(session, before=before)


def close_what_was_mended(house: Process) -> None:
    """Close answered tickets once they count as solved: for most, when the directory says that they can sign in."""
    directory = LocalDirectory(house.database)
    with house.database.read() as session:
        waiting = tickets.answered(session)
    for ticket in waiting:
        account = directory.account(str(ticket.account))
        agent = card.answering(house.agents, ticket.agent)
        counts = Solved.ACCOUNT_ACTIVE if agent is None else agent.card.solved
        if counts.holds(None if account is None else account.status):
            with house.database.write() as session:
                tickets.close(session, ticket.id, by=f"agent:{ticket.agent}")
            log.info("ticket.closed", ticket=ticket.id)
