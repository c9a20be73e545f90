"""What owners read of a week or a month: `bot.slack.money.digest`."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from bot.budget.caps import Budgets
from bot.budget.reports import periods
from bot.slack.money import digest, digest_figures
from bot.slack.money.digest_figures import CapUse, Digest, Side
from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Figures
from bot.store.money.digests import Decisions
from bot.store.money.spending import CostLine, Summary
from bot.store.tickets.feedback import Thumbs, Unhelpful
from tests.support.block_checks import check, shown, texts, tried

CENT = 10**7
BERLIN = Budgets(time_zone="Europe/Berlin")
WEEK = periods.read(BERLIN, "2026-W47")


def side(cents: int, *, tickets: int, resolved: int, handed_off: int, charged: int = 0) -> Side:
    """Return figures in which every ticket costs the same, and all but a cent is for tickets."""
    each = (cents - 1) * CENT // tickets
    summary = Summary(
        calls=2 * tickets,
        cost_nusd=cents * CENT,
        charged_nusd=charged * CENT,
        held_nusd=0,
        prompt_tokens=900 * tickets,
        cache_read_tokens=600 * tickets,
        output_tokens=100 * tickets,
        interactions=tickets,
        tickets=tickets,
        tickets_nusd=each * tickets,
        resolved=resolved,
        resolved_nusd=each * resolved,
        handed_off=handed_off,
        handed_off_nusd=each * handed_off,
        evaluations_nusd=cents * CENT - each * tickets,
    )
    seen = Success(settled=Requests(solved=resolved, to_people=handed_off), unsettled=Requests(solved=1))
    return Side(summary, Figures(None, None, outcomes=tickets, handoffs=handed_off), charged, seen)


FULL = Digest(
    period=WEEK,
    zone="Europe/Berlin",
    over=True,
    now=side(301, tickets=60, resolved=40, handed_off=15, charged=3),
    before=side(201, tickets=50, resolved=40, handed_off=10),
    points=tuple((f"Mon {day}", day * CENT) for day in range(16, 23)),
    users=(CostLine("U0MAYA", 80, 1, 200 * CENT), CostLine("U0OTTO", 1, 1, 100 * CENT)),
    tools=(CostLine(None, 60, 1, 180 * CENT), CostLine("unlock_my_account", 60, 1, 120 * CENT)),
    caps=(
        CapUse("channel", "C0HELP", "2026-11-18", 450 * CENT, 500 * CENT),
        CapUse("channel", "eval", "2026-11-18", 1, 0),
    ),
    decisions=Decisions(2, 1, 1, 0, 0, 500 * CENT),
    alerts=(("access", "user", "U0MAYA", "2026-11-18"), ("access", "tool", "unlock_my_account", "2026-11-19")),
)
EMPTY = Decisions(0, 0, 0, 0, 0, 0)
NEAREST = (
    "*Nearest to their caps:* <#C0HELP> on Wednesday 18 November: $4.50 of $5.00 (90 %); "
    "evaluations on Wednesday 18 November: $0.000000001 of $0.00 (nothing may be spent)."
)
OURS = ("<@U0MAYA>", "<@U0OTTO>", "<#C0HELP>")


def test_a_digest_says_what_it_cost_beside_the_week_before() -> None:
    """The text of the message says all of it: a Slack that refuses charts shows that."""
    body = digest.message(FULL)
    check(body, ours=OURS)
    criterion, _others, unsettled, heading, *lines = body["text"].splitlines()
    assert criterion == (
        "*Solved without a person: 40 of 55* in the week from 16 to 22 November 2026 "
        "(72 %; with 95 % confidence 59 to 83 %)."
    )
    assert unsettled.startswith("Not settled yet, and not counted above: 1 request was")
    assert body["blocks"][0]["text"]["text"].splitlines()[0] == criterion
    assert heading == ("*Spent in the week from 16 to 22 November 2026: $3.01*, +50 % against the week before.")
    assert lines == [
        "Solved without a person: 72 % (40 of 55) (-8 points)",
        "Spent: $3.01 (+50 %)",
        "Model calls: 120 (+20 %)",
        "Tickets: 60 (+20 %)",
        "Cost per ticket: $0.05 ($3.00 for 60) (+25 %)",
        "Cost per resolved ticket: $0.05 ($2.00 for 40) (+25 %)",
        "Cost per handoff: $0.05 ($0.75 for 15) (+25 %)",
        "Handed to people: 25 % (15 of 60) (+5 points)",
        "Tokens per turn: 1,000 (60,000 in 60) (+0 %)",
        "Prompt read from cache: 66 % (36,000 of 54,000) (+0 points)",
        "$3.00 for tickets, $0.01 for evaluations.",
        "*By person:* <@U0MAYA> $2.00 (80 calls); <@U0OTTO> $1.00 (1 call).",
        "*By tool:* answering without a tool $1.80 (60 calls); `unlock_my_account` $1.20 (60 calls).",
        NEAREST,
        "*Budgets:* soft caps passed 2; hard caps reached 1, raised 1 (by $5.00), denied 0, left until they reset 0.",
        "*Alerts:* 2: requests of <@U0MAYA> on 2026-11-18, calls of `unlock_my_account` on 2026-11-19.",
        "*Charged at the worst case:* 3 calls without a known end, $0.03 of the above.",
        "*Helpful:* no answer was judged.",
    ]


def test_a_digest_tells_how_many_answers_helped_and_links_those_that_did_not() -> None:
    """In Slack with what their requesters say, whatever it shows of charts; on a terminal the share."""
    bad = Unhelpful(3, "my password has expired", "The link never came", "C0HELP", "1.1")
    judged = replace(FULL, thumbs=Thumbs(12, 13, (bad,)), links={3: "https://acme.slack.com/archives/C0HELP/p11"})
    line = "<https://acme.slack.com/archives/C0HELP/p11|Ticket 3>: asked “my password has expired”"
    for body in (digest.message(judged), digest.fallback(judged)):
        check(body, ours=(*OURS, "<https://acme.slack.com/archives/C0HELP/p11|Ticket 3>"))
        assert line in body["text"]
        assert line in body["blocks"][-2]["text"]["text"]
    ended = replace(judged, thumbs=Thumbs(12, 13, (replace(bad, said="The link never came."),)))
    assert "says “The link never came”.\n" in f"{digest.message(judged)['text']}\n"
    assert "says “The link never came.”\n" in f"{digest.message(ended)['text']}\n"
    assert digest.as_text(judged, {}).endswith("Helpful: 12 of 13 answers that their requesters judged.")
    assert digest_figures.as_json(judged)["helpful"] == {"helpful": 12, "judged": 13}


def test_a_digest_is_a_chart_and_a_table() -> None:
    """Seven bars, and the figures of both weeks side by side."""
    _criterion, heading, chart, table, lines, _, _ = digest.message(FULL)["blocks"]
    assert "$3.01" in heading["text"]["text"]
    [series] = chart["chart"]["series"]
    assert [point["value"] for point in series["data"]] == [pytest.approx(day / 100) for day in range(16, 23)]
    rows = [[cell["text"] for cell in row] for row in table["rows"]]
    assert rows[0] == ["Figure", "This week", "Week before", "Change"]
    assert rows[1] == ["Solved without a person", "72 % (40 of 55)", "80 % (40 of 50)", "-8 points"]
    assert rows[2] == ["Spent", "$3.01", "$2.01", "+50 %"]
    assert ["Handed to people", "25 % (15 of 60)", "20 % (10 of 50)", "+5 points"] in rows
    assert "*Budgets:*" in lines["text"]["text"]


def test_a_slack_that_refuses_charts_is_sent_a_classic_table() -> None:
    """The same words and figures, in blocks that every Slack shows."""
    native, plain = digest.message(FULL), digest.fallback(FULL)
    check(plain, ours=OURS)
    assert plain["text"] == native["text"]
    kinds = [block["type"] for block in native["blocks"]]
    assert [block["type"] for block in plain["blocks"]] == [
        kind.replace("data_", "") for kind in kinds if kind != "data_visualization"
    ]
    [shown] = [block["rows"] for block in plain["blocks"] if block["type"] == "table"]
    [sorts] = [block["rows"] for block in native["blocks"] if block["type"] == "data_table"]
    assert [[cell["text"] for cell in row] for row in shown] == [[cell["text"] for cell in row] for row in sorts]


def test_what_is_not_known_is_left_out() -> None:
    """Without a week before there is nothing to compare with, without tickets no cost of one."""
    none = replace(FULL.now, spent=replace(FULL.now.spent, tickets=0, resolved=0), handoffs=Figures(None, None, 0))
    none = replace(none, success=Success(unsettled=Requests(to_people=1)))
    body = digest.message(replace(FULL, before=None, now=none, decisions=EMPTY, alerts=(), caps=()))
    check(body, ours=OURS)
    said = shown(body)
    assert "$3.01*; nothing the week before." in said
    assert said.startswith("*Solved without a person: no data yet* in the week from 16")
    for left_out in ("Cost per ticket", "Cost per resolved", "Handed to people", "%", "Nearest"):
        assert left_out not in said.replace("66 %", "")
    assert "*Budgets:* no cap was reached." in said
    assert "*Alerts:* none" in said


def test_a_month_is_called_as_people_call_it() -> None:
    """A week over the end of a month names both, a period that goes on says so."""
    assert digest.called(periods.read(BERLIN, "2026-11"), "Europe/Berlin") == "November 2026"
    assert digest.called(periods.read(BERLIN, "2026-W49"), "Europe/Berlin") == (
        "the week from 30 November to 6 December 2026"
    )
    month = replace(FULL, period=periods.read(BERLIN, "2026-11"), over=False)
    text = digest.message(month)["text"]
    assert text.startswith("*Solved without a person: 40 of 55* in November 2026 so far (72 %; ")
    assert "\n*Spent in November 2026 so far: $3.01*" in text
    assert "against the month before" in text


def test_long_lists_are_cut() -> None:
    """Five of each, and how many more there are."""
    many = tuple(CostLine(f"U0P{number}", 1, 1, CENT // 2) for number in range(500))
    alerted = tuple(("access", "ticket", str(number), "2026-11-18") for number in range(9))
    body = digest.message(replace(FULL, users=many, alerts=alerted))
    check(body, ours=(*OURS, *(f"<@U0P{number}>" for number in range(5))))
    assert "; 495 others $2.475 (495 calls)." in body["text"]
    assert "*Alerts:* 9: ticket 0 on 2026-11-18" in body["text"]
    assert ", and 4 more." in body["text"]


def test_budgets_are_called_by_whose_they_are() -> None:
    """Direct messages have no name that an owner could open, and a workspace has one for nobody."""
    whose: Any = (("channel", "D0MAYA"), ("user", "U0MAYA"), ("team", "T0NORTHWIND"), ("agent", "access"))
    uses = tuple(CapUse(scope, holder, "2026-W47", CENT, 2 * CENT) for scope, holder in whose)
    [line] = [line for line in digest.message(replace(FULL, caps=uses))["text"].splitlines() if "Nearest" in line]
    names = [one.partition(" in ")[0] for one in line.removeprefix("*Nearest to their caps:* ").split("; ")]
    assert names == ["a direct message", "<@U0MAYA>", "this workspace", "the agent access"]


def test_a_terminal_shows_the_same_figures() -> None:
    """Two weeks side by side; names where they are known, no markup."""
    text = digest.as_text(FULL, {"U0MAYA": "Maya Okafor", "C0HELP": "#help-access"})
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0].startswith("Solved without a person: 40 of 55 in the week from 16 to 22 November 2026 (72 %; ")
    assert any(line.startswith("Spent in the week from 16 to 22 November 2026: $3.01, ") for line in lines)
    assert "Figure This week Week before Change" in lines
    assert "Cost per ticket $0.05 ($3.00 for 60) $0.04 ($2.00 for 50) +25 %" in lines
    assert "By person: Maya Okafor $2.00 (80 calls); U0OTTO $1.00 (1 call)." in lines
    assert "Alerts: 2: requests of Maya Okafor on 2026-11-18, calls of unlock_my_account on 2026-11-19." in lines
    assert any(line.startswith("Nearest to their caps: #help-access on Wednesday 18 November: ") for line in lines)
    assert not set("*<>`") & set(text)
    table = text.splitlines()
    start = next(number for number, line in enumerate(table) if line.startswith("Figure"))
    assert max(map(len, table[start : start + 10])) < 100


def test_programs_get_plain_values() -> None:
    """Nano-USD and shares; null for a week before in which nothing was spent."""
    found = json.loads(json.dumps(digest_figures.as_json(FULL)))
    assert (found["period"], found["over"], found["since"]) == ("2026-W47", True, "2026-11-15T23:00:00+00:00")
    assert (found["now"]["cost_nusd"], found["before"]["cost_nusd"]) == (301 * CENT, 201 * CENT)
    assert found["now"]["handoff_share"] == 0.25
    assert next(iter(found["now"])) == "success"
    assert found["now"]["success"]["solved_share"] == pytest.approx(40 / 55)
    assert found["alerts"][0] == {"agent": "access", "per": "user", "name": "U0MAYA", "day": "2026-11-18"}
    assert found["budgets"]["raised_nusd"] == 500 * CENT
    assert json.loads(json.dumps(digest_figures.as_json(replace(FULL, before=None))))["before"] is None


def test_a_receipt_says_who_is_sent_it() -> None:
    """Or that nobody is, since all of them were."""
    assert digest.receipt(["U0OLIVIA", "U0BEN"], {"U0BEN": "Ben Castillo"}).startswith(
        "Sent to U0OLIVIA, Ben Castillo: "
    )
    assert digest.receipt([], {}) == "Nothing was sent: every owner has got it before."


@tried
@given(name=texts)
def test_whatever_things_are_called_they_mention_nobody(name: str) -> None:
    """A tool, a channel or a model of any name is only words, and the message stays within Slack's limits."""
    line = CostLine(name, 1, 1, CENT)
    use: Any = CapUse("agent", name, "2026-11-18", 1, 2)
    alerted = (("access", "tool", name, "2026-11-18"),) * 9
    body = digest.message(replace(FULL, tools=(line,) * 9, caps=(use,) * 5, alerts=alerted))
    check(body, ours=OURS)


def test_moments_are_those_of_the_zone() -> None:
    """Berlin's week begins an hour before that of UTC."""
    assert datetime(2026, 11, 15, 23, tzinfo=UTC) == WEEK.since
