"""A model that streams without end, seen by who asked: a person has it within the time of the card."""

import time
from pathlib import Path

import httpx

from tests.support.busy_machine import SOON
from tests.support.product_harness import Place
from tests.support.workspace_names import BOT


def test_who_asked_waits_no_longer_than_the_card_says(bare: Place, config: Path) -> None:
    """The ticket is handed off, the requester reads that it is, and nothing was changed or lost."""
    file = config / "agents/access/card.yaml"
    file.write_text(file.read_text().replace("seconds: 60", "seconds: 1"))
    bare.passes()
    httpx.put(f"{bare.model}/faults", json=[{"kind": "endless_stream", "times": -1}]).raise_for_status()
    began = time.monotonic()
    ts = bare.asks("U0MAYA", f"<@{BOT}> I'm locked out")
    assert time.monotonic() - began < SOON
    assert len(bare.calls()) == 1
    handoff = bare.last_handoff()
    assert (handoff.reason, handoff.summary) == (
        "no_progress",
        "The agent stopped at its time limit: the model had not answered by then.",
    )
    assert (len(bare.thread("U0MAYA", ts)), bare.writes()) == (1, [])
    assert "The agent stopped at its time limit" in str(bare.queue())
