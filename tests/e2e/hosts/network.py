"""Several hosts on one machine: network namespaces on one bridge, each with its own name, address and cable.

All of it lives in namespaces of its own (network, mounts, processes) whose first process is the run itself:
when the run ends, however it ends, the kernel takes every process, cable and name away with it. So nothing
is ever left to be cleaned up, and nothing of the machine's own network is touched.

It needs Linux, the rights of root, and `ip` and `unshare` (iproute2, util-linux).
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bot.sandbox.demo.processes import LEASH

NET = "10.77.0"
BRIDGE = "switch"
_FIRST = 11
"Last number of the first host's address; the run itself has 1."
PRIVATE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"A world of one's own, which ends with its first process."
RENAMED = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"')

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
"Of linux/sockios.h and linux/if.h."


def why_not_here() -> str | None:
    """Say why there can be no such network here, or None when there can."""
    if sys.platform != "linux":
        return f"network namespaces are Linux's; this is {sys.platform}"
    missing = [name for name in ("ip", "unshare", "hostname") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} was not found (iproute2, util-linux, hostname)"
    probe = [*PRIVATE, "sh", "-c", "mount -t tmpfs none /run && ip netns add probe"]
    tried = subprocess.run(probe, check=False, capture_output=True, text=True)
    return f"no namespaces for us here: {tried.stderr.strip()} (root is needed)" if tried.returncode else None


def enter(command: Sequence[str]) -> int:
    """Run a command as the first process of a world of its own, and end that world with it; return its exit code."""
    leash = [sys.executable, "-IS", str(LEASH), str(os.getpid())]
    return subprocess.run([*leash, *PRIVATE, *command], check=False).returncode


@dataclass(frozen=True, slots=True)
class Network:
    """Hosts that reach each other; the run reaches all of them."""

    addresses: dict[str, str]

    @classmethod
    def lay(cls, *hosts: str) -> Self:
        """Connect hosts of these names; to be called inside (see `enter`)."""
        _run("mount -t tmpfs none /run")  # where `ip` keeps names: ours are nobody else's
        _run("ip link set lo up")
        _run(f"ip link add {BRIDGE} type bridge")
        _run(f"ip addr add {NET}.1/24 dev {BRIDGE}")
        _run(f"ip link set {BRIDGE} up")
        network = cls({host: f"{NET}.{_FIRST + number}" for number, host in enumerate(hosts)})
        for host, address in network.addresses.items():
            _run(f"ip netns add {host}")
            _run(f"ip link add {_cable(host)} type veth peer name eth0 netns {host}")
            _run(f"ip -n {host} addr add {address}/24 dev eth0")
            _run(f"ip -n {host} link set lo up")
            _run(f"ip -n {host} link set eth0 up")
            _run(f"ip link set {_cable(host)} master {BRIDGE} up")
        return network

    def on(self, host: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs a command on a host; it is replaced by it, so signals reach the right one."""
        return ["ip", "netns", "exec", host, *RENAMED, host, *command]

    def cut(self, host: str) -> None:
        """Pull a host's cable: nobody is told, whatever is under way in either direction is lost."""
        _set_flags(_cable(host), 0)

    def join(self, host: str) -> None:
        """Plug the cable in again."""
        _set_flags(_cable(host), IFF_UP)


def _cable(host: str) -> str:
    return f"to-{host}"


def _set_flags(interface: str, flags: int) -> None:
    """Switch an interface in microseconds: a process of `ip` would come too late for a transaction."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, SIOCSIFFLAGS, struct.pack("16sh14x", interface.encode(), flags))


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)
