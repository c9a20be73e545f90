"""Who is meant, on a terminal: `bot.cli.names`, with Slack and without."""

from dataclasses import replace

import pytest

from bot.cli import names
from bot.directory.local import AccountSeed
from bot.principals import AccountStatus
from bot.slack.money import cost_table
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.money.spending import CostLine
from tests.support.local_workspace import LocalWorkspace, settings_for
from tests.support.statements import HELP_USE, TODAYS_STATEMENT

NOBODY = "U0NOBODY"


@pytest.fixture
def directory(database: Database) -> Database:
    """Return a database whose directory knows two people by their Slack ids."""
    with database.write() as session:
        for user, name in (("U0MAYA", "M. Okafor"), (NOBODY, "Nobody\x1b[2J Special")):
            seed = AccountSeed(id=user, email=f"{user}@x.example", name=name, status=AccountStatus.ACTIVE)
            accounts.seed(session, [seed.model_copy(update={"slack_user": user})])
    return database


def test_slack_says_what_people_and_channels_are_called(workspace: LocalWorkspace, directory: Database) -> None:
    """Else the directory; whom nobody knows keeps the id. A terminal gets no control characters."""
    known = names.known(["U0MAYA", "C0HELP", "C0QUEUE", NOBODY, "U0STRANGER"], settings_for(workspace), directory)
    assert known == {
        "U0MAYA": "Maya Okafor",
        "C0HELP": "#help-access",
        "C0QUEUE": "a private channel",
        NOBODY: "Nobody[2J Special",
    }


def test_without_slack_the_directory_says_it(directory: Database) -> None:
    """What it knows of whom."""
    assert names.known(["U0MAYA", "C0HELP", "U0IVAN"], settings_for(None), directory) == {"U0MAYA": "M. Okafor"}


def test_two_of_one_name_are_told_apart(directory: Database) -> None:
    """By their ids."""
    with directory.write() as session:
        seed = AccountSeed(
            id="2", email="b@x.example", name="M. Okafor", status=AccountStatus.ACTIVE, slack_user="U0MAYB"
        )
        accounts.seed(session, [seed])
    known = names.known(["U0MAYA", "U0MAYB"], settings_for(None), directory)
    assert known == {"U0MAYA": "M. Okafor (U0MAYA)", "U0MAYB": "M. Okafor (U0MAYB)"}


def test_a_statement_is_read_without_ids(workspace: LocalWorkspace, directory: Database) -> None:
    """Heading, rows and budgets alike; what is not about people or channels is left as it is."""
    lines = (CostLine("U0IVAN", 20, 41_000, 1_000_000_000), CostLine("U0STRANGER", 4, 8_000, 200_000_000))
    asked = replace(TODAYS_STATEMENT.question, by="user")
    own = replace(HELP_USE, cap=replace(HELP_USE.cap, scope="user", holder="U0IVAN"))
    statement = replace(TODAYS_STATEMENT, question=asked, lines=lines, accounts=(HELP_USE, own))
    text = cost_table.as_text(names.put_into(statement, settings_for(workspace), directory))
    for said in ("Ivan Petrov ", "U0STRANGER ", "#help-access ", "Ivan Petrov "):
        assert f"\n{said}" in text
    assert names.put_into(TODAYS_STATEMENT, settings_for(workspace), directory).lines == TODAYS_STATEMENT.lines
    part = replace(
        TODAYS_STATEMENT, question=replace(TODAYS_STATEMENT.question, channel="C0QUEUE", user="U0IVAN", agent="access")
    )
    text = cost_table.as_text(names.put_into(part, settings_for(workspace), directory))
    assert text.startswith("Spent today in a private channel, for Ivan Petrov, by the agent access: ")
