"""The measures of handoffs in words: `bot.slack.reports.handoff_report`."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import Reason
from bot.slack.reports import handoff_report
from bot.slack.reports.handoff_report import HandoffReport, Week
from bot.store.handoffs.handoff_metrics import Cohort, Figures, Spread
from tests.support.block_checks import check, shown, texts, tried

AT = datetime(2026, 11, 28, 11, tzinfo=UTC)
NOTHING = Figures(day=None, reason=None, outcomes=0)
ALL = Figures(
    day=None,
    reason=None,
    outcomes=1_012,
    handoffs=8,
    requested_in_scope=2,
    budget=1,
    to_claim=Spread(7, 45, 240),
    to_first_response=Spread(5, 90, 700),
    to_resolve=Spread(5, 1_000, 200_000),
    expired=2,
    unclaimed=3,
    reassigned=4,
    returned=6,
    cancelled=9,
    resolved=5,
    reopened=2,
    day_old=4,
    lasted_day=3,
    judged=7,
    agent_could=1,
)
BUDGET = Figures(day=None, reason="budget", outcomes=1_012, handoffs=1, budget=1)
WEEK = Week(ALL, (replace(ALL, reason="requested"), BUDGET), replace(NOTHING, week_old=6, lasted_week=5))
REPORT = HandoffReport(
    cohort=Cohort(datetime(2026, 11, 22, tzinfo=UTC), AT, AT, "access"),
    totals=ALL,
    by_reason=WEEK.by_reason,
    by_day=(replace(ALL, day=date(2026, 11, 27)), Figures(date(2026, 11, 28), None, outcomes=12)),
    by_day_and_reason=(replace(BUDGET, day=date(2026, 11, 27)),),
)


def body(week: Week) -> dict[str, Any]:
    """Return a message with these blocks."""
    return {"text": "Handoffs", "blocks": handoff_report.blocks(week)}


def test_owners_read_every_measure_of_the_week() -> None:
    """How many of how many, how long, how often again, how lasting, whether the agent could, and what else happened."""
    check(body(WEEK))
    text = shown(body(WEEK))
    for said in (
        "*Handoffs, last 7 days: 8*, beside 1,004 answers of the agent (0.8 % of both)",
        "*Claimed after*\n45 s (nine of ten within 4 min)",
        "*First response after*\n1 min (nine of ten within 11 min)",
        "*Resolved after*\n16 min (nine of ten within 2.3 days)",
        "*Reopened*\n2 of 5",
        "*Lasted 24 hours*\n3 of 4",
        "*Lasted 7 days, of the week before*\n5 of 6",
        "*The agent could have done it*\n1 of 7",
        "*Asked for a person, in scope*\n2",
        "*Budget used up*\n1",
        "Resolved 5, given back 6, cancelled 9, unclaimed 3, reassigned 4, expired 2.",
        "• They asked for a person: *8*; claimed after 45 s; first response after 1 min; resolved after 16 min",
        "; reopened 2 of 5; lasted 24 hours 3 of 4; agent could 1 of 7",
    ):
        assert said in text


def test_what_is_not_known_is_left_out() -> None:
    """Nothing claimed, nothing resolved: no time and no share is made up."""
    text = shown(body(Week(BUDGET, (BUDGET,), NOTHING)))
    assert "• The budget for this is used up: *1*" in text.splitlines()
    for name in ("Claimed after", "First response after", "Resolved after", "Reopened", "Lasted", "could", "None"):
        assert name not in text


def test_one_answer_is_one_answer() -> None:
    """A quiet week is told in the singular."""
    week = replace(WEEK, totals=replace(WEEK.totals, handoffs=1, outcomes=2))
    assert "beside 1 answer of the agent" in shown(body(week))


def test_a_week_without_handoffs_says_so() -> None:
    """One sentence, however many answers the agent gave."""
    assert shown(body(Week(replace(NOTHING, outcomes=40), (), WEEK.before))) == "No handoffs in the last 7 days."


def test_without_an_answer_of_the_agent_there_is_no_share() -> None:
    """When every request went to a person, that is the count and not 100 %."""
    text = shown(body(replace(WEEK, totals=replace(ALL, outcomes=8))))
    assert "*Handoffs, last 7 days: 8*\n" in text
    assert "%" not in text


@tried
@given(st.lists(texts, max_size=40), st.integers(0, 10**12))
def test_no_week_breaks_a_limit(reasons: list[str], count: int) -> None:
    """Any reasons with any figures are blocks that Slack takes."""
    huge = Spread(count, count, count)
    figures = replace(ALL, handoffs=count, resolved=count, to_claim=huge, to_first_response=huge, to_resolve=huge)
    every = [*(reason.value for reason in Reason), *reasons]
    check(body(Week(figures, tuple(replace(figures, reason=reason) for reason in every), figures)))


def test_there_are_no_more_lines_than_reasons() -> None:
    """Names that are not of the closed set cannot fill the message."""
    strangers = tuple(replace(BUDGET, reason=f"stranger {number}") for number in range(40))
    text = shown(body(replace(WEEK, by_reason=strangers)))
    assert text.count("• stranger") == len(Reason)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1.0 h"),
        (86_400, "24.0 h"),
        (216_000, "2.5 days"),
    ],
)
def test_a_time_is_in_the_unit_that_fits(seconds: float, words: str) -> None:
    """Seconds, minutes, hours or days."""
    text = shown(body(replace(WEEK, totals=replace(ALL, to_claim=Spread(1, seconds, seconds)))))
    assert f"*Claimed after*\n{words} (nine of ten within {words})" in text


def test_operators_read_tables() -> None:
    """By reason with all below it, by day, and the counts; unknown is a dash, of few it is a count of them."""
    text = handoff_report.as_text(REPORT)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    of_all = "8 0.8 % 45s / 4m 1m / 11m 16m / 2.3d 2/5 3/4 - 1/7"
    for line in (
        "Handoffs opened from 2026-11-22 to 2026-11-28 (UTC), the agent access",
        f"requested {of_all}",
        "budget 1 0.1 % - - - - - - -",
        f"all {of_all}",
        f"2026-11-27 {of_all}",
        "2026-11-28 0 0.0 % - - - - - - -",
        "share waited until (half / 9 of 10 within) still solved agent",
        "A person was asked for with what the agent may do: 2; a budget was used up: 1.",
    ):
        assert line in lines
    assert max(map(len, text.splitlines())) <= 110


def test_the_columns_of_a_table_stand_below_each_other() -> None:
    """Every row of a table ends where its header does."""
    lines = handoff_report.as_text(REPORT).splitlines()
    rows = [line for line in lines if line.startswith(("reason", "requested", "budget", "all", "day", "2026"))]
    assert len(rows) == 7
    assert len({len(row) for row in rows}) == 1


def test_operators_read_that_nothing_happened() -> None:
    """Without a handoff there is no table; that the agent answered is said."""
    quiet = HandoffReport(replace(REPORT.cohort, agent=None), replace(NOTHING, outcomes=3), (), (), ())
    said = "No handoffs from 2026-11-22 to 2026-11-28 (UTC), all agents; the agent answered 3 times."
    assert handoff_report.as_text(quiet) == said
    once = replace(quiet, totals=replace(NOTHING, outcomes=1))
    assert handoff_report.as_text(once) == said.replace("3 times", "once")


def test_programs_read_numbers_and_nulls() -> None:
    """Seconds and rates as numbers, with what they are of; null for what nobody can know."""
    said = json.loads(json.dumps(handoff_report.as_json(REPORT)))
    assert list(said) == ["since", "until", "agent", "totals", "by_reason", "by_day", "by_day_and_reason"]
    assert (said["since"], said["until"]) == ("2026-11-22T00:00:00+00:00", "2026-11-28T11:00:00+00:00")
    assert said["agent"] == "access"
    assert said["totals"] == {
        "handoffs": 8,
        "outcomes": 1_012,
        "rate": 8 / 1_012,
        "requested_in_scope": 2,
        "budget": 1,
        "to_claim": {"count": 7, "median_seconds": 45, "p90_seconds": 240},
        "to_first_response": {"count": 5, "median_seconds": 90, "p90_seconds": 700},
        "to_resolve": {"count": 5, "median_seconds": 1_000, "p90_seconds": 200_000},
        "expired": 2,
        "unclaimed": 3,
        "reassigned": 4,
        "given_back": 6,
        "cancelled": 9,
        "resolved": 5,
        "reopened": 2,
        "reopen_rate": 2 / 5,
        "durable_24h": {"lasted": 3, "of": 4, "rate": 3 / 4},
        "durable_7d": {"lasted": 0, "of": 0, "rate": None},
        "agent_could": {"could": 1, "of": 7, "rate": 1 / 7},
    }
    assert [one["reason"] for one in said["by_reason"]] == ["requested", "budget"]
    assert said["by_reason"][1]["to_claim"] == {"count": 0, "median_seconds": None, "p90_seconds": None}
    assert [(one["day"], one["handoffs"]) for one in said["by_day"]] == [("2026-11-27", 8), ("2026-11-28", 0)]
    assert [(one["day"], one["reason"]) for one in said["by_day_and_reason"]] == [("2026-11-27", "budget")]
