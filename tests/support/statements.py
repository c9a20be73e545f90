"""A statement that is complete, for the tests of those who show it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.budget.caps import Cap
from bot.budget.reports.forecast import UsualWindow
from bot.budget.reports.statement import BudgetUse, Question, Statement
from bot.store.money.spending import CostLine, Summary

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
NOON, MONDAY = SUNDAY + timedelta(hours=12), SUNDAY + timedelta(days=1)
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
HELP = BudgetUse(
    cap=Cap("channel:C0HELP:2026-11-22", "channel", "C0HELP", SUNDAY, MONDAY, 5 * USD),
    window="day",
    spent_nusd=1_200_000_000,
    raised_nusd=0,
    waiting=False,
    denied=False,
    forecast_nusd=None,
    full_at=None,
)
TODAY = Statement(
    question=Question("day", "tool", NOON, (("channel", "C0HELP"),)),
    since=SUNDAY,
    until=MONDAY,
    summary=SUMMARY,
    lines=(
        CostLine("look_up_my_account", 20, 41_000, 1_000_000_000),
        CostLine("unlock_my_account", 4, 8_000, 200_000_000),
    ),
    spenders=(("U0MAYA", 700_000_000), ("U0IVAN", 500_000_000)),
    accounts=(HELP,),
    usual=UsualWindow(4, 800_000_000, 900_000_000),
    forecast_nusd=2_340_000_000,
    zone=ZoneInfo("UTC"),
)
