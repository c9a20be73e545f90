"""Whose a database is: `bot.store.installation.marks`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy

from bot.errors import ConfigError
from bot.ground import Ground, Kind
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.schema import Mark
from tests.support.factories import FIRST, new_turn, rows
from tests.support.installation_marks import marked_team

DEMO = Ground(Kind.DEMO, "aaaabbbbcccc")


def test_the_first_start_of_an_installation_marks_it_for_good(database: Database) -> None:
    """Every later one finds the same."""
    ground = marks.enter(database, Kind.INSTALLATION)
    assert len(ground.id) == 12
    assert marks.enter(database, Kind.INSTALLATION) == ground
    assert [(row.place, row.kind, row.ground, row.team) for row in rows(database, Mark)] == [
        (1, "installation", ground.id, None)
    ]


def test_of_many_that_mark_at_once_all_find_the_same(postgres: Database) -> None:
    """The row is there once: who comes second takes what is there."""
    with ThreadPoolExecutor(12) as at_once:
        found = list(at_once.map(lambda _: marks.put(postgres, Ground(Kind.INSTALLATION, f"id{_}")), range(12)))
    assert len(set(found)) == 1
    assert len(rows(postgres, Mark)) == 1


def test_each_refuses_what_is_the_others(database: Database) -> None:
    """It is named, with where it is and what helps; nothing is changed."""
    marks.put(database, DEMO)
    for refuse in (marks.enter, marks.look_before_migrating):
        with pytest.raises(ConfigError, match=r"belongs to a demo \(aaaabbbbcccc\). Name another") as refused:
            refuse(database, Kind.INSTALLATION)
        assert "***" in str(refused.value) or "deskhand.db" in str(refused.value)
    with database.write() as session:
        session.execute(sqlalchemy.update(Mark).values(kind="installation"))
    for refuse in (marks.enter, marks.look_before_migrating):
        with pytest.raises(ConfigError, match=r"belongs to an installation \(aaaabbbbcccc\)"):
            refuse(database, Kind.DEMO)
    with pytest.raises(ConfigError, match="belongs to an installation"):
        marks.put(database, DEMO)


def test_a_demo_adopts_nothing(database: Database) -> None:
    """A database without a mark may be somebody's, whether or not its schema is of today."""
    for refuse in (marks.enter, marks.look_before_migrating):
        with pytest.raises(ConfigError, match="has no demo's mark"):
            refuse(database, Kind.DEMO)
    with database.write() as session:
        Mark.__table__.drop(session.connection())  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="has no demo's mark"):
        marks.look_before_migrating(database, Kind.DEMO)
    Mark.metadata.create_all(database.engine, tables=[Mark.__table__])  # type: ignore[list-item]
    assert rows(database, Mark) == []


def test_what_an_earlier_demo_left_is_not_adopted(sqlite_url: str, tmp_path: Path) -> None:
    """It kept its workspace beside the database of a default installation; moved away, the rest is the operator's."""
    database, left = db.connect(sqlite_url), tmp_path / "workspace.json"
    left.touch()
    for refuse in (marks.enter, marks.look_before_migrating):
        with pytest.raises(ConfigError, match=r"an earlier demo kept its workspace\.json beside it"):
            refuse(database, Kind.INSTALLATION)
    left.unlink()
    marks.enter(database, Kind.INSTALLATION)
    left.touch()
    marks.enter(database, Kind.INSTALLATION)  # it bears its mark by now
    database.close()


def test_an_old_schema_is_told_before_anything_else(database: Database) -> None:
    """Nothing is marked in a database that this code does not know."""
    with database.write() as session:
        session.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ConfigError, match="run `deskhand migrate`"):
        marks.enter(database, Kind.INSTALLATION)
    assert rows(database, Mark) == []
    with database.write() as session:
        wanted = max(file.name.split("_")[0] for file in db.REVISIONS.glob("[0-9]*.py"))
        session.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = :it").bindparams(it=wanted))


def test_the_first_token_names_the_workspace_and_another_is_refused(database: Database) -> None:
    """The message names both; nothing is changed by it."""
    marks.enter(database, Kind.INSTALLATION)
    marks.serve(database, "T1")
    marks.serve(database, "T1")
    with pytest.raises(ConfigError, match=r"of the Slack workspace T2, and the database at .* serves T1"):
        marks.serve(database, "T2")
    assert marked_team(database) == "T1"


def test_a_database_that_has_served_is_not_given_to_another_workspace(database: Database) -> None:
    """One that came to its mark late serves the workspace whose tickets it holds."""
    marks.enter(database, Kind.INSTALLATION)
    new_turn(database)
    with pytest.raises(ConfigError, match="serves T1"):
        marks.serve(database, "T0ELSEWHERE")
    assert marked_team(database) is None


def test_of_two_tokens_at_once_one_is_refused(postgres: Database) -> None:
    """Whichever is first names the workspace."""
    marks.enter(postgres, Kind.INSTALLATION)

    def serve(name: str) -> bool:
        try:
            marks.serve(postgres, name)
        except ConfigError:
            return False
        return True

    with ThreadPoolExecutor(8) as at_once:
        served = list(at_once.map(serve, ["T1", "T2"] * 4))
    assert served in ([True, False] * 4, [False, True] * 4)


def test_a_copy_becomes_an_installation_of_its_own(database: Database) -> None:
    """Another id, and the workspace of the next token."""
    first = marks.enter(database, Kind.INSTALLATION)
    new_turn(database)
    marks.serve(database, FIRST.team)
    second = marks.renew(database, Kind.INSTALLATION)
    assert second.id != first.id
    assert marks.enter(database, Kind.INSTALLATION) == second
    marks.serve(database, "T2")
    assert marked_team(database) == "T2"
