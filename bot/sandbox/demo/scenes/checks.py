"""What a scene holds against what it sees, and what it tells of it."""

import json
from typing import Any

from bot.sandbox.slack import blocks
from bot.store.tickets.ticket_history import TicketHistory

Json = dict[str, Any]


class Unexpected(Exception):
    """A scene did not go as it should; the message says what was waited for and what was seen."""


def check(held: object, expected: str, seen: object) -> None:
    """Go on when something held.

    Raises:
        Unexpected: it did not.
    """
    if not held:
        raise Unexpected(f"expected {expected}; saw {seen!r}")


def buttons(message: Json) -> list[str]:
    """Return the action ids of all buttons of a message."""
    elements = [element for _, element in blocks.interactive(message.get("blocks"))]
    return [element["action_id"] for element in elements if element.get("type") == "button"]


def holding(messages: list[Json], words: str) -> Json | None:
    """Return the first message that holds some words."""
    return next((one for one in messages if words in json.dumps(one, ensure_ascii=False)), None)


def facts(story: TicketHistory, **more: Any) -> Json:
    """Return the facts of a scene about one ticket."""
    return {"ticket": story.ticket.id, "outcome": story.turns[-1].outcome, "cost_nusd": story.cost_nusd, **more}


def change(story: TicketHistory, *, account: str, before: str, after: str) -> Json:
    """Return what a scene changed in the directory."""
    writes = [write.action for write in story.writes]
    return {"directory": {"account": account, "before": before, "after": after, "writes": writes}}
