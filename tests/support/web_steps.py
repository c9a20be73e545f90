"""What people, workers and time do beside the web process."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from bot.store.schema import InboxEvent, Message, Ticket, Turn, TurnOutcome, now
from bot.store.tickets import turns
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP


def message_event(text: str | None = f"<@{BOT}> help", **more: Any) -> dict[str, Any]:
    """Return a message event as Slack sends it."""
    said = {"type": "message", "channel": HELP, "channel_type": "channel", "user": "U0MAYA", "text": text}
    return {**said, "ts": "1700000000.000100", "event_ts": "1700000000.000100", **more}


def begin_turn(front: FrontDoor, turn: int) -> None:
    """Let a worker take a turn."""
    with front.database.write() as session:
        assert turns.begin(session, turn, worker="test:1", lease=60) is not None


def answer_newest_turn(front: FrontDoor) -> None:
    """Let a worker answer the newest turn."""
    with front.database.write() as session:
        attempt = turns.begin(session, front.rows(Turn)[-1].id, worker="test:1", lease=60)
        assert attempt is not None
        turns.finish(session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=None, release="access@1")


def write_directly(front: FrontDoor, *lines: str, user: str = "U0MAYA") -> list[str]:
    """Let somebody write lines at the top level of their direct conversation; return their ts."""
    where = front.act("dm", user)["channel"]
    return [front.say(user, where, line) for line in lines]


def let_time_pass(front: FrontDoor, after: timedelta) -> None:
    """Let time pass."""
    with front.database.write() as session:
        for table, column in ((InboxEvent, "received_at"), (Message, "created_at"), (Ticket, "created_at")):
            session.execute(update(table).values({column: now() - after}))
