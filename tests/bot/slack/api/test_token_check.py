"""Whom the bot token speaks for: `bot.slack.api.token_check`."""

import os
import time

import pytest
from slack_sdk import WebClient

from bot.errors import ConfigError
from bot.ground import Kind
from bot.slack.api import client as slack
from bot.slack.api import token_check
from bot.slack.api.token_check import TokenCheck
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks
from tests.support.installation_marks import marked_team
from tests.support.local_workspace import LocalWorkspace
from tests.support.redis_servers import free_port


def test_the_first_start_writes_down_whom_it_serves(database: Database, client: WebClient) -> None:
    """And every later one finds it right."""
    marks.enter(database, Kind.INSTALLATION)
    for _ in range(2):
        TokenCheck(client, database).wait()
        assert marked_team(database) == "T0DESKHAND"


def test_a_token_of_another_workspace_refuses_the_start(database: Database, client: WebClient) -> None:
    """Before anything is heard or said."""
    marks.enter(database, Kind.INSTALLATION)
    marks.serve(database, "T0ELSEWHERE")
    with pytest.raises(
        ConfigError, match=r"of the Slack workspace T0DESKHAND, and the database at .* serves T0ELSEWHERE"
    ):
        TokenCheck(client, database).wait()


def test_a_slack_that_is_away_keeps_nothing_from_starting(
    sqlite_url: str, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again; a process whose token turns out to be wrong is told to end."""
    monkeypatch.setattr(token_check, "START_SECONDS", 0.1)
    monkeypatch.setattr(token_check, "AGAIN_SECONDS", 0.05)
    ended: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, _: ended.append(process))
    workspace.faults({"method": "auth.test", "kind": "fail", "error": "service_unavailable", "times": 3})
    database = db.connect(sqlite_url)
    marks.enter(database, Kind.INSTALLATION)
    marks.serve(database, "T0ELSEWHERE")
    TokenCheck(slack.connect(token="xoxb-local", base_url=f"{workspace.base}/api/"), database).wait()
    until = time.monotonic() + 10
    while not ended and time.monotonic() < until:
        time.sleep(0.02)
    assert ended == [os.getpid()]
    nowhere = slack.connect(token="xoxb-local", base_url=f"http://127.0.0.1:{free_port()}/api/")
    TokenCheck(nowhere, database).wait()
    database.close()
