"""What people read of budgets: `bot.slack.money.budget_cards`."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from bot.sandbox.slack import blocks as slack
from bot.slack.money import budget_cards
from tests.support.block_checks import check, shown, texts, tried
from tests.support.budget_rows import DECIDED, REVIEW_STATES, START, notice, review

OLIVIA, MAYA, HELP = "<@U0OLIVIA>", "<@U0MAYA>", "<#C0HELP>"
WEEK = {"window_start": START, "resets_at": START + timedelta(days=7, hours=1)}
MONTH = {"window_start": START, "resets_at": START + timedelta(days=28)}


def actions(body: dict[str, Any]) -> list[str]:
    """Return the action ids of a body's buttons."""
    return [element["action_id"] for _, element in slack.interactive(body["blocks"])]


@pytest.mark.parametrize("state", REVIEW_STATES)
def test_only_a_review_that_can_be_decided_has_buttons(state: str) -> None:
    """A card says how its review stands, and asks nothing any more once that is decided."""
    body = budget_cards.review(review(state=state, **REVIEW_STATES[state]), "U0OLIVIA")
    check(body, ours=(OLIVIA, MAYA, HELP))
    assert actions(body) == (["budget.raise", "budget.deny"] if state == "open" else [])
    said = {
        "open": "unless you raise it",
        "raised": f"{OLIVIA} raised it by *$1.25* to $6.25 until",
        "denied": f"{OLIVIA} left it as it is: such requests go to people until",
        "ended": "Nobody decided before it reset",
        "changed": budget_cards.CHANGED,
    }
    assert said[state] in shown(body)
    assert ("> Month end." in shown(body)) == (state in ("raised", "denied"))
    assert {element["value"] for _, element in slack.interactive(body["blocks"])} <= {"7"}


@pytest.mark.parametrize(("waiting", "says"), [(1, "*1 request waits.*"), (5, "*5 requests wait.*")])
def test_a_review_says_how_many_wait_and_offers_to_help_them(waiting: int, says: str) -> None:
    """Where nobody waits there is no such button."""
    body = budget_cards.review(review(waiting=waiting), "U0OLIVIA")
    check(body, ours=(OLIVIA, MAYA, HELP))
    assert says in shown(body)
    assert actions(body) == ["budget.raise_and_on", "budget.raise", "budget.deny"]
    assert "wait" not in shown(budget_cards.review(review(), "U0OLIVIA"))


RAISED = {"state": "raised", **REVIEW_STATES["raised"]}
BY = {**RAISED, "goes_on_by": "U0OLIVIA"}
AGENT = {"why": "used_up", "scope": "agent", "holder": "access", "count": 2}
MONTHLY = {"window_start": START.isoformat(), "resets_at": (START + timedelta(days=28)).isoformat()}
MONTHLY_OF_AGENT = "the monthly budget of the agent access"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({**RAISED, "waiting": 5}, "5 requests wait for a person as before."),
        (BY, "The agent is about to go on with the requests that wait."),
        ({**BY, "still": [], "gone_on": 1}, "The agent goes on with 1 request."),
        ({**BY, "still": []}, "No request waited for it."),
        ({**BY, "still": [], "waiting": 2}, "No request waits for it any more."),
        (
            {**BY, "gone_on": 3, "still": [{**AGENT, **MONTHLY}]},
            f"goes on with 3 requests; 2 still wait for people: {MONTHLY_OF_AGENT} is used up as well.",
        ),
        (
            {**BY, "gone_on": 3, "still": [{**AGENT, **MONTHLY, "why": "raised_later", "count": 1}]},
            f"1 still waits for people: what becomes of them is decided with {MONTHLY_OF_AGENT}, which was",
        ),
        (
            {**BY, "still": [{"why": "too_little", "count": 5}]},
            f"with 0 requests; 5 still wait for people: what is left of the daily budget of {HELP} is less than a step",
        ),
        (
            {**BY, "gone_on": 2, "still": [{"why": "again", "count": 1}, {"why": "agent", "count": 1}]},
            f"added to the daily budget of {HELP} is used up as well; 1 still waits for people: the agent does not",
        ),
    ],
)
def test_a_raised_review_says_what_became_of_those_who_waited(changes: dict[str, Any], says: str) -> None:
    """How many the agent goes on with, how many wait still and why; a button only while something can be decided."""
    body = budget_cards.review(review(**changes), "U0OLIVIA")
    check(body, ours=(OLIVIA, MAYA, HELP))
    assert says in shown(body)
    assert says in body["text"]
    assert actions(body) == (["budget.go_on"] if changes.get("waiting") and "goes_on_by" not in changes else [])


