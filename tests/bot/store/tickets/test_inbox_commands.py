"""Slash commands and shortcuts, kept and answered once: `bot.store.tickets.inbox_commands`."""

from datetime import timedelta

import pytest

from bot import durations
from bot.store.db import Database
from bot.store.schema import InboxEvent, InboxKind, now
from bot.store.tickets import inbox_commands
from bot.store.tickets.inbox_commands import InboxCommand
from tests.support import factories
from tests.support.factories import at_once, rows

ASKED = InboxCommand("command:1", InboxKind.COMMAND, "T1", "C0HELP", "U0MAYA", "day", {"command": "/agent-cost"})


def kept(database: Database, asked: InboxCommand = ASKED) -> int:
    """Keep a command that is new."""
    with database.write() as session:
        event_id = inbox_commands.accept(session, asked)
    assert event_id is not None
    return event_id


def answered(database: Database, event_id: int) -> bool:
    """Note that a command has its answer."""
    with database.write() as session:
        return inbox_commands.mark_answered(session, event_id)


def test_a_command_is_kept_once(database: Database) -> None:
    """Slack's next delivery of it is known; another command of the same channel is not."""

    def accept(_number: int) -> int | None:
        with database.write() as session:
            return inbox_commands.accept(session, ASKED)

    accepted = at_once(12, accept)
    [row] = rows(database, InboxEvent)
    assert [found for found in accepted if found is not None] == [row.id]
    assert (row.ts, row.detail, row.state) == (None, {"command": "/agent-cost"}, "accepted")
    other = InboxCommand("command:2", InboxKind.COMMAND, "T1", "C0HELP", "U0MAYA", "", {})
    assert kept(database, other) != row.id


def test_a_command_is_answered_by_one(database: Database) -> None:
    """Of twelve that answer at once, one is told that it did; then nobody waits for an answer."""
    event_id = kept(database)
    with database.read() as session:
        assert inbox_commands.get(session, event_id) is not None
        assert inbox_commands.get(session, 4711) is None
    assert at_once(12, lambda _: answered(database, event_id)).count(True) == 1
    with database.read() as session:
        assert inbox_commands.get(session, event_id) is None


@pytest.mark.parametrize(
    ("seconds", "is_owed"),
    [(0, False), (durations.COMMAND_RETRY + 1, True), (durations.COMMAND_GIVE_UP - 60, True), (26 * 60, False)],
)
def test_a_command_is_owed_while_slack_takes_an_answer(database: Database, seconds: float, is_owed: bool) -> None:  # noqa: FBT001 - a column of the table above
    """Not at once, since its job is on its way; not for ever, since its address ends."""
    event_id = kept(database)
    at = now() - timedelta(seconds=seconds)
    factories.put(database, InboxEvent, event_id, received_at=at, queued_at=at)
    assert owed(database) == ([event_id] if is_owed else [])
    assert owed(database) == []


def owed(database: Database) -> list[int]:
    """Return the commands that count as lost, as a sweep does."""
    with database.write() as session:
        return list(inbox_commands.to_requeue(session))


def test_a_command_is_owed_to_one_sweep(postgres: Database) -> None:
    """Of two sweeps at once one queues it, and neither waits."""
    event_id = kept(postgres)
    factories.put(postgres, InboxEvent, event_id, queued_at=now() - timedelta(minutes=1))
    with postgres.write() as first, postgres.write() as second:
        assert inbox_commands.to_requeue(first) == [event_id]
        assert inbox_commands.to_requeue(second) == []


def test_an_answered_command_and_a_message_are_not_owed(database: Database) -> None:
    """A message is its turn's; an answer is given once."""
    event_id = kept(database)
    assert answered(database, event_id)
    factories.new_turn(database)
    for row in rows(database, InboxEvent):
        factories.put(database, InboxEvent, row.id, queued_at=now() - timedelta(minutes=5))
    assert owed(database) == []
