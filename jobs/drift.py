"""Compare each agent's last tickets with its own past, once 50 more have ended, and open or close its drift.

One drift of a release is open at a time: a stream that joins it later is written down, not told again. It is over after
three checks in a row in which no stream of it shows drift, or when another release serves. `jobs.owner_alerts` tells
both. A check compares the last 1,000 tickets with the reference, however many there are, and reads the steps only of
those that it does not know from an earlier one; a whole reference is not read again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.agent.card import Agent
from bot.agent.release import release_of
from bot.drift import comparison, streams
from bot.drift.comparison import EVERY, LEAST_REFERENCE, REFERENCE, WINDOWS, Past
from bot.slack.reports import drift_report
from bot.store import audit
from bot.store.db import Session
from bot.store.figures import drift_checks, first_turns, owner_alerts, watermarks
from bot.store.figures.drift_checks import DriftReading
from bot.store.figures.first_turns import FirstTurn, KnownTurns
from bot.store.figures.watermarks import TurnMark
from bot.store.schema import AlertKind, now
from jobs.process import WorkerContext

log = structlog.get_logger()

WIDEST = max(WINDOWS)
CLEAN_CHECKS = 3
"Checks in a row without drift after which it is over."
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class DriftResult:
    """What one check of a release found."""

    agent: str
    release: str
    mark: TurnMark
    "The last ticket that was compared."
    readings: Sequence[DriftReading]
    moved: Mapping[str, Any]
    "Each stream that drifted, with the reading of the window in which it is surest."
    examples: Sequence[int]
    "Ids of tickets that show what became more frequent."


def check(ctx: WorkerContext) -> None:
    """Check every agent whose release has served enough new tickets since its last check."""
    for agent in ctx.agents.values():
        _check(ctx, agent)


def _check(ctx: WorkerContext, agent: Agent) -> None:
    name, release = agent.card.name, str(release_of(ctx.settings, agent))
    mark_name = watermarks.of_drift(name)
    with ctx.database.look() as session:
        before = watermarks.get(session, mark_name)
        if first_turns.count_after(session, release, before, limit=EVERY) < EVERY:
            return
        result = _compare(session, name, release, ctx.known_turns)
    with ctx.database.write() as session:
        if not watermarks.move(session, mark_name, before=before, to=result.mark):
            return  # another clock has made this check
        drift_checks.replace(session, name, release, result.readings)
        _end_of_others(session, name, release)
        _note(session, result)


def _compare(session: Session, agent: str, release: str, turns: KnownTurns) -> DriftResult:
    own = first_turns.first(session, release, limit=REFERENCE, known=turns)
    latest = first_turns.last(session, release, limit=WIDEST, known=turns)
    known = {one.turn_id for one in own}
    served = len(own) + sum(one.turn_id not in known for one in latest)
    past = Past(release, own)
    if served < LEAST_REFERENCE + WIDEST:
        other = first_turns.release_before(session, agent, release, tickets=LEAST_REFERENCE)
        if other is not None:
            past = Past(release, own, other, first_turns.first(session, other, limit=REFERENCE, known=turns))
    readings = comparison.compare(past, latest, served, at=now())
    drifted = [one for one in drift_report.worst(readings) if one.drifted]
    moved = {str(one.stream): _kept(one, latest) for one in drifted}
    surest = min(drifted, key=lambda one: one.p_value, default=None)
    examples = [] if surest is None else _examples(surest, past, latest, served)
    return DriftResult(agent, release, (latest[-1].finished_at, latest[-1].turn_id), readings, moved, examples)


def _kept(one: DriftReading, latest: Sequence[FirstTurn]) -> dict[str, Any]:
    return {
        "window": one.window,
        "p": one.p_value,
        "effect": one.effect,
        "detectable": one.detectable,
        "reference": one.reference,
        "reference_release": one.reference_release,
        "moved": [[shift.value, shift.before, shift.now] for shift in one.moved],
        "since": latest[-one.window :][0].finished_at.isoformat(),
    }


def _examples(one: DriftReading, past: Past, latest: Sequence[FirstTurn], served: int) -> list[int]:
    """Return the newest tickets of the window in the cell that became more frequent."""
    found = past.reference(one.window, served)
    more = next((shift.value for shift in one.moved if shift.now > shift.before), None)
    if found is None or more is None:
        return []
    cell_of = streams.cut(one.stream, found[1])
    return [ticket.ticket_id for ticket in latest[::-1][: one.window] if cell_of(ticket) == more][:EXAMPLES]


def _note(session: Session, result: DriftResult) -> None:
    """Open the drift, add to it, count a check without it, or close it."""
    agent, release = result.agent, result.release
    found = [one for one in owner_alerts.open_ones(session, agent, AlertKind.DRIFT) if one.subject == release]
    if not found:
        if result.moved:
            new = {"streams": result.moved, "clean": 0, "examples": list(result.examples)}
            owner_alerts.open_(session, agent, AlertKind.DRIFT, release, new)
            _say_found(session, result, list(result.moved))
        return
    detail: dict[str, Any] = dict(found[0].detail)
    joined = [stream for stream in result.moved if stream not in detail["streams"]]
    clean = 0 if result.moved else detail["clean"] + 1
    streams_now = detail["streams"] | {stream: result.moved[stream] for stream in joined}
    owner_alerts.note(session, agent, AlertKind.DRIFT, release, detail | {"streams": streams_now, "clean": clean})
    if joined:
        _say_found(session, result, joined)
    if clean >= CLEAN_CHECKS:
        _end(session, agent, release, why="recovered")


def _end_of_others(session: Session, agent: str, release: str) -> None:
    """Close the drift of a release that serves no longer."""
    for one in owner_alerts.open_ones(session, agent, AlertKind.DRIFT):
        if one.subject != release:
            owner_alerts.note(session, agent, AlertKind.DRIFT, one.subject, {**one.detail, "replaced": release})
            _end(session, agent, one.subject, why="replaced")


def _say_found(session: Session, result: DriftResult, found: Sequence[str]) -> None:
    audit.append(session, "drift.found", actor="clock", agent=result.agent, release=result.release, streams=list(found))
    log.warning("drift.found", agent=result.agent, release=result.release, streams=list(found))


def _end(session: Session, agent: str, release: str, *, why: str) -> None:
    if owner_alerts.close(session, agent, AlertKind.DRIFT, release):
        audit.append(session, "drift.ended", actor="clock", agent=agent, release=release, why=why)
        log.info("drift.ended", agent=agent, release=release, why=why)
