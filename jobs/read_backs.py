"""Reads the directory back, again and again, for writes that it did not show, and alerts the owners of their agents.

A turn reads the directory back right after its write. What the directory does not show then, or nobody has seen, is
read here on a ladder of its own, for a day. Invariant: an alert is of a row, so that a clock that dies tells it later;
it is opened once, at once for a write that the directory does not show, and closed when that is over.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from bot.agent import card, read_back
from bot.slack.reports import read_back_alert
from bot.store import audit
from bot.store.accounts import read_backs
from bot.store.accounts.read_backs import OpenReadBack
from bot.store.figures import owner_alerts
from bot.store.schema import AlertKind, DirectoryAgreement, WriteState, now
from bot.store.tickets import steps
from bot.tools.registry import REGISTRY, Args, Tool, WrittenCall
from jobs import watch
from jobs.process import WorkerContext

log = structlog.get_logger()

STALE = timedelta(minutes=15)
"Owners are told if it is unknown for this long whether the directory shows a write."


def look(ctx: WorkerContext) -> None:
    """Alert of what is known, and read the directory back for every write that is due."""
    _alert(ctx)
    with ctx.database.look() as session:
        due = read_backs.due(session, now())
    for one in due:
        _read_back(ctx, one)


def _read_back(ctx: WorkerContext, one: OpenReadBack) -> None:
    found = _found(ctx, one)
    with ctx.database.write() as session:
        left = read_backs.keep(session, one, found, at=now())
        if left is None:
            return
        if found is not one.agreement:
            audit.append(
                session,
                "agreement.changed",
                actor="clock",
                subject=one.subject,
                ticket_id=one.ticket_id,
                tool=one.tool,
                turn=one.turn_id,
                step=one.step,
                intent=one.request.get("intent"),
                before=one.agreement,
                agreement=found,
            )
        agent = card.answering(ctx.agents, one.agent)
        if agent is not None and one.agreement is DirectoryAgreement.DIVERGED and not left.open:
            detail = _detail(one) | {"shown": found is DirectoryAgreement.MATCHED}
            owner_alerts.note(session, agent.card.name, AlertKind.WRITE_DIVERGED, _key(one), detail)
    if found is not one.agreement:
        log.info("agreement.changed", turn=one.turn_id, step=one.step, tool=one.tool, agreement=found)


def _found(ctx: WorkerContext, one: OpenReadBack) -> DirectoryAgreement:
    """Read the directory back; what it once did not show stays so until it does."""
    tool, found = REGISTRY.get(one.tool), DirectoryAgreement.UNKNOWN
    arguments = None if tool is None else _arguments(tool, one.request)
    if tool is not None and tool.as_promised is not None and arguments is not None:
        written = WrittenCall(ctx.directory, one.account, _key(one), arguments, one.at)
        found = read_back.look(tool, written, made=one.state is WriteState.DONE)
    return one.agreement if found is DirectoryAgreement.UNKNOWN else found


def _arguments(tool: Tool, request: Mapping[str, Any]) -> Args | None:
    """Return the arguments of a call; None if they are erased, or the tool takes others by now."""
    try:
        return tool.parse(request.get("arguments") or {})
    except ValueError:
        return None


def _alert(ctx: WorkerContext) -> None:
    """Open the alerts that are due, and close those that are over."""
    with ctx.database.look() as session:
        left = read_backs.all_open(session)
        told = {(one.agent, one.kind) for one in owner_alerts.every_open(session) if one.kind in read_back_alert.KINDS}
    found: dict[tuple[str, AlertKind], dict[str, dict[str, Any]]] = defaultdict(dict)
    for one in left:
        agent = card.answering(ctx.agents, one.agent)
        if agent is None:
            continue
        if one.agreement is DirectoryAgreement.DIVERGED:
            found[agent.card.name, AlertKind.WRITE_DIVERGED][_key(one)] = _detail(one)
        elif now() - one.at >= STALE:
            first = {"ticket": one.ticket_id, "writes": 0}
            detail = found[agent.card.name, AlertKind.WRITES_UNKNOWN].setdefault(one.tool, first)
            detail["writes"] += 1
    for name, kind in sorted(found.keys() | told):
        watch.settle(ctx, name, kind, found.get((name, kind), {}))


def _detail(one: OpenReadBack) -> dict[str, Any]:
    return {"tool": one.tool, "ticket": one.ticket_id, "at": one.at.isoformat()}


def _key(one: OpenReadBack) -> str:
    return steps.write_key(one.turn_id, one.step)
