"""Four hundred requests of real people to a bank and to an assistant, each with its data set's label.

They are no part of this checkout: without them a test is skipped, and under CI it fails.
"""

import json
import os
from collections.abc import Collection

import pytest

from tests.support.paths import DATA

SIGNING_IN = frozenset(
    {"passcode_forgotten", "pin_blocked", "account_blocked", "unable_to_verify_identity", "lost_or_stolen_phone"}
    | {"change_pin"}
)
"Labels of the data set for what this agent is about."
ITS_SAFETY = frozenset({"compromised_card", "find_phone"})
"Labels for what may be a sign of compromise, or a lost second factor."


def labelled_requests() -> list[tuple[str, str]]:
    """Return the label and the words of every request."""
    file = DATA / "requests.jsonl"
    if not file.is_file():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have {file.name}; DESKHAND_TEST_DATA names its folder")
        pytest.skip(f"there is no {file.name}; DESKHAND_TEST_DATA names its folder")
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(row["label"], row["text"]) for row in found]


def real_requests(labels: Collection[str] | None = None) -> list[str]:
    """Return the words of every request, or of those with one of these labels."""
    return [text for label, text in labelled_requests() if labels is None or label in labels]
