"""Whatever a ledger holds, each figure that a reader is shown can be worked out from those beside it, to its rounding.

Read as a person reads it: from the texts alone, in Slack, on the terminal and in the digest.
"""

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.budget.caps import Budgets
from bot.budget.reports import periods
from bot.budget.reports.forecast import UsualWindow
from bot.cost_dimensions import Window
from bot.slack import mrkdwn
from bot.slack.money import cost_report, cost_table, cost_words, digest
from bot.slack.money.cost_report import Reader
from bot.slack.money.digest_figures import Digest, Side
from bot.store.handoffs.handoff_metrics import Figures
from bot.store.money.digests import Decisions
from bot.store.money.spending import CostLine, Summary
from tests.support.block_checks import tried
from tests.support.statements import HELP_USE, TODAYS_STATEMENT

READER = Reader("U0MAYA", "C0HELP", {})
MONEY = r"\$[\d,]+\.\d+"


@dataclass(frozen=True)
class Call:
    """A model call of a ticket, or of an evaluation."""

    nusd: int
    user: str
    tool: str | None
    ticket: int | None
    turn: int
    prompt: int
    read: int
    output: int


calls = st.builds(
    Call,
    nusd=st.one_of(st.integers(0, 10**6), st.integers(0, 10**8), st.integers(0, 10**13)),
    user=st.sampled_from([f"U0P{number}" for number in range(9)]),
    tool=st.sampled_from([None, "look_up_my_account", "unlock_my_account", "hand_off"]),
    ticket=st.one_of(st.none(), st.integers(1, 5)),
    turn=st.integers(1, 3),
    prompt=st.integers(1, 50_000),
    read=st.integers(0, 1),
    output=st.integers(0, 700),
)
ledgers = st.lists(calls, min_size=1, max_size=30)
NINE = [Call(10**7 + 12_345 * n, f"U0P{n}", None, n, 1, 900, 1, 10) for n in range(1, 9)]
NINE += [Call(10**6, "U0EVAL", None, None, 1, 900, 0, 10)]
"More people than are named, and an evaluation."


def line(key: str | None, of: list[Call]) -> CostLine:
    """Return the sums of some calls."""
    turns = [call for call in of if call.ticket is not None]
    return CostLine(
        key=key,
        calls=len(of),
        tokens=sum(call.prompt + call.output for call in of),
        cost_nusd=sum(call.nusd for call in of),
        prompt_tokens=sum(call.prompt for call in turns),
        cache_read_tokens=sum(call.prompt * call.read for call in turns),
        output_tokens=sum(call.output for call in turns),
        evaluations_nusd=sum(call.nusd for call in of if call.ticket is None),
    )


def lines(ledger: list[Call], by: str) -> tuple[CostLine, ...]:
    """Return what each person or tool spent, the largest amount first."""
    turns = [call for call in ledger if call.ticket is not None]
    found = [line(key, [call for call in turns if getattr(call, by) == key]) for key in {getattr(c, by) for c in turns}]
    return tuple(sorted(found, key=lambda one: (-one.cost_nusd, str(one.key))))


def summed(ledger: list[Call]) -> Summary:
    """Return the figures of a ledger; tickets of an even number are resolved, those from four on handed over."""
    whole = line(None, ledger)
    turns = [call for call in ledger if call.ticket is not None]
    ends: dict[str, Any] = {}
    for name, of in (
        ("tickets", turns),
        ("resolved", [call for call in turns if not (call.ticket or 0) % 2]),
        ("handed_off", [call for call in turns if (call.ticket or 0) >= 4]),
    ):
        ends |= {name: len({call.ticket for call in of}), f"{name}_nusd": sum(call.nusd for call in of)}
    return Summary(
        calls=whole.calls,
        cost_nusd=whole.cost_nusd,
        charged_nusd=0,
        held_nusd=0,
        prompt_tokens=whole.prompt_tokens,
        cache_read_tokens=whole.cache_read_tokens,
        output_tokens=whole.output_tokens,
        interactions=len({(call.ticket, call.turn) for call in turns}),
        evaluations_nusd=whole.evaluations_nusd,
        **ends,
    )


def number(text: str) -> Decimal:
    """Return the number that a text shows."""
    return Decimal(re.sub(r"[$,%]", "", text).strip())


def half(text: str) -> Decimal:
    """Return how far what is shown may be from what is meant: half of its last digit."""
    return Decimal(5).scaleb(-len(text.partition(".")[2]) - 1)


def adds_up(whole: str, parts: list[str]) -> None:
    """Hold that parts make a whole, as far as each is rounded, in as many digits."""
    assert len({len(part.partition(".")[2]) for part in parts}) <= 1, parts
    off = abs(number(whole) - sum(map(number, parts)))
    assert off <= half(whole) + sum(map(half, parts)), (whole, parts)


def divides(mean: str, whole: str, count: str) -> None:
    """Hold that a mean is what it says to be of."""
    off = abs(number(mean) - number(whole) / number(count))
    assert off <= half(mean) + half(whole) / number(count) + Decimal("1e-9"), (mean, whole, count)


