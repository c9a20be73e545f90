"""A statement that is complete, for the tests of those who show it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.budget.caps import Budgets, Cap
from bot.budget.reports import statement
from bot.budget.reports.forecast import UsualWindow
from bot.budget.reports.statement import BudgetUse, Question, Statement
from bot.cost_dimensions import Dimension
from bot.principals import EVALUATION_TEAM, EVALUATION_USER, EVALUATIONS
from bot.store.db import Database
from bot.store.money.spending import CostLine, Summary
from tests.support.ledger_factory import NOON

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
MONDAY = SUNDAY + timedelta(days=1)
USD = 10**9
SUMMARY = Summary(
    calls=24,
    cost_nusd=1_200_000_000,
    charged_nusd=0,
    held_nusd=0,
    prompt_tokens=40_000,
    cache_read_tokens=25_200,
    output_tokens=8_996,
    interactions=12,
    tickets=12,
    tickets_nusd=1_200_000_000,
    resolved=9,
    resolved_nusd=1_197_000_000,
    handed_off=0,
    handed_off_nusd=0,
)
HELP_USE = BudgetUse(
    cap=Cap("channel:C0HELP:2026-11-22", "channel", "C0HELP", SUNDAY, MONDAY, 5 * USD),
    window="day",
    spent_nusd=1_200_000_000,
    raised_nusd=0,
    waiting=False,
    denied=False,
    forecast_nusd=None,
    full_at=None,
)
TODAYS_STATEMENT = Statement(
    question=Question("day", "tool", NOON, (("channel", "C0HELP"),)),
    since=SUNDAY,
    until=MONDAY,
    summary=SUMMARY,
    lines=(
        CostLine("look_up_my_account", 20, 41_000, 1_000_000_000),
        CostLine("unlock_my_account", 4, 8_000, 200_000_000),
    ),
    spenders=(("U0MAYA", 700_000_000), ("U0IVAN", 500_000_000)),
    accounts=(HELP_USE,),
    usual=UsualWindow(4, 800_000_000, 900_000_000),
    forecast_nusd=2_340_000_000,
    zone=ZoneInfo("UTC"),
)

EVERY_CAP: dict[str, Any] = {
    "time_zone": "UTC",
    "channel": {"default": {"window": "month", "hard": "0.05"}},
    "user": {"default": {"window": "month", "hard": "0.10"}},
    "team": {"default": {"window": "month", "hard": "0.10"}},
    "agent": {"default": {"window": "month", "hard": "0.10"}},
}


def drawn_statements(database: Database, budgets: Budgets, by: Dimension) -> Iterator[Statement]:
    """Give what is drawn up for who sees everything, and of evaluations alone."""
    asked = Question("month", by, NOON, None)
    holders = (("channel", EVALUATIONS), ("user", EVALUATION_USER), ("team", EVALUATION_TEAM))
    for question in (
        asked,
        replace(asked, budgets=holders, channel=EVALUATIONS, user=EVALUATION_USER),
        replace(asked, seen=holders, budgets=holders),
    ):
        with database.read() as session:
            yield statement.draw_up(session, budgets, question, now=NOON)