@pytest.mark.parametrize(
    ("waiting", "says"), [(0, "No request waits for it by now."), (1, "goes on with it."), (5, "goes on with them.")]
)
def test_the_form_that_lets_the_agent_go_on_says_with_how_many(waiting: int, says: str) -> None:
    """They are counted when it is opened; the plain form speaks of none."""
    view = budget_cards.raise_modal(review(), "U0OLIVIA", waiting=waiting)
    assert (view["callback_id"], view["private_metadata"]) == ("budget.raised_and_on", "7")
    assert says in str(view["blocks"])
    assert "goes on" not in str(budget_cards.raise_modal(review(), "U0OLIVIA")["blocks"])


def test_more_is_proposed_where_more_requests_wait() -> None:
    """So much that a step of each has room; a quarter of the limit where that is more."""
    assert budget_cards.proposal(review(), 1) == budget_cards.proposal(review(), 5) == 1_250_000_000
    assert budget_cards.proposal(review(needed_nusd=10**9), 5) == 4_990_000_000
    shown_in = budget_cards.raise_modal(review(needed_nusd=10**9), "U0OLIVIA", waiting=5)
    assert "'initial_value': '4.99'" in str(shown_in["blocks"])


def test_a_review_says_what_was_met() -> None:
    """Which budget, how much of it is spent and set aside, what was refused and whose request that was."""
    said = shown(budget_cards.review(review(ticket_id=12), "U0OLIVIA"))
    assert f"The daily budget of {HELP} has no room for the next step of a request" in said
    assert "$4.97 of $5.00 was spent and $0.02 set aside for calls under way" in said
    assert f"that step could cost up to $0.0461. It was a request of {MAYA} (ticket 12)." in said
    assert "set aside" not in shown(budget_cards.review(review(held_nusd=0), "U0OLIVIA"))


def test_a_review_that_an_evaluation_opened_speaks_of_no_requester() -> None:
    """What was refused was nobody's request, and no person takes it over."""
    met = review(holder="eval", channel="eval", user="U0EVAL")
    said = shown(budget_cards.review(met, "U0OLIVIA"))
    assert "The daily budget of evaluations has no room" in said
    assert "It was an evaluation." in said
    assert "evaluations cannot go on, unless you raise it" in said
    assert "evaluations cannot go on until" in shown(budget_cards.deny_modal(met, "U0OLIVIA"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"80 % of the daily budget of {HELP} is used:* $4.97 of $5.00"),
        (WEEK, "the weekly budget"),
        (MONTH, "the monthly budget"),
        ({"holder": "D0MAYA"}, f"of a direct message with {MAYA}"),
        ({"holder": "eval"}, "of evaluations"),
        ({"scope": "user", "holder": "U0MAYA"}, f"of {MAYA}"),
        ({"scope": "user", "holder": "U0OLIVIA"}, "of your own daily budget"),
        ({"scope": "team", "holder": "T0DESKHAND"}, "of this workspace"),
        ({"scope": "agent", "holder": "access"}, "of the agent access"),
    ],
)
def test_a_notice_names_the_budget_in_words(changes: dict[str, Any], words: str) -> None:
    """Each scope and window as people call them, with how much is spent and when it resets."""
    body = budget_cards.notice(notice(**changes), "U0OLIVIA", requester="U0MAYA")
    check(body, ours=(MAYA, HELP))
    assert words in body["text"]
    assert "It resets <!date^" in body["text"]


def test_a_notice_that_comes_late_says_so() -> None:
    """Nobody is told to act on a window that is over."""
    said = budget_cards.notice(notice(), "U0OLIVIA", requester=None, over=True)["text"]
    assert "was used" in said
    assert "is used" not in said
    assert "It reset <!date^" in said


@pytest.mark.parametrize("spent", [5_000_000_000, 62_000_000_000])
def test_a_notice_of_a_used_up_budget_says_so(spent: int) -> None:
    """As after the file lowered its limit: it promises no question for a time that has come already."""
    said = budget_cards.notice(notice(spent_nusd=spent), "U0OLIVIA", requester=None)["text"]
    assert said.startswith(f"*All of the daily budget of {HELP} is used:* $")
    assert said.endswith("Until then requests go to people, unless it is raised.")
    assert "%" not in said
    late = budget_cards.notice(notice(spent_nusd=spent), "U0OLIVIA", requester=None, over=True)["text"]
    assert late.startswith(f"*All of the daily budget of {HELP} was used:*")


def test_a_notice_about_evaluations_speaks_of_no_request() -> None:
    """What does not fit under their budget goes to nobody."""
    soon, now = (
        budget_cards.notice(notice(holder="eval", spent_nusd=spent), "U0OLIVIA", requester=None)["text"]
        for spent in (4_970_000_000, 5_000_000_000)
    )
    assert "When nothing is left, evaluations cannot go on, and I ask you" in soon
    assert "Until then evaluations cannot go on, unless" in now


