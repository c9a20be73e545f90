"""The demo's own folder: `bot.sandbox.demo.folder`."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.ground import Kind
from bot.sandbox.demo import demo_redis, folder, launch
from bot.sandbox.demo.processes import CannotRun
from bot.store import db
from bot.store.installation import marks, revisions


def everything(place: Path) -> dict[str, int]:
    """Return what is in a folder, with what may be done with it."""
    return {str(path.relative_to(place)): path.lstat().st_mode & 0o777 for path in sorted(place.rglob("*"))}


def test_a_folder_is_made_marked_and_found_again(tmp_path: Path) -> None:
    """For our account alone, and with the same id until it is begun afresh."""
    place = tmp_path / "above" / "demo"
    with folder.locked(place, fresh=False) as first:
        assert first.kind is Kind.DEMO
        assert everything(tmp_path) == {
            "above": 0o700,
            "above/demo": 0o700,
            "above/demo/lock": 0o600,
            "above/demo/mark": 0o600,
        }
    with folder.locked(place, fresh=False) as again:
        assert again == first
    with folder.locked(place, fresh=True) as fresh:
        assert fresh != first


def test_only_what_a_demo_makes_is_removed(tmp_path: Path) -> None:
    """All of it, with --fresh."""
    place = tmp_path / "demo"
    with folder.locked(place, fresh=False):
        made = [
            "deskhand.db",
            "deskhand.db-wal",
            "deskhand.db.new",
            "workspace.json",
            "workspace.json.new",
            folder.TOLD,
        ]
        made += ["logs/web.log", "redis/dump.rdb", "redis/temp-7.rdb", "config/agents/access/card.yaml"]
        for name in made:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).touch()
    with folder.locked(place, fresh=True):
        assert set(everything(place)) == {"lock", "mark"}


def test_a_demo_is_found_while_it_runs(tmp_path: Path) -> None:
    """By what its processes are told, which nobody else can read; not after it has ended or was killed."""
    place = tmp_path / "demo"
    assert folder.running(place) is None
    with folder.locked(place, fresh=False):
        assert folder.running(place) is None
        with folder.published(place, {"PORT": "1"}):
            assert folder.running(place) == {"PORT": "1"}
            assert everything(place)[folder.TOLD] == 0o600
        assert folder.running(place) is None
        (place / folder.TOLD).write_text("{")
        assert folder.running(place) is None
    (place / folder.TOLD).write_text("{}")
    assert folder.running(place) is None


def notes(place: Path) -> None:
    (place / "notes.txt").touch()


def notes_among_logs(place: Path) -> None:
    (place / "logs").mkdir()
    (place / "logs" / "notes.txt").touch()


def a_folder(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "deskhand.db").touch()


def a_link_to_a_file(place: Path) -> None:
    (place / "workspace.json").symlink_to(place.parent / "kept" / "file")


def a_link_to_a_folder(place: Path) -> None:
    (place / "logs").symlink_to(place.parent / "kept")


@pytest.mark.parametrize("leave", [notes, notes_among_logs, a_folder, a_link_to_a_file, a_link_to_a_folder])
def test_nothing_is_removed_beside_what_is_somebodys(tmp_path: Path, leave: Callable[[Path], None]) -> None:
    """It is named; everything stays, in the folder and where a link leads."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    place = tmp_path / "demo"
    with folder.locked(place, fresh=False) as ground:
        (place / "deskhand.db").touch()
        leave(place)
    before = everything(tmp_path)
    with pytest.raises(CannotRun, match="was not made by a demo: move it away"), folder.locked(place, fresh=True):
        pass
    assert everything(tmp_path) == before
    with folder.locked(place, fresh=False) as again:
        assert again == ground


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("mark", [None, "", "installation 123", "castle 7", "\udcff"])
def test_a_folder_without_a_demos_mark_is_somebodys(tmp_path: Path, mark: str | None, fresh: bool) -> None:  # noqa: FBT001 - a case
    """Whatever is in it: nothing is taken over, nothing removed."""
    (tmp_path / "deskhand.db").write_text("a production database")
    if mark is not None:
        (tmp_path / "mark").write_text(mark, errors="surrogateescape")
    with pytest.raises(CannotRun, match="the folder has no demo's mark"), folder.locked(tmp_path, fresh=fresh):
        pass
    assert (tmp_path / "deskhand.db").read_text() == "a production database"


def test_links_in_place_of_its_folder_lock_and_mark_are_not_followed(tmp_path: Path) -> None:
    """Somebody who can write beside it leads it nowhere."""
    real, place = tmp_path / "real", tmp_path / "demo"
    real.mkdir()
    (tmp_path / "demo 123").write_text("demo 123")
    place.symlink_to(real)
    with pytest.raises(CannotRun, match="is a link"), folder.locked(place, fresh=True):
        pass
    (real / "mark").symlink_to(tmp_path / "demo 123")
    with pytest.raises(CannotRun, match="symbolic links"), folder.locked(real, fresh=True):
        pass
    (real / "mark").unlink()
    (real / "lock").unlink()
    (real / "lock").symlink_to(tmp_path / "demo 123")
    with pytest.raises(OSError, match="symbolic links"), folder.locked(real, fresh=True):
        pass
    assert (tmp_path / "demo 123").read_text() == "demo 123"


def test_a_folder_of_another_account_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could change under us."""
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(CannotRun, match="belongs to another account"), folder.locked(tmp_path, fresh=True):
        pass
    assert everything(tmp_path) == {}


def test_its_database_bears_its_mark_from_the_first(tmp_path: Path) -> None:
    """And one that does not, or bears another's, is not taken over, whoever put it there."""
    with folder.locked(tmp_path / "a", fresh=False) as ground:
        file = tmp_path / "a" / "deskhand.db"
        for _ in range(2):
            with closing(launch._database(f"sqlite:///{file}", ground)) as database:
                assert marks.enter(database, Kind.DEMO) == ground
        assert everything(tmp_path / "a")["deskhand.db"] == 0o600
    with folder.locked(tmp_path / "b", fresh=False) as other:
        elsewhere = tmp_path / "b" / "deskhand.db"
        elsewhere.write_bytes(file.read_bytes())
        with pytest.raises(CannotRun, match="belongs to another demo"):
            launch._database(f"sqlite:///{elsewhere}", other)
        with closing(db.connect(f"sqlite:///{elsewhere}")) as copy:
            marks.renew(copy, Kind.INSTALLATION)
        with pytest.raises(ConfigError, match="belongs to an installation"):
            launch._database(f"sqlite:///{elsewhere}", other)
        elsewhere.unlink()
        revisions.migrate(f"sqlite:///{elsewhere}")
        with pytest.raises(ConfigError, match="has no demo's mark"):
            launch._database(f"sqlite:///{elsewhere}", other)


def test_a_long_path_leaves_room_for_the_socket(tmp_path: Path) -> None:
    """Redis listens in the demo's folder, or in another of its own: a socket's path has little room."""
    with demo_redis.socket_of(tmp_path) as near:
        assert near == tmp_path / "redis" / "redis.sock" or len(str(tmp_path)) > 80
    with demo_redis.socket_of(tmp_path / ("x" * 120)) as far:
        assert len(str(far)) < demo_redis.LONGEST_SOCKET
        assert far.parent.stat().st_mode & 0o777 == 0o700
    assert not far.parent.exists()
