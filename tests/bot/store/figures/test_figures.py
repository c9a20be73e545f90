"""Each figure of the dashboard is what a loop over every row gives: `bot.store.figures.figures`."""

from dataclasses import asdict, astuple, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.store.db import Database
from bot.store.figures import figures
from bot.store.figures.dashboard import DashboardCohort, DashboardFigures, HandoffTimes, ServedRelease, Volume
from bot.store.handoffs.handoff_metrics import Spread
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import Release, Verdict, VerdictRow
from tests.support.dashboard_history import SPRING_FORWARD, dashboard_history
from tests.support.slow_figures import SlowFigures

WEEK = DashboardCohort(SPRING_FORWARD, SPRING_FORWARD + timedelta(days=7))
COHORTS = (
    WEEK,
    replace(WEEK, agent="access"),
    replace(WEEK, agent="gone"),
    replace(WEEK, among=("access", "gone")),
    replace(WEEK, among=()),
    replace(WEEK, since=SPRING_FORWARD + timedelta(days=3), until=SPRING_FORWARD + timedelta(days=4)),
    replace(WEEK, until=SPRING_FORWARD),
)
"A week, that of one agent, of one whose folder is gone, of two and of none; the day on which clocks change; no day."


def read(database: Database, cohort: DashboardCohort = WEEK) -> DashboardFigures:
    """Return the figures of a cohort."""
    with database.read() as session:
        return figures.read(session, cohort)


@pytest.fixture(params=[1, 2])
def history(request: pytest.FixtureRequest, database: Database) -> Database:
    """Return a database with a random week."""
    dashboard_history(request.param).write(database)
    return database


def test_volume_latency_and_spending_are_those_of_the_rows(history: Database) -> None:
    """By day and in total, for one agent, for all, for a day of 23 hours elsewhere, and for no day."""
    by_hand = SlowFigures(history, WEEK)
    for cohort in COHORTS:
        seen, slow = read(history, cohort), by_hand.of(cohort)
        assert asdict(seen.total) == slow.total()
        assert [asdict(one.volume) for one in seen.days] == slow.days()
        assert tuple(one.day for one in seen.days) == cohort.days


def test_tool_calls_are_those_of_the_rows(history: Database) -> None:
    """By tool and status, of turns that ended in the cohort; a call that nobody will see the end of is unseen."""
    by_hand = SlowFigures(history, WEEK)
    for cohort in COHORTS:
        seen = read(history, cohort).tools
        counted = {
            (one.tool, name): getattr(one, name) for one in seen for name in ("ok", "refused", "failed", "unseen")
        }
        assert {key: calls for key, calls in counted.items() if calls} == by_hand.of(cohort).tools()
        assert [one.calls for one in seen] == sorted((one.calls for one in seen), reverse=True)


def test_outputs_are_those_of_the_rows(history: Database) -> None:
    """By agent, outcome and category, a category of two words included."""
    by_hand = SlowFigures(history, WEEK)
    for cohort in COHORTS:
        seen = read(history, cohort).outputs
        assert {astuple(one)[:3]: one.turns for one in seen} == by_hand.of(cohort).outputs()
        assert len({astuple(one)[:3] for one in seen}) == len(seen)


def test_handoffs_are_those_of_the_rows(history: Database) -> None:
    """Their number and times, for every reason and each, to two significant digits."""
    by_hand = SlowFigures(history, WEEK)
    for cohort in COHORTS:
        seen, slow = read(history, cohort), by_hand.of(cohort)
        assert times(seen.handoffs) == slow.handoffs()
        assert {str(one.reason): one.handoffs for one in seen.handoff_reasons} == slow.reasons()
        for one in seen.handoff_reasons:
            assert times(one) == slow.handoffs(one.reason)


def times(seen: HandoffTimes) -> tuple[int, *tuple[tuple[int, float | None, float | None], ...]]:
    spreads = (seen.to_claim, seen.to_first_response, seen.to_resolve)
    return seen.handoffs, *((one.count, one.median, one.p90) for one in spreads)


def test_the_figures_of_agents_add_up_to_those_of_all(history: Database) -> None:
    """What is counted for one agent is counted for no other, and nothing is of no agent."""
    whole = asdict(read(history).total)
    each = [asdict(read(history, replace(WEEK, agent=agent)).total) for agent in ("access", "vpn", "gone")]
    for name in whole.keys() - {"latency_p50_ms", "latency_p95_ms"}:
        assert whole[name] == sum(one[name] for one in each), name
        assert whole[name] > 0


def test_an_empty_database_has_figures(database: Database) -> None:
    """Counts are 0, and what cannot be worked out is None; each day is there all the same."""
    seen = read(database)
    assert seen.total == Volume()
    assert seen.total.latency_p50_ms is None
    assert [one.volume for one in seen.days] == [Volume()] * 7
    assert seen.handoffs == HandoffTimes(None, 0, Spread(), Spread(), Spread())
    assert (seen.tools, seen.outputs, seen.handoff_reasons, seen.releases) == ((), (), (), ())


def test_each_agent_shows_the_release_that_it_serves(database: Database) -> None:
    """With its verdict and its age; without a word of what is served, the newest counts."""
    history = dashboard_history(1, turns=1)
    [_, first, _] = history.rows[Release]
    later = first["created_at"] + timedelta(days=1)
    history.rows[Release].append(first | {"fingerprint": "vpn@2", "created_at": later})
    blocked = history.rows[VerdictRow][-1] | {"release": "vpn@2", "at": later, "verdict": "block"}
    history.rows[VerdictRow].append(blocked)
    history.write(database)
    access, gone, vpn = read(database).releases
    assert (access.agent, access.verdict, access.verdict_age_seconds) == ("access", None, None)
    assert (gone.fingerprint, vpn.fingerprint, vpn.verdict) == ("gone@1", "vpn@2", "block")
    [served] = read(database, replace(WEEK, agent="vpn", serving={"vpn": ReleasePair("vpn@1", "s1")})).releases
    [unjudged] = read(database, replace(WEEK, agent="vpn", serving={"vpn": ReleasePair("vpn@1", "s2")})).releases
    assert (unjudged.fingerprint, unjudged.verdict) == ("vpn@1", None)
    age = (datetime.now(UTC) - SPRING_FORWARD).total_seconds()
    assert served == ServedRelease("vpn", "vpn@1", Verdict.PASS, SPRING_FORWARD, served.verdict_age_seconds, 1)
    assert served.verdict_age_seconds == pytest.approx(age, abs=60)


def test_a_cohort_is_of_whole_days() -> None:
    """The last days include the one that a time is in, by UTC; half a day is refused."""
    evening_elsewhere = datetime.fromisoformat("2026-11-22T23:30:00-02:00")
    cohort = figures.last_days(2, at=evening_elsewhere)
    assert (cohort.since, cohort.until) == (datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC))
    with pytest.raises(ValueError, match="whole UTC days"):
        replace(cohort, since=cohort.since + timedelta(hours=1))
