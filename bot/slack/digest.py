"""What owners are sent of a week or a month: what it cost, beside the one before, and what was done about it. Pure.

Invariant: a figure that is not known is left out (`-` in a table, null in JSON), never guessed. The text of the
message says all that matters by itself: it is what a Slack that refuses charts shows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.budget.caps import EVALUATIONS, Scope
from bot.budget.periods import Period
from bot.principals import CHANNEL_ID
from bot.slack import alerts, charts, mrkdwn
from bot.slack.charts import Table
from bot.slack.mrkdwn import Block, Body, dollars
from bot.store.digests import Decisions, Key
from bot.store.measures import Figures
from bot.store.spending import By, Line, Summary

_NANO = 1_000_000_000
_TOP = 5
_CHANNEL = re.compile(CHANNEL_ID)
_WIDTHS = (24, 14, 14, 9)


@dataclass(frozen=True, slots=True)
class Side:
    """The figures of one period."""

    spent: Summary
    handoffs: Figures
    charged: int
    "Calls charged at their worst case, since nobody knows how they ended."


@dataclass(frozen=True, slots=True)
class CapUse:
    """How near one account came to its cap in one of its windows."""

    scope: Scope
    holder: str
    window: str
    "`2026-11-22`, `2026-W47`, `2026-11`"
    spent_nusd: int
    limit_nusd: int
    "In force: what was raised is in it."


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest says."""

    period: Period
    zone: str
    over: bool
    now: Side
    before: Side | None
    "Of the period before; None: no model was called in it."
    points: tuple[tuple[str, int], ...]
    "Day or week, nano-USD."
    users: tuple[Line, ...]
    tools: tuple[Line, ...]
    "Both all of them, evaluations aside."
    caps: tuple[CapUse, ...]
    "The nearest to their caps first, each channel, user, team and agent once."
    decisions: Decisions
    alerts: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class _Figure:
    """One row of the table: how it is said, and the numbers behind it."""

    name: str
    now: float | None
    before: float | None
    say: Callable[[float], str]

    @property
    def change(self) -> str:
        """Say how much more it is than it was; of a share, by how many points."""
        if self.now is None or self.before is None:
            return "-"
        if self.say is _share:
            return f"{round(100 * self.now) - round(100 * self.before):+} points"
        if not self.before:
            return "-"
        return f"{round(100 * (self.now - self.before) / self.before):+} %"


def message(digest: Digest) -> Body:
    """Return the message to an owner: words, a chart, and a table that sorts."""
    bars = {"US dollars": [nusd / _NANO for _, nusd in digest.points]}
    chart = charts.chart("Spend", [label for label, _ in digest.points], bars, y_label="US dollars")
    return _body(digest, [chart, charts.native(_table(digest))])


def fallback(digest: Digest) -> Body:
    """Return the same message for a Slack that answered `invalid_blocks` to charts and data tables."""
    return _body(digest, [charts.classic(_table(digest))])


def as_text(digest: Digest) -> str:
    """Return a digest for a terminal."""
    heading, *lines = _words(digest, _on_terminal)
    return "\n".join([heading, "", *map(_row, [_header(digest), *_rows(digest)]), "", *lines]).replace("*", "")


def as_json(digest: Digest) -> dict[str, Any]:
    """Return a digest as plain values: nano-USD, shares from 0 to 1, null where nothing is known."""
    return {
        "period": digest.period.name,
        "since": digest.period.since.isoformat(),
        "until": digest.period.until.isoformat(),
        "over": digest.over,
        "now": _plain(digest.now),
        "before": None if digest.before is None else _plain(digest.before),
        "by_time": [{"name": name, "cost_nusd": nusd} for name, nusd in digest.points],
        "users": [asdict(one) for one in digest.users],
        "tools": [asdict(one) for one in digest.tools],
        "caps": [asdict(one) for one in digest.caps],
        "budgets": asdict(digest.decisions),
        "alerts": [dict(zip(("agent", "per", "name", "day"), key, strict=True)) for key in digest.alerts],
    }


