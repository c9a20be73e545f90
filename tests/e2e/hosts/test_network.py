"""The network that the run of several hosts stands on; the run itself is `make hosts`, which takes two minutes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.hosts import network
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], 9000)) as door:
    while True:
        door.accept()[0].sendall(socket.gethostname().encode())
"""
TRY = """
import json, subprocess, sys, time
from tests.e2e.hosts.network import Network

network = Network.lay("here", "there")
address = network.addresses["there"]
ask = "import socket, sys; print(socket.create_connection((sys.argv[1], 9000), timeout=0.5).recv(99).decode(), end='')"

def answer():
    command = network.on("here", [sys.executable, "-c", ask, address])
    return subprocess.run(command, capture_output=True, text=True).stdout

door = subprocess.Popen(network.on("there", [sys.executable, "-c", sys.argv[1], address]))
deadline, seen = time.monotonic() + 20, []
while not answer() and time.monotonic() < deadline:
    pass
for move in (lambda host: None, network.cut, network.join):
    move("there")
    seen.append(answer())
print(json.dumps(seen), flush=True)
"""
HOLD = f"{TRY}\ntime.sleep(60)\n"
ENTER = "import sys; from tests.e2e.hosts import network; network.enter(sys.argv[1:])"


@pytest.fixture(autouse=True, scope="module")
def _allowed() -> None:
    """Skip where there can be no namespaces, and say why."""
    if reason := network.why_not_here():
        pytest.skip(reason)


def start(script: str) -> subprocess.Popen[str]:
    """Run a script inside, in a process that the test may kill."""
    command = [sys.executable, "-c", ENTER, sys.executable, "-c", script, LISTEN]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def interfaces() -> list[str]:
    """Return the names of this machine's own interfaces."""
    return sorted(interface.name for interface in Path("/sys/class/net").iterdir())


def descendants(number: int) -> set[int]:
    """Return the process numbers of everything that a process has started."""
    children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    found = {int(child) for child in children}
    return found.union(*(descendants(child) for child in found))


def test_a_host_that_is_cut_off_is_reached_again_once_it_is_joined() -> None:
    """One host reaches another, which has a name of its own; not while its cable is pulled; and again afterwards."""
    before = interfaces()
    with start(TRY) as run:
        out, _ = run.communicate(timeout=60)
    assert json.loads(out) == ["there", "", "there"]
    assert run.returncode == 0
    assert interfaces() == before


def test_a_run_that_is_killed_leaves_nothing() -> None:
    """When the run is killed, every process on its hosts ends with it, and this machine has no interface more."""
    before = interfaces()
    with start(HOLD) as run:
        assert run.stdout is not None
        run.stdout.readline()
        inside = descendants(run.pid)
        assert len(inside) > 2  # unshare, the run, the listener
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alive := [number for number in inside if Path(f"/proc/{number}").exists()]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.01)
    assert interfaces() == before
