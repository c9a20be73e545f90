"""Agents as `deskhand agents` shows them: on a terminal, and as plain values for programs."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from bot.agent import standing
from bot.agent.card import Agent
from bot.agent.standing import Standing
from bot.principals import AgentStatus
from bot.store.db import Session
from bot.store.installation import agents as principals
from bot.store.schema import AgentRow, Suspension

COLUMNS = 100


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent as `deskhand agents` shows it."""

    name: str
    standing: Standing
    agent: Agent | None
    "None: it is retired, and its folder is gone."
    row: AgentRow | None
    "None: no process has read its card yet."
    review_by: date | None

    @property
    def is_overdue(self) -> bool:
        """Return whether its review is over."""
        return self.review_by is not None and self.review_by < datetime.now(UTC).date()


def views(session: Session, agents: Mapping[str, Agent]) -> list[AgentView]:
    """Return these agents, and those that are retired and whose folders are gone."""
    rows, standings = principals.ids(session), standing.read_all(session, agents)
    views = [
        AgentView(
            name,
            standings[name],
            agent,
            rows.get(name),
            principals.review_by(session, name, agent.card.review_by),
        )
        for name, agent in agents.items()
    ]
    gone = [row for name, row in rows.items() if name not in agents and row.retired_at is not None]
    return views + [AgentView(row.name, Standing(AgentStatus.RETIRED), None, row, None) for row in gone]


def as_json(view: AgentView) -> dict[str, Any]:
    """Return one agent as plain values."""
    card, row = None if view.agent is None else view.agent.card, view.row
    return {
        "name": view.name,
        "status": view.standing.status,
        "since": _iso(view.standing.since),
        "by": view.standing.by,
        "cause": view.standing.cause,
        "purpose": None if card is None else card.purpose,
        "owners": [] if card is None else list(card.owners),
        "sponsor": None if card is None else card.sponsor,
        "review_by": None if view.review_by is None else view.review_by.isoformat(),
        "review_overdue": view.is_overdue,
        "reviewed_at": None if row is None else _iso(row.reviewed_at),
        "first_seen_at": None if row is None else _iso(row.first_seen_at),
        "retired_at": None if row is None else _iso(row.retired_at),
    }


def suspension_json(one: Suspension) -> dict[str, Any]:
    """Return one suspension as plain values."""
    return {
        "suspension": one.id,
        "at": _iso(one.at),
        "by": one.by,
        "cause": one.cause,
        "over_at": _iso(one.over_at),
        "over_by": one.over_by,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def table(views: Sequence[AgentView]) -> str:
    """Return a line for each agent, and below it why it does not work."""
    width = max(len(one.name) for one in views)
    lines = [f"{'AGENT':<{width}}  {'STATUS':<9}  {'REVIEW BY':<12}  OWNERS"]
    for one in views:
        owners = "" if one.agent is None else ", ".join(one.agent.card.owners)
        review = "-" if one.review_by is None else f"{one.review_by}{' !' if one.is_overdue else ''}"
        lines.append(f"{one.name:<{width}}  {one.standing.status:<9}  {review:<12}  {owners}".rstrip())
        if one.standing.since is not None:
            lines += textwrap.wrap(one.standing.words, COLUMNS, initial_indent="  ", subsequent_indent="  ")
    overdue = [one.name for one in views if one.is_overdue]
    return "\n".join([*lines, *([f"\n!  the review is over: {', '.join(overdue)}"] if overdue else [])])


def page(view: AgentView, more: Mapping[str, Any], past: Sequence[Suspension]) -> str:
    """Return one agent in full."""
    card = view.agent.card if view.agent is not None else None
    shown: dict[str, str] = {
        "Agent": view.name,
        "Purpose": "" if card is None else card.purpose,
        "Status": view.standing.words,
        "Owners": "" if card is None else ", ".join(card.owners),
        "Sponsor": "" if card is None else card.sponsor,
        "Review by": f"{view.review_by}{', which is over' if view.is_overdue else ''}",
        "Release": more["release"],
        "Channels": ", ".join([*more["channels"], *(["direct messages"] if more["direct_messages"] else [])]),
        "Tools": ", ".join(more["tools"]),
        "Responders": ", ".join(more["responders"]),
        "Inherits": ", ".join(more["inherits"]),
        "Turns": f"{more['turns_not_done']} under way",
        "Suspended": "never" if not past else _span(past[0]),
    }
    rows = [(name, text) for name, text in shown.items() if text]
    rows += [("", _span(one)) for one in past[1:]]
    return "\n".join(
        line
        for name, text in rows
        for line in textwrap.wrap(text, COLUMNS, initial_indent=f"{name:<11}", subsequent_indent=" " * 11)
    )


def _span(one: Suspension) -> str:
    end = "" if one.over_at is None else f" to {one.over_at:%Y-%m-%d %H:%M}"
    over = "" if one.over_at is None else f" (resumed by {one.over_by})"
    return f"{one.at:%Y-%m-%d %H:%M}{end} UTC{over}, by {one.by}: {one.cause}"
