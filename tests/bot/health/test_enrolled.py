"""What `deskhand doctor` says of the codes of approvers: `bot.health.enrolled`."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.health.enrolled import check_approvers
from bot.health.findings import Finding
from bot.settings import Settings
from bot.store.approvals import approvers
from bot.store.db import Database
from tests.support.approver_codes import APPROVER_KEY, OTHER_APPROVER_KEY, enrolled
from tests.support.paths import CONFIG

PRIYA, STRANGER = "U0PRIYA", "U0EVE"

Look = Callable[..., list[Finding]]


@pytest.fixture
def look(sqlite: Database) -> Look:
    """Return a function that looks at an installation with a key, or with other settings."""
    url = sqlite.engine.url.render_as_string(hide_password=False)

    def run(**changes: object) -> list[Finding]:
        given = {"database_url": url, "deskhand_config": CONFIG, "deskhand_approver_key": SecretStr(APPROVER_KEY)}
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
