"""The tickets whose turns ended last: `bot.store.figures.latest_tickets`."""

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
    agent_of = {row["id"]: row["agent"] for row in history.rows[Ticket]}
    failed = {row["turn_id"] for row in history.rows[Step] if row["kind"] == "tool" and row["status"] == "failed"}
    ended = [
        row
        for row in history.rows[Turn]
        if row["finished_at"] is not None
        and SPRING_FORWARD <= row["finished_at"] < ENDS
        and agent_of[row["ticket_id"]] in agents
        and (not examples or row["outcome"] == "handoff" or row["id"] in failed)
    ]
    ended.sort(key=lambda row: (row["finished_at"], row["id"]), reverse=True)
    return list(dict.fromkeys(row["ticket_id"] for row in ended))[: latest_tickets.MOST]


@pytest.mark.parametrize("agents", [("access",), ("access", "gone"), ("nobody",), ()])
def test_lists_are_those_of_the_rows(database: Database, history: DashboardHistory, agents: tuple[str, ...]) -> None:
    """Of these agents and of the window alone, the newest first, each ticket once."""
    with database.read() as session:
        latest = latest_tickets.latest(session, agents, SPRING_FORWARD, ENDS)
        examples = latest_tickets.examples(session, agents, SPRING_FORWARD, ENDS)
    assert [one.ticket_id for one in latest] == expected(history, agents, examples=False)
    assert [one.ticket_id for one in examples] == expected(history, agents, examples=True)
    assert (len(latest) == latest_tickets.MOST) is ("access" in agents)


def test_a_ticket_with_several_turns_stands_once(database: Database) -> None:
    """With how its last turn in the window ended."""
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    week = DashboardHistory(dashboard_history(1, turns=0).random, at, 1)
    ticket = week.ticket(at)
    for hour, outcome in enumerate(("handoff", "reply")):
        ended = {"state": "done", "outcome": outcome, "finished_at": at + timedelta(hours=hour)}
        week.add(Turn, ticket_id=ticket, release="r", reason="requested", category=None, created_at=at, **ended)
    week.write(database)
    with database.read() as session:
        [last] = latest_tickets.latest(session, [week.rows[Ticket][0]["agent"]], at, at + timedelta(days=1))
        [first] = latest_tickets.latest(session, [last.agent], at, at + timedelta(minutes=1))
    assert (last.outcome, last.at, last.state, last.reason) == ("reply", at + timedelta(hours=1), "open", "requested")
    assert (first.ticket_id, first.outcome) == (last.ticket_id, "handoff")
