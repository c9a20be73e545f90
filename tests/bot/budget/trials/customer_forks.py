"""Who of the customers lives: they are forked from one process that has imported everything."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict

from tests.bot.budget.trials.customers import CustomerOrder
from tests.support import forked_processes


class CustomerForks:
    """The process that customers are forked from."""

    def __init__(self) -> None:
        self._process = forked_processes.start_talking(
            ["tests.bot.budget.trials.customers"], os.environ, errors=sys.__stderr__ or 2
        )
        self.living: dict[int, str] = {}
        "By process number: its part."
        self.unborn = 0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def bear(self, order: CustomerOrder) -> None:
        """Let one be born soon."""
        self.unborn += 1
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(asdict(order))}\n".encode())
        self._process.stdin.flush()

    def kill(self, pid: int) -> None:
        """Kill one that lives."""
        with suppress(ProcessLookupError):  # it has died of itself
            os.kill(pid, signal.SIGKILL)

    def empty(self) -> None:
        """Kill all, and wait until they are gone."""
        while self.living or self.unborn:
            for pid in tuple(self.living):
                self.kill(pid)
            time.sleep(0.01)

    def close(self) -> None:
        """End it for good."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.close()

    def _read(self) -> None:
        assert self._process.stdout
        dead: set[int] = set()
        for line in self._process.stdout:
            told = json.loads(line)
            if "born" in told:
                self.unborn -= 1
                if told["born"] in dead:  # it was quicker than the news of its birth
                    dead.discard(told["born"])
                else:
                    self.living[told["born"]] = told["part"]
            elif self.living.pop(told["died"], None) is None:
                dead.add(told["died"])
