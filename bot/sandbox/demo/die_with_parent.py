"""Run a command that dies with the process that started it: `python die_with_parent.py PARENT COMMAND...`.

A parent that is killed cannot end its children, so Linux is told to. It is told here, between fork and exec, because
doing it in the parent's own fork is not safe beside threads. The signal comes when the *thread* that started the
command ends, so that thread must live as long as the command. Other systems have no such call.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call above
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the command is the demo's own


if __name__ == "__main__":
    main()
