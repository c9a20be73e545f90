"""A statement for a terminal and for programs, with the same figures as `/agent-cost`. Pure."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.budget.reports.statement import BudgetUse, Statement
from bot.slack import mrkdwn
from bot.slack.money import cost_report, cost_words, holders
from bot.slack.money.cost_report import Row
from bot.slack.mrkdwn import dollars

BAR = 20
"The columns of a full bar."
_NARROWEST = 28
"The fewest columns for the holder of a budget."


def as_text(statement: Statement) -> str:
    """Return the statement for a terminal of 100 columns."""
    summary = statement.summary
    spent = f"Spent {cost_report.when(statement)}{_of_whom(statement)}: {cost_words.total(summary)}"
    window = f"from {_moment(statement, statement.since)} to {_moment(statement, statement.until)} ({statement.zone})"
    lines = [f"{spent}.", *filter(None, [cost_words.parts(summary)]), f"{window[0].upper()}{window[1:]}."]
    course = [cost_report.compared(statement), cost_report.forecast(statement)]
    lines += ["; ".join(part for part in course if part) + "."] if any(course) else []
    lines += [f"At most {dollars(summary.charged_nusd)} of it: how some calls ended is unknown."] * bool(
        summary.charged_nusd
    )
    lines += [f"Calls under way may add up to {dollars(summary.held_nusd)}."] * bool(summary.held_nusd)
    facts = {name: fact for name, fact in cost_words.figures(summary).items() if fact is not None}
    lines += ["", *(f"{name:<{max(map(len, facts))}}  {fact}" for name, fact in facts.items())]
    lines += ["", *_rows(statement)] if statement.lines else ["", "No model was called."]
    if statement.accounts:
        places = mrkdwn.places(nusd for one in statement.accounts for nusd in (one.spent_nusd, one.limit_nusd))
        whose = [_whose(statement, account) for account in statement.accounts]
        width = max(_NARROWEST, *map(len, whose))
        lines += ["", f"{'budget':<{width}} {'window':<10} {'spent':>12} {'limit':>12}"]
        lines += [
            f"{who:<{width}} {_account(statement, account, places)}"
            for who, account in zip(whose, statement.accounts, strict=True)
        ]
    return "\n".join(lines)


def as_json(statement: Statement) -> dict[str, Any]:
    """Return the statement as JSON values: nano-USD, UTC, shares from 0 to 1, null for unknown."""
    question, summary, usual = statement.question, statement.summary, statement.usual
    return {
        "window": question.window,
        "by": question.by,
        "since": statement.since.isoformat(),
        "until": statement.until.isoformat(),
        "over": statement.over,
        "channel": question.channel,
        "user": question.user,
        "agent": question.agent,
        "spent_nusd": summary.cost_nusd,
        "tickets_nusd": summary.tickets_nusd,
        "evaluations_nusd": summary.evaluations_nusd,
        "charged_at_worst_case_nusd": summary.charged_nusd,
        "held_nusd": summary.held_nusd,
        "forecast_nusd": statement.forecast_nusd,
        "deviation": statement.deviation,
        "usual": None if usual is None else asdict(usual),
        "calls": summary.calls,
        "tickets": summary.tickets,
        "resolved_tickets": summary.resolved,
        "handoff_tickets": summary.handed_off,
        "per_ticket_nusd": summary.per_ticket,
        "per_resolved_nusd": summary.per_resolved,
        "per_handoff_nusd": summary.per_handoff,
        "with_people": cost_words.as_json(summary),
        "interactions": summary.interactions,
        "tokens_per_interaction": summary.tokens_per_interaction,
        "cache_hit_share": summary.cache_hit_share,
        "rows": [
            {
                "key": line.key,
                "spent_nusd": line.cost_nusd,
                "charged_at_worst_case_nusd": line.charged_nusd,
                "calls": line.calls,
                "tokens": line.tokens,
            }
            for line in statement.lines
        ],
        "top_spenders": [{"user": user, "spent_nusd": nusd} for user, nusd in statement.spenders],
        "budgets": [_plain(account) for account in statement.accounts],
    }


def _of_whom(statement: Statement) -> str:
    question = statement.question
    parts = (("channel", question.channel), ("user", question.user), ("agent", question.agent))
    named = [f"{cost_report.BEFORE[scope]} {holders.plain(scope, key)}" for scope, key in parts if key is not None]
    return " " + (", ".join(named) or "everywhere")


def _whose(statement: Statement, account: BudgetUse) -> str:
    return holders.plain(account.cap.scope, account.cap.holder, workspaces=cost_report.workspaces(statement))


def _rows(statement: Statement) -> Iterator[str]:
    rows = cost_report.rows(statement.question.by, statement.lines)
    width = max(len(statement.question.by), *(len(row.label) for row in rows))
    places = mrkdwn.places(row.cost_nusd for row in rows)
    head = f"{statement.question.by:<{width}} {'spent':>12} {'share':>9} {'':<{BAR}}"
    yield f"{head} {'calls':>7} {'tokens':>11}"
    yield from (_row(row, statement.summary.cost_nusd, width, places) for row in rows)


def _row(row: Row, whole: int, width: int, places: int) -> str:
    share = row.cost_nusd / whole if whole else 0.0
    percent = mrkdwn.percent(row.cost_nusd, whole) if whole else ""
    spent = f"{row.label:<{width}} {dollars(row.cost_nusd, places):>12} {percent:>9}"
    return f"{spent} {_bar(share)} {row.calls:>7,} {row.tokens:>11,}"


def _account(statement: Statement, account: BudgetUse, places: int) -> str:
    share = mrkdwn.percent(account.spent_nusd, account.limit_nusd) if account.limit_nusd else "full"
    money = f"{dollars(account.spent_nusd, places):>12} {dollars(account.limit_nusd, places):>12} {share:>9}"
    end = ""
    if account.spent_nusd >= account.limit_nusd and not statement.over:
        end = f" used up until {_moment(statement, account.cap.resets_at)}"
    elif account.full_at is not None:
        end = f" used up about {_moment(statement, account.full_at)}"
    review = " (review open)" if account.waiting else " (not raised)" if account.denied else ""
    raised = f" ({dollars(account.raised_nusd)} added)" if account.raised_nusd else ""
    during = cost_report.when(statement) if statement.over else cost_words.THIS[account.window]
    return f"{during:<10} {money} {_bar(account.share)}{end}{raised}{review}".rstrip()


def _plain(account: BudgetUse) -> dict[str, Any]:
    return {
        "account": account.cap.key,
        "scope": account.cap.scope,
        "holder": account.cap.holder,
        "window": account.window,
        "since": account.cap.window_start.isoformat(),
        "until": account.cap.resets_at.isoformat(),
        "spent_nusd": account.spent_nusd,
        "limit_nusd": account.limit_nusd,
        "raised_nusd": account.raised_nusd,
        "review": "open" if account.waiting else "denied" if account.denied else None,
        "forecast_nusd": account.forecast_nusd,
        "full_at": None if account.full_at is None else account.full_at.isoformat(),
    }


def _bar(share: float) -> str:
    return f"{'█' * round(BAR * min(1.0, share)):<{BAR}}"


def _moment(statement: Statement, at: datetime) -> str:
    return f"{at.astimezone(statement.zone):%Y-%m-%d %H:%M}"