def is_share(share: str, part: str, whole: str) -> None:
    """Hold that a share is one of what stands beside it, rounded down; of something never nothing."""
    least = 100 * (number(part) - half(part)) / (number(whole) + half(whole)) - 1
    most = 100 * (number(part) + half(part)) / (number(whole) - half(whole))
    assert (share == "under 1 %" and 0 < most < 2) or least <= number(share) <= most, (share, part, whole)
    assert share != "0 %" or not number(part)


def figures(facts: dict[str, str]) -> None:
    """Hold that each figure follows from what is in brackets behind it."""
    for name in (cost_words.PER_TICKET, cost_words.PER_RESOLVED, cost_words.PER_HANDOFF):
        if name in facts:
            mean, whole, count = re.fullmatch(rf"({MONEY}) \(({MONEY}) for ([\d,]+)\)", facts[name]).groups()  # type: ignore[union-attr]
            divides(mean, whole, count)
    if cost_words.TOKENS in facts:
        mean, whole, count = re.fullmatch(r"([\d,]+) \(([\d,]+) in ([\d,]+)\)", facts[cost_words.TOKENS]).groups()  # type: ignore[union-attr]
        assert abs(number(mean) - number(whole) / number(count)) <= Decimal("0.5")
    for name in (cost_words.CACHE, "Handed to people"):
        if name in facts:
            share, part, whole = re.fullmatch(r"(.*%) \(([\d,]+) of ([\d,]+)\)", facts[name]).groups()  # type: ignore[union-attr]
            exact = 100 * number(part) / number(whole)
            assert number(share) == int(exact) if share != "under 1 %" else 0 < exact < 1


def parts(text: str) -> list[str]:
    """Return what a total is said to be made of."""
    [said] = re.findall(rf"^((?:{MONEY} for [a-z ]+(?:, |\.$))+)", text, re.MULTILINE) or [""]
    return re.findall(MONEY, said)


@tried
@example(NINE, "user", "day", 10**9)
@given(ledgers, st.sampled_from(["user", "tool"]), st.sampled_from(get_args(Window)), st.integers(1, 10**13))
def test_agent_cost_and_its_terminal(ledger: list[Call], by: Any, window: Window, limit: int) -> None:
    """Total, parts, rows, means, shares, comparison and budgets."""
    summary, usual = summed(ledger), UsualWindow(2, limit, 0)
    evaluations = [call for call in ledger if call.ticket is None]
    rows = (*lines(ledger, by), *([line("eval", evaluations)] if evaluations else []))
    account = replace(HELP_USE, cap=replace(HELP_USE.cap, limit_nusd=limit), spent_nusd=summary.cost_nusd)
    question = replace(TODAYS_STATEMENT.question, by=by, window=window, seen=None)
    found = replace(
        TODAYS_STATEMENT, question=question, summary=summary, lines=rows, usual=usual, spenders=(), accounts=(account,)
    )
    body = cost_report.report(found, READER)
    heading, facts, budgets, *_ = body["blocks"]
    text = heading["text"]["text"]
    [total] = re.findall(rf"\*Spent .*: ({MONEY})\*", text)
    assert parts(text) or not evaluations or not summary.cost_nusd or summary.tickets_nusd == summary.cost_nusd
    if parts(text):
        adds_up(total, parts(text))
    for blocks in (body["blocks"], cost_report.fallback(found, READER)["blocks"]):
        [table] = [one for one in blocks if one["type"] in ("data_table", "table")]
        adds_up(total, [row[1]["text"] for row in table["rows"][1:]])
    bars = [one["chart"]["series"][0]["data"] for one in body["blocks"] if one["type"] == "data_visualization"]
    assert sum(point["value"] for points in bars for point in points) * 10**9 == _near(summary.tickets_nusd)
    figures({one["text"].split("\n")[0].strip("*"): one["text"].split("\n")[1] for one in facts["fields"]})
    spent, of, share = re.findall(rf": ({MONEY}) of ({MONEY}) \((.*?)\)", budgets["text"]["text"])[0]
    is_share(share, spent, of)
    change, mean = re.findall(rf"([+-][\d,]+) % against .* \(({MONEY}) on average\)", text)[0]
    for now, before in ((1, -1), (-1, 1)):
        edge = (number(total) + now * half(total)) / max(number(mean) + before * half(mean), Decimal("1e-9"))
        assert (100 * (edge - 1) - number(change)) * now >= -1
    on_terminal(cost_table.as_text(found), total, len(rows))


def on_terminal(text: str, total: str, count: int) -> None:
    """Hold the same of the terminal's tables."""
    head, *_ = text.splitlines()
    assert head.endswith(f": {total}.")
    told = text.splitlines()
    at = next(number for number, one in enumerate(told) if re.search(r" spent +share ", one))
    rows = told[at + 1 : at + 1 + count]
    adds_up(total, [re.findall(MONEY, row)[0] for row in rows])
    for row in rows if number(total) else []:
        [share] = re.findall(r"(under 1 %|\d+ %)", row)
        is_share(share, re.findall(MONEY, row)[0], total)
    facts = [re.split(r" {2,}", one) for one in told[:at] if "  " in one]
    figures({name: fact for name, fact in facts if name in cost_words.NAMES})


