import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.budget.caps import Cap
from bot.slack.money import cost_report, cost_table
from bot.slack.money.cost_report import Reader
from bot.store.money.spending import CostLine, Summary
from tests.support.block_checks import shown
from tests.support.ledger_factory import NOON
from tests.support.statements import HELP_USE, MONDAY, SUMMARY, SUNDAY, TODAYS_STATEMENT, USD

EVERYWHERE = replace(TODAYS_STATEMENT, question=replace(TODAYS_STATEMENT.question, seen=None))


def test_a_terminal_reads_what_slack_reads() -> None:
    """The same sums, comparison, forecast and rows, in the same words."""
    text = cost_table.as_text(EVERYWHERE).splitlines()
    assert text[:9] == [
        "Spent today everywhere: $1.20.",
        "From 2026-11-22 00:00 to 2026-11-23 00:00 (UTC).",
        (
            "+50 % against the four Sundays before, up to the same time ($0.80 on average); "
            "about $2.40 by the end of today."
        ),
        "",
        "Tickets                   12",
        "Cost per ticket           $0.10 ($1.20 for 12)",
        "Cost per resolved ticket  $0.133 ($1.20 for 9)",
        "Tokens per turn           4,083 (48,996 in 12)",
        "Prompt read from cache    63 % (25,200 of 40,000)",
    ]
    told = shown(cost_report.report(EVERYWHERE, Reader("U0MAYA", "C0HELP", {})))
    for figure in (
        *text[2:3],
        "$1.20",
        "+50 % against the four Sundays before",
        "about $2.40",
        "$0.133",
        "4,083",
        "63 %",
    ):
        assert figure in told


def test_a_row_has_its_share_as_a_bar() -> None:
    """The most expensive first; a bar of twenty columns is the whole."""
    rows = cost_table.as_text(EVERYWHERE).splitlines()[10:13]
    assert [row.split() for row in rows] == [
        ["tool", "spent", "share", "calls", "tokens"],
        ["look_up_my_account", "$1.00", "83", "%", "█" * 17, "20", "41,000"],
        ["unlock_my_account", "$0.20", "16", "%", "█" * 3, "4", "8,000"],
    ]
    assert len({len(row) for row in rows}) == 1


def test_a_budget_has_its_state() -> None:
    """How full it is, until when, what was added and what its owner is asked."""
    own = Cap("user:U0MAYA:2026-W47", "user", "U0MAYA", SUNDAY, MONDAY, 2 * USD)
    statement = replace(
        EVERYWHERE,
        accounts=(
            HELP_USE,
            replace(HELP_USE, spent_nusd=6 * USD, raised_nusd=USD, waiting=True),
            replace(HELP_USE, cap=own, window="week", spent_nusd=USD, denied=True, full_at=NOON + timedelta(hours=1)),
        ),
    )
    budgets = cost_table.as_text(statement).splitlines()[-3:]
    assert [line.split(" % ")[1] if " % " in line else "" for line in budgets] == [
        "█" * 5,
        "█" * 20 + " used up until 2026-11-23 00:00 ($1.00 added) (review open)",
        "█" * 10 + " " * 10 + " used up about 2026-11-22 13:00 (not raised)",
    ]


def test_what_is_uncertain_and_what_is_missing_are_said() -> None:
    """Charged at the worst case, under way; and of nothing that there was none."""
    text = cost_table.as_text(replace(EVERYWHERE, summary=replace(SUMMARY, charged_nusd=USD, held_nusd=USD)))
    assert "At most $1.00 of it: how some calls ended is unknown." in text
    assert "Calls under way may add up to $1.00." in text
    nothing = replace(
        EVERYWHERE, lines=(), summary=Summary(*([0] * 14)), usual=None, forecast_nusd=None, accounts=(), spenders=()
    )
    assert cost_table.as_text(nothing).splitlines()[1:] == [
        "From 2026-11-22 00:00 to 2026-11-23 00:00 (UTC).",
        "",
        "Tickets  0",
        "",
        "No model was called.",
    ]


def test_rows_that_cost_nothing_have_no_bar() -> None:
    """A share of nothing is nothing."""
    free = replace(EVERYWHERE, lines=(CostLine("reply", 1, 10, 0),), summary=replace(SUMMARY, cost_nusd=0))
    assert "█" not in cost_table.as_text(replace(free, accounts=()))


@pytest.mark.parametrize(
    ("only", "words"),
    [
        ({"channel": "C0HELP"}, "Spent today in C0HELP: "),
        ({"user": "U0MAYA", "agent": "access"}, "Spent today for U0MAYA, by the agent access: "),
    ],
)
def test_a_part_is_named(only: Any, words: str) -> None:
    """Whose spending it is, when it is not everybody's."""
    statement = replace(EVERYWHERE, question=replace(EVERYWHERE.question, **only))
    assert cost_table.as_text(statement).startswith(words)


def test_programs_get_plain_values() -> None:
    """Nano-US-dollars and shares; null where nothing is known."""
    told = json.loads(json.dumps(cost_table.as_json(EVERYWHERE)))
    assert (told["spent_nusd"], told["forecast_nusd"], told["per_handoff_nusd"]) == (1_200_000_000, 2_340_000_000, None)
    assert (told["deviation"], told["usual"]["windows"]) == (0.5, 4)
    assert (told["since"], told["over"]) == ("2026-11-22T00:00:00+00:00", False)
    assert told["rows"][1] == {
        "key": "unlock_my_account",
        "spent_nusd": 200_000_000,
        "charged_at_worst_case_nusd": 0,
        "calls": 4,
        "tokens": 8_000,
    }
    [budget] = told["budgets"]
    assert (budget["account"], budget["limit_nusd"], budget["full_at"]) == ("channel:C0HELP:2026-11-22", 5 * USD, None)
    told = cost_table.as_json(
        replace(EVERYWHERE, usual=None, accounts=(replace(HELP_USE, waiting=True, full_at=NOON),))
    )
    assert (told["usual"], told["deviation"]) == (None, None)
    assert (told["budgets"][0]["review"], told["budgets"][0]["full_at"]) == ("open", "2026-11-22T12:00:00+00:00")
