"""Slack says that it has dropped events: answered, written down, and told to every owner once an hour."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.slack.api import lost_events
from bot.store.installation import heartbeats
from bot.store.schema import InboxEvent, Message, now
from tests.support.paths import CONFIG
from tests.support.request_delivery import DOORS, DeliverRequest, delivering_over
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.workspace_names import HELP, TEAM

MINUTE = 1_795_910_400
"2026-11-29 00:00 UTC."


@pytest.fixture(params=DOORS)
def bring(front: FrontDoor, request: pytest.FixtureRequest) -> Iterator[DeliverRequest]:
    """Return what delivers a request, over the web door and over Socket Mode."""
    with delivering_over(front, request.param) as delivers:
        yield delivers


def told(minute: int | None = MINUTE, **more: Any) -> dict[str, Any]:
    """Return what Slack sends, beside events."""
    return {
        "token": "t",
        "type": "app_rate_limited",
        "team_id": TEAM,
        "minute_rate_limited": minute,
        "api_app_id": "A1",
        **more,
    }


def test_the_owner_is_told_once_an_hour(front: FrontDoor, bring: DeliverRequest) -> None:
    """Slack says it every minute while it lasts; in the next hour it is said again."""
    assert [bring(told(MINUTE + 60 * minute)) for minute in range(60)] == [200] * 60
    [first] = front.directly("U0OLIVIA")
    assert first == (
        ":warning: *Slack has dropped events that were for me, since about "
        f"<!date^{MINUTE}^{{date_short_pretty}} at {{time}}|2026-11-29 00:00 UTC>.* "
        "It does not send them later, so I may never have seen what people have written since then.\n"
        f"Please look for requests without an answer in <#{HELP}> or in direct messages, and ask those people to write "
        "again."
    )
    assert bring(told(MINUTE + 3600)) == 200
    assert len(front.directly("U0OLIVIA")) == 2
    assert {row.lane for row in front.rows(Message)} == {"events_lost:U0OLIVIA"}
    with front.database.read() as session:
        dropped = heartbeats.last(session, "dropped")
    assert dropped is not None
    assert (dropped[0], (now() - dropped[1]).total_seconds() < 60) == (TEAM, True)


def test_what_slack_does_not_say_of_it_need_not_be_there(front: FrontDoor, bring: DeliverRequest) -> None:
    """It is told all the same, since now; so it is where nonsense stands."""
    assert bring({"type": "app_rate_limited"}) == 200
    assert len(front.directly("U0OLIVIA")) == 1
    assert [bring(told(minute)) for minute in (-1, 10**30)] == [200, 200]
    assert bring(told(None, team_id=None, token=None)) == 200
    assert len(front.directly("U0OLIVIA")) == 1


def test_owners_who_have_left_are_not_told(front: FrontDoor) -> None:
    """Nothing is written to them; the log has it all the same."""
    front.leaves("U0OLIVIA")
    with capture_logs() as said:
        assert front.post(json.dumps(told()))[0] == 200
    assert front.rows(Message) == []
    assert [one["event"] for one in said] == ["slack.events_dropped"]


def test_every_owner_is_told_of_their_own_channels(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Of two agents; who owns both is told once, of both."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    shutil.copytree(config / "agents/access", config / "agents/other")
    card = (config / "agents/other/card.yaml").read_text()
    card = card.replace("name: access", "name: other").replace("C0HELP", "C0RANDOM").replace("C0QUEUE", "C0QUEUE2")
    card = card.replace("direct_messages: true", "direct_messages: false")
    (config / "agents/other/card.yaml").write_text(card.replace("[U0OLIVIA]", "[U0OLIVIA, U0BEN]"))
    with web_opened(monkeypatch, database_url=postgres_url, redis_url=redis_url, config=config) as front:
        assert [front.post(json.dumps(told()))[0] for _ in range(3)] == [200] * 3
        said = {row.channel: row.body["text"] for row in front.rows(Message)}
        assert len(front.rows(Message)) == 2
    assert ("<#C0HELP>, <#C0RANDOM>" in said["U0OLIVIA"], HELP in said["U0BEN"]) == (True, False)


def test_the_workspace_says_it_as_slack_does(front: FrontDoor) -> None:
    """From the control API, signed and outside of every event; it is journalled, and answered 200."""
    assert front.act("drop_events", "U0MAYA")["status"] == 200
    assert len(front.directly("U0OLIVIA")) == 1
    assert front.rows(InboxEvent) == []


def test_the_rest_of_many_channels_is_counted() -> None:
    """The message stays short."""
    text = lost_events.message(now(), [f"C0{number}" for number in range(14)])["text"]
    assert text.count("<#") == lost_events.MOST_CHANNELS
    assert "and 4 more or in direct messages" in text
