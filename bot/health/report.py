"""Findings and status as text for a terminal, and as plain values for programs. Pure."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from bot.health.findings import Finding
from bot.health.status import QueueStatus, Status, UnfinishedWork
from bot.slack.reports import success_report
from bot.store.backlog import Backlog, BacklogCount
from bot.store.figures.owner_alerts import OpenAlert

MINUTE, HOUR, DAY = 60, 3600, 86400
TEXT_COLUMNS = 100
"Columns beside the names of the rows."
MOST_ALERTS = 3
"The most open alerts that a status names."


def findings_as_text(found: Sequence[Finding]) -> str:
    """Return one line per finding; below those that are not ok, what to do."""
    width = max(len(one.check) for one in found)
    lines: list[str] = []
    for one in found:
        lines.append(f"{one.state:<4}  {one.check:<{width}}  {one.message}")
        if one.fix and one.state != "ok":
            lines.append(f"{'':<4}  {'':<{width}}  -> {one.fix}")
    failed, warned = (sum(one.state == state for one in found) for state in ("fail", "warn"))
    return "\n".join([*lines, "", f"{failed} to fix, {warned} to look at." if failed or warned else "All is well."])


def findings_as_json(found: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as plain values."""
    checks = [{"check": one.check, "state": one.state, "message": one.message, "fix": one.fix} for one in found]
    return {"healthy": all(one.state != "fail" for one in found), "checks": checks}


def status_as_text(status: Status) -> str:
    """Return a status for a terminal of 100 columns."""
    rows = [*_success_rows(status), *_queue_rows(status), *_unfinished_rows(status)]
    return "\n".join(
        [f"{name:<10}{text}" for name, text in rows] + [f"\nNot known: {why}" for why in status.unavailable]
    )


def status_as_json(status: Status) -> dict[str, Any]:
    """Return a status as plain values: times are seconds before `at`; null means that it is not known."""
    return {
        "at": status.at.isoformat(),
        "success": None if status.success is None else success_report.as_json(status.success),
        "queue": None if status.queue is None else _queue_json(status.queue, status.at),
        **(dict.fromkeys(UNFINISHED) if status.unfinished is None else _unfinished_json(status.unfinished, status.at)),
        "away": list(status.unavailable),
    }


UNFINISHED = ("clock", "turns", "messages", "handoffs", "money", "commands", "idle_agents", "alerts")
"What is read from the database."


def _success_rows(status: Status) -> Iterator[tuple[str, str]]:
    if status.success is None:
        yield "Success", status.success_unknown or "the database cannot be read, so it is not known"
        return
    said = success_report.lines(status.success, "in the last 7 days")
    lines = [part for one in said for part in textwrap.wrap(one.replace("*", ""), TEXT_COLUMNS)]
    yield from (("" if number else "Success", line) for number, line in enumerate(lines))


def _queue_rows(status: Status) -> Iterator[tuple[str, str]]:
    queue, at = status.queue, status.at
    if queue is None:
        yield "Queue", "Redis is down, so its jobs and workers are not known"
        return
    first = "" if queue.oldest is None else f", the first for {_age(queue.oldest, at)}"
    yield "Queue", f"{queue.waiting} waiting{first}; {queue.started} running; {queue.failed} failed"
    if not queue.workers:
        yield "Workers", "none has given a heartbeat"
    for number, one in enumerate(queue.workers):
        text = f"{one.name} {one.state}, {one.executions} running, heard {_age(one.heard_at, at)} ago"
        yield "" if number else "Workers", text


def _unfinished_rows(status: Status) -> Iterator[tuple[str, str]]:
    if status.unfinished is None:
        yield "Work", "the database cannot be read, so unfinished work is not known"
        return
    work, at = status.unfinished.backlog, status.at
    clock = status.unfinished.clock
    yield "Clock", "none has ever given a heartbeat" if clock is None else f"{clock[0]}, heard {_age(clock[1], at)} ago"
    yield "Turns", f"{_pile(work.waiting, 'waiting', at)}; {_pile(work.running, 'running', at, late='past its lease')}"
    for lease in work.leases:
        ended = f", {lease.ended} past its lease" if lease.ended else f", first lease until {lease.first_ends_at:%X}"
        yield "", f"{lease.worker} has {lease.turns}{ended}"
    piles = (
        _pile(work.stored, "to say", at),
        _pile(work.sending, "being sent", at),
        _pile(work.updates, "to update", at),
        _pile(work.failed, "refused by Slack for good", at),
    )
    yield "Messages", "; ".join(piles)
    for lane in work.lanes:
        yield "", f"{lane.name}: {lane.messages}, the first {_age(lane.oldest, at)} old, {lane.tries} tries"
    yield "Handoffs", _pile(work.handoffs, "open or claimed", at, late="without its card")
    yield "Money", _pile(work.money, "without a known cost", at, late="past its lease")
    yield "Commands", _pile(work.commands, "unanswered", at)
    for number, (name, found) in enumerate(status.unfinished.idle.items()):
        lines = textwrap.wrap(f"{name} {found.sentence}", TEXT_COLUMNS)
        yield from (("" if number or more else "Agents", line) for more, line in enumerate(lines))
    for number, surge in enumerate(status.unfinished.surges):
        yield "" if number else "Surge", f"{surge.agent}: {surge}, for {_age(surge.began_at, at)}"
    yield "Alerts", _alerts(status.unfinished.alerts, at)


