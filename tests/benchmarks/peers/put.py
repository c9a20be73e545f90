"""Queue jobs from a process of its own: python -m tests.benchmarks.peers.put PEER COUNT SECONDS PACE."""

import sys
from importlib import import_module

if __name__ == "__main__":
    peer, count, seconds, pace = sys.argv[1:]
    import_module(f"tests.benchmarks.peers.{peer}").put(int(count), float(seconds), float(pace))
