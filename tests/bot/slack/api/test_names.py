"""What people and channels are called, and who is an app: `bot.slack.api.names`, `bot.slack.api.roles`."""

import threading
from typing import Any

import pytest

from bot.slack.api import names, roles
from bot.slack.api.client import WebClient
from bot.slack.api.membership import Members
from bot.slack.api.names import Names
from bot.store.db import Database
from tests.support.local_workspace import LocalWorkspace


def asked(workspace: LocalWorkspace, method: str = "users.info") -> int:
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


def test_in_plain_text_a_private_channel_is_called_one(client: WebClient) -> None:
    """A public one bears its `#`; what nobody knows is called nothing."""
    known = Names(client)
    told = [known.in_plain_text(one) for one in ("C0HELP", "C0QUEUE", "U0IVAN", "C0NOWHERE")]
    assert told == ["#help-access", names.PRIVATE, "Ivan Petrov", None]


def test_a_name_is_asked_for_once(workspace: LocalWorkspace, client: WebClient) -> None:
    """Also that there is none."""
    known = Names(client)
    assert [known.of(one) for one in ("U0IVAN", "U0IVAN", "U0NOBODY", "U0NOBODY")] == ["Ivan Petrov"] * 2 + [None] * 2
    assert asked(workspace) == 2


def test_nothing_waits_while_slack_does_not_answer(
    workspace: LocalWorkspace, client: WebClient, monkeypatch: pytest.MonkeyPatch
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
def test_a_name_is_one_line(
    workspace: LocalWorkspace, client: WebClient, says: dict[str, object], name: str | None
) -> None:
    """Whatever somebody calls themselves."""
    workspace.send("/sandbox/user", {"user": "U0IVAN", "says": says})
    assert Names(client).of("U0IVAN") == name


def test_only_full_members_are_named_as_members(workspace: LocalWorkspace, client: WebClient) -> None:
    """No guest, no one who is gone or of another workspace, no app and no one whom Slack does not know."""
    workspace.send("/sandbox/user", {"user": "U0IVAN", "deleted": True})
    users = ("U0MAYA", "U0NOOR", "U0IVAN", "U0PETRA", "U0DESKHAND", "U0NOBODY", "U0BEN")
    assert Names(client).of_members(users, 20) == {"U0MAYA": "Maya Okafor", "U0BEN": "Ben Castillo"}


def test_members_are_asked_about_once(workspace: LocalWorkspace, client: WebClient) -> None:
    """Their names too; and where all are known nothing is waited for."""
    known = Names(client)
    assert known.of("U0BEN") == "Ben Castillo"
    assert known.of_members(("U0MAYA", "U0BEN", "U0NOBODY"), 20) == known.of_members(("U0MAYA", "U0BEN"), 0)
    assert (known.of("U0MAYA"), asked(workspace)) == ("Maya Okafor", 3)


@pytest.mark.parametrize("error", ["internal_error", "ratelimited", "access_denied", "missing_scope"])
def test_members_are_named_all_or_not_at_all(workspace: LocalWorkspace, client: WebClient, error: str) -> None:
    """Of one nothing is said now, so that a list would leave somebody out."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": error, "times": 1})
    assert Names(client).of_members(("U0MAYA", "U0BEN"), 20) is None


def test_a_member_without_a_name_is_in_no_list(workspace: LocalWorkspace, client: WebClient) -> None:
    """They could not be told from others."""
    workspace.send("/sandbox/user", {"user": "U0BEN", "says": {"profile": None, "real_name": None, "name": None}})
    assert Names(client).of_members(("U0MAYA", "U0BEN"), 20) is None


def test_what_comes_late_is_kept_for_who_asks_next(client: WebClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for beyond the time that there is, and what is under way is no work in vain."""
    may_answer, asked_for = threading.Event(), threading.Event()
    asks = client.users_info

    def waiting(**arguments: Any) -> object:
        asked_for.set()
        may_answer.wait(120)
        return asks(**arguments)

    monkeypatch.setattr(client, "users_info", waiting)
    known = Names(client)
    assert known.of_members(("U0BEN",), 0.05) is None
    assert asked_for.wait(120)
    may_answer.set()
    assert known.of_members(("U0BEN",), 20) == {"U0BEN": "Ben Castillo"}


@pytest.mark.parametrize(
    ("user", "is_app"), [("U0MAYA", False), ("U0NOOR", False), ("U0DESKHAND", True), ("U0NOBODY", True)]
)
def test_an_app_is_told_from_a_person(database: Database, client: WebClient, user: str, *, is_app: bool) -> None:
    """A guest is a person; whom Slack does not show writes through nothing."""
    assert roles.app_check(Members(client, database))(user) is is_app


def test_while_slack_does_not_say_it_is_not_known(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """That is neither."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": 1})
    assert roles.app_check(Members(client, database))("U0MAYA") is None
