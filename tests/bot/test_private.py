"""What is for our account alone, whatever the umask: `bot.private`, and the databases that are made through it."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bot import private
from bot.errors import ConfigError
from bot.sandbox.demo.processes import Program, Supervisor
from bot.store import db


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def some_rows(url: str) -> Iterator[None]:
    """Write to a database, and hold it open."""
    with closing(db.connect(url)) as database:
        for statement in ("CREATE TABLE IF NOT EXISTS t (n INTEGER)", "INSERT INTO t VALUES (1)"):
            with database.write() as session:
                session.execute(text(statement))
        yield


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_database_is_made_for_us_alone(tmp_path: Path, umask: int) -> None:
    """With its folder, its log and its index."""
    os.umask(umask)
    file = tmp_path / "a" / "b" / "deskhand.db"
    for _ in some_rows(f"sqlite:///{file}"):
        assert {path.name: mode(path) for path in tmp_path.rglob("*")} == {
            "a": 0o700,
            "b": 0o700,
            "deskhand.db": 0o600,
            "deskhand.db-wal": 0o600,
            "deskhand.db-shm": 0o600,
        }


def test_one_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    """Also while it is open elsewhere; the folder is the operator's and stays as it is."""
    file = tmp_path / "deskhand.db"
    file.touch(mode=0o666)
    file.chmod(0o666)
    tmp_path.chmod(0o755)
    for _ in some_rows(f"sqlite:///{file}"):
        for path in tmp_path.iterdir():
            path.chmod(0o644)
        for _ in some_rows(f"sqlite:///{file}"):
            assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert mode(tmp_path) == 0o755


def test_a_link_is_not_followed_to_what_is_not_there(tmp_path: Path) -> None:
    """Nothing is made for a link's maker to read; a link to a database that is there may be the operator's."""
    real, link = tmp_path / "real.db", tmp_path / "link.db"
    link.symlink_to(real)
    assert private.new(link) is None
    assert not real.exists()
    real.touch(mode=0o644)
    real.chmod(0o644)
    private.tighten(link)
    assert mode(real) == 0o644
    with pytest.raises(OSError, match="symbolic links"), open(link, "w", opener=private.opener):
        pass


def test_what_cannot_be_made_names_the_variable(tmp_path: Path) -> None:
    """A file where a folder should be is one sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"environment: DATABASE_URL: .*file: File exists|Not a directory"):
        db.connect(f"sqlite:///{tmp_path / 'file' / 'deskhand.db'}")


def test_logs_are_ours_and_so_is_what_a_child_makes(tmp_path: Path) -> None:
    """Whatever the umask that the demo was started with; an older log is closed to others."""
    os.umask(0o000)
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o700)
    (logs / "old.log").touch(mode=0o644)
    with Supervisor(logs) as supervisor:
        for name in ("old", "new"):
            supervisor.run(Program(name, ["touch", str(tmp_path / f"{name}.made")]), show=print)
    assert {path.name: mode(path) for path in tmp_path.rglob("*.*")} == dict.fromkeys(
        ("old.log", "new.log", "old.made", "new.made"), 0o600
    )


def test_which_are_open_to_others(tmp_path: Path) -> None:
    """Those that are there."""
    for name, bits in (("ours", 0o600), ("theirs", 0o640), ("all", 0o602)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(bits)
    names = ("ours", "theirs", "all", "none")
    assert [path.name for path in private.open_to_others(tmp_path / name for name in names)] == ["theirs", "all"]


def test_a_file_is_put_whole_or_not_at_all(tmp_path: Path) -> None:
    """When its content ends in an error, the file is as it was, and nothing lies beside it."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    there, absent = tmp_path / "there", tmp_path / "absent"
    private.put(there, [b"before"])
    for file in (there, absent):
        with pytest.raises(OSError, match="No space"):
            private.put(file, broken(), only_new=file is absent)
    assert [one.name for one in tmp_path.iterdir()] == ["there"]
    assert there.read_bytes() == b"before"


def test_a_new_file_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    """Neither a file nor a link that leads nowhere is replaced."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            private.put(tmp_path / name, [b"ours"], only_new=True)
    private.put(tmp_path / "new", [b"ours"], only_new=True)
    assert mode(tmp_path / "new") == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "link", "new"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_replaced_file_keeps_its_permissions_only_if_asked(tmp_path: Path) -> None:
    """A file of the configuration stays readable for others; what is secret does not."""
    file = tmp_path / "card.yaml"
    file.touch()
    file.chmod(0o644)
    private.put(file, [b"a: 1"], keep_mode=True)
    assert (mode(file), file.read_bytes()) == (0o644, b"a: 1")
    private.put(file, [b"a: 2"])
    assert (mode(file), file.read_bytes()) == (0o600, b"a: 2")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """An export to /dev/null or /dev/stdout leaves the device as it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    private.put(pipe, [b"one", b"two"])
    assert os.read(reading, 100) == b"onetwo"
    os.close(reading)
    assert pipe.is_fifo()
