"""Bounds on seconds that hold on an idle machine as they are written, and give a busy one the time that it takes."""

import os


def within(seconds: float) -> float:
    """Return a bound, longer by as many times as there are processes for each core."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
