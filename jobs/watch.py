"""What needs no statistics: repeated calls, another model, an old evaluation, no requests, a part that is silent.

Each cause is written down once while it lasts (`bot.store.figures.owner_alerts`); `jobs.owner_alerts` tells it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from bot import agent_ids, signer
from bot.agent import card, standing
from bot.agent.card import Agent
from bot.agent.release import release_of
from bot.budget.prices.pricing import DATED
from bot.drift import loops
from bot.principals import Effect
from bot.store import audit
from bot.store.db import Session
from bot.store.figures import finished_turns, owner_alerts, traffic, vital_signs, watermarks
from bot.store.figures.finished_turns import FinishedTurn
from bot.store.figures.first_turns import SETTLED
from bot.store.figures.owner_alerts import EVERYBODYS
from bot.store.installation import heartbeats
from bot.store.releases import notices, releases, verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AlertKind, now
from bot.tools.registry import REGISTRY
from jobs.process import WorkerContext

log = structlog.get_logger()

BATCH = 200
"The most turns that are looked at in one go."
UNSEEN = timedelta(hours=24)
"A cause that is found in single turns is over when it was not seen for this long."
TIME_TO_EVALUATE = timedelta(hours=1)
"A release may be this old without a verdict before its owners are told."
LEAST_TRAFFIC = 40
"""Requests in the same hours of the four weeks before, together, from which silence is no accident.

If those weeks had 40, the chance of none is (4/5)^40, about one in 7,500.
"""

CLOCK = "clock"
"The vital sign of the clock."

Cause = tuple[str, AlertKind, str, Mapping[str, Any]]
"Agent, kind, subject, detail."


def look_at_turns(ctx: WorkerContext) -> None:
    """Look at the turns that have ended since the last look: for loops, and for other models."""
    with ctx.database.look() as session:
        before = watermarks.get(session, watermarks.TURNS)
        turns = [] if before is None else finished_turns.after(session, before, limit=BATCH)
        played = list(_of_agents(ctx, turns))
        found = [*_loops(played), *_other_models(session, played)]
    if before is None:
        with ctx.database.write() as session:  # what is past is not told
            watermarks.move(session, watermarks.TURNS, before=None, to=(now() - SETTLED, 0))
    elif turns:
        with ctx.database.write() as session:
            if watermarks.move(session, watermarks.TURNS, before=before, to=turns[-1].mark):
                _open(session, found)
                _close_answered(session, played, found)
    close_unseen(ctx, AlertKind.LOOP)


def look_around(ctx: WorkerContext) -> None:
    """Look at what is no turn: verdicts, traffic, the parts of Deskhand, and agents that were retired."""
    agent_ids.note(ctx.database, ctx.agents)
    with ctx.database.look() as session:
        standings = standing.read_all(session, ctx.agents)
    for agent in ctx.agents.values():
        active = agent.card.name in standings and standings[agent.card.name].works
        settle(ctx, agent.card.name, AlertKind.EVALUATION_STALE, _stale_verdict(ctx, agent) if active else {})
        settle(ctx, agent.card.name, AlertKind.NO_TRAFFIC, _no_traffic(ctx, agent) if active else {})
    note_checkpoint(ctx)
    look_at_parts(ctx, alive=CLOCK)


def note_checkpoint(ctx: WorkerContext) -> None:
    """Note when the audit log was last signed, by the signer's file; without a file nobody is expected to sign."""
    file = ctx.settings.audit_checkpoints
    signed = None if file is None else signer.last_signed(file)
    if signed is None:
        return
    with ctx.database.look() as session:
        known = heartbeats.last(session, "checkpoint")
    if known is None or known[1] != signed:
        with ctx.database.write() as session:
            heartbeats.give(session, "checkpoint", who="signer", at=signed)


def look_at_parts(ctx: WorkerContext, *, alive: str | None = None) -> frozenset[str]:
    """Look at when each part of Deskhand last showed that it works; return the names of the silent ones.

    Args:
        ctx: the connections of this process.
        alive: the part that looks, which is not silent, even if it has only just begun.
    """
    with ctx.database.look() as session:
        signs = vital_signs.read(session)
    silent = {
        one.sign.name: {"last": one.last.isoformat(), "minutes": one.sign.silent_after.total_seconds() / 60}
        for one in signs
        if one.silent and one.last is not None and one.sign.name != alive
    }
    settle(ctx, EVERYBODYS, AlertKind.SILENT, silent)
    return frozenset(silent)


def _of_agents(ctx: WorkerContext, turns: Sequence[FinishedTurn]) -> Iterator[FinishedTurn]:
    """Yield each turn under the agent that answers for it now: its own, or the heir of one that is gone."""
    for turn in turns:
        agent = card.answering(ctx.agents, turn.agent)
        if agent is not None:
            yield replace(turn, agent=agent.card.name)


def _loops(turns: Sequence[FinishedTurn]) -> Iterator[Cause]:
    writes = {name for name, tool in REGISTRY.items() if tool.effect is Effect.WRITE}
    for turn in turns:
        found = loops.find(turn, writes)
        if found is not None:
            log.warning("loop.found", turn=turn.turn_id, agent=turn.agent, cause=found.cause)
            yield turn.agent, AlertKind.LOOP, found.cause, {"how": found.how, "ticket": turn.ticket_id}


