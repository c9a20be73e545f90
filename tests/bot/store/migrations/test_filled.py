"""An installation that the build before has filled goes on after the migration: `filled_0011.json` holds its rows.

They were written by that build's own functions: a handoff that is open and has escalated twice, after a claim that
expired and one that was given up; one that is claimed and answered; one that is resolved; a turn under way, one that
waits, and messages that are owed and in the hands of a sender.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy
from alembic import command
from sqlalchemy import Connection, select

from bot.escalation import EscalationAction
from bot.store import db, schema
from bot.store.figures import figures
from bot.store.figures.dashboard import DashboardCohort, DashboardFigures
from bot.store.handoffs import handoff_history, handoffs, handoffs_due
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.installation import revisions
from bot.store.outbox import deliveries
from bot.store.schema import Base, CountedEvents, Handoff, HandoffState, MoveKind, Ticket, TurnState
from bot.store.tickets import turns
from tests.support.dashboard_history import SPRING_FORWARD, dashboard_history
from tests.support.factories import everything, rows
from tests.support.figure_folding import add_up
from tests.support.postgres_server import PostgresServer

BEFORE = "0011"
KEPT: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / f"filled_{BEFORE}.json").read_text())
COLUMNS = {
    "tickets": {"owner": "assignee"},
    "handoffs": {"lapses": "expiries", "rung": "escalation_level", "first_word_at": "first_response_at"},
}
MOVES = {"lapsed": "expired", "climbed": "escalated", "released": "unclaimed"}
ADDED: dict[str, dict[str, Any]] = {
    "tickets": {"surge_id": None, "following": None, "words_erased_at": None},
    "turns": {"directory_failed_at": None, "suspended_at": None, "waited_seconds": 0.0},
}
"Columns that later revisions add, with what a row of before has in them."
ADDED_TO_CONTEXT = {"surge": None, "proposed_by": None}
"What is read of the context of a handoff of before, although it was not written then."
DETAILS = {"step": "action", "rung": "level"}


def table_of(name: str) -> sqlalchemy.TableClause:
    """Return a table as the revision before had it: a column is of the type that it has today under its new name."""
    today, new = Base.metadata.tables[name].columns, COLUMNS.get(name, {})
    return sqlalchemy.table(name, *(sqlalchemy.column(one, today[new.get(one, one)].type) for one in KEPT[name][0]))


def value_of(column: sqlalchemy.ColumnClause[Any], value: Any) -> Any:
    """Return what a column takes for what the file holds."""
    if isinstance(column.type, schema.UtcDateTime) and value is not None:
        return datetime.fromisoformat(value)
    if column.name == "context":
        return schema.HandoffContext(**value | {"transcript": [tuple(one) for one in value["transcript"]]})
    return value


def plain(value: Any) -> Any:
    """Return a stored value as the file writes it."""
    return value.isoformat() if isinstance(value, datetime) else value


def renamed(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row under today's names, and its moves by today's words."""
    row = {COLUMNS.get(name, {}).get(column, column): value for column, value in row.items()}
    row |= ADDED.get(name, {})
    if name == "handoffs":
        row["context"] = ADDED_TO_CONTEXT | row["context"]
    if name != "handoff_moves":
        return row
    escalated = row["move"] == "climbed"
    detail = {DETAILS.get(key, key) if escalated else key: value for key, value in row["detail"].items()}
    return row | {"move": MOVES.get(row["move"], row["move"]), "detail": detail}


def fill(connection: Connection) -> None:
    """Write the rows of the build before into a database of its revision."""
    for name, kept in KEPT.items():
        table = table_of(name)
        for row in kept:
            values = {column: value_of(table.c[column], value) for column, value in row.items()}
            # A move by its old word is no member of today's set.
            typed = sqlalchemy.table(name, *(sqlalchemy.column(one.name, _stored(one)) for one in table.c))
            connection.execute(typed.insert().values(values))
        if connection.dialect.name == "postgresql":
            key = next(iter(Base.metadata.tables[name].primary_key.columns)).name
            last = max(row[key] for row in kept)
            connection.execute(select(sqlalchemy.func.setval(sqlalchemy.func.pg_get_serial_sequence(name, key), last)))


def _stored(column: sqlalchemy.ColumnClause[Any]) -> Any:
    return sqlalchemy.Text() if isinstance(column.type, schema.Value) else column.type


