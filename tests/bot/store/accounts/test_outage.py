from collections.abc import Callable

import pytest

from bot.directory import seed_file
from bot.directory.local import LocalDirectory
from bot.errors import Transient
from bot.principals import Account
from bot.sandbox.demo.entrypoints import PEOPLE
from bot.store.accounts import outage
from bot.store.db import Database

CALLS: list[Callable[[LocalDirectory], object]] = [
    lambda directory: directory.account("acc-maya"),
    lambda directory: directory.account("acc-nobody"),
    lambda directory: directory.find_by_slack_user("U0MAYA"),
    lambda directory: directory.find_by_slack_user("U0NOBODY"),
    lambda directory: directory.names_of(["U0MAYA"]),
]
"What a directory is asked about people whom it has, and about others."


def test_accounts_that_are_away_are_an_outage(database: Database) -> None:
    """Every question fails as worth another try, and has its answer again afterwards; each step may be taken twice."""
    directory = LocalDirectory(database)
    directory.seed(seed_file.read(PEOPLE))
    before = [call(directory) for call in CALLS]
    for _ in range(2):
        with database.write() as session:
            outage.begin(session)
    for call in CALLS:
        with pytest.raises(Transient, match="database"):
            call(directory)
    maya = before[0]
    assert isinstance(maya, Account)
    with pytest.raises(Transient, match="database"):
        directory.unlock("acc-maya", key="k", seen=maya)
    for _ in range(2):
        with database.write() as session:
            outage.end(session)
    assert [call(directory) for call in CALLS] == before
    assert directory.unlock("acc-maya", key="k", seen=maya).id == "acc-maya"
