"""What a crash left, put right: `jobs.upkeep`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from bot import durations
from bot.directory.local import AccountSeed
from bot.principals import AccountStatus, Solved
from bot.queue import ANSWER_COMMAND, RUN_TURN, JobQueue
from bot.store import audit, dashboard_access
from bot.store.accounts import accounts, used_tokens
from bot.store.db import Database
from bot.store.money import ledger
from bot.store.schema import (
    AuditRow,
    DashboardSession,
    InboxEvent,
    InboxKind,
    LedgerRow,
    Message,
    StepKind,
    Ticket,
    Turn,
    UsedToken,
    now,
)
from bot.store.tickets import inbox_commands, steps, turns
from bot.store.tickets.inbox_commands import InboxCommand
from jobs import clock, upkeep
from jobs.process import WorkerContext
from tests.support import factories
from tests.support.asked_statements import asked_of
from tests.support.factories import FIRST, at_once, expire, message, new_turn, put, rows, running, store
from tests.support.local_workspace import LocalWorkspace
from tests.support.queues import queue_of
from tests.support.redis_servers import RedisServer, free_port

LONG_AGO = timedelta(minutes=10)


def jobs(ctx: WorkerContext) -> list[tuple[str, int]]:
    """Return name and argument of the jobs that wait."""
    with Redis.from_url(ctx.settings.redis_url) as connection:
        return [(str(job.func_name), int(job.args[0])) for job in queue_of(connection).get_jobs()]


def forgotten(database: Database, number: int = 1, *, ago: timedelta = LONG_AGO) -> int:
    """Return a turn that was committed and whose job never reached the queue."""
    turn_id = new_turn(database, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"))
    put(database, Turn, turn_id, queued_at=now() - ago)
    return turn_id


def test_a_turn_that_never_reached_the_queue_is_queued(ctx: WorkerContext) -> None:
    """Once: it waits its time again before it counts as lost a second time."""
    turn_id = forgotten(ctx.database, ago=timedelta(seconds=durations.ON_ITS_WAY + 1))
    for _ in range(3):
        upkeep.requeue_turns(ctx)
    assert jobs(ctx) == [(RUN_TURN, turn_id)]


def test_dashboard_session_whose_time_is_over_is_closed(ctx: WorkerContext) -> None:
    """Once, in the audit log; one that is still good stays open."""
    with ctx.database.write() as session:
        dashboard_access.open_session(session, "over", "U0PRIYA", lasts=timedelta(0), by="link")
        dashboard_access.open_session(session, "open", "U0OLIVIA", lasts=timedelta(hours=1), by="link")
    for _ in range(2):
        upkeep.forget(ctx)
    ended = [row for row in rows(ctx.database, AuditRow) if row.event == "dashboard.session_ended"]
    assert [(row.actor, row.record["why"]) for row in ended] == [("U0PRIYA", "expired")]
    assert [
        row.closed_at is None for row in sorted(rows(ctx.database, DashboardSession), key=lambda one: one.user)
    ] == [
        True,
        False,
    ]


def test_numbers_of_tokens_are_forgotten_when_they_are_long_over(ctx: WorkerContext) -> None:
    """A token of now is remembered, so that nobody uses it again."""
    long_over = now() - used_tokens.KEPT - timedelta(minutes=2)
    with ctx.database.write() as session:
        for name, at in (("over", long_over), ("valid", now())):
            assert used_tokens.consume(session, name, expires=int(at.timestamp()) + 60)
    for _ in range(2):
        upkeep.forget(ctx)
    assert [row.jti for row in rows(ctx.database, UsedToken)] == ["valid"]


def test_a_turn_that_was_just_queued_is_left_alone(ctx: WorkerContext) -> None:
    """Its job is on its way."""
    new_turn(ctx.database)
    upkeep.requeue_turns(ctx)
    assert jobs(ctx) == []


def test_a_turn_that_waits_behind_others_is_left_alone(ctx: WorkerContext) -> None:
    """However long the queue is: its job is among them, as long as it is not older than the one that is next."""
    ctx.queue.put(RUN_TURN, 4711)
    turn_id = forgotten(ctx.database, ago=timedelta(seconds=60))
    [head] = ctx.queue.queue.get_jobs()
    head.enqueued_at = now() - timedelta(seconds=60)
    head.save()
    upkeep.requeue_turns(ctx)
    assert jobs(ctx) == [(RUN_TURN, 4711)]
    head.enqueued_at = now() - timedelta(seconds=50)
    head.save()
    upkeep.requeue_turns(ctx)
    assert jobs(ctx) == [(RUN_TURN, 4711), (RUN_TURN, turn_id)]


def test_a_turn_whose_worker_died_is_queued(ctx: WorkerContext) -> None:
    """When its lease is over, and not before."""
    turn_id = forgotten(ctx.database)
    running(ctx.database, turn_id)
    upkeep.requeue_turns(ctx)
    assert jobs(ctx) == []
    expire(ctx.database, turn_id)
    for _ in range(2):
        upkeep.requeue_turns(ctx)
    assert jobs(ctx) == [(RUN_TURN, turn_id)]


def test_while_no_worker_comes_the_queue_does_not_grow(ctx: WorkerContext) -> None:
    """Turns of dead workers stand in it once, however often the clock looks and however long that takes."""
    dead = [forgotten(ctx.database, number) for number in range(1, 4)]
    for turn_id in dead:
        running(ctx.database, turn_id)
        expire(ctx.database, turn_id)
    upkeep.requeue_turns(ctx)
    for turn_id in dead:
        put(ctx.database, Turn, turn_id, started_at=now() - timedelta(hours=2), queued_at=now() - timedelta(hours=1))
    [*waiting] = ctx.queue.queue.get_jobs()
    for job in waiting:
        job.enqueued_at = now() - timedelta(hours=1)
        job.save()
    for _ in range(5):
        upkeep.requeue_turns(ctx)
    assert jobs(ctx) == [(RUN_TURN, turn_id) for turn_id in dead]


def test_what_waits_for_slack_keeps_nothing_else() -> None:
    """What it takes to say what is owed is no part of how soon a dead worker is missed: each has its own round."""
    assert {upkeep.sweep, upkeep.forget, upkeep.deliver_messages, upkeep.close_solved_tickets} <= set(clock.ROUNDS)


def all_rounds(ctx: WorkerContext) -> None:
    """Look once at everything."""
    for look in (upkeep.sweep, upkeep.forget, upkeep.deliver_messages, upkeep.close_solved_tickets):
        look(ctx)


@pytest.mark.both_databases
def test_clocks_at_once_do_each_thing_once(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Four sweeps together queue each turn once, say each message once and close each ticket once."""
    turn_ids = [forgotten(ctx.database, number) for number in range(1, 21)]
    for number in range(5):
        store(ctx.database, f"{number}")
    mended(ctx.database)
    at_once(4, lambda _: all_rounds(ctx))
    assert sorted(jobs(ctx)) == [(RUN_TURN, turn_id) for turn_id in turn_ids]
    said = workspace.world.state.channels["C0HELP"].messages.values()
    assert [one["text"] for one in said] == ["0", "1", "2", "3", "4"]
    assert closings(ctx.database) == ["agent"]


