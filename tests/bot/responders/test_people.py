"""Who takes handoffs, and what is done for one that nobody takes: `bot.responders.people`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.agent import card
from tests.support.agent_folders import copied_agent, working_hours
from tests.support.paths import CONFIG


def utc(text: str) -> datetime:
    """Return a moment that was written with its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_card_that_says_little_gets_the_usual_escalation(tmp_path: Path) -> None:
    """Remind, mention, tell after 5, 10 and 15 minutes; nobody on call, and somebody is always there."""

    def change(content: dict[str, Any]) -> None:
        for name in ("on_call", "escalation", "lease_minutes", "lease_reminder_minutes", "time_zone"):
            del content["handoff"][name]

    people = card.load(copied_agent(tmp_path, change=change)).card.handoff
    assert (people.on_call, people.working_hours, people.lease_minutes, people.lease_reminder_minutes) == (
        None,
        None,
        30,
        5,
    )
    assert [(level.after_minutes, level.action) for level in people.escalation] == [
        (5, "remind"),
        (10, "mention"),
        (15, "tell"),
    ]


def test_who_is_called(tmp_path: Path) -> None:
    """Who is on call; without such a name everybody who may claim."""
    assert card.load_all(CONFIG)["access"].card.handoff.mentioned == ("S0ONCALL",)
    people = card.load(copied_agent(tmp_path, change=lambda c: c["handoff"].pop("on_call"))).card.handoff
    assert people.mentioned == ("U0PRIYA", "U0BEN")


def test_without_hours_somebody_is_always_there() -> None:
    """The demo's card: each escalation level is due so many minutes after the handoff was open."""
    people, since = card.load_all(CONFIG)["access"].card.handoff, utc("2026-11-22T03:00+01:00")
    assert people.opens_at(since) is None
    assert people.actions(since) == [
        (utc("2026-11-22T03:05+01:00"), "remind"),
        (utc("2026-11-22T03:10+01:00"), "mention"),
        (utc("2026-11-22T03:15+01:00"), "tell"),
    ]


def test_hours_are_of_the_cards_time_zone(tmp_path: Path) -> None:
    """A card says until when people are there, and when they are back."""
    people = card.load(copied_agent(tmp_path, change=working_hours())).card.handoff
    assert people.opens_at(utc("2026-11-20T17:59+01:00")) is None
    assert people.opens_at(utc("2026-11-20T18:00+01:00")) == utc("2026-11-23T08:00+01:00")


def test_after_hours_escalation_waits_for_people(tmp_path: Path) -> None:
    """What comes on Saturday is counted from Monday; its requester was told so at once."""
    people = card.load(copied_agent(tmp_path, change=working_hours())).card.handoff
    assert people.actions(utc("2026-11-21T12:00+01:00")) == [
        (utc("2026-11-23T08:05+01:00"), "remind"),
        (utc("2026-11-23T08:10+01:00"), "mention"),
        (utc("2026-11-23T08:15+01:00"), "tell"),
    ]


def test_who_waits_when_people_leave_is_told_then(tmp_path: Path) -> None:
    """Seven minutes before the weekend: responders are not troubled in it, the requester does not wait through it."""
    people = card.load(copied_agent(tmp_path, change=working_hours())).card.handoff
    assert people.actions(utc("2026-11-20T17:53+01:00")) == [
        (utc("2026-11-20T17:58+01:00"), "remind"),
        (utc("2026-11-20T18:00+01:00"), "tell"),
        (utc("2026-11-23T08:03+01:00"), "mention"),
    ]


def test_the_hours_that_the_card_shows_are_right(tmp_path: Path) -> None:
    """Whoever takes the mark of a comment away from them gets a card that loads."""
    folder = copied_agent(tmp_path)
    text = (CONFIG / "agents/access/card.yaml").read_text()
    assert "  # working_hours:" in text
    (folder / "card.yaml").write_text(text.replace("  # working_hours:", "  working_hours:"))
    shown = card.load(folder).card.handoff.working_hours
    assert shown is not None
    assert (shown.days, shown.start, shown.until) == (("mon", "tue", "wed", "thu", "fri"), 8 * 60, 18 * 60)
