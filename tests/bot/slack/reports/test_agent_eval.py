"""Calls of evaluations are charged to no one of Slack's: wherever a person reads of them, they are `evaluations`."""

import json
import re
from typing import get_args

import pytest

from bot.budget.caps import Budgets
from bot.cost_dimensions import Dimension
from bot.principals import EVALUATION_TEAM, EVALUATION_USER, EVALUATIONS
from bot.slack import mrkdwn
from bot.slack.money import budget_cards, cost_report, cost_table, digest, digest_facts
from bot.slack.money.cost_report import Reader
from bot.store.db import Database
from tests.support.budget_rows import REVIEW_STATES, notice, review
from tests.support.ledger_factory import MONDAY_MORNING, NOON, LedgerFactory
from tests.support.statements import EVERY_CAP, drawn_statements

IDS = re.compile(rf"\b({EVALUATIONS}|{EVALUATION_USER}|{EVALUATION_TEAM})\b")
OWNER = Reader("U0OLIVIA", "D0OLIVIA", {"U0MAYA": "Maya Okafor"})


@pytest.fixture
def budgets() -> Budgets:
    """Return caps of every scope."""
    return Budgets.model_validate(EVERY_CAP)


@pytest.fixture
def books(database: Database) -> LedgerFactory:
    """Return a ledger of a request and of a dear evaluation."""
    books = LedgerFactory(database)
    books.ask(0)
    of_one = {"team": EVALUATION_TEAM, "channel": EVALUATIONS, "purpose": "eval"}
    books.call(NOON, EVALUATION_USER, cost_nusd=30_000_000, tool="hand_off", **of_one)
    books.write()
    return books


@pytest.mark.parametrize("by", get_args(Dimension))
def test_reports_and_tables_of_cost(books: LedgerFactory, budgets: Budgets, by: Dimension) -> None:
    """In Slack with and without charts, and on the terminal; for programs they keep their ids."""
    for found in drawn_statements(books.database, budgets, by):
        for told in (cost_report.report(found, OWNER), cost_report.fallback(found, OWNER), cost_table.as_text(found)):
            said = json.dumps(told)
            assert not IDS.search(said), said
            if by in ("user", "channel", "team"):
                assert said.count("evaluations") >= 1
        assert not any(one.cap.scope in ("user", "team") and IDS.search(one.cap.holder) for one in found.accounts)
    assert cost_table.as_json(found)["rows"][-1]["key"] == EVALUATIONS


def test_digests(books: LedgerFactory, budgets: Budgets) -> None:
    """They are among those nearest to a cap by the one that they have: their channel's."""
    with books.database.read() as session:
        period = digest_facts.asked_for(session, budgets, "2026-11", at=MONDAY_MORNING)
        found = digest_facts.gather(session, budgets, period, at=MONDAY_MORNING)
    for said in (json.dumps(digest.message(found)), json.dumps(digest.fallback(found)), digest.as_text(found, {})):
        assert not IDS.search(said), said
        assert "evaluations in November 2026: $0.03 of $0.05" in said


@pytest.mark.parametrize(("scope", "holder"), [("user", EVALUATION_USER), ("channel", EVALUATIONS)])
def test_cards_of_budgets(scope: str, holder: str) -> None:
    """Of notices and of reviews, whatever has become of them, their forms included."""
    of_one = {"scope": scope, "holder": holder, "channel": EVALUATIONS, "user": EVALUATION_USER}
    told = [budget_cards.notice(notice(scope=scope, holder=holder), "U0OLIVIA", requester=None)]
    for state, decided in REVIEW_STATES.items():
        met = review(state=state, **decided, **of_one)
        told += [budget_cards.review(met, "U0OLIVIA"), budget_cards.raised(met, None)]
        told += [budget_cards.raise_modal(met, "U0OLIVIA"), budget_cards.deny_modal(met, "U0OLIVIA")]
    for one in told:
        said = json.dumps(one)
        assert ("evaluation" in said, IDS.search(said)) == (True, None), said


def test_mentions() -> None:
    """Whatever names a person names none there."""
    assert mrkdwn.mention(EVALUATION_USER) == mrkdwn.mention(f"<@{EVALUATION_USER}>") == "evaluations"
    assert mrkdwn.mention("U0EVALINE") == "<@U0EVALINE>"
