"""Real runs of one unchanged agent: four trials of 50 tasks (tau-bench, airline).

They are no part of this checkout: without them a test is skipped, and under CI it fails.
"""

import csv
import os

import pytest

from tests.support.paths import DATA


def trials() -> dict[int, dict[str, bool]]:
    """Return for each trial whether each task was passed."""
    file = DATA / "tau_airline_trials.csv"
    if not file.is_file():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have {file.name}; DESKHAND_TEST_DATA names its folder")
        pytest.skip(f"there is no {file.name}; DESKHAND_TEST_DATA names its folder")
    found: dict[int, dict[str, bool]] = {}
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            found.setdefault(int(row["trial"]), {})[row["task_id"]] = float(row["reward"]) == 1
    return found
