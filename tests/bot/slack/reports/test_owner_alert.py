"""What owners are told of a cause, and of its end: `bot.slack.reports.owner_alert`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.slack.reports import owner_alert
from bot.slack.reports.about_ticket import About
from bot.store.figures.owner_alerts import EVERYBODYS, OpenAlert
from bot.store.schema import AlertKind
from tests.support.block_checks import check

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
MOVED = {
    "window": 300,
    "p": 2e-9,
    "effect": 0.21,
    "detectable": 0.137,
    "reference": 1000,
    "reference_release": "access@1f3c9a20",
    "moved": [["handoff", 0.2, 0.35]],
    "since": AT.isoformat(),
}
WORSE = {
    "rate": 0.812,
    "low": 0.745,
    "high": 0.874,
    "scored": 158,
    "baseline": "access@0",
    "baseline_rate": 0.99,
    "baseline_low": 0.962,
}
CAUSES: dict[AlertKind, tuple[str, dict[str, Any]]] = {
    AlertKind.DRIFT: ("access@1f3c9a20", {"streams": {"outcome": MOVED}, "clean": 0, "examples": [7, 8]}),
    AlertKind.LOOP: ("same:look", {"how": "it called look twice in a turn", "ticket": 7}),
    AlertKind.MODEL_CHANGED: ("other-model", {"asked": "stand-in-1", "ticket": 7}),
    AlertKind.EVALUATION_STALE: ("access@1f3c9a20", {"release": "access@1f3c9a20", "days": 40}),
    AlertKind.NO_TRAFFIC: ("requests", {"hours": 5.2, "usual": 13.5}),
    AlertKind.PROBES_WORSE: ("access@1f3c9a20", {"run": 12, "said": "20 of 30 probes passed (exact p below 0.001)"}),
    AlertKind.NO_PROBE: ("access@1f3c9a20", {"last": AT.isoformat()}),
    AlertKind.SILENT: ("clock", {"last": AT.isoformat(), "minutes": 5.0}),
    AlertKind.SAMPLE_FAILED: ("no_secret_said", {"said": "An answer holds what looks like a secret.", "ticket": 7}),
    AlertKind.SAMPLED_QUALITY: ("access@1f3c9a20", WORSE),
    AlertKind.WRITE_DIVERGED: ("turn:3:1", {"tool": "unlock_my_account", "ticket": 7, "at": AT.isoformat()}),
    AlertKind.WRITES_UNKNOWN: ("unlock_my_account", {"writes": 2, "ticket": 7}),
}
LINKED = About("U0MAYA", "C0HELP", "https://example.com/archives/C0HELP/p1")
PRIVATE = About("U0MAYA", None, None)


def alert(kind: AlertKind, *, closed: bool = False, **more: object) -> OpenAlert:
    """Return an alert of a kind."""
    subject, detail = CAUSES[kind]
    agent = EVERYBODYS if kind is AlertKind.SILENT else "access"
    return OpenAlert(1, agent, kind, subject, {**detail, **more}, AT, closed=closed)


@pytest.mark.parametrize("kind", AlertKind)
def test_every_cause_says_what_to_do(kind: AlertKind) -> None:
    """And every end says what is as it was; Slack takes both."""
    found = owner_alert.found(alert(kind), dict.fromkeys(("7", "8"), LINKED))
    check(found, ours=(f"<{LINKED.link}|ticket 7>", f"<{LINKED.link}|ticket 8>", "<#C0HELP>"))
    assert "*What to do:* " in found["text"]
    over = owner_alert.over(alert(kind, closed=True))
    check(over)
    assert over["text"].startswith(":white_check_mark: *It is over:*")


def test_drift_says_all_that_is_known() -> None:
    """What moved, since when, against what, and the tickets to read: with a link, or as a direct message without."""
    text = owner_alert.found(alert(AlertKind.DRIFT), {"7": LINKED, "8": PRIVATE})["text"]
    assert "*access@1f3c9a20 does not behave as it did before*" in text
    assert "`handoff` from 20 % to 35 %" in text
    assert "The window begins <!date^1793610000" in text
    assert "Before: 1,000 tickets of access@1f3c9a20." in text
    assert f"<{LINKED.link}|ticket 7> in <#C0HELP>, ticket 8 in a direct message." in text


def test_a_drift_that_another_release_ended_says_so() -> None:
    """It has not recovered: nobody follows it any further."""
    assert "no longer serves" in owner_alert.over(alert(AlertKind.DRIFT, closed=True, replaced="access@2"))["text"]


def test_low_quality_is_told_with_both_shares() -> None:
    """The share of the turns with its interval and how many were scored, and that of the baseline's plays."""
    text = owner_alert.found(alert(AlertKind.SAMPLED_QUALITY), {})["text"]
    assert "In 81.2 % of its turns all held that must always hold: 74.5 % to 87.4 %, by 158 turns" in text
    assert "Of the plays of access@0, 99.0 % passed: at least 96.2 %." in text


def test_a_release_without_a_verdict_is_no_old_one() -> None:
    """It serves nobody, which is another trouble than an old verdict."""
    text = owner_alert.found(alert(AlertKind.EVALUATION_STALE, days=None), {})["text"]
    assert "has no verdict" in text
    assert "Every request goes to a person." in text


def test_the_tickets_of_an_alert_are_named_by_their_numbers() -> None:
    """Those are looked up in Slack before it is told."""
    assert owner_alert.tickets_in(alert(AlertKind.DRIFT)) == ("7", "8")
    assert owner_alert.tickets_in(alert(AlertKind.LOOP)) == ("7",)
    assert owner_alert.tickets_in(alert(AlertKind.SILENT)) == ()
