from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.budget.caps import Cap
from bot.budget.reports.forecast import UsualWindow
from bot.budget.reports.statement import Statement
from bot.slack.money import cost_report, cost_words
from bot.slack.money.cost_report import Reader
from bot.store.money.spending import CostLine, Summary
from tests.support.block_checks import check, only_block, shown, texts, tried
from tests.support.ledger_factory import NOON
from tests.support.statements import HELP_USE, MONDAY, SUMMARY, SUNDAY, TODAYS_STATEMENT, USD

MAYA = Reader("U0MAYA", "C0HELP", {"U0MAYA": "Maya Okafor"})
NOTHING = Summary(*([0] * 14))
OURS = ("<@U0MAYA>", "<@U0IVAN>", "<#C0HELP>")


def said(statement: Statement, reader: Reader = MAYA) -> str:
    """Return every text of the report, which Slack must take."""
    body = cost_report.report(statement, reader)
    check(body, ours=OURS)
    return shown(body)


counts = st.integers(0, 10**15)
lines = st.builds(CostLine, st.one_of(st.none(), texts), counts, counts, counts, counts)


@tried
@example(found=[], by="channel", holders=[("user", "U" * 2_911), ("channel", "C" * 2_911)], number=0)
@given(
    st.lists(lines, max_size=150),
    st.sampled_from(["channel", "user", "team", "agent", "tool", "outcome", "model"]),
    st.lists(st.tuples(st.sampled_from(["channel", "user", "team", "agent"]), texts), max_size=40),
    counts,
)
def test_no_statement_breaks_a_limit(
    found: list[CostLine], by: Any, holders: list[tuple[Any, str]], number: int
) -> None:
    """Any rows, holders and budgets under any names are a report that Slack takes, natively and plainly."""
    accounts = tuple(
        replace(HELP_USE, cap=replace(HELP_USE.cap, scope=scope, holder=holder), spent_nusd=number, raised_nusd=number)
        for scope, holder in holders
    )
    statement = replace(
        TODAYS_STATEMENT,
        question=replace(TODAYS_STATEMENT.question, by=by, seen=tuple(holders) or None),
        lines=tuple(found),
        accounts=accounts,
        spenders=tuple((holder, number) for _, holder in holders[:3]),
    )
    for body in (cost_report.report(statement, MAYA), cost_report.fallback(statement, MAYA)):
        check(body, ours=OURS)


def test_spend_is_told_against_the_cap_in_force() -> None:
    """What of what, until when, how it compares and where it leads; a figure that is unknown is left out."""
    text = said(TODAYS_STATEMENT)
    assert "*Spent today in this channel: $1.20* of $5.00 (24 %)" in text
    assert f"until <!date^{int(MONDAY.timestamp())}^" in text
    assert (
        "+50 % against the four Sundays before, up to the same time ($0.80 on average); "
        "about $2.40 by the end of today."
    ) in text
    assert "*Cost per resolved ticket*\n$0.133 ($1.20 for 9)" in text
    assert "*Tokens per turn*\n4,083 (48,996 in 12)" in text
    assert "*Prompt read from cache*\n63 % (25,200 of 40,000)" in text
    assert "Cost per handoff" not in text
    assert "Who spent most: <@U0MAYA> $0.70, <@U0IVAN> $0.50." in text
    raised = replace(HELP_USE, raised_nusd=USD)
    assert "of $6.00 (20 %)" in said(replace(TODAYS_STATEMENT, accounts=(raised,)))


@pytest.mark.parametrize(
    ("window", "usual", "words"),
    [
        ("day", UsualWindow(1, 1_200_000_000, 0), "+0 % against the Sunday before"),
        ("week", UsualWindow(2, 2_400_000_000, 0), "-50 % against the two weeks before"),
        ("month", UsualWindow(3, 12_000_000, 0), "+9,900 % against the three months before"),
    ],
)
def test_it_is_compared_with_its_like(window: Any, usual: UsualWindow, words: str) -> None:
    """A day with that day of the week, however many there are to compare with."""
    assert words in said(
        replace(TODAYS_STATEMENT, usual=usual, question=replace(TODAYS_STATEMENT.question, window=window))
    )


def test_what_is_not_known_is_not_said() -> None:
    """No past, no comparison; no pace, no forecast; nobody's cap, no share."""
    text = said(replace(TODAYS_STATEMENT, usual=None, forecast_nusd=None, accounts=()))
    for word in ("against", "by the end", "Budgets", "of $"):
        assert word not in text
    assert "against" not in said(replace(TODAYS_STATEMENT, usual=UsualWindow(4, 0, 7)))


