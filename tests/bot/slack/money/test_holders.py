"""One name for each place and person that money is spent in or for, in every report: `bot.slack.money.holders`."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import pytest

from bot.budget.caps import Budgets
from bot.cli import names
from bot.cost_dimensions import Dimension
from bot.slack.money import alerts, budget_cards, cost_report, cost_table, digest, digest_facts, holders
from bot.slack.money.cost_report import Reader
from bot.store.db import Database
from tests.support.anomalies import COSTLY_PERSON
from tests.support.budget_rows import notice, review
from tests.support.ledger_factory import MONDAY_MORNING, NOON, LedgerFactory
from tests.support.local_workspace import LocalWorkspace, settings_for
from tests.support.statements import EVERY_CAP, drawn_statements

if TYPE_CHECKING:
    from bot.store.money.daily_costs import Per

CALLED = {
    ("channel", "C0HELP"): ("<#C0HELP>", "#help-access"),
    ("channel", "C0QUEUE"): ("<#C0QUEUE>", "a private channel"),
    ("channel", "D0MAYA"): ("a direct message", "a direct message"),
    ("channel", "eval"): ("evaluations", "evaluations"),
    ("user", "U0MAYA"): ("<@U0MAYA>", "Maya Okafor"),
    ("team", "T0DESKHAND"): ("this workspace", "this workspace"),
    ("agent", "access"): ("the agent access", "the agent access"),
}
"What each is called in Slack, where a mention is written out for those who may see it, and in plain text."
OTHERWISE = re.compile(
    r"T0DESKHAND|D0MAYA|access-queue|one direct|conversation|\bteam (?!T0|U0|C0|D0)\w|(?<![<\"'#@])\b[CU]0[A-Z]{3,}"
)
"What no report calls any of them; an id is in a mention, or in the field that Slack reads it from."
LABEL = re.compile(r"\"label\": \"([^\"]*)\"")


@pytest.fixture
def books(database: Database) -> LedgerFactory:
    """Return a ledger of calls in each kind of place."""
    books = LedgerFactory(database)
    for number, channel in enumerate(("C0HELP", "C0QUEUE", "D0MAYA"), 1):
        books.call(NOON, "U0MAYA", team="T0DESKHAND", channel=channel, cost_nusd=number * 10_000_000, tool="hand_off")
    books.write()
    return books


def reports(books: LedgerFactory, workspace: LocalWorkspace) -> Iterator[tuple[str, str]]:
    """Give everything that tells of cost, and where it is read: in Slack, or on a terminal."""
    budgets, settings, database = Budgets.model_validate(EVERY_CAP), settings_for(workspace), books.database
    ids = [key for _, key in CALLED]
    reader = Reader("U0OLIVIA", "D0OLIVIA", holders.known(ids, workspace.slack, database))
    for by in get_args(Dimension):
        for found in drawn_statements(database, budgets, by):
            for body in (cost_report.report(found, reader), cost_report.fallback(found, reader)):
                yield "slack", json.dumps(body)
            yield "terminal", cost_table.as_text(names.put_into(found, settings, database))
    with database.read() as session:
        period = digest_facts.asked_for(session, budgets, "2026-11", at=MONDAY_MORNING)
        whole = digest_facts.gather(session, budgets, period, at=MONDAY_MORNING)
    yield from (("slack", json.dumps(body)) for body in (digest.message(whole), digest.fallback(whole)))
    yield "terminal", digest.as_text(whole, names.in_digest(whole, (), settings, database))
    far: tuple[tuple[Per, str], ...] = (("user", "U0MAYA"), ("agent", "access"), ("tool", "hand_off"))
    for per, name in far:
        found_far = replace(COSTLY_PERSON, per=per, name=name)
        yield "slack", json.dumps(alerts.alert(found_far, when="today", tickets={}))
    for scope, holder in CALLED:
        met, passed = review(scope=scope, holder=holder), notice(scope=scope, holder=holder)
        for body in (
            budget_cards.notice(passed, "U0OLIVIA", requester=None),
            budget_cards.review(met, "U0OLIVIA"),
            budget_cards.raised(met, None),
            budget_cards.raise_modal(met, "U0OLIVIA"),
            budget_cards.deny_modal(met, "U0OLIVIA"),
        ):
            said = json.dumps(body)
            assert CALLED[scope, holder][0] in said, said
            yield "slack", said


def test_each_has_one_name_in_every_report(books: LedgerFactory, workspace: LocalWorkspace) -> None:
    """In `/agent-cost`, digests, the cards of budgets and on the terminal; a private channel's is in none."""
    read: dict[str, str] = {"slack": "", "terminal": ""}
    for where, said in reports(books, workspace):
        shown = re.sub(r"\"(?:channel|user)_id\": \"\w+\"|<[#@]\w+>|<!date[^>]*>", "", said)
        assert not OTHERWISE.search(shown), (OTHERWISE.search(shown), said)
        read[where] += said
    for in_slack, plain in CALLED.values():
        assert in_slack in read["slack"], in_slack
        assert plain in read["terminal"] or plain == "evaluations", plain
    labels = set(LABEL.findall(read["slack"]))
    assert {"#help-access", "a private channel", "direct messages", "Maya Okafor", "this workspace"} <= labels


@pytest.mark.parametrize("holder", CALLED)
def test_a_name_in_slack_and_in_plain_text(holder: tuple[str, str]) -> None:
    """A mention where Slack has one, else the same words."""
    called = {"C0HELP": "#help-access", "C0QUEUE": "a private channel", "U0MAYA": "Maya Okafor"}
    assert (holders.in_slack(*holder), holders.plain(*holder, called)) == CALLED[holder]


def test_several_workspaces_are_told_apart() -> None:
    """Dimension their ids, since Slack tells this app no name of one."""
    assert holders.in_slack("team", "T0WEST", workspaces=2) == "the workspace T0WEST"


def test_private_channels_are_numbered_on_a_terminal(workspace: LocalWorkspace, database: Database) -> None:
    """Each has a line of its own, and none an id."""
    workspace.world.state.channels["C0SHARED"].is_private = True
    known = names.known(["C0QUEUE", "C0SHARED"], settings_for(workspace), database)
    assert known == {"C0QUEUE": "a private channel 1", "C0SHARED": "a private channel 2"}
