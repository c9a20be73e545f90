"""What is said in the very moment in which a thread is read, or a turn ends: nothing is lost and nothing doubled."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from bot.listeners import messages
from bot.listeners.context import ListenerContext
from bot.rights import Membership
from bot.store.db import Database
from bot.store.schema import Handoff, InboxEvent, Ticket, Turn
from bot.store.tickets import turns
from bot.store.tickets.turns import Fenced
from jobs import joined_threads
from jobs.process import WorkerContext
from tests.support.factories import finish, rows, running
from tests.support.local_workspace import LocalWorkspace
from tests.support.workspace_names import BOT, HELP

ROUNDS = 25


@pytest.fixture
def database(postgres: Database) -> Database:
    """Race on PostgreSQL alone: SQLite has one writer at a time."""
    return postgres


def hear(ctx: WorkerContext, user: str, ts: str, text: str, *, thread: str, again: str = "") -> None:
    """Let the web process hear a word, as an event tells it."""
    listener_ctx = ListenerContext(ctx.database, ctx.queue, ctx.agents, look_up=lambda _user, _team: Membership.MEMBER)
    event: dict[str, Any] = {"type": "message", "channel": HELP, "user": user, "text": text, "ts": ts}
    body = {"event_id": f"Ev:{ts}{again}", "team_id": "T0DESKHAND", "event": {**event, "thread_ts": thread}}
    messages.hear(listener_ctx, body, BOT, mentioned=False)


def at_once(*work: Callable[[], object]) -> None:
    """Do several things in the same moment."""
    gate = Barrier(len(work))

    def do(one: Callable[[], object]) -> None:
        gate.wait(timeout=300)
        one()

    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(do, work))


def test_the_authors_word_is_heard_whatever_moment_it_comes_in(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """While the thread is read and the request made theirs, they say yes: one turn is left that answers it."""
    for number in range(ROUNDS):
        root = workspace.say("U0MAYA", HELP, "I am locked out")
        call = workspace.say("U0IVAN", HELP, f"<@{BOT}> any idea?", thread_ts=root)
        hear(ctx, "U0IVAN", call, f"<@{BOT}> any idea?", thread=root)
        attempt = running(ctx.database, max(turn.id for turn in rows(ctx.database, Turn)))
        yes = workspace.say("U0MAYA", HELP, "yes please", thread_ts=root) if number % 2 else f"{float(call) + 1:.6f}"
        at_once(
            lambda attempt=attempt: joined_threads.read(ctx, ctx.runtime("access"), attempt),  # type: ignore[misc]
            lambda root=root, yes=yes: hear(ctx, "U0MAYA", yes, "yes please", thread=root),  # type: ignore[misc]
        )
        ticket = max(rows(ctx.database, Ticket), key=lambda one: one.id)
        assert ticket.requester == "U0MAYA"
        [said] = [one for one in rows(ctx.database, InboxEvent) if one.ts == yes]
        left = [turn for turn in rows(ctx.database, Turn) if turn.ticket_id == ticket.id and turn.state != "done"]
        assert (number, said.kind, [turn.id for turn in left]) == (number, "message", [said.turn_id])


def test_a_responder_steps_in_once_in_the_moment_in_which_the_turn_ends(ctx: WorkerContext) -> None:
    """Slack tells it twice, and the agent answers: one handoff, one word, and an answer or none, but no second turn."""
    for number in range(ROUNDS):
        root = f"17000{number:05d}.000001"
        hear(ctx, f"U0P{number}", root, f"<@{BOT}> I am locked out", thread=root)
        attempt = running(ctx.database, max(turn.id for turn in rows(ctx.database, Turn)))
        word = f"17000{number:05d}.500001"

        def ends(attempt: turns.Attempt = attempt) -> None:
            try:
                finish(ctx.database, attempt)
            except Fenced:
                return

        steps = [
            lambda root=root, word=word, again=again: hear(ctx, "U0PRIYA", word, "Hi Maya", thread=root, again=again)
            for again in ("", "2")
        ]
        at_once(ends, *steps)
        ticket = max(rows(ctx.database, Ticket), key=lambda one: one.id)
        [handoff] = [one for one in rows(ctx.database, Handoff) if one.ticket_id == ticket.id]
        assert (number, handoff.state, ticket.assignee) == (number, "claimed", "U0PRIYA")
        assert [one.kind for one in rows(ctx.database, InboxEvent) if one.ts == word] == ["answer"]
        [turn] = [one for one in rows(ctx.database, Turn) if one.ticket_id == ticket.id]
        assert turn.outcome in ("reply", "withdrawn")
