"""What Slack tells us of ourselves: `bot.listeners.own_events`."""

from typing import Any

import pytest

from bot.listeners.own_events import is_own
from bot.queue import SHOW_HOME
from bot.store.schema import InboxEvent
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP

US: dict[str, Any] = {"user": "UBOT", "bot_id": "BBOT"}
THEM: dict[str, Any] = {"user": "U1", "bot_id": "B1"}


@pytest.mark.parametrize(
    ("event", "own"),
    [
        ({"type": "message", **US}, True),
        ({"type": "message", "user": "UBOT"}, True),
        ({"type": "message", "subtype": "bot_message", "bot_id": "BBOT"}, True),  # under a responder's name
        ({"type": "app_mention", **US}, True),
        ({"type": "message", "subtype": "message_changed", "message": US}, True),
        ({"type": "message", "subtype": "message_changed", "message": {"bot_id": "BBOT"}}, True),
        ({"type": "message", "subtype": "message_deleted", "previous_message": US}, False),
        ({"type": "message", "subtype": "message_changed", "message": {"subtype": "tombstone", **US}}, False),
        ({"type": "message", "subtype": "message_changed", "message": None, "user": "U1"}, False),
        ({"type": "member_joined_channel", "user": "UBOT"}, False),
        ({"type": "message", **THEM}, False),
        ({"type": "message", "subtype": "bot_message", "bot_id": "B1"}, False),
        ({"type": "user_change", "user": {"id": "U1"}}, False),
        ("junk", False),
    ],
)
def test_what_is_ours(event: Any, own: bool) -> None:  # noqa: FBT001 - a row of a table
    """Whatever bears our user or our mark; of deletions we hear."""
    assert is_own({"event": event}, "UBOT", "BBOT") is own
    assert not is_own({"event": event}, None, None)


def test_what_we_say_starts_nothing(front: FrontDoor) -> None:
    """Neither under our name nor under another, though it mentions us; each is answered 200."""
    [bot_id] = {front.world.seed.bot.bot_id}
    said = {"type": "message", "channel": HELP, "ts": "1.1", "text": f"<@{BOT}> I cannot sign in"}
    for number, more in enumerate(({"user": BOT, "bot_id": bot_id}, {"subtype": "bot_message", "bot_id": bot_id})):
        for kind in ("message", "app_mention"):
            assert front.event({**said, **more, "type": kind}, event_id=f"Ev{number}{kind}") == 200
    assert front.rows(InboxEvent) == []


def test_what_we_do_reaches_no_listener(front: FrontDoor) -> None:
    """It is answered 200; of anybody else the same would be shown a home."""
    opened = {"type": "app_home_opened", "channel": "D1", "tab": "home", "event_ts": "1.1"}
    for user in (BOT, "U0MAYA"):
        assert front.event({**opened, "user": user}, event_id=f"Ev{user}") == 200
    assert list(map(str, front.jobs(SHOW_HOME))) == ["U0MAYA"]