def receipt(sent: Sequence[str]) -> str:
    """Say on a terminal who is sent it."""
    if not sent:
        return "Nothing is sent: every owner was sent this before."
    return f"Sent to {', '.join(sent)}: the clock process says it in Slack within seconds."


def called(period: Period, zone: str) -> str:
    """Name a period as people do: `November 2026`, `the week from 16 to 22 November 2026`."""
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (period.since, period.until - timedelta(hours=1)))
    if period.kind == "month":
        return f"{first:%B %Y}"
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"the week from {begin} to {last.day} {last:%B %Y}"


def _body(digest: Digest, shown: Sequence[Block]) -> Body:
    heading, *lines = _words(digest, _in_slack)
    small = (
        "A week's is sent for the first quarter, then a month's. `deskhand digest` shows any; `/agent-cost` shows more."
    )
    said = mrkdwn.section(mrkdwn.clamp("\n".join(lines), mrkdwn.SECTION_CHARACTERS))
    figures = [f"{name}: {now}{f' ({change})' if before != '-' else ''}" for name, now, before, change in _rows(digest)]
    text = mrkdwn.clamp("\n".join([heading, *figures, *lines]), mrkdwn.NOTICE)
    return {"text": text, "blocks": [mrkdwn.section(heading), *shown, said, mrkdwn.context(small)]}


def _words(digest: Digest, name: Callable[[str, str | None], str]) -> Iterator[str]:
    """Give the heading and the lines, with channels and people named as the reader can read them."""
    summary, kind = digest.now.spent, digest.period.kind
    spent = next(_figures(digest))
    against = f", {spent.change} against the {kind} before" if digest.before else f"; nothing the {kind} before"
    so_far = "" if digest.over else " so far"
    evaluations = summary.cost_nusd - sum(one.cost_nusd for one in digest.users)
    of_it = f", {dollars(evaluations)} of it for evaluations" if evaluations else ""
    yield f"*Spent in {called(digest.period, digest.zone)}{so_far}: {dollars(summary.cost_nusd)}*{of_it}{against}."
    if digest.users:
        yield _top("By person", digest.users, lambda key: name("user", key))
        yield _top("By tool", digest.tools, lambda key: name("tool", key))
    if digest.caps:
        yield "*Nearest to their caps:* " + "; ".join(_cap(one, name) for one in digest.caps) + "."
    yield f"*Budgets:* {_decided(digest.decisions)}"
    if digest.alerts:
        shown = [
            f"{alerts.subject(per, who) if name is _in_slack else f'{per} {who}'} on {day}"
            for _, per, who, day in digest.alerts
        ]
        more = f", and {len(shown) - _TOP} more" if len(shown) > _TOP else ""
        yield f"*Alerts:* {len(shown)}: {', '.join(shown[:_TOP])}{more}."
    else:
        yield "*Alerts:* none: nothing was far from what is usual."
    if digest.now.charged:
        yield (
            f"*Charged at the worst case:* {_calls(digest.now.charged)} whose end nobody knows, "
            f"{dollars(digest.now.spent.charged_nusd)} of the above."
        )


def _top(title: str, lines: Sequence[Line], name: Callable[[str | None], str]) -> str:
    shown = [f"{name(one.key)} {dollars(one.cost_nusd)} ({_calls(one.calls)})" for one in lines[:_TOP]]
    more = f"; {len(lines) - _TOP} others" if len(lines) > _TOP else ""
    return f"*{title}:* {'; '.join(shown)}{more}."


def _cap(one: CapUse, name: Callable[[str, str | None], str]) -> str:
    share = f"{100 * one.spent_nusd // one.limit_nusd} %" if one.limit_nusd else "nothing may be spent"
    spent = f"{dollars(one.spent_nusd)} of {dollars(one.limit_nusd)}"
    return f"{name(one.scope, one.holder)} in {one.window}: {spent} ({share})"


