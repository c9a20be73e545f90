"""The moments of a job, so that a test can let something happen in any of them: a claim, or the worker's death.

Between two moments nothing reaches a database, Slack or the model, so that what happens somewhere
between them is the same as what happens at one of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import get_ident
from typing import Any

import sqlalchemy
from slack_sdk.web import SlackResponse
from sqlalchemy import event

from bot.agent.model import Completion, Prompt
from bot.store.db import Database
from jobs.process import WorkerContext
from tests.support.code_places import where_in_code

At = Callable[[str], None]
"Told which moment it is, in the job's own thread."


@contextmanager
def watched(ctx: WorkerContext, at: At) -> Iterator[None]:
    """Tell the moments of what this thread does with the house.

    They are `read WHERE` and `write WHERE` before a transaction, `commit WHERE` at the end of one that
    writes, `call METHOD [KEY]` and `answer METHOD [KEY]` around a call of Slack, and `think`, `thought`
    around one of the model.
    """
    me = get_ident()

    def tell(moment: str) -> None:
        if get_ident() == me:
            at(moment)

    with _database(ctx, tell), _slack(ctx, tell), _model(ctx, tell):
        yield


@contextmanager
def statements(database: Database, at: At) -> Iterator[None]:
    """Tell each statement that this thread is about to make in a database, and each `COMMIT`."""
    me = get_ident()

    def executes(*told: Any) -> None:
        if get_ident() == me:
            at(str(told[2]))

    def commits(_connection: sqlalchemy.Connection) -> None:
        if get_ident() == me:
            at("COMMIT")

    event.listen(database.engine, "before_cursor_execute", executes)
    event.listen(database.engine, "commit", commits)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", executes)
        event.remove(database.engine, "commit", commits)


@contextmanager
def _database(ctx: WorkerContext, tell: At) -> Iterator[None]:
    def begins(connection: sqlalchemy.Connection) -> None:
        if connection.engine.pool is ctx.database.engine.pool:
            tell(f"{'write' if _writes(connection) else 'read'} {where_in_code()}")

    def commits(connection: sqlalchemy.Connection) -> None:
        if _writes(connection) and connection.engine.pool is ctx.database.engine.pool:
            tell(f"commit {where_in_code()}")

    # At the class, whose listeners come before an engine's own: the one that says BEGIN to SQLite.
    event.listen(sqlalchemy.Engine, "begin", begins)
    event.listen(sqlalchemy.Engine, "commit", commits)
    try:
        yield
    finally:
        event.remove(sqlalchemy.Engine, "begin", begins)
        event.remove(sqlalchemy.Engine, "commit", commits)


@contextmanager
def _slack(ctx: WorkerContext, tell: At) -> Iterator[None]:
    client = ctx.slack
    real = client.api_call

    def call(api_method: str, **more: Any) -> SlackResponse:
        key = ((more.get("json") or {}).get("metadata") or {}).get("event_payload", {}).get("key", "")
        tell(f"call {api_method} {key}".strip())
        answer = real(api_method, **more)
        tell(f"answer {api_method} {key}".strip())
        return answer

    client.api_call = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        del client.api_call


@contextmanager
def _model(ctx: WorkerContext, tell: At) -> Iterator[None]:
    real = ctx.runtime("access")

    def think(prompt: Prompt) -> Completion:
        tell("think")
        completion = real.call_model(prompt)
        tell("thought")
        return completion

    ctx.runtimes["access"] = replace(real, call_model=think)
    try:
        yield
    finally:
        ctx.runtimes["access"] = real


def _writes(connection: sqlalchemy.Connection) -> bool:
    return "sqlite_begin" in connection.get_execution_options()
