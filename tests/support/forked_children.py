"""A process that forks others on request, one JSON line each way: what its parent reads, and how its children end."""

import ctypes
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1


def say(**facts: Any) -> None:
    """Tell the parent something, in one write."""
    os.write(1, f"{json.dumps(facts)}\n".encode())


def bury(_number: int, _frame: object) -> None:
    """Tell the parent of every child that has ended; a handler of SIGCHLD."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        say(died=pid, code=os.waitstatus_to_exitcode(status))


def end_with_parent() -> None:
    """Let this process be killed when the one that forked it ends, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