def _decided(done: Decisions) -> str:
    if not any((done.notices, done.opened, done.raised, done.denied, done.ended)):
        return "no cap was reached."
    raised = f" (by {dollars(done.raised_nusd)})" if done.raised else ""
    return (
        f"soft caps passed {done.notices:,}; hard caps reached {done.opened:,}, "
        f"raised {done.raised:,}{raised}, denied {done.denied:,}, left until they reset {done.ended:,}."
    )


def _figures(digest: Digest) -> Iterator[_Figure]:
    now, before = digest.now, digest.before

    def figure(name: str, of: Callable[[Side], float | None], say: Callable[[float], str]) -> _Figure:
        return _Figure(name, of(now), None if before is None else of(before), say)

    yield figure("Spent", lambda side: side.spent.cost_nusd, _dollars)
    yield figure("Model calls", lambda side: side.spent.calls, _count)
    yield figure("Tickets", lambda side: side.spent.tickets, _count)
    yield figure("Cost per ticket", lambda side: side.spent.per_ticket, _dollars)
    yield figure("Cost per resolved ticket", lambda side: side.spent.per_resolved, _dollars)
    yield figure("Cost per handoff", lambda side: side.spent.per_handoff, _dollars)
    yield figure("Handed to people", lambda side: side.handoffs.rate, _share)
    yield figure("Tokens per turn", lambda side: side.spent.tokens_per_interaction, _count)
    yield figure("Prompt read from cache", lambda side: side.spent.cache_hit_share, _share)


def _table(digest: Digest) -> Table:
    rows = tuple(_rows(digest))
    values = tuple((None, None, None, None) for _ in rows)
    return Table(f"Beside the {digest.period.kind} before", _header(digest), rows, values)


def _header(digest: Digest) -> tuple[str, str, str, str]:
    kind = digest.period.kind
    return "Figure", f"This {kind}", f"{kind.capitalize()} before", "Change"


def _rows(digest: Digest) -> Iterator[tuple[str, str, str, str]]:
    for one in _figures(digest):
        if one.now is not None:
            yield one.name, one.say(one.now), "-" if one.before is None else one.say(one.before), one.change


def _plain(side: Side) -> dict[str, Any]:
    return {
        "cost_nusd": side.spent.cost_nusd,
        "calls": side.spent.calls,
        "tickets": side.spent.tickets,
        "per_ticket_nusd": side.spent.per_ticket,
        "per_resolved_nusd": side.spent.per_resolved,
        "per_handoff_nusd": side.spent.per_handoff,
        "handoffs": side.handoffs.handoffs,
        "outcomes": side.handoffs.outcomes,
        "handoff_share": side.handoffs.rate,
        "tokens_per_turn": side.spent.tokens_per_interaction,
        "cache_hit_share": side.spent.cache_hit_share,
        "charged": side.charged,
        "charged_nusd": side.spent.charged_nusd,
    }


_NAMELESS: Mapping[str, str] = {"tool": "answering without a tool"}


def _in_slack(by: By | str, key: str | None) -> str:
    if key is None:
        return _NAMELESS.get(by, "nobody")
    match by:
        case "user":
            return mrkdwn.mention(key)
        case "channel" if _CHANNEL.fullmatch(key):
            return f"<#{key}>"
        case "channel" if key.startswith("D"):
            return "one direct conversation"
        case "channel" if key == EVALUATIONS:
            return "evaluations"
        case "team":
            return "this workspace"
        case "tool":
            return f"`{mrkdwn.line(key, 60).replace('`', '')}`"
        case _:
            return mrkdwn.line(key, 60)


def _on_terminal(by: By | str, key: str | None) -> str:
    return _NAMELESS.get(by, "nobody") if key is None else mrkdwn.plain(key)


def _row(cells: Sequence[str]) -> str:
    name, *figures = (f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return " ".join([f"{name.strip():<{_WIDTHS[0]}}", *figures])


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


def _dollars(nusd: float) -> str:
    return dollars(round(nusd))


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
