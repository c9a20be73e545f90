"""Drift in words and as a short table: `bot.slack.reports.drift_report`."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.slack.reports import drift_report
from bot.store.figures.drift_checks import DriftReading, Shift
from bot.store.schema import DriftStream
from tests.support.block_checks import check, shown

STEADY = DriftReading(
    stream=DriftStream.OUTCOME,
    window=300,
    reference_release="access@1f3c9a20",
    reference=1000,
    p_value=0.31,
    effect=0.04,
    detectable=0.137,
    drifted=False,
    moved=(),
    at=datetime(2026, 11, 2, tzinfo=UTC),
)
MOVED = replace(STEADY, p_value=2e-9, effect=0.31, drifted=True, moved=(Shift("handoff", 0.2, 0.35),))
LATENCY = replace(STEADY, stream=DriftStream.LATENCY, detectable=0.082)


def test_each_stream_has_one_line() -> None:
    """Steady ones that of the widest window, and one that moved that of the window in which it is surest."""
    narrow, wide = replace(STEADY, window=100), replace(STEADY, window=1000)
    readings = (narrow, replace(MOVED, p_value=1e-5), replace(MOVED, window=1000), wide, LATENCY)
    body = {"text": "x", "blocks": drift_report.blocks(readings)}
    check(body)
    text = shown(body)
    assert "*Drift in Outcome*" in text
    rows = [line.split() for line in text.splitlines() if line.startswith(("Stream", "Outcome", "Latency"))]
    assert rows == [
        ["Stream", "State", "Window", "p", "V", "Finds", "from"],
        ["Outcome", "moved", "1,000", "below", "0.000001", "0.31", "14", "%"],
        ["Latency", "steady", "300", "0.31", "0.04", "8.2", "%"],
    ]
    assert "Compared with 1,000 tickets of access@1f3c9a20" in text


def test_no_drift_is_said_and_too_few_tickets_too() -> None:
    """Nobody takes a comparison that was never made for a good one."""
    assert "*No drift*" in shown({"text": "", "blocks": drift_report.blocks((STEADY, LATENCY))})
    assert "nothing to compare yet" in shown({"text": "", "blocks": drift_report.blocks(())})


def test_what_moved_is_one_sentence() -> None:
    """From what share to what, in which window, how sure, and what that window can find."""
    kept = {"window": 300, "p": 0.00004, "effect": 0.21, "detectable": 0.137, "moved": [["handoff", 0.2, 0.35]]}
    assert drift_report.moved(DriftStream.OUTCOME, kept) == (
        "*Outcome*, last 300 tickets: `handoff` from 20 % to 35 % "
        "(p = 4e-05, V 0.21; such a window finds a shift of 14 % or more)."
    )