def fill_and_migrate(url: str) -> None:
    """Take a database back to the revision before, let that build fill it, and migrate it."""
    with closing(db.connect(url)) as database:
        with database.engine.connect() as connection:
            command.downgrade(revisions._config(connection), BEFORE)
            connection.commit()
        with database.engine.begin() as connection:
            fill(connection)
    revisions.migrate(url)


@pytest.fixture(scope="module")
def filled_file(_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file that the build before has filled, after the migration; nobody writes to it."""
    file = Path(shutil.copy(_sqlite, tmp_path_factory.mktemp("filled") / "deskhand.db"))
    fill_and_migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="module")
def filled_template(_postgres: PostgresServer) -> str:
    """Return the name of a PostgreSQL database like it, which nobody is connected to."""
    name = f"filled_{uuid4().hex}"
    fill_and_migrate(_postgres.copy(name))
    return name


@pytest.fixture
def migrated(request: pytest.FixtureRequest, database_url: str) -> Iterator[db.Database]:
    """Return a database of the test's own that the build before has filled, after the migration."""
    url = sqlalchemy.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        shutil.copy(request.getfixturevalue("filled_file"), str(url.database))
    else:
        template = request.getfixturevalue("filled_template")
        database_url = request.getfixturevalue("_postgres").copy(f"test_{uuid4().hex}", of=template)
    with closing(db.connect(database_url)) as database:
        yield database


def test_nothing_is_lost_and_nothing_else_changes(migrated: db.Database) -> None:
    """Each row of each table is there with all its values, under the new names."""
    stored = everything(migrated)
    for name, kept in KEPT.items():
        seen = json.loads(json.dumps(stored[name], default=_json))
        assert seen == [renamed(name, row) for row in kept], name
    assert {name for name, found in stored.items() if found} == set(KEPT)


def _json(value: Any) -> Any:
    return (
        value.isoformat() if isinstance(value, datetime) else {name: getattr(value, name) for name in value.__slots__}
    )


def test_the_way_back_gives_what_was_there(migrated: db.Database) -> None:
    """Whoever goes back to the build before finds its own names and words."""
    with migrated.engine.connect() as connection:
        command.downgrade(revisions._config(connection), BEFORE)
        connection.commit()
        for name in ("tickets", "handoffs", "handoff_moves"):
            columns = [sqlalchemy.column(one.name, _stored(one)) for one in table_of(name).c if one.name != "context"]
            found = connection.execute(select(*columns).select_from(sqlalchemy.table(name)).order_by(columns[0]))
            seen = [{column: plain(value) for column, value in row.items()} for row in found.mappings()]
            assert seen == [{key: value for key, value in row.items() if key != "context"} for row in KEPT[name]], name


def test_the_tables_are_those_of_a_new_installation(sqlite_url: str, migrated: db.Database) -> None:
    """Keys, checks, indices and triggers: what SQLite says of itself is the same, but for the order of columns."""
    if migrated.engine.dialect.name != "sqlite":
        return
    with closing(db.connect(sqlite_url)) as new:
        assert catalogue(migrated) == catalogue(new)


def catalogue(database: db.Database) -> set[tuple[str, str]]:
    """Return the name and the statement of all that a SQLite database consists of."""
    with database.read() as session:
        found = session.execute(sqlalchemy.text("SELECT name, coalesce(sql, '') FROM sqlite_master"))
        return {(row[0], row[1].replace('"', "")) for row in found}


def test_an_open_handoff_escalates_where_it_was(migrated: db.Database) -> None:
    """The two levels that were reached are not reached again; the third is, once."""
    with migrated.read() as session:
        [found] = handoffs_due.open_below_level(session, 3)
    assert (found.id, found.openings) == (1, 3)
    assert found.taken == (EscalationAction.REMIND, EscalationAction.MENTION)

    def escalated(level: int) -> Moved | NotMoved:
        with migrated.write() as session:
            return handoffs.escalate(session, 1, openings=3, level=level, action=EscalationAction.TELL)

    assert isinstance(escalated(1), NotMoved)
    assert isinstance(escalated(2), Moved)
    assert isinstance(escalated(2), NotMoved)


def test_each_history_gives_its_handoff(migrated: db.Database) -> None:
    """What was done under the old words counts under the new ones."""
    with migrated.read() as session:
        for row in rows(migrated, Handoff):
            come_to = handoff_history.replay(handoff_history.of_handoff(session, row.id))
            assert (come_to.state, come_to.expiries, come_to.openings) == (row.state, row.expiries, row.openings)
            assert come_to.escalation_level == row.escalation_level
        first = [move.move for move in handoff_history.of_handoff(session, 1)]
    assert first[2:7:2] == [MoveKind.EXPIRED, MoveKind.UNCLAIMED, MoveKind.ESCALATED]


def test_a_claim_goes_on(migrated: db.Database) -> None:
    """Its holder has the ticket still, had answered, and resolves it."""
    [_, held, _] = rows(migrated, Handoff)
    assert (held.state, held.claimed_by, held.first_response_at is not None) == (HandoffState.CLAIMED, "U0PRIYA", True)
    assert [row.assignee for row in rows(migrated, Ticket)] == [None, "U0PRIYA", None, None, None, None]
    with migrated.write() as session:
        moved = handoffs.resolve(session, 2, "U0PRIYA", done="Done.", category="locked", agent_could=False)
    assert isinstance(moved, Moved)
    assert moved.ticket.assignee is None


def test_a_turn_under_way_is_taken_over(migrated: db.Database) -> None:
    """Its worker is gone; the next attempt has its journal, and the one that waits is begun."""
    with migrated.write() as session:
        again = turns.begin(session, 4, worker="w2", lease=60)
        first = turns.begin(session, 5, worker="w2", lease=60)
    assert again is not None
    assert first is not None
    assert (again.number, again.failures, again.ticket.state, first.number) == (2, 1, "open", 1)
    assert [event.text for event in again.heard] == ["Request 4"]
    states = {row.id: row.state for row in rows(migrated, schema.Turn)}
    assert (states[4], states[5]) == (TurnState.RUNNING, TurnState.RUNNING)


def test_each_message_that_is_owed_is_said(migrated: db.Database) -> None:
    """The oldest of each lane now; what a sender had in hand is in doubt, and is looked up before it is said again."""
    said: set[str] = set()
    owed = [row.key for row in rows(migrated, schema.Message) if row.state in ("stored", "sending")]
    while take_all(migrated, said):
        pass
    assert said == set(owed)


def take_all(database: db.Database, said: set[str]) -> int:
    """Take what may be said, say it, and return how much that was."""
    with database.read() as session:
        waiting = deliveries.due(session)
    for message_id in waiting:
        with database.write() as session:
            taken = deliveries.take(session, message_id)
        if taken is not None:
            assert taken.in_doubt is (taken.key == "reply:turn:0")
            with database.write() as session:
                assert deliveries.posted(session, taken, f"1800000000.{message_id:06d}")
            said.add(taken.key)
    return len(waiting)


def test_the_dashboard_adds_up_what_was_there(migrated: db.Database) -> None:
    """Its figures are there at once, and are the same when the clock has added them up."""
    finished = [row.finished_at for row in rows(migrated, schema.Turn) if row.finished_at is not None]
    cohort = figures.last_days(30, at=max(finished))

    def shown() -> DashboardFigures:
        with migrated.read() as session:
            return figures.read(session, cohort)

    before = shown()
    assert before.total.requests == len(finished)
    assert before.handoffs.handoffs == len(KEPT["handoffs"])
    assert add_up(migrated, max(finished) + timedelta(days=2)) != []
    assert shown() == before
    assert len(rows(migrated, schema.FigureCounts)) > 0


def test_what_was_added_up_stays(database: db.Database, database_url: str) -> None:
    """The revision that adds up thumbs, too, keeps each day and its counts, both ways; the clock adds what is new."""
    dashboard_history(8, turns=40).write(database)
    later = SPRING_FORWARD + timedelta(days=12)
    week = DashboardCohort(SPRING_FORWARD, SPRING_FORWARD + timedelta(days=7))
    add_up(database, later)
    kept = {table: _of_before(database, table) for table in (schema.FigureDay, schema.FigureCounts)}
    with database.read() as session:
        shown = replace(figures.read(session, week), releases=())
    with database.engine.connect() as connection:
        command.downgrade(revisions._config(connection), "0024")
        connection.commit()
    revisions.migrate(database_url)
    assert {table: _of_before(database, table) for table in kept} == kept
    assert all(kept.values())
    for _ in ("before the clock has looked", "after it"):
        with database.read() as session:
            assert replace(figures.read(session, week), releases=()) == shown
        assert {piece.events for piece in add_up(database, later)} <= {CountedEvents.THUMBS}
    assert any(row.events == CountedEvents.THUMBS for row in rows(database, schema.FigureCounts))


def _of_before(database: db.Database, table: type[Base]) -> list[dict[str, Any]]:
    """Return the rows that the revision before had, too."""
    return [row for row in everything(database)[table.__tablename__] if row["events"] != CountedEvents.THUMBS]