def test_a_window_that_is_over_has_its_date() -> None:
    """And nothing that is still to come."""
    past = replace(TODAYS_STATEMENT, question=replace(TODAYS_STATEMENT.question, at=MONDAY), forecast_nusd=None)
    text = said(past)
    assert "*Spent on 2026-11-22 in this channel: $1.20*" in text
    assert "+50 % against the four Sundays before ($0.80 on average)." in text
    week = replace(past, question=replace(past.question, window="week"))
    assert "in the week of 2026-11-22" in said(week)
    assert "in November 2026" in said(replace(past, question=replace(past.question, window="month")))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (None, "today everywhere"),
        ((("user", "U0MAYA"),), "today for you"),
        ((("channel", "C0HELP"), ("agent", "access")), "today in this channel and by the agent access"),
        ((("user", "U0IVAN"), ("team", "T1")), "today for <@U0IVAN> and in this workspace"),
        ((("channel", "eval"), ("channel", "D0IVAN")), "today in evaluations and in a direct message"),
        (tuple(("user", "U0IVAN") for _ in range(9)), "for <@U0IVAN> and 5 more"),
    ],
)
def test_the_report_says_whose_spending_it_is(seen: Any, words: str) -> None:
    """In words, for whoever reads it where they read it."""
    assert words in said(replace(TODAYS_STATEMENT, question=replace(TODAYS_STATEMENT.question, seen=seen)))


def test_each_budget_says_where_it_is_heading() -> None:
    """Used, raised, when it is used up, and what its owner is asked or has said."""
    mine = Cap("user:U0MAYA:2026-W47", "user", "U0MAYA", SUNDAY, MONDAY, 2 * USD)
    soon = NOON + timedelta(hours=2)
    body = replace(
        TODAYS_STATEMENT,
        accounts=(
            replace(HELP_USE, spent_nusd=6 * USD, raised_nusd=USD, waiting=True, denied=True),
            replace(HELP_USE, cap=mine, window="week", spent_nusd=USD, full_at=soon, denied=True),
        ),
    )
    text = said(body)
    assert "• This channel, today: $6.00 of $6.00 (100 %), $1.00 of it added by its owner; used up until <!date" in text
    assert "; its owner is asked to raise it" in text
    assert f"• You, this week: $1.00 of $2.00 (50 %); used up about <!date^{int(soon.timestamp())}^" in text
    assert "as it goes now; its owner did not raise it" in text


def test_a_direct_message_has_a_budget_of_its_own() -> None:
    """It is no channel to whoever writes in it."""
    cap = replace(HELP_USE.cap, holder="D0MAYA")
    text = said(replace(TODAYS_STATEMENT, accounts=(replace(HELP_USE, cap=cap),)), replace(MAYA, channel="D0MAYA"))
    assert "• This direct message, today: $1.20 of $5.00 (24 %)" in text


def test_many_budgets_are_counted() -> None:
    """A dozen lines, and how many more there are."""
    assert "… and 18 more." in said(replace(TODAYS_STATEMENT, accounts=(HELP_USE,) * 30))


def test_money_that_is_uncertain_stands_apart() -> None:
    """Charged at the worst case, and set aside for what is under way."""
    text = said(replace(TODAYS_STATEMENT, summary=replace(SUMMARY, charged_nusd=20_000_000, held_nusd=30_000_000)))
    assert "$0.02 of this is the most that some calls can have cost" in text
    assert "Calls under way may add up to $0.03." in text
    assert "the most that" not in said(TODAYS_STATEMENT)


def test_the_chart_shows_the_dearest_first() -> None:
    """Chart and table hold the same rows, the table with numbers that sort."""
    body = cost_report.report(TODAYS_STATEMENT, MAYA)
    chart = only_block(body, "data_visualization")["chart"]
    assert chart["axis_config"]["categories"] == ["look_up_my_account", "unlock_my_account"]
    assert chart["series"][0]["data"][0] == {"label": "look_up_my_account", "value": 1.0}
    table = only_block(body, "data_table")
    assert [cell["text"] for cell in table["rows"][0]] == ["Tool", "Spent", "Model calls", "Tokens"]
    assert table["rows"][1][1] == {"type": "raw_number", "value": 1.0, "text": "$1.00"}


def test_people_and_channels_are_called_by_name() -> None:
    """A chart shows names where they are known, a table mentions; direct messages are one row, evaluations another."""
    users = replace(
        TODAYS_STATEMENT,
        question=replace(TODAYS_STATEMENT.question, by="user"),
        lines=(CostLine("U0MAYA", 1, 1, 9), CostLine("U0X", 1, 1, 8)),
    )
    body = cost_report.report(users, MAYA)
    assert only_block(body, "data_visualization")["chart"]["axis_config"]["categories"] == ["Maya Okafor", "U0X"]
    assert "user_id" in str(only_block(body, "data_table")["rows"][1][0])
    assert "Who spent most" not in shown(body)
    found = tuple(CostLine(key, 1, 10, 10) for key in ("D0MAYA", "eval", "D0IVAN", "C0HELP", "G0OLD"))
    rows = cost_report.rows("channel", found)
    assert [(row.label, row.cost_nusd, row.calls, row.tokens) for row in rows] == [
        ("direct messages", 20, 2, 20),
        ("C0HELP", 10, 1, 10),
        ("G0OLD", 10, 1, 10),
        ("evaluations", 10, 1, 10),
    ]
    channels = replace(TODAYS_STATEMENT, question=replace(TODAYS_STATEMENT.question, by="channel"), lines=found)
    cells = only_block(cost_report.report(channels, MAYA), "data_table")["rows"]
    assert [row[0]["type"] for row in cells[1:]] == ["raw_text", "rich_text", "rich_text", "raw_text"]