def test_a_conversation_whose_requester_is_unknown_is_not_named() -> None:
    """What the clock has seen belongs to no request."""
    body = budget_cards.notice(notice(holder="D0MAYA"), "U0OLIVIA", requester=None)
    assert "of a direct message is used" in body["text"]


def test_a_requester_reads_a_line_for_each_budget_that_concerns_them() -> None:
    """The highest percentage alone, no amounts, and nothing of teams and agents."""
    passed = [
        notice(percent=90),
        notice(percent=80),
        notice(account="u", scope="user", holder="U0MAYA", **WEEK),
        notice(account="t", scope="team", holder="T1"),
        notice(account="a", scope="agent", holder="access"),
    ]
    said = budget_cards.footers(passed, private=False)
    assert sorted(line.split(" is used")[0] for line in said) == [
        "80 % of what I may spend on your requests this week",
        "90 % of what I may spend in this channel today",
    ]
    assert not [line for line in said if "$" in line]
    assert "in this conversation today" in budget_cards.footers([notice()], private=True)[0]
    assert budget_cards.footers([], private=True) == []


@pytest.mark.parametrize(
    ("changes", "proposed"),
    [
        ({}, "1.25"),  # a quarter of five dollars
        ({"needed_nusd": 2_000_000_001}, "2.00"),  # what was missing, in whole cents
        ({"limit_nusd": 0, "spent_nusd": 0, "held_nusd": 0, "needed_nusd": 1}, "0.01"),
        ({"limit_nusd": 1_000_000 * 10**9}, "250000.00"),
    ],
)
def test_the_form_proposes_a_raise_with_which_it_would_have_fitted(changes: dict[str, Any], proposed: str) -> None:
    """A quarter of the limit, and no less than what was missing."""
    met = review(**changes)
    view = budget_cards.raise_modal(met, "U0OLIVIA")
    assert slack.view_complaints(view) == []
    fields = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert list(fields) == ["amount", "why"]
    assert fields["amount"]["initial_value"] == proposed
    assert met.limit_nusd + Decimal(proposed) * 10**9 >= met.spent_nusd + met.held_nusd + met.needed_nusd
    assert (view["callback_id"], view["private_metadata"]) == ("budget.raised", "7")


def test_to_deny_needs_a_reason_alone() -> None:
    """Slack sends the form back with it, for its review."""
    view = budget_cards.deny_modal(review(), "U0OLIVIA")
    assert slack.view_complaints(view) == []
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["why"]
    assert (view["callback_id"], view["private_metadata"]) == ("budget.denied", "7")


def test_who_comes_too_late_is_told_who_was_faster() -> None:
    """By name, and by how much; their own deed is theirs."""
    raised, denied = review(state="raised", **REVIEW_STATES["raised"]), review(state="denied", **DECIDED)
    assert budget_cards.decided(raised, "U0BEN") == f"{OLIVIA} has raised this by $1.25 already."
    assert budget_cards.decided(raised, "U0OLIVIA") == "You have raised this by $1.25 already."
    assert budget_cards.decided(denied, "U0BEN") == f"{OLIVIA} has decided already to leave this as it is."
    for over in (review(state="ended"), review()):
        assert "This is over: the budget reset" in budget_cards.decided(over, "U0BEN")
    assert budget_cards.decided(review(state="changed"), "U0BEN") == budget_cards.CHANGED


@pytest.mark.parametrize("holder", [None, "U0PRIYA"])
def test_responders_learn_that_the_agent_can_go_on_and_no_amount(holder: str | None) -> None:
    """Whoever has the ticket is called; where nobody has it, it is to be claimed first."""
    body = budget_cards.raised(review(state="raised", **REVIEW_STATES["raised"]), holder)
    check(body, ours=(OLIVIA, HELP, "<@U0PRIYA>"))
    assert body["text"].startswith("<@U0PRIYA> " if holder else f"{OLIVIA} has raised")
    assert ("You can give it back." in body["text"]) == (holder is not None)
    assert ("claim it and give it back" in body["text"]) == (holder is None)
    assert "$" not in body["text"]


@given(why=texts, holder=texts)
@tried
def test_whatever_was_written_stays_words(why: str, holder: str) -> None:
    """Neither a reason nor a name from the budget file can mention, link, or break a card."""
    met = {"holder": holder, "scope": "agent"}
    check(
        budget_cards.review(review(state="raised", **{**REVIEW_STATES["raised"], "why": why, **met}), "U0OLIVIA"),
        ours=(OLIVIA, MAYA),
    )
    for scope in ("channel", "agent"):
        check(
            budget_cards.notice(notice(scope=scope, holder=holder), "U0OLIVIA", requester="U0MAYA"),
            ours=(MAYA, f"<#{holder}>"),
        )
