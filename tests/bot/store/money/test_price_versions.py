"""The prices that ledger rows were worked out at: `bot.store.money.price_versions`."""

from bot.store.db import Database
from bot.store.money import price_versions
from bot.store.schema import PriceVersion


def test_a_version_is_kept_once(database: Database) -> None:
    """Every process that starts keeps its prices; the first word stands, an unknown version is none."""
    for rates in ({"input": "2", "over": {"100000": "4"}}, {"input": "9"}):
        with database.write() as session:
            price_versions.keep(session, "v1", rates)
    with database.read() as session:
        assert price_versions.of(session, "v1") == {"input": "2", "over": {"100000": "4"}}
        assert price_versions.of(session, "v2") is None
        assert session.query(PriceVersion).count() == 1
