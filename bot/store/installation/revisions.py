"""Migrations: bring a database up to the revision of this code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from bot.store import db

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def migrate(url: str) -> None:
    """Migrate the database at an address to this code's revision."""
    database = db.connect(url)
    try:
        with database.writing.connect() as connection:
            command.upgrade(_config(connection), "head")
            connection.commit()
    finally:
        database.close()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
