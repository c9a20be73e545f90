"""Whatever the address of the page says, a window and an agent that the viewer may see come of it."""

from datetime import UTC, date, datetime

import pytest

from bot.dashboard import filters

TODAY = date(2026, 11, 30)
AGENTS = frozenset({"access", "vpn"})


def read(**query: str) -> filters.Filter:
    """Return what a query asks for."""
    return filters.read(query, AGENTS, today=TODAY)


def test_without_a_word_the_last_thirty_days_of_all_agents_are_shown() -> None:
    """Today included, and nothing is complained of."""
    found = read()
    assert (found.since, found.until, found.days) == (date(2026, 11, 1), TODAY, 30)
    assert (found.agents, found.agent, found.complaints) == (("access", "vpn"), None, ())
    assert (found.begins, found.ends) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def test_what_is_asked_for_is_shown() -> None:
    """Days and agent; one day alone is a window of one day or the days up to it."""
    found = read(since="2026-11-02", until="2026-11-08", agent="vpn")
    assert (str(found.since), str(found.until), found.agents, found.complaints) == (
        "2026-11-02",
        "2026-11-08",
        ("vpn",),
        (),
    )
    assert read(since="2026-11-30").days == 1
    assert (read(until="2026-11-10").days, read(until="2026-11-10").until) == (30, date(2026, 11, 10))


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": "2026-11-31"},
        {"since": "20261101"},
        {"since": "2026-W48-1"},
        {"until": "0001-01-05"},
        {"until": "9999-12-31"},
        {"since": "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0660\u0661"},
        {"since": "<script>alert(1)</script>"},
        {"since": "2026-11-20", "until": "2026-11-10"},
        {"since": "2026-12-05", "until": "2026-12-06"},
        {"since": "2024-01-01", "until": "2026-11-30"},
        {"since": "1" * 10_000, "until": "\x00"},
    ],
)
def test_a_wrong_day_is_complained_of_and_the_usual_days_are_shown(query: dict[str, str]) -> None:
    """In a sentence that repeats nothing of the address but days that were understood."""
    found = read(**query)
    assert (found.since, found.until) == (date(2026, 11, 1), TODAY)
    assert found.complaints
    assert not any("script" in one or "\x00" in one or len(one) > 200 for one in found.complaints)


@pytest.mark.parametrize("agent", ["payroll", "Access", "access ", "<b>", "\x00", "x" * 5000])
def test_an_agent_of_others_is_no_agent(agent: str) -> None:
    """It cannot be told from one that does not exist, and all agents of the viewer are shown."""
    found = read(agent=agent)
    assert (found.agent, found.agents) == (None, ("access", "vpn"))
    assert found.complaints == read(agent="nobody").complaints


def test_the_longest_window_is_allowed_and_a_day_more_is_not() -> None:
    """A chart has a bar for each day."""
    assert read(since="2026-08-31").days == filters.LONGEST
    assert read(since="2026-08-30").complaints


def test_a_view_leads_to_others() -> None:
    """A link changes the window and keeps the agent, or the other way round."""
    found = read(since="2026-11-02", until="2026-11-08", agent="vpn")
    assert found.address(agent=None) == "?since=2026-11-02&until=2026-11-08"
    assert found.address(since=TODAY, until=TODAY) == "?since=2026-11-30&until=2026-11-30&agent=vpn"
    assert read().address(agent="a b&c") == "?since=2026-11-01&until=2026-11-30&agent=a+b%26c"
