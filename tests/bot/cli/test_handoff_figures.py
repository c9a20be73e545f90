"""`deskhand handoffs`: how long people take, for operators and programs."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from bot.store import db
from bot.store.schema import Handoff, HandoffMove, Ticket, now
from tests.support.command_line import deskhand
from tests.support.paths import ROOT


def hand_off(url: str, agent: str, *, days_ago: int) -> None:
    """Hand a ticket of an agent to a person some days ago, who claims it after a minute and a half."""
    at = now() - timedelta(days=days_ago)
    place: dict[str, Any] = {"team": "T1", "channel": "C0HELP", "thread_ts": f"{agent} {days_ago}", "private": False}
    times = {"waiting_since": at, "opened_at": at}
    with closing(db.connect(url)) as database, database.write() as session:
        ticket = Ticket(requester="U0MAYA", agent=agent, **place)
        session.add(ticket)
        session.flush()
        handoff = Handoff(ticket_id=ticket.id, reason="budget", summary="", queue_channel="C0QUEUE", **times)
        session.add(handoff)
        session.flush()
        claimed = at + timedelta(seconds=90)
        session.add(HandoffMove(handoff_id=handoff.id, move="claimed", actor="U0PRIYA", at=claimed))


@pytest.mark.usefixtures("quiet_logs")
def test_handoffs_are_measured_for_programs(
    migrated_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One JSON object of the last thirty days, or as many as asked for, of all agents or of one."""
    monkeypatch.chdir(ROOT)
    for agent, days_ago in (("access", 0), ("access", 6), ("vpn", 6), ("access", 29), ("access", 30)):
        hand_off(migrated_file, agent, days_ago=days_ago)
    capsys.readouterr()
    for words, counted in (((), 4), (("--days", "7"), 3), (("--days", "1"), 1), (("--agent", "access"), 3)):
        assert deskhand("handoffs", "--json", *words) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["totals"]["handoffs"] == said["totals"]["budget"] == counted
        assert said["totals"]["to_claim"] == {"count": counted, "median_seconds": 90, "p90_seconds": 90}
        assert said["totals"]["to_resolve"] == {"count": 0, "median_seconds": None, "p90_seconds": None}
        assert [(one["reason"], one["handoffs"]) for one in said["by_reason"]] == [("budget", counted)]
        assert sum(one["handoffs"] for one in said["by_day"]) == counted
        assert sum(one["handoffs"] for one in said["by_day_and_reason"]) == counted
    assert said["agent"] == "access"


@pytest.mark.usefixtures("quiet_logs")
def test_handoffs_are_measured_for_operators(migrated_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """First that there were none, then a table by reason and one by day."""
    capsys.readouterr()
    assert deskhand("handoffs") == 0
    assert capsys.readouterr().out.startswith("No handoffs from ")
    hand_off(migrated_file, "access", days_ago=0)
    assert deskhand("handoffs") == 0
    table = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for name in ("budget", "all", f"{now():%Y-%m-%d}"):
        assert f"{name} 1 100.0 % 1m / 1m - - - - - -" in table
