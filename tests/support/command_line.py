"""The deskhand command, run in the process of a test."""

import sys

from bot import cli


def deskhand(*words: str) -> int:
    """Run the command in this process and return its exit code."""
    argv, sys.argv = sys.argv, ["deskhand", *words]
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.argv = argv
    return 0
