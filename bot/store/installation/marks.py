"""The mark of a database: which installation or demo it belongs to, and which Slack workspace it serves.

Every process, and every command that writes, checks the mark first and refuses a database of another installation or
demo. A database without a mark gets one, with two exceptions: a demo marks only what it has created itself, and an
installation never marks what an earlier demo left.
"""

from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import sqlalchemy
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.errors import ConfigError
from bot.ground import Ground, Kind
from bot.store import db
from bot.store.db import Database
from bot.store.schema import Mark, Ticket, now

ID_BYTES = 6
LEFT_BY_A_DEMO = "workspace.json"
"Earlier demos kept this file beside the database that an installation uses by default."
NOBODYS = ""
"The workspace of a copied database: it will be that of the next bot token, whatever its tickets belong to."


@dataclass(frozen=True, slots=True)
class SeenMark:
    """The mark of a database."""

    ground: Ground
    team: str | None
    "Slack's id of the workspace; None until a bot token has shown it."


def read(session: Session) -> SeenMark | None:
    """Return the mark of a database of any schema; None if it has none."""
    if not sqlalchemy.inspect(session.connection()).has_table(Mark.__tablename__):
        return None
    found = session.execute(select(Mark.kind, Mark.ground, Mark.team)).one_or_none()
    return None if found is None else SeenMark(Ground(Kind(found.kind), found.ground), found.team)


def enter(database: Database, kind: Kind) -> Ground:
    """Return the ground of a database for a process of this kind; mark a database that has no mark.

    Raises:
        ConfigError: it belongs to another kind, or its schema does not fit this code; the message says what to do.
        Transient: it cannot be reached.
    """
    missing = db.pending(database)
    if missing is not None:
        raise ConfigError(f"database: {missing}")
    with database.read() as session:
        seen = read(session)
    if seen is None:
        _refuse_to_adopt(database, kind)
        return put(database, Ground(kind, token_hex(ID_BYTES)))
    _refuse_others(database, kind, seen.ground)
    return seen.ground


def look_before_migrating(database: Database, kind: Kind) -> None:
    """Refuse a database of another kind, or of a newer version, before anything in it is changed.

    Raises:
        ConfigError: it belongs to another kind, or its schema is newer than this code's.
        Transient: it cannot be reached.
    """
    with database.read() as session:
        seen, is_empty = read(session), not sqlalchemy.inspect(session.connection()).get_table_names()
    if seen is not None:
        _refuse_others(database, kind, seen.ground)
    elif not is_empty:
        _refuse_to_adopt(database, kind)
    missing = db.pending(database)
    if missing is not None and missing.endswith(db.NEWER):
        raise ConfigError(f"database: {missing}")


def put(database: Database, ground: Ground) -> Ground:
    """Mark a database that has no mark; return the mark it has now, as another process may have been quicker.

    Raises:
        ConfigError: the other process was of another kind.
    """
    with database.write() as session:
        db.insert_new(session, Mark, place=1, kind=ground.kind, ground=ground.id, team=None, at=now())
        seen = read(session)
    assert seen is not None  # noqa: S101 - we or another process have just inserted it
    _refuse_others(database, ground.kind, seen.ground)
    return seen.ground


def renew(database: Database, kind: Kind) -> Ground:
    """Make a database a new installation: another id, and no Slack workspace yet."""
    ground = Ground(kind, token_hex(ID_BYTES))
    with database.write() as session:
        session.execute(update(Mark).values(kind=ground.kind, ground=ground.id, team=NOBODYS, at=now()))
    return ground


def serve(database: Database, team: str) -> None:
    """Check that a bot token is of the workspace of the mark; the first token's workspace is stored.

    A database that had tickets before it got its mark serves the workspace of these.

    Raises:
        ConfigError: the token is of another workspace; the message names both.
        Transient: the database cannot be reached.
    """
    with database.read() as session:
        known = _team(session)
    if known in {None, NOBODYS}:
        with database.write() as session:
            served = set(session.scalars(select(Ticket.team).distinct())) if known is None else set()
            if not served or team in served:
                session.execute(update(Mark).where(Mark.team.is_not_distinct_from(known)).values(team=team))
            known = _team(session) or min(served, default=None)
    if known != team:
        raise ConfigError(
            f"environment: SLACK_BOT_TOKEN is of the Slack workspace {team}, and the database at {_where(database)} "
            f"serves {known}. Correct the token or DATABASE_URL. A copy that is to serve another workspace becomes "
            "an installation of its own with `deskhand ground --new`."
        )


def _team(session: Session) -> str | None:
    return session.scalar(select(Mark.team))


def _refuse_others(database: Database, kind: Kind, found: Ground) -> None:
    if found.kind == kind:
        return
    helps = {
        Kind.INSTALLATION: "Name another database in DATABASE_URL; `make demo` looks after its own.",
        Kind.DEMO: "A demo works on what it has made itself only: move that away, or run it in another folder.",
    }
    raise ConfigError(f"database: that at {_where(database)} belongs to {_whose(found)}. {helps[kind]}")


def _refuse_to_adopt(database: Database, kind: Kind) -> None:
    if kind is Kind.DEMO:
        raise ConfigError(
            f"database: that at {_where(database)} has no demo's mark, so it may belong to somebody: "
            "move it away, or run the demo in another folder."
        )
    beside = _file(database)
    if beside is not None and (beside.parent / LEFT_BY_A_DEMO).exists():
        raise ConfigError(
            f"database: that at {_where(database)} has no mark, and an earlier demo kept its {LEFT_BY_A_DEMO} "
            "beside it. If it is only that demo's, move it away; if it is yours, move that file away. Then start again."
        )


def _whose(ground: Ground) -> str:
    return f"{'a demo' if ground.kind is Kind.DEMO else 'an installation'} ({ground.id})"


def _where(database: Database) -> str:
    """Return the database's address without the password."""
    return str(_file(database) or database.engine.url.render_as_string())


def _file(database: Database) -> Path | None:
    return db.file_of(database.engine.url.render_as_string(hide_password=False))