def _alerts(alerts: Sequence[OpenAlert], at: datetime) -> str:
    shown = [
        f"{one.kind.replace('_', ' ')} ({one.agent}: {one.subject}) for {_age(one.found_at, at)}" for one in alerts
    ]
    more = [f"{len(shown) - MOST_ALERTS} more"] if len(shown) > MOST_ALERTS else []
    return "; ".join([*shown[:MOST_ALERTS], *more]) or "none open"


def _queue_json(queue: QueueStatus, at: datetime) -> dict[str, Any]:
    return {
        "waiting": queue.waiting,
        "oldest_seconds": _seconds(queue.oldest, at),
        "started": queue.started,
        "failed": queue.failed,
        "workers": [
            {
                "name": one.name,
                "state": one.state,
                "in_hand": one.executions,
                "heard_seconds": _seconds(one.heard_at, at),
            }
            for one in queue.workers
        ],
    }


def _unfinished_json(unfinished: UnfinishedWork, at: datetime) -> dict[str, Any]:
    backlog, clock = unfinished.backlog, unfinished.clock
    return {
        "clock": None if clock is None else {"name": clock[0], "heard_seconds": _seconds(clock[1], at)},
        "turns": {
            "waiting": _pile_json(backlog.waiting, at),
            "running": _pile_json(backlog.running, at),
            "leases": [
                {
                    "worker": one.worker,
                    "turns": one.turns,
                    "ended": one.ended,
                    "first_ends_in_seconds": -(_seconds(one.first_ends_at, at) or 0.0),
                }
                for one in backlog.leases
            ],
        },
        "messages": _messages_json(backlog, at),
        "handoffs": _pile_json(backlog.handoffs, at),
        "money": _pile_json(backlog.money, at),
        "commands": _pile_json(backlog.commands, at),
        "surges": [
            {
                "agent": one.agent,
                "cause": one.cause,
                "people": one.people,
                "handoff": one.handoff_id,
                "began_seconds": _seconds(one.began_at, at),
            }
            for one in unfinished.surges
        ],
        "idle_agents": _idle_json(unfinished, at),
        "alerts": [
            {"agent": one.agent, "kind": one.kind, "subject": one.subject, "found_seconds": _seconds(one.found_at, at)}
            for one in unfinished.alerts
        ],
    }


def _idle_json(unfinished: UnfinishedWork, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "agent": name,
            "status": found.status,
            "since_seconds": _seconds(found.since, at),
            "by": found.by,
            "cause": found.cause,
        }
        for name, found in unfinished.idle.items()
    ]


def _messages_json(backlog: Backlog, at: datetime) -> dict[str, Any]:
    return {
        "stored": _pile_json(backlog.stored, at),
        "sending": _pile_json(backlog.sending, at),
        "updates": _pile_json(backlog.updates, at),
        "failed": _pile_json(backlog.failed, at),
        "lanes": [
            {"lane": one.name, "messages": one.messages, "oldest_seconds": _seconds(one.oldest, at), "tries": one.tries}
            for one in backlog.lanes
        ],
    }


def _pile(pile: BacklogCount, what: str, at: datetime, *, late: str = "late") -> str:
    more = [] if pile.oldest is None else [f"oldest {_age(pile.oldest, at)}"]
    more += [f"{pile.late} {late}"] if pile.late else []
    return f"{pile.count} {what}" + (f" ({', '.join(more)})" if more else "")


def _pile_json(pile: BacklogCount, at: datetime) -> dict[str, Any]:
    return {"count": pile.count, "late": pile.late, "oldest_seconds": _seconds(pile.oldest, at)}


def _seconds(since: datetime | None, at: datetime) -> float | None:
    return None if since is None else round((at - since).total_seconds(), 1)


def _age(since: datetime, at: datetime) -> str:
    seconds = max(0, round((at - since).total_seconds()))
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
