"""The newest tickets, and those to look at: `bot.store.figures.latest_tickets`."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.store.db import Database
from bot.store.figures import latest_tickets
from bot.store.schema import Step, Ticket, Turn
from tests.support.dashboard_history import SPRING_FORWARD, DashboardHistory, dashboard_history

ENDS = SPRING_FORWARD + timedelta(days=7)


@pytest.fixture
def history(database: Database) -> DashboardHistory:
    """Return a random week that is in the database."""
    week = dashboard_history(5)
    week.write(database)
    return week


def expected(history: DashboardHistory, agents: tuple[str, ...], *, examples: bool) -> list[int]:
    """Return the numbers of the tickets that a loop over every row finds."""
    failed = {row["turn_id"] for row in history.rows[Step] if row["kind"] == "tool" and row["status"] == "failed"}
    ended = [
        row["ticket_id"]
        for row in history.rows[Turn]
        if row["outcome"] is not None and (not examples or row["outcome"] == "handoff" or row["id"] in failed)
    ]
    opened = [
        row
        for row in history.rows[Ticket]
        if SPRING_FORWARD <= row["created_at"] < ENDS and row["agent"] in agents and row["id"] in ended
    ]
    opened.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
    return [row["id"] for row in opened][: latest_tickets.MOST]


@pytest.mark.parametrize("agents", [("access",), ("access", "gone"), ("nobody",), ()])
def test_lists_are_those_of_the_rows(database: Database, history: DashboardHistory, agents: tuple[str, ...]) -> None:
    """Of these agents and of the window alone, the newest first, each ticket once."""
    with database.read() as session:
        found = latest_tickets.read(session, agents, SPRING_FORWARD, ENDS)
    assert [one.ticket_id for one in found.last] == expected(history, agents, examples=False)
    assert [one.ticket_id for one in found.examples] == expected(history, agents, examples=True)
    assert (len(found.last) == latest_tickets.MOST) is ("access" in agents)


def test_a_ticket_with_several_turns_stands_once(database: Database) -> None:
    """With how its last turn ended, also where an earlier one is what makes it an example."""
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    week = DashboardHistory(dashboard_history(1, turns=0).random, at, 1)
    ticket = week.ticket(at)
    for hour, outcome in enumerate(("handoff", "reply")):
        ended = {"state": "done", "outcome": outcome, "finished_at": at + timedelta(hours=hour)}
        week.add(Turn, ticket_id=ticket, release="r", reason="requested", category=None, created_at=at, **ended)
    week.write(database)
    with database.read() as session:
        found = latest_tickets.read(session, [week.rows[Ticket][0]["agent"]], at, at + timedelta(days=1))
    for [last] in (found.last, found.examples):
        assert (last.ticket_id, last.outcome, last.at) == (ticket, "reply", at + timedelta(hours=1))
        assert (last.state, last.reason) == ("open", "requested")


def test_examples_are_found_further_back(database: Database) -> None:
    """More tickets than are read at once lie before the ones to look at, and no more than the limit are looked at."""
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    week = DashboardHistory(dashboard_history(1, turns=0).random, at, 1, agents=("access",))
    for number in range(latest_tickets.LOOKED_AT + 2):
        ticket = week.ticket(at + timedelta(seconds=number))
        ended = {"state": "done", "outcome": "handoff" if number in (1, 2, 400) else "reply", "finished_at": at}
        week.add(Turn, ticket_id=ticket, release="r", reason=None, category=None, created_at=at, **ended)
    week.write(database)
    with database.read() as session:
        found = latest_tickets.read(session, ["access"], at, at + timedelta(days=1))
    assert [one.ticket_id for one in found.examples] == [401, 3]
    assert [one.ticket_id for one in found.last] == list(range(502, 490, -1))