def _other_models(session: Session, turns: Sequence[FinishedTurn]) -> Iterator[Cause]:
    """Yield each response of a model that is neither the pinned one nor the dated one that it meant at first."""
    first: dict[str, str | None] = {}
    for turn in turns:
        for asked, answered in turn.models:
            if asked == answered:
                continue
            if turn.release is not None and turn.release not in first:
                first[turn.release] = finished_turns.first_model(session, turn.release)
            if is_other(asked, answered, first=first.get(turn.release or "")):
                yield turn.agent, AlertKind.MODEL_CHANGED, answered, {"asked": asked, "ticket": turn.ticket_id}


def _open(session: Session, found: Sequence[Cause]) -> None:
    for agent, kind, subject, detail in found:
        if owner_alerts.open_(session, agent, kind, subject, detail):
            say_opened(session, agent, kind, subject)


def _close_answered(session: Session, turns: Sequence[FinishedTurn], found: Sequence[Cause]) -> None:
    """Close the alerts of other models of agents that only the right ones have answered since."""
    wrong = {agent for agent, kind, *_ in found if kind is AlertKind.MODEL_CHANGED}
    for agent in sorted({turn.agent for turn in turns if turn.models} - wrong):
        for one in owner_alerts.open_ones(session, agent, AlertKind.MODEL_CHANGED):
            _close(session, agent, one.kind, one.subject)


def close_unseen(ctx: WorkerContext, kind: AlertKind) -> None:
    """Close the alerts of a kind whose cause was not seen for `UNSEEN`."""
    since = now() - UNSEEN
    with ctx.database.look() as session:
        if not owner_alerts.unseen_since(session, kind, since):
            return
    with ctx.database.write() as session:
        for one in owner_alerts.unseen_since(session, kind, since):
            _close(session, one.agent, one.kind, one.subject)


def _stale_verdict(ctx: WorkerContext, agent: Agent) -> dict[str, Mapping[str, Any]]:
    """Return the release that serves, if its verdict is too old or it has had time for one and has none."""
    release = str(release_of(ctx.settings, agent))
    with ctx.database.look() as session:
        row = releases.get(session, release)
        said = verdicts.standing(session, release, agent.suite)
        unserved = notices.told_at(session, ReleasePair(release, agent.suite))
    if row is None:
        return {}
    if said.at is None:
        late = now() - (unserved or row.created_at) > TIME_TO_EVALUATE
        return {release: {"release": release, "days": None}} if late else {}
    days = (now() - said.at).days
    return {release: {"release": release, "days": days}} if days >= agent.card.evals.stale_after_days else {}


def _no_traffic(ctx: WorkerContext, agent: Agent) -> dict[str, Mapping[str, Any]]:
    """Return the silence of an agent that was asked in these hours of each of the four weeks before.

    Once found, it lasts until somebody asks, even when the weeks before are silent, too.
    """
    at, name = now(), agent.card.name
    with ctx.database.look() as session:
        found = traffic.silence(session, name, at=at)
        known = owner_alerts.open_ones(session, name, AlertKind.NO_TRAFFIC)
    if found is None:
        return {}
    if known and found.last < known[0].found_at:
        return {known[0].subject: known[0].detail}
    if min(found.before) == 0 or sum(found.before) < LEAST_TRAFFIC:
        return {}
    hours = (at - found.since).total_seconds() / 3600
    return {"requests": {"hours": hours, "usual": sum(found.before) / len(found.before)}}


def settle(ctx: WorkerContext, agent: str, kind: AlertKind, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Open what is found and not open yet, and close what is open and no longer found."""
    with ctx.database.look() as session:
        if {one.subject for one in owner_alerts.open_ones(session, agent, kind)} == set(found):
            return
    with ctx.database.write() as session:
        new, gone = owner_alerts.settle(session, agent, kind, found)
        for subject in new:
            say_opened(session, agent, kind, subject)
        for subject in gone:
            say_closed(session, agent, kind, subject)


def _close(session: Session, agent: str, kind: AlertKind, subject: str) -> None:
    if owner_alerts.close(session, agent, kind, subject):
        say_closed(session, agent, kind, subject)


def is_other(asked: str, answered: str, *, first: str | None) -> bool:
    """Return whether a response names another model than the one that was asked for.

    Args:
        asked: the model's id in the request.
        answered: the one in the response.
        first: the one in the first response of the release, which says what a name without a date meant then.
    """
    return answered != asked and (DATED.sub("", answered) != asked or (first or answered) not in {asked, answered})


def say_opened(session: Session, agent: str, kind: AlertKind, subject: str) -> None:
    """Record and log that an alert is open."""
    audit.append(session, "alert.opened", actor="clock", agent=agent, kind=kind, about=subject)
    log.warning("alert.opened", agent=agent, kind=kind, subject=subject)


def say_closed(session: Session, agent: str, kind: AlertKind, subject: str) -> None:
    """Record and log that an alert is over."""
    audit.append(session, "alert.closed", actor="clock", agent=agent, kind=kind, about=subject)
    log.info("alert.closed", agent=agent, kind=kind, subject=subject)
