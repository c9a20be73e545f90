"""How a scene compares what it sees with what it expects, and what it reports."""

import json
from typing import Any

from bot.sandbox.slack import blocks
from bot.store.tickets.ticket_history import TicketHistory

Json = dict[str, Any]


class Unexpected(Exception):
    """A scene failed; the message says what was expected and what was seen."""


def check(held: object, expected: str, seen: object) -> None:
    """Return if something held.

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
    """Return the first message that contains some words."""
    return next((one for one in messages if words in json.dumps(one, ensure_ascii=False)), None)


def facts(history: TicketHistory, **more: Any) -> Json:
    """Return the facts of a scene about one ticket."""
    return {"ticket": history.ticket.id, "outcome": history.turns[-1].outcome, "cost_nusd": history.cost_nusd, **more}


def change(history: TicketHistory, *, account: str, before: str, after: str) -> Json:
    """Return what a scene changed in the directory."""
    writes = [write.action for write in history.writes]
    return {"directory": {"account": account, "before": before, "after": after, "writes": writes}}
