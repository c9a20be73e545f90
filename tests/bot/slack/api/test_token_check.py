"""Whom the bot token speaks for: `bot.slack.api.token_check`."""

import os
import time

import pytest

from bot.errors import ConfigError
from bot.ground import Kind
from bot.network import DIRECT
from bot.slack.api import client as slack
from bot.slack.api import token_check
from bot.slack.api.client import WebClient
from bot.slack.api.token_check import TokenCheck
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks
from tests.support.installation_marks import marked_team
from tests.support.live_server import PATIENCE
from tests.support.local_workspace import LocalWorkspace
from tests.support.redis_servers import free_port
from tests.support.worker_harness import wait_for


def test_the_first_start_writes_down_whom_it_serves(database: Database, client: WebClient) -> None:
    """And every later one finds it right."""
    marks.enter(database, Kind.INSTALLATION)
    for _ in range(2):
        TokenCheck(client, database).begin().wait()
        assert marked_team(database) == "T0DESKHAND"


def test_a_token_of_another_workspace_refuses_the_start(database: Database, client: WebClient) -> None:
    """Before anything is heard or said."""
    marks.enter(database, Kind.INSTALLATION)
    marks.serve(database, "T0ELSEWHERE")
    with pytest.raises(
        ConfigError, match=r"of the Slack workspace T0DESKHAND, and the database at .* serves T0ELSEWHERE"
    ):
        TokenCheck(client, database).begin().wait()


def test_a_persons_token_refuses_the_start(database: Database, workspace: LocalWorkspace) -> None:
    """Nothing is known of the workspace then."""
    marks.enter(database, Kind.INSTALLATION)
    check = TokenCheck(
        slack.connect(token="xoxp-local", base_url=f"{workspace.base}/api/", network=DIRECT), database
    ).begin()
    with pytest.raises(ConfigError, match=r"^environment: SLACK_BOT_TOKEN: it is a person's token"):
        check.wait()
    assert (check.problem is None, marked_team(database)) == (False, None)


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive"])
def test_a_token_that_slack_refuses_at_once_refuses_the_start(
    database: Database, workspace: LocalWorkspace, client: WebClient, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Waiting does not mend it: an operator must, and reads which of Slack's words it is."""
    monkeypatch.setattr(token_check, "START_SECONDS", 60.0)
    marks.enter(database, Kind.INSTALLATION)
    workspace.faults({"method": "auth.test", "kind": "fail", "error": code, "times": -1})
    with pytest.raises(ConfigError, match=rf"^environment: SLACK_BOT_TOKEN: Slack says {code}; it takes the Bot User"):
        TokenCheck(client, database).begin().wait()
    assert marked_team(database) is None


def test_a_token_that_slack_refuses_after_an_outage_is_a_problem_until_slack_takes_it(
    database: Database, workspace: LocalWorkspace, client: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said with it waits, and no process ends; a Slack that is only down says nothing of the token."""
    monkeypatch.setattr(token_check, "START_SECONDS", 0.0)
    monkeypatch.setattr(token_check, "AGAIN_SECONDS", 0.05)
    marks.enter(database, Kind.INSTALLATION)
    away = {"method": "auth.test", "kind": "fail", "error": "service_unavailable", "times": 1}
    workspace.faults(away, {"method": "auth.test", "kind": "fail", "error": "token_revoked", "times": -1})
    check = TokenCheck(client, database).begin()
    check.wait()
    wait_for("Slack to refuse", lambda: check.problem == "slack: token_revoked")
    workspace.faults({**away, "times": -1})
    wait_for("Slack to be down", lambda: check.problem is None)
    workspace.faults()
    wait_for("the mark", lambda: marked_team(database) == "T0DESKHAND")
    assert check.problem is None


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
    TokenCheck(
        slack.connect(token="xoxb-local", base_url=f"{workspace.base}/api/", network=DIRECT), database
    ).begin().wait()
    until = time.monotonic() + PATIENCE
    while not ended and time.monotonic() < until:
        time.sleep(0.02)
    assert ended == [os.getpid()]
    nowhere = slack.connect(token="xoxb-local", base_url=f"http://127.0.0.1:{free_port()}/api/", network=DIRECT)
    TokenCheck(nowhere, database).begin().wait()
    database.close()
