"""The transactions and migrations of `bot.store.db`."""

from datetime import datetime

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.errors import ConfigError
from bot.store import db, schema


def test_migrations_give_the_tables_that_the_code_knows(database: db.Database) -> None:
    """A migrated database differs from the models in nothing."""
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.Base.metadata)
    assert differences == []
    assert db.pending(database) is None


def test_an_exception_undoes_the_whole_transaction(database: db.Database) -> None:
    """What a block wrote before it failed is gone."""

    def stop_half_way() -> None:
        with database.write() as session:
            session.add(schema.Release(fingerprint="x@1", agent="x", body={}))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        stop_half_way()
    with database.read() as session:
        assert session.scalars(sqlalchemy.select(schema.Release)).all() == []


def test_a_time_without_a_zone_is_refused(database: db.Database) -> None:
    """A naive time never reaches a table."""
    with pytest.raises(sqlalchemy.exc.StatementError, match="zone"), database.write() as session:
        session.add(schema.SignInRow(account_id="a", at=datetime(2026, 1, 1), ok=True))  # noqa: DTZ001 - the point


def test_another_kind_of_database_is_refused_by_name() -> None:
    """The message names the variable and what is supported."""
    with pytest.raises(ConfigError, match="DATABASE_URL names mysql"):
        db.connect("mysql://x/y")
