import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.sandbox.demo import processes
from bot.sandbox.demo.processes import CannotRun, Program, Supervisor, free_port, redis_server

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
STUBBORN += "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


def until(seen: Callable[[], object]) -> None:
    """Look until something is seen, two minutes at most."""
    deadline = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs") as supervisor:
        yield supervisor


def test_a_killed_child_is_started_again_and_counted(supervisor: Supervisor) -> None:
    """A child that is killed has a successor at once, under another process number."""
    born: list[int] = []

    def is_up(process: int) -> bool:
        born.append(process)
        return True

    supervisor.start(Program("sleeper", SLEEP, is_up=is_up))
    supervisor.kill(born[0])
    until(lambda: supervisor.restarts == {"sleeper": 1})

    def is_followed() -> bool:
        supervisor.wait()
        return born[-1] != born[0]

    until(is_followed)
    assert not is_alive(born[0])


def test_only_own_children_are_killed(supervisor: Supervisor) -> None:
    """A process number that is no child of the supervisor is refused."""
    with pytest.raises(CannotRun, match=f"process {os.getpid()} is no child"):
        supervisor.kill(os.getpid())


def test_a_child_that_keeps_dying_ends_it_all(supervisor: Supervisor) -> None:
    """After three deaths in a row the message names the child and shows the end of its log."""
    supervisor.launch(Program("sickly", [sys.executable, "-c", "print('no such token'); raise SystemExit(2)"]))
    with pytest.raises(CannotRun, match=r"(?s)sickly died 3 times in a row.*sickly\.log.*\| no such token"):
        supervisor.watch()


def test_a_child_that_never_comes_up_is_named(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not up in time is named instead of being waited for for ever."""
    monkeypatch.setattr(processes, "START_SECONDS", 0.2)
    with pytest.raises(CannotRun, match="sleeper is not up after"):
        supervisor.start(Program("sleeper", SLEEP, is_up=lambda _: False))


def test_a_command_is_run_to_its_end(supervisor: Supervisor, tmp_path: Path) -> None:
    """Each line of a command is shown and kept in its log."""
    lines: list[str] = []
    supervisor.run(Program("greeter", [sys.executable, "-c", "print('a'); print('b')"]), show=lines.append)
    assert lines == ["a", "b"]
    assert (tmp_path / "logs" / "greeter.log").read_text() == "a\nb\n"


def test_a_command_that_fails_is_told(supervisor: Supervisor) -> None:
    """A failed command is one message with its exit code and its last words."""
    program = Program("migrate", [sys.executable, "-c", "print('disk full'); raise SystemExit(3)"])
    with pytest.raises(CannotRun, match=r"(?s)migrate failed with exit code 3.*\| disk full"):
        supervisor.run(program, show=lambda _: None)


def test_the_end_is_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ignores TERM is killed, and none is started again."""
    monkeypatch.setattr(processes, "END_SECONDS", 0.2)
    deaf, born = tmp_path / "deaf", list[int]()

    def is_deaf(process: int) -> bool:
        born.append(process)
        return deaf.exists()

    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start(Program("stubborn", [sys.executable, "-c", STUBBORN, str(deaf)], is_up=is_deaf))
        assert is_alive(born[0])
    assert not is_alive(born[0])
    assert supervisor.restarts == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed parent")
def test_children_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """When the demo itself is killed, its children are gone too."""
    note = tmp_path / "child"
    script = f"""
import pathlib, sys
from bot.sandbox.demo.processes import Supervisor, Program
note = pathlib.Path({str(note)!r})
with Supervisor(pathlib.Path({str(tmp_path)!r})) as supervisor:
    supervisor.start(Program("sleeper", {SLEEP!r}, is_up=lambda pid: note.write_text(str(pid))))
    supervisor.watch()
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    until(lambda: note.exists() and note.read_text())
    child = int(note.read_text())
    assert is_alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not is_alive(child))


def test_a_taken_port_is_refused() -> None:
    """A port that somebody listens on is named, with the way out; a mere preference gives way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(CannotRun, match=rf"Port {taken} is in use.*--port"):
            free_port(taken)
        assert free_port(preferred=taken) != taken


def test_a_missing_redis_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without redis-server on PATH and without a wheel, the message says what to install."""
    monkeypatch.setenv("PATH", "")
    assert redis_server().endswith("bin/redis-server")
    for wheel in processes.REDIS_WHEELS:
        monkeypatch.setitem(sys.modules, wheel, None)
    with pytest.raises(CannotRun, match="install Redis"):
        redis_server()


def test_what_children_make_is_for_our_account_alone(supervisor: Supervisor, tmp_path: Path) -> None:
    """Their logs and their files, whatever the umask."""
    (supervisor.logs / "maker.log").touch(mode=0o644)
    made = tmp_path / "made"
    before = os.umask(0)
    try:
        supervisor.run(Program("maker", [sys.executable, "-c", f"open({str(made)!r}, 'w')"]), show=print)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (made, supervisor.logs / "maker.log")] == [0o600, 0o600]