def test_ends_and_what_has_none_are_in_words() -> None:
    """No outcome and no tool are said as what they mean."""
    assert cost_words.name("outcome", "handoff") == "handed to a person"
    assert cost_words.name("outcome", None) == "under way"
    assert cost_words.name("tool", None) == "answering without a tool"
    assert cost_words.name("tool", "reply") == "reply"


def test_evaluations_are_told_apart_and_flatten_no_chart() -> None:
    """What of the total they are, a row of their own, the last, and no bar beside people's; no forecast from them."""
    lines = (CostLine("U0MAYA", 1, 1, USD // 500), CostLine("eval", 9, 9, 3 * USD))
    spent = replace(SUMMARY, cost_nusd=3_002_000_000, tickets_nusd=2_000_000, evaluations_nusd=3 * USD)
    statement = replace(
        TODAYS_STATEMENT, question=replace(TODAYS_STATEMENT.question, by="user"), lines=lines, summary=spent
    )
    body = cost_report.report(statement, MAYA)
    assert "*Spent today in this channel: $3.002* of $5.00" in shown(body)
    assert "$0.002 for tickets, $3.000 for evaluations." in shown(body)
    chart = only_block(body, "data_visualization")
    assert chart["title"] == "Spent by user, without evaluations"
    assert chart["chart"]["axis_config"]["categories"] == ["Maya Okafor"]
    assert [row[1]["text"] for row in only_block(body, "data_table")["rows"][1:]] == ["$0.002", "$3.000"]
    alone = replace(statement, lines=lines[1:], summary=replace(spent, cost_nusd=3 * USD, tickets_nusd=0))
    body = cost_report.report(alone, MAYA)
    check(body, ours=OURS)
    assert "data_visualization" not in {one["type"] for one in body["blocks"]}
    assert "by the end" not in shown(body)


def test_the_cap_of_evaluations_is_called_by_their_name() -> None:
    """As the row of them is, at the beginning of a line."""
    cap = replace(HELP_USE.cap, holder="eval")
    assert "• Evaluations, today: $1.20 of $5.00 (24 %)" in said(
        replace(TODAYS_STATEMENT, accounts=(replace(HELP_USE, cap=cap),))
    )


def test_what_was_spent_is_never_nothing_of_a_limit() -> None:
    """A cent of a thousand dollars is under one per cent."""
    tiny = replace(HELP_USE, spent_nusd=10**7, cap=replace(HELP_USE.cap, limit_nusd=1_000 * USD))
    assert "$0.01 of $1,000.00 (under 1 %)" in said(replace(TODAYS_STATEMENT, accounts=(tiny,)))
    assert "$0.00 of $5.00 (0 %)" in said(replace(TODAYS_STATEMENT, accounts=(replace(HELP_USE, spent_nusd=0),)))


def test_rows_that_do_not_fit_are_summed_not_dropped() -> None:
    """A hundred tools are a dozen bars and sixty rows, and the sums are still right."""
    many = replace(TODAYS_STATEMENT, lines=tuple(CostLine(f"tool {n}", 2, 3, USD) for n in range(100)))
    body = cost_report.report(many, MAYA)
    values = [point["value"] for point in only_block(body, "data_visualization")["chart"]["series"][0]["data"]]
    assert (len(values), sum(values)) == (12, 100)
    rows = only_block(body, "data_table")["rows"][1:]
    assert len(rows) == 60
    assert [sum(row[column]["value"] for row in rows) for column in (1, 2, 3)] == [100, 200, 300]


def test_a_window_without_calls_says_so() -> None:
    """Nothing spent is words, not an empty chart."""
    empty = replace(TODAYS_STATEMENT, lines=(), summary=NOTHING, spenders=(), usual=None, forecast_nusd=0)
    assert "No model was called." in said(empty)
    assert "by the end" not in said(empty)
    assert {one["type"] for one in cost_report.report(empty, MAYA)["blocks"]} == {"section"}


def test_the_fallback_says_the_same_in_blocks_that_are_older() -> None:
    """Without native charts the same figures come in a table block."""
    body = cost_report.fallback(TODAYS_STATEMENT, MAYA)
    check(body, ours=OURS)
    assert [one["type"] for one in body["blocks"]] == ["section", "section", "section", "context", "table"]
    assert [cell["text"] for cell in only_block(body, "table")["rows"][1]] == [
        "look_up_my_account",
        "$1.00",
        "20",
        "41,000",
    ]
    assert body["text"] == cost_report.report(TODAYS_STATEMENT, MAYA)["text"]
