"""Findings and status in words and as values: `bot.health.report`."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.agent.standing import Standing
from bot.health import report
from bot.health.findings import Finding
from bot.health.status import QueueStatus, Status, UnfinishedWork
from bot.principals import AgentStatus
from bot.queue import WorkerSeen
from bot.store.backlog import NOTHING, Backlog, BacklogCount, Lane, WorkerTurns
from bot.store.figures.owner_alerts import OpenAlert
from bot.store.figures.success import Requests, Success
from bot.store.schema import AlertKind

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NINE - timedelta(seconds=seconds)


BUSY = Status(
    at=NINE,
    queue=QueueStatus(
        waiting=3, oldest=ago(2), started=40, failed=1, workers=(WorkerSeen("host:1:ab", "busy", 40, heard_at=ago(1)),)
    ),
    unfinished=UnfinishedWork(
        Backlog(
            at=NINE,
            waiting=BacklogCount(3, 1, ago(200)),
            running=BacklogCount(41, 1, ago(5)),
            leases=(WorkerTurns("host:1", 40, 0, ago(-6)), WorkerTurns("host:9", 1, 1, ago(3))),
            stored=BacklogCount(2, 1, ago(8000)),
            sending=NOTHING,
            updates=NOTHING,
            failed=BacklogCount(1, 0, ago(90)),
            lanes=(Lane("ticket:7", 2, ago(8000), 9),),
            handoffs=BacklogCount(4, 1, ago(260_000)),
            money=BacklogCount(1, 0, ago(1)),
            commands=NOTHING,
        ),
        clock=("host:2", ago(4)),
        idle={"vpn": Standing(AgentStatus.SUSPENDED, ago(7_300), "operator", "wrong links")},
        alerts=(OpenAlert(1, "access", AlertKind.NO_TRAFFIC, "requests", {}, ago(7_300), closed=False),),
    ),
    unavailable=(),
    success=Success(settled=Requests(solved=8, to_people=2)),
)


def test_a_status_is_read_at_a_glance() -> None:
    """One line a subject, what is late named beside what is there."""
    assert report.status_as_text(BUSY).splitlines() == [
        "Success   Solved without a person: 8 of 10 in the last 7 days (80 %; with 95 % confidence 49 to 95 %).",
        "          Of the others, 2 went to a person.",
        "Queue     3 waiting, the first for 2 s; 40 running; 1 failed",
        "Workers   host:1:ab busy, 40 running, heard 1 s ago",
        "Clock     host:2, heard 4 s ago",
        "Turns     3 waiting (oldest 3 min, 1 late); 41 running (oldest 5 s, 1 past its lease)",
        "          host:1 has 40, first lease until 09:00:06",
        "          host:9 has 1, 1 past its lease",
        "Messages  2 to say (oldest 2 h, 1 late); 0 being sent; 0 to update; 1 refused by Slack for good (oldest 90 s)",
        "          ticket:7: 2, the first 2 h old, 9 tries",
        "Handoffs  4 open or claimed (oldest 3 d, 1 without its card)",
        "Money     1 without a known cost (oldest 1 s)",
        "Commands  0 unanswered",
        "Agents    vpn has been suspended since 2026-11-23 06:58 UTC by an operator: wrong links",
        "Alerts    no traffic (access: requests) for 2 h",
    ]


def test_what_is_away_is_said() -> None:
    """Nothing is made up for a part that could not be read."""
    said = report.status_as_text(Status(NINE, None, None, ("redis: refused", "database: refused")))
    assert "Redis is down" in said
    assert said.startswith("Success   the database cannot be read, so it is not known\n")
    assert "unfinished work is not known" in said
    assert said.endswith("Not known: redis: refused\n\nNot known: database: refused")
    assert report.status_as_json(Status(NINE, None, None, ("redis: refused",))) == {
        "at": "2026-11-23T09:00:00+00:00",
        "success": None,
        "queue": None,
        **dict.fromkeys(report.UNFINISHED),
        "away": ["redis: refused"],
    }


def test_a_slow_count_of_successes_is_no_outage() -> None:
    """It is said why the figure is missing, and everything else is shown."""
    slow = replace(BUSY, success=None, success_unknown="success: no answer within 5 s")
    assert report.status_as_text(slow).splitlines()[:2] == [
        "Success   success: no answer within 5 s",
        "Queue     3 waiting, the first for 2 s; 40 running; 1 failed",
    ]
    assert report.status_as_json(slow)["success"] is None


def test_a_status_for_programs_holds_all_of_it() -> None:
    """Plain values, ages in seconds."""
    told = json.loads(json.dumps(report.status_as_json(BUSY)))
    assert (list(told)[:2], told["success"]["solved_share"]) == (["at", "success"], 0.8)
    assert told["queue"]["workers"] == [{"name": "host:1:ab", "state": "busy", "in_hand": 40, "heard_seconds": 1.0}]
    assert told["queue"]["oldest_seconds"] == 2.0
    assert told["turns"]["waiting"] == {"count": 3, "late": 1, "oldest_seconds": 200.0}
    leases = told["turns"]["leases"]
    assert [(one["worker"], one["ended"], one["first_ends_in_seconds"]) for one in leases] == [
        ("host:1", 0, 6.0),
        ("host:9", 1, -3.0),
    ]
    lane = {"lane": "ticket:7", "messages": 2, "oldest_seconds": 8000.0, "tries": 9}
    assert told["messages"]["lanes"] == [lane]
    assert told["messages"]["failed"]["count"] == 1
    assert told["commands"] == {"count": 0, "late": 0, "oldest_seconds": None}
    assert told["alerts"] == [{"agent": "access", "kind": "no_traffic", "subject": "requests", "found_seconds": 7300.0}]
    assert told["idle_agents"] == [
        {"agent": "vpn", "status": "suspended", "since_seconds": 7300.0, "by": "operator", "cause": "wrong links"}
    ]
    assert told["clock"] == {"name": "host:2", "heard_seconds": 4.0}


def test_findings_say_what_to_do() -> None:
    """What is well is one line; what is not has another with the mend; the last line counts."""
    found = (Finding("redis", "ok", "Well."), Finding("slack", "fail", "Away.", "Start it."), Finding("a", "warn", "?"))
    assert report.findings_as_text(found).splitlines() == [
        "ok    redis  Well.",
        "fail  slack  Away.",
        "             -> Start it.",
        "warn  a      ?",
        "",
        "1 to fix, 1 to look at.",
    ]
    assert report.findings_as_text(found[:1]).endswith("All is well.")
    told = report.findings_as_json(found)
    assert told["healthy"] is False
    assert told["checks"][1] == {"check": "slack", "state": "fail", "message": "Away.", "fix": "Start it."}
    assert report.findings_as_json((found[0], found[2]))["healthy"] is True
