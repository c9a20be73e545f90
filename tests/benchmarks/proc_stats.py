"""What processes cost, as the kernel counts it: memory and CPU, read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found, children = [pid], _children()
    for one in found:
        found += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its living descendants, and of those children it has waited for."""
    return sum(_cpu(one) for one in family(pid))


def pss_mib(pid: int) -> float:
    """Return the proportional set size of a process and its descendants: shared pages are divided among their users."""
    return sum(_rollup(one) for one in family(pid)) / 1024


def rss_mib(pid: int) -> float:
    """Return the resident set size of one process."""
    return int(_read(pid, "statm").split()[1]) * PAGE / MIB


@dataclass(frozen=True, slots=True)
class CpuClock:
    """CPU seconds of some processes at one moment, to be taken from those of a later one."""

    at: dict[str, float]

    @classmethod
    def read(cls, pids: dict[str, int]) -> Self:
        """Look at processes by their names."""
        return cls({name: cpu_seconds(pid) for name, pid in pids.items()})

    def since(self, earlier: Self) -> dict[str, float]:
        """Return the CPU seconds that passed, by name."""
        return {name: seconds - earlier.at[name] for name, seconds in self.at.items()}


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            found.setdefault(int(fields[1]), []).append(int(folder.name))
    return found


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none when the process has ended."""
    return _read(pid, "stat").rpartition(")")[2].split()


def _rollup(pid: int) -> int:
    """Return the Pss of one process in KiB."""
    lines = (line.split() for line in _read(pid, "smaps_rollup").splitlines())
    return next((int(words[1]) for words in lines if words[0] == "Pss:"), 0)


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
