"""A role of the application's own in the tests' PostgreSQL, as docs/how-to/install.md has it made."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text

from bot.store import db
from bot.store.audit import guards
from bot.store.db import Database
from tests.support import chosen_servers

ROLE = "deskhand_app"


def application_url(owner: Database) -> str:
    """Return the address of a database for a role that is not the owner of its tables; the role has no right yet."""
    _skip_behind_a_pooler()
    with owner.write() as session:
        if session.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ROLE}) is None:
            session.execute(text(f"CREATE ROLE {ROLE} LOGIN"))
    return owner.engine.url.set(username=ROLE).render_as_string(hide_password=False)


@contextmanager
def as_application(owner: Database) -> Iterator[Database]:
    """Connect to a PostgreSQL database as the role of the application, with the rights that `migrate` gives it."""
    url = application_url(owner)
    with owner.write() as session:
        guards.grant_application(session, url)
    with closing(db.connect(url)) as database:
        yield database


def url_of_role(owner: Database, role: str, grant: str) -> str:
    """Return the address of a PostgreSQL database for a role with one right; `{role}` in the grant is its name."""
    _skip_behind_a_pooler()
    with owner.write() as session:
        if session.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
            session.execute(text(f"CREATE ROLE {role} LOGIN"))
        session.execute(text(grant.format(role=role)))
    return owner.engine.url.set(username=role).render_as_string(hide_password=False)


def _skip_behind_a_pooler() -> None:
    if chosen_servers.is_pooled():
        pytest.skip("not behind a pooler: ours is one and the same user of the server for everybody")
