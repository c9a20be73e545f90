"""What `deskhand doctor` says of the codes of approvers: `bot.health.enrolled`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.health.enrolled import check_approvers
from bot.health.findings import Finding
from bot.settings import Settings
from bot.store import members
from bot.store.approvals import approvers
from bot.store.db import Database
from tests.support.agent_folders import copied_agent
from tests.support.approver_codes import APPROVER_KEY, OTHER_APPROVER_KEY, enrolled

BEN, PRIYA, STRANGER = "U0BEN", "U0PRIYA", "U0EVE"

Look = Callable[..., list[Finding]]


@pytest.fixture
def look(sqlite: Database, tmp_path: Path) -> Look:
    """Return a function that looks at an installation with a key, or with other settings; no agent asks for a code."""
    url = sqlite.engine.url.render_as_string(hide_password=False)
    copied_agent(tmp_path / "quiet", change=lambda content: content.pop("approvals"))

    def run(**changes: object) -> list[Finding]:
        given = {
            "database_url": url,
            "deskhand_config": tmp_path / "quiet",
            "deskhand_approver_key": SecretStr(APPROVER_KEY),
        }
        return list(check_approvers(Settings.from_environment().model_copy(update=given | changes)))

    return run


def test_without_approvers_no_key_is_needed(look: Look) -> None:
    """It says how many there are."""
    assert look(deskhand_approver_key=None) == [Finding("approvers", "ok", "None has an authenticator app.")]


def test_a_key_that_opens_everything_is_well(look: Look, sqlite: Database) -> None:
    """Also as the second one, but then an operator can finish the change."""
    enrolled(sqlite, PRIYA)
    assert look() == [Finding("approvers", "ok", "1 has an authenticator app.")]
    [found] = look(deskhand_approver_key=SecretStr(f"{OTHER_APPROVER_KEY},{APPROVER_KEY}"))
    assert (found.state, found.fix) == ("warn", "Run `deskhand approvers reencrypt`, then drop that key.")


def test_codes_that_cannot_be_checked_fail(look: Look, sqlite: Database) -> None:
    """The key is missing, another one, or written wrongly: three sentences with three ways out."""
    enrolled(sqlite, PRIYA)
    [missing] = look(deskhand_approver_key=None)
    assert (missing.state, missing.message) == (
        "fail",
        "DESKHAND_APPROVER_KEY is not set, so no code of U0PRIYA can be checked.",
    )
    [other] = look(deskhand_approver_key=SecretStr(OTHER_APPROVER_KEY))
    assert other.message == "No key opens the secret of U0PRIYA, so their codes cannot be checked."
    [wrong] = look(deskhand_approver_key=SecretStr("nonsense"))
    assert wrong.message.startswith("Environment: DESKHAND_APPROVER_KEY: key 1 has another form")
    assert {one.state for one in (missing, other, wrong)} == {"fail"}


def asking(folder: Path, approvers: Sequence[str], second_step: str = "default") -> Path:
    """Make a configuration whose agent may reset a second factor with an approval, and return its folder."""

    def change(content: dict[str, Any]) -> None:
        content["approvals"] = {"reset_second_factor": {"proof": ["manager"], "second_step": second_step}}
        content["handoff"]["approvers"] = list(approvers)

    copied_agent(folder / "config", change=change)
    return folder / "config"


def test_an_agent_that_asks_for_a_code_needs_approvers_with_an_app(
    look: Look, sqlite: Database, tmp_path: Path
) -> None:
    """None of them fails, some of them is a warning; where two people do, no app is needed."""
    two = asking(tmp_path, [PRIYA, BEN], "code")
    [found] = look(deskhand_config=two, deskhand_approver_key=None)
    assert (found.state, found.message) == (
        "fail",
        "access: reset_second_factor needs a code of an approver, and none of them has an app.",
    )
    assert found.fix == (
        "Run `deskhand keys generate --approvers`, and set DESKHAND_APPROVER_KEY. "
        "Run `deskhand approvers enrol USER` for U0PRIYA, U0BEN."
    )
    enrolled(sqlite, PRIYA)
    [found] = look(deskhand_config=two)
    assert (found.state, found.message) == (
        "warn",
        "access: U0BEN cannot approve reset_second_factor without an app.",
    )


@pytest.mark.parametrize(
    ("approvers", "second_step", "state"),
    [
        ([PRIYA], "default", "fail"),  # there are no two people
        ([PRIYA, BEN], "default", "ok"),
        ([PRIYA, BEN], "two_people", "ok"),
        ([PRIYA], "none", "ok"),
    ],
)
def test_an_agent_that_asks_for_no_code_needs_none(
    look: Look, tmp_path: Path, approvers: list[str], second_step: str, state: str
) -> None:
    """By its card, and by default where two can decide."""
    [found] = look(deskhand_config=asking(tmp_path, approvers, second_step), deskhand_approver_key=None)
    assert found.state == state


def test_locked_people_and_strangers_are_named(look: Look, sqlite: Database) -> None:
    """Each with what to do about it."""
    for user in (PRIYA, STRANGER):
        enrolled(sqlite, user)
    with sqlite.write() as session:
        row = approvers.find(session, PRIYA)
        assert row is not None
        for _ in range(5):
            approvers.count_wrong(session, row, at=datetime.now(UTC))
    locked, stranger = look()
    assert locked.message == "U0PRIYA typed 5 wrong codes and can approve nothing with a code."
    assert stranger.message == "U0EVE has an app, but no card has them among its approvers."
    assert (locked.state, stranger.state) == ("warn", "warn")


def test_an_approver_who_has_left_is_named(look: Look, sqlite: Database, tmp_path: Path) -> None:
    """Their app is to be removed, and it is nobody's who could give a code."""
    enrolled(sqlite, BEN)
    with sqlite.write() as session:
        members.note_departure(session, BEN)
    [left] = look()
    assert (left.state, left.fix) == ("warn", "Run `deskhand approvers remove USER`.")
    assert left.message == "U0BEN has left the workspace, and still has an app."
    missing, _ = look(deskhand_config=asking(tmp_path, [BEN, PRIYA], "code"))
    assert (missing.state, missing.fix) == ("fail", "Run `deskhand approvers enrol USER` for U0PRIYA.")
    with sqlite.write() as session:
        members.note_departure(session, PRIYA)
    missing, _ = look(deskhand_config=tmp_path / "config")
    assert missing.message == "access: reset_second_factor needs a code of an approver, and none of them has an app."
    assert missing.fix == "Name approvers in its card who are in the workspace."
