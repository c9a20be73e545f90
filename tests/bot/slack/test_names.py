"""What people and channels are called, and who is an app: `bot.slack.names`, `bot.slack.roles`."""

import pytest
from slack_sdk import WebClient

from bot.slack import names, roles
from bot.slack.membership import Members
from bot.slack.names import Names
from bot.store.db import Database
from tests.bot.sandbox.conftest import Served


def asked(workspace: Served, method: str = "users.info") -> int:
    """Return how often Slack was asked."""
    return sum(1 for entry in workspace.get("/sandbox/log") if entry.get("name") == method)


@pytest.mark.parametrize(
    ("some_id", "name"),
    [
        ("U0IVAN", "Ivan Petrov"),
        ("C0HELP", "help-access"),
        ("C0QUEUE", None),
        ("U0NOBODY", None),
        ("S0ONCALL", None),
        ("U0IVAN> <!channel", None),
        ("", None),
    ],
)
def test_people_and_public_channels_have_names(client: WebClient, some_id: str, name: str | None) -> None:
    """A private channel's name is for those who are in it; what is no id is not asked about."""
    assert Names(client).of(some_id) == name


def test_a_name_is_asked_for_once(workspace: Served, client: WebClient) -> None:
    """Also that there is none."""
    known = Names(client)
    assert [known.of(one) for one in ("U0IVAN", "U0IVAN", "U0NOBODY", "U0NOBODY")] == ["Ivan Petrov"] * 2 + [None] * 2
    assert asked(workspace) == 2


def test_nothing_waits_while_slack_does_not_answer(
    workspace: Served, client: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up finds that out; it is asked again after a while."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": 1})
    known = Names(client)
    assert [known.of("U0IVAN"), known.of("U0MAYA")] == [None, None]
    assert asked(workspace) == 1
    monkeypatch.setattr(names, "AWAY_SECONDS", 0.0)
    known = Names(client)
    workspace.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": 1})
    assert [known.of("U0IVAN"), known.of("U0IVAN")] == [None, "Ivan Petrov"]


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ({"profile": {"real_name": "Two\n lines  "}}, "Two lines"),
        ({"profile": {"real_name": "x" * 500}}, "x" * 80),
        ({"profile": {"real_name": "", "display_name": 5}, "real_name": None}, "ivan.petrov"),
        ({"profile": None, "real_name": None, "name": None}, None),
    ],
)
def test_a_name_is_one_line(workspace: Served, client: WebClient, says: dict[str, object], name: str | None) -> None:
    """Whatever somebody calls themselves."""
    workspace.send("/sandbox/user", {"user": "U0IVAN", "says": says})
    assert Names(client).of("U0IVAN") == name


@pytest.mark.parametrize(
    ("user", "is_app"), [("U0MAYA", False), ("U0NOOR", False), ("U0DESKHAND", True), ("U0NOBODY", True)]
)
def test_an_app_is_told_from_a_person(database: Database, client: WebClient, user: str, *, is_app: bool) -> None:
    """A guest is a person; whom Slack does not show writes through nothing."""
    assert roles.sorter(Members(client, database))(user) is is_app


def test_while_slack_does_not_say_it_is_not_known(database: Database, workspace: Served, client: WebClient) -> None:
    """That is neither."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": 1})
    assert roles.sorter(Members(client, database))("U0MAYA") is None
