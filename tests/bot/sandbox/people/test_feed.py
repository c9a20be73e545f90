"""Live updates for the page."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.local_workspace import OWN_HEADERS


@contextmanager
def following(workspace: Any, user: str, after: int) -> Iterator[Iterator[dict[str, Any]]]:
    """Follow the stream of a person, as parsed changes."""
    connection = http.client.HTTPConnection(workspace.base.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/sandbox/events?user={user}&after={after}", headers=OWN_HEADERS)
    response = connection.getresponse()

    def changes() -> Iterator[dict[str, Any]]:
        while line := response.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    try:
        yield changes()
    finally:
        response.close()
        connection.close()


def test_changes_arrive_while_one_watches(workspace: Any) -> None:
    """A message, its edit, a reply and its deletion arrive in order, numbered."""
    with following(workspace, "U0IVAN", workspace.sees("U0IVAN")["seq"]) as changes:
        ts = workspace.say("U0MAYA", "C0HELP", "one")
        workspace.act("edit", "U0MAYA", channel="C0HELP", ts=ts, text="two")
        workspace.act("delete", "U0MAYA", channel="C0HELP", ts=ts)
        seen = [next(changes) for _ in range(3)]
    assert [one["type"] for one in seen] == ["message", "message_changed", "message_deleted"]
    assert [one["seq"] for one in seen] == sorted(one["seq"] for one in seen)
    assert seen[1]["message"]["text"] == "two"
    assert (seen[2]["channel"], seen[2]["ts"]) == ("C0HELP", ts)


def test_one_sees_only_what_is_ones_own(workspace: Any) -> None:
    """What is said in the queue channel, or whispered to another person, is not streamed to a requester."""
    start = workspace.sees("U0MAYA")["seq"]
    workspace.say("U0PRIYA", "C0QUEUE", "secret")
    workspace.slack.chat_postEphemeral(channel="C0HELP", user="U0IVAN", text="psst")
    workspace.say("U0PRIYA", "C0HELP", "public")
    with following(workspace, "U0MAYA", start) as changes:
        assert next(changes)["message"]["text"] == "public"
    with following(workspace, "U0IVAN", start) as changes:
        assert next(changes)["ephemeral"]["text"] == "psst"


def test_who_was_away_too_long_reads_all_again(workspace: Any) -> None:
    """A number that is too old, or of another run, gets a resync."""
    with following(workspace, "U0MAYA", 5) as changes:
        resync = next(changes)
    assert resync == {"seq": workspace.world.changes.seq, "type": "resync"}
