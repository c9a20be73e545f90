"""The one job that every queue runs: write down when it began, wait, end.

All workers import what a turn of ours imports, so that the memory beneath the job is the same.
"""

import os
import time

import anthropic
import slack_sdk
import sqlalchemy

JOURNAL = "DESKHAND_BENCH_JOURNAL"
"Names the file that a line is written to as a job begins: number, seconds when queued, seconds when begun."
CONCURRENCY = 100
IMPORTED = (anthropic.__version__, slack_sdk.version.__version__, sqlalchemy.__version__)


def begin(number: int, queued_at: float) -> None:
    """Write down that a job has begun; one write is whole, however many threads or processes write."""
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND)
    os.write(journal, f"{number} {queued_at} {time.time()}\n".encode())
    os.close(journal)


def wait(number: int, queued_at: float, seconds: float) -> None:
    """Do nothing for so many seconds."""
    begin(number, queued_at)
    if seconds:
        time.sleep(seconds)
