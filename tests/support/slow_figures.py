"""The figures of the dashboard as anybody would work them out: every row is read, and looped over in Python."""

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import Any

from bot.store.db import Database
from bot.store.figures.dashboard import DashboardCohort
from bot.store.schema import Feedback, Handoff, HandoffMove, LedgerRow, Step, Ticket, Turn
from tests.support.factories import rows


def two_digits(milliseconds: int) -> int:
    """Round half up to two significant digits."""
    if milliseconds < 100:
        return max(0, milliseconds)
    unit: int = 10 ** (floor(log10(milliseconds)) - 1)
    return floor(milliseconds / unit + 0.5) * unit


def whole(at: datetime) -> int:
    """Return the milliseconds since 1970 of a time."""
    return round(at.timestamp() * 1000)


def rank(values: Iterable[int], share: float) -> int | None:
    """Return the smallest value with that share of all values up to it."""
    ordered = sorted(values)
    return ordered[max(1, ceil(round(share * len(ordered), 6))) - 1] if ordered else None


class SlowFigures:
    """Every row of a database, and the figures of a cohort by loops over them."""

    def __init__(self, database: Database, cohort: DashboardCohort) -> None:
        """Read every row."""
        self.cohort = cohort
        self.agents = {ticket.id: ticket.agent for ticket in rows(database, Ticket)}
        self.tickets, self.turns, self.steps = rows(database, Ticket), rows(database, Turn), rows(database, Step)
        self.calls, self.thumbs = rows(database, LedgerRow), rows(database, Feedback)
        self.handed, self.moves = rows(database, Handoff), rows(database, HandoffMove)
        self.ticket_of = {turn.id: turn.ticket_id for turn in self.turns}

    def of(self, cohort: DashboardCohort) -> "SlowFigures":
        """Return the figures of another cohort, of the rows that were read."""
        other = copy(self)
        other.cohort = cohort
        return other

    def counts(self, at: datetime | None, agent: str, since: datetime, until: datetime) -> bool:
        """Return whether something at a time, of an agent, is in the cohort and in `[since, until)`."""
        if at is None or (self.cohort.named is not None and agent not in self.cohort.named):
            return False
        return max(since, self.cohort.since) <= at < min(until, self.cohort.until)

    def ended(self, since: datetime, until: datetime) -> list[Turn]:
        """Return the turns that ended."""
        return [one for one in self.turns if self.counts(one.finished_at, self.agents[one.ticket_id], since, until)]

    def volume(self, since: datetime, until: datetime) -> dict[str, Any]:
        """Return the fields of a `Volume`."""
        turns = self.ended(since, until)
        outcomes = Counter(turn.outcome for turn in turns)
        latencies = [
            two_digits(whole(turn.finished_at) - whole(turn.created_at))
            for turn in turns
            if turn.finished_at is not None and turn.outcome not in {"withdrawn", "linked"}
        ]
        calls = [call for call in self.calls if self.counts(call.at, call.agent, since, until)]
        of_turns = [call for call in calls if call.purpose == "turn"]
        played = [call for call in calls if call.purpose == "eval"]
        thumbs = [
            one for one in self.thumbs if self.counts(one.at, self.agents[self.ticket_of[one.turn_id]], since, until)
        ]
        return {
            "requests": len(turns),
            "replies": outcomes["reply"],  # type: ignore[index]  # a member is its text
            "handoffs": outcomes["handoff"],  # type: ignore[index]
            "refused": outcomes["refused"],  # type: ignore[index]
            "withdrawn": outcomes["withdrawn"],  # type: ignore[index]
            "linked": outcomes["linked"],  # type: ignore[index]
            "tickets_opened": sum(self.counts(one.created_at, one.agent, since, until) for one in self.tickets),
            "latency_p50_ms": rank(latencies, 0.5),
            "latency_p95_ms": rank(latencies, 0.95),
            "calls": len(of_turns),
            "input_tokens": sum(call.input_tokens for call in of_turns),
            "cache_read_tokens": sum(call.cache_read_tokens for call in of_turns),
            "cache_write_tokens": sum(call.cache_write_5m_tokens + call.cache_write_1h_tokens for call in of_turns),
            "output_tokens": sum(call.output_tokens for call in of_turns),
            "cost_nusd": sum(call.cost_nusd for call in of_turns),
            "evaluation_calls": len(played),
            "evaluation_cost_nusd": sum(call.cost_nusd for call in played),
            "thumbs_up": sum(one.good for one in thumbs),
            "thumbs_down": sum(not one.good for one in thumbs),
        }

    def total(self) -> dict[str, Any]:
        """Return the volume of all days."""
        return self.volume(self.cohort.since, self.cohort.until)

    def days(self) -> list[dict[str, Any]]:
        """Return the volume of each day, in order."""
        found, day = [], self.cohort.since
        while day < self.cohort.until:
            found.append(self.volume(day, day + timedelta(days=1)))
            day += timedelta(days=1)
        return found

    def tools(self) -> Counter[tuple[str, str]]:
        """Return the number of tool calls by tool and status."""
        done = {turn.id for turn in self.ended(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))}
        calls = [step for step in self.steps if step.turn_id in done and step.kind == "tool"]
        return Counter((step.name, "unseen" if step.status == "started" else str(step.status)) for step in calls)

    def outputs(self) -> Counter[tuple[str, str, str | None]]:
        """Return the number of turns by agent, outcome and category."""
        turns = self.ended(self.cohort.since, self.cohort.until)
        return Counter((self.agents[turn.ticket_id], str(turn.outcome), turn.category) for turn in turns)

    def handoffs(self, reason: str | None = None) -> tuple[int, *tuple[tuple[int, float | None, float | None], ...]]:
        """Return the number of handoffs, and of each time how often it is known, its median and its 90th percentile."""
        opened = [
            one
            for one in self.handed
            if self.counts(one.opened_at, self.agents[one.ticket_id], self.cohort.since, self.cohort.until)
            and reason in (None, one.reason)
        ]
        times: list[list[int]] = [[], [], []]
        for one in opened:
            claims = [move.at for move in self.moves if move.handoff_id == one.id and move.move == "claimed"]
            ends: Sequence[datetime | None] = (
                min(claims, default=None),
                one.first_response_at,
                one.closed_at if one.state == "resolved" else None,
            )
            for kept, end in zip(times, ends, strict=True):
                kept.extend([] if end is None else [two_digits(whole(end) - whole(one.waiting_since))])
        return len(opened), *((len(kept), _seconds(rank(kept, 0.5)), _seconds(rank(kept, 0.9))) for kept in times)

    def reasons(self) -> Counter[str]:
        """Return the number of handoffs by reason."""
        opened = [
            one
            for one in self.handed
            if self.counts(one.opened_at, self.agents[one.ticket_id], self.cohort.since, self.cohort.until)
        ]
        return Counter(one.reason for one in opened)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