@tried
@example(NINE, NINE[2:], 3)
@given(ledgers, ledgers, st.integers(0, 5))
def test_the_digest(ledger: list[Call], earlier: list[Call], handoffs: int) -> None:
    """Total, parts, people, tools, means and changes against the week before."""
    sides = [Side(summed(one), Figures(None, None, outcomes=9, handoffs=handoffs), 0) for one in (ledger, earlier)]
    people = [call for call in ledger if call.ticket is not None]
    week = periods.read(Budgets(time_zone="UTC"), "2026-W47")
    found = Digest(
        period=week,
        zone="UTC",
        over=True,
        now=sides[0],
        before=sides[1],
        points=(("Mon 16", sum(call.nusd for call in people)),),
        users=lines(ledger, "user"),
        tools=lines(ledger, "tool"),
        caps=(),
        decisions=Decisions(0, 0, 0, 0, 0, 0),
        alerts=(),
    )
    for text in (digest.message(found)["text"].replace("*", ""), digest.as_text(found, {})):
        [total] = re.findall(rf"^Spent in .*?: ({MONEY})", text, re.MULTILINE)
        shares = parts(text)
        if shares:
            adds_up(total, shares)
        tickets = re.findall(rf"({MONEY}) for tickets", text) or ([total] if people and not shares else [])
        for title in ("By person", "By tool"):
            for named in re.findall(rf"^{title}: (.*)\.$", text, re.MULTILINE):
                each = re.findall(rf"({MONEY}) \((?:1 call|[\d,]+ calls)\)", named)
                assert len(each) == len(named.split("; "))
                if tickets:
                    adds_up(tickets[0], each)
    [table] = [one for one in digest.message(found)["blocks"] if one["type"] == "data_table"]
    rows = [[cell["text"] for cell in row] for row in table["rows"][1:]]
    for column in (1, 2):
        figures({row[0]: row[column] for row in rows if row[column] != "-"})
    for name, now, before, change in rows:
        changed(name, now.split(" (")[0], before.split(" (")[0], change)


def changed(name: str, now: str, before: str, change: str) -> None:
    """Hold that a change is that of the two figures before it."""
    if change == "-":
        return
    if change.endswith("points"):
        of = [0 if one == "under 1 %" else number(one) for one in (now, before)]
        assert of[0] - of[1] == number(change.removesuffix(" points")), (name, now, before, change)
        return
    step = [half(one) if "." in one else Decimal("0.5") * (name == cost_words.TOKENS) for one in (now, before)]
    low = 100 * ((number(now) - step[0]) / (number(before) + step[1]) - 1) - Decimal("0.6")
    least = number(before) - step[1]
    high = 100 * ((number(now) + step[0]) / least - 1) + Decimal("0.6") if least > 0 else Decimal("Infinity")
    assert low <= number(change) <= high, (name, now, before, change)


def test_one_name_for_one_thing() -> None:
    """Each figure is called alike in `/agent-cost`, in the digest, on the terminal and in the glossary."""
    ledger = [Call(10**9, "U0MAYA", None, ticket, 1, 900, 1, 10) for ticket in (2, 4)]
    summary = summed(ledger)
    found = replace(TODAYS_STATEMENT, summary=summary, lines=lines(ledger, "tool"))
    side = Side(summary, Figures(None, None, outcomes=2, handoffs=1), 0)
    week = periods.read(Budgets(time_zone="UTC"), "2026-W47")
    decided = Decisions(0, 0, 0, 0, 0, 0)
    whole = Digest(week, "UTC", True, side, side, (), lines(ledger, "user"), lines(ledger, "tool"), (), decided, ())
    glossary = Path("docs/glossary.md").read_text("utf-8")
    shown = json.dumps(cost_report.report(found, READER)["blocks"])
    for name in cost_words.NAMES:
        assert f"**{name.lower().rstrip('s')}**" in glossary, name
        assert name in shown, name
        assert name in digest.message(whole)["text"], name
        assert name in digest.as_text(whole, {}), name
        assert name in cost_table.as_text(found) or name == cost_words.CALLS, name
    for key in (None, "eval"):
        told = cost_words.name("tool", key)
        assert told in digest._in_slack("tool", key, 1) == digest._on_terminal({}, "tool", key, 1)


def test_places_are_those_of_the_column() -> None:
    """Two digits of the smallest count, and no zeros behind that all of them have."""
    assert mrkdwn.places([]) == mrkdwn.places([0]) == mrkdwn.places([5 * 10**9, 10**7]) == 2
    assert [mrkdwn.dollars(nusd, mrkdwn.places((10**9, 4_321_000))) for nusd in (10**9, 4_321_000)] == [
        "$1.0000",
        "$0.0043",
    ]
    assert [mrkdwn.percent(part, 1_000) for part in (0, 1, 10, 999, 1_000, 12_340)] == [
        *("0 %", "under 1 %", "1 %", "99 %", "100 %", "1,234 %")
    ]


def _near(nusd: int) -> Any:
    """Return a sum that floats of as many dollars are near."""
    return pytest.approx(nusd, rel=1e-9, abs=1)
