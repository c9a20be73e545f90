"""Releases as they are stored: `bot.store.releases.releases`."""

from bot.store.db import Database
from bot.store.releases import releases
from bot.store.schema import Release
from tests.support.factories import at_once, rows
from tests.support.release_rows import end_run, keep_release, open_run, verdict_of


def test_a_release_is_kept_once(database: Database) -> None:
    """Processes that start together keep it together; its verdict is not forgotten by a restart."""
    at_once(8, lambda _: keep_release(database))
    end_run(database, open_run(database))
    keep_release(database)
    assert len(rows(database, Release)) == 1
    assert verdict_of(database) == "pass"


def test_a_release_without_an_evaluation_has_no_verdict(database: Database) -> None:
    """Nor has one that nobody has heard of, nor one whose run has not ended."""
    keep_release(database)
    open_run(database)
    assert verdict_of(database) is None
    assert verdict_of(database, "access@2") is None
    with database.read() as session:
        assert releases.get(session, "access@2") is None