def test_a_command_that_nobody_answered_is_queued(ctx: WorkerContext) -> None:
    """Once: it waits its time again before it counts as lost a second time."""
    asked = InboxCommand("command:1", InboxKind.COMMAND, "T1", "C0HELP", "U0MAYA", "", {})
    with ctx.database.write() as session:
        event_id = inbox_commands.accept(session, asked)
    assert event_id is not None
    upkeep.requeue_commands(ctx)
    assert jobs(ctx) == []
    put(ctx.database, InboxEvent, event_id, queued_at=now() - timedelta(minutes=1))
    for _ in range(3):
        upkeep.requeue_commands(ctx)
    assert jobs(ctx) == [(ANSWER_COMMAND, event_id)]


def test_what_was_left_unsaid_is_said(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Never sent, or left by a sender that died."""
    for key in ("never sent", "left"):
        store(ctx.database, key, lane=key)
    put(ctx.database, Message, 2, state="sending", due_at=now() - timedelta(seconds=1))
    upkeep.deliver_messages(ctx)
    said = workspace.world.state.channels["C0HELP"].messages.values()
    assert [one["text"] for one in said] == ["never sent", "left"]
    assert message(ctx.database, "left").state == "posted"


def calls(database: Database) -> dict[str, tuple[str, int]]:
    """Return state and cost of every model call."""
    return {row.rid: (row.state, row.cost_nusd) for row in rows(database, LedgerRow)}


def unresolved(database: Database) -> None:
    """Leave a model call behind whose lease is over, and one that is under way."""
    at = now()
    fields: dict[str, Any] = {"team": "T1", "channel": "C0HELP", "user": "U1", "agent": "access", "release": "access@1"}
    with database.write() as session:
        for rid, lease in (("late", -1), ("running", 60)):
            more = {"rid": rid, "step": 0, "model": "m", "price_version": "1", "accounts": [], "reserved_nusd": 700}
            ledger.record(session, LedgerRow(**fields, **more, at=at, lease_until=at + timedelta(seconds=lease)))


CHARGED = {"late": ("charged", 700), "running": ("sent", 0)}


def test_a_call_whose_outcome_nobody_will_know_is_charged(ctx: WorkerContext) -> None:
    """At its worst case, when its lease is over."""
    unresolved(ctx.database)
    upkeep.settle_money(ctx)
    assert calls(ctx.database) == CHARGED


def answered(database: Database, status: AccountStatus, **more: object) -> int:
    """Return a ticket that the agent has answered, for an account in some state."""
    with database.write() as session:
        accounts.seed(session, [AccountSeed(id="acc-maya", email="a@b.c", name="Maya", status=status)])
    attempt = running(database, new_turn(database, replace(FIRST, event_id="EvX", ts="999.0")))
    factories.finish(database, attempt)
    put(database, Ticket, attempt.ticket.id, category="password", account="acc-maya", **more)
    put(database, Turn, attempt.turn_id, category="password")
    return attempt.ticket.id


def mended(database: Database) -> int:
    """Return an answered ticket whose requester can sign in again."""
    return answered(database, AccountStatus.ACTIVE)


def closings(database: Database) -> list[str]:
    """Return who has closed tickets."""
    with database.read() as session:
        every = [row for ticket in rows(database, Ticket) for row in audit.of_ticket(session, ticket.id)]
    return [row.actor.partition(":")[0] for row in every if row.event == "ticket.resolved"]


def test_an_answered_ticket_closes_when_the_directory_agrees(ctx: WorkerContext) -> None:
    """Not while the account is as it was; once when its owner has mended it."""
    ticket_id = answered(ctx.database, AccountStatus.PASSWORD_EXPIRED)
    upkeep.close_solved_tickets(ctx)
    assert factories.ticket(ctx.database).state == "open"
    with ctx.database.write() as session:
        accounts.set_status(session, "acc-maya", AccountStatus.ACTIVE)
    for _ in range(2):
        upkeep.close_solved_tickets(ctx)
    found = factories.ticket(ctx.database)
    assert (found.id, found.state, found.resolved_at is None) == (ticket_id, "resolved", False)
    assert closings(ctx.database) == ["agent"]


def test_an_answered_ticket_closes_by_what_its_own_agents_card_counts(ctx: WorkerContext) -> None:
    """Where the agent's word is enough, no state of an account keeps a ticket open that it has resolved."""
    answered(ctx.database, AccountStatus.LOCKED)
    upkeep.close_solved_tickets(ctx)
    assert factories.ticket(ctx.database).state == "open"
    access = ctx.agents["access"]
    trusted = replace(access, card=access.card.model_copy(update={"solved": Solved.AGENTS_WORD}))
    upkeep.close_solved_tickets(replace(ctx, agents={"access": trusted}))
    assert factories.ticket(ctx.database).state == "resolved"


def test_an_act_that_nobody_saw_end_is_closed_in_the_audit_log(ctx: WorkerContext) -> None:
    """Its worker died in it and its turn ended otherwise: the intent has one outcome, which says so."""
    attempt = running(ctx.database, new_turn(ctx.database))
    with ctx.database.write() as session:
        intent = audit.append(session, "tool.intended", actor="agent:access@1", ticket_id=attempt.ticket.id)
        steps.start(session, attempt, seq=0, kind=StepKind.TOOL, name="unlock_my_account", request={"intent": intent})
        turns.stop(session, attempt.ticket.id)
    upkeep.close_intents(ctx)
    assert [row.event for row in rows(ctx.database, AuditRow) if row.intent_id] == []
    put(ctx.database, Turn, attempt.turn_id, finished_at=now() - LONG_AGO)
    at_once(4, lambda _: upkeep.close_intents(ctx))
    closed = [(row.event, row.intent_id, row.subject) for row in rows(ctx.database, AuditRow) if row.intent_id]
    assert closed == [("tool.unseen", intent, "U0MAYA")]


def test_a_ticket_of_an_agent_that_is_gone_closes_too(ctx: WorkerContext) -> None:
    """Its folder was taken away; its requester can sign in all the same."""
    answered(ctx.database, AccountStatus.ACTIVE, agent="retired")
    upkeep.close_solved_tickets(ctx)
    assert factories.ticket(ctx.database).state == "resolved"


def test_a_story_that_is_broken_does_not_end_the_others(ctx: WorkerContext) -> None:
    """A bug in one is logged, and what comes after it is still done."""
    forgotten(ctx.database)
    unresolved(ctx.database)
    upkeep.sweep(replace(ctx, queue=None))  # type: ignore[arg-type]  # the first story stumbles over it
    assert calls(ctx.database) == CHARGED


def test_without_redis_the_rest_is_still_done(
    ctx: WorkerContext, redis_server: Callable[[int | None], RedisServer]
) -> None:
    """Money is settled; the turn is queued when Redis is back."""
    port = free_port()
    lame = replace(ctx, queue=JobQueue.connect(f"redis://127.0.0.1:{port}/0", ctx.ground))
    turn_id = forgotten(ctx.database)
    unresolved(ctx.database)
    upkeep.sweep(lame)
    assert calls(ctx.database) == CHARGED
    redis_server(port)
    put(ctx.database, Turn, turn_id, queued_at=now() - LONG_AGO)
    upkeep.sweep(lame)
    assert lame.queue.waiting() == 1
    lame.queue.close()


def test_a_sweep_with_nothing_to_do_only_looks(ctx: WorkerContext) -> None:
    """The clock sweeps every two seconds, day and night: one statement for each thing to mend, and no lock is taken."""
    for look, statements in ((upkeep.sweep, 5), (upkeep.forget, 4)):
        look(ctx)
        with asked_of(ctx.database) as asked:
            look(ctx)
        assert len(asked) == statements
        assert all(statement.startswith("SELECT") for statement in asked), asked
