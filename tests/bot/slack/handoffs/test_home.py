"""The App Home: `bot.slack.handoffs.home`."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import Reason
from bot.sandbox.methods.views import VIEW_CHARACTERS
from bot.sandbox.slack import blocks as slack
from bot.slack.approvals import approval_home
from bot.slack.approvals.approval_home import ApprovalItem
from bot.slack.handoffs import home
from bot.slack.handoffs.home import HomeView, Item, Request, Worklist, WorklistPart
from bot.slack.reports import case_form
from bot.slack.reports.case_form import CaseItem
from tests.support.approval_views import ASKED_APPROVAL
from tests.support.block_checks import NASTY, shown, texts, tried
from tests.support.proposed_cases import proposed_case

AT = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
CARD = "https://acme.slack.com/archives/C0QUEUE/p1762088700000300"
THREAD = "https://acme.slack.com/archives/C0HELP/p1762088700000100"
WAITING = Item(
    handoff_id=3,
    ticket_id=12,
    requester="U0SAM",
    private=False,
    reason=Reason.OUT_OF_POLICY,
    words="I got a new phone",
    summary="Sam has a new phone\nand needs the second factor reset.",
    holder=None,
    lease_until=None,
    waiting_since=AT,
    card_link=CARD,
    thread_link=THREAD,
)
OWN = replace(WAITING, handoff_id=4, ticket_id=13, holder="U0PRIYA", lease_until=AT + timedelta(minutes=30))
OTHERS = replace(OWN, handoff_id=5, ticket_id=14, holder="U0BEN")
REQUEST = Request(ticket_id=7, words="I cannot sign in", state="waiting", holder=None, at=AT, link=THREAD)
DESK = Worklist(
    responder="U0PRIYA",
    own=WorklistPart((OWN,), 1),
    waiting=WorklistPart((WAITING,), 1),
    others=WorklistPart((OTHERS,), 1),
    queues=("C0QUEUE",),
)
RESPONDER = HomeView(worklist=DESK, requests=(REQUEST,), channels=("C0HELP",))
REQUESTER = replace(RESPONDER, worklist=None)
OURS = {"<@U0SAM>", "<@U0PRIYA>", "<@U0BEN>", "<#C0QUEUE>", "<#C0HELP>", f"<{CARD}|Card>", f"<{THREAD}|Their thread>"}
OURS |= {f"<{THREAD}|Open the thread>"}


def check(view: dict[str, Any]) -> None:
    """Assert that Slack would take a home and that only we made mentions and links in it."""
    assert slack.view_complaints(view) == []
    assert slack.characters(view) <= VIEW_CHARACTERS
    json.dumps(view, ensure_ascii=False).encode()
    text = shown(view)
    assert {token for token in re.findall(r"<[^<>]*>", text) if not token.startswith("<!date^")} <= OURS


def buttons(view: dict[str, Any]) -> dict[str, list[str]]:
    """Return the action ids of a home's buttons, by the handoff that their value names."""
    found: dict[str, list[str]] = {}
    for _block, element in slack.interactive(view["blocks"]):
        found.setdefault(element["value"], []).append(element["action_id"])
    return found


def headings(view: dict[str, Any]) -> list[str]:
    """Return the headings of a home."""
    return [block["text"]["text"] for block in view["blocks"] if block["type"] == "header"]


def many(item: Item, count: int) -> WorklistPart:
    """Return a part of so many handoffs."""
    return WorklistPart(tuple(replace(item, handoff_id=number) for number in range(count)), count)


def test_a_responder_sees_every_handoff_with_the_buttons_that_fit_it() -> None:
    """Theirs with all moves, open ones with a claim, those of others with none; below that their own requests."""
    view = home.home(RESPONDER)
    check(view)
    assert headings(view) == ["With you (1)", "Waiting for somebody (1)", "With others (1)", "Your requests"]
    moves = [f"handoff.{move}" for move in ("reply", "resolve", "give_back", "reassign", "unclaim")]
    assert buttons(view) == {"4": moves, "3": ["handoff.claim"]}
    said = shown(view)
    assert "*Ticket 12* from <@U0SAM>: Only a person may do this" in said
    assert "\n> I got a new phone\n" in said
    assert "second factor" not in said
    assert "With <@U0BEN> until" in said
    assert f"<{CARD}|Card> · <{THREAD}|Their thread>" in said


def test_a_handoff_whose_words_are_gone_shows_what_it_is_about() -> None:
    """The agent's summary, on one line."""
    worklist = replace(DESK, waiting=WorklistPart((replace(WAITING, words=None),), 1))
    assert "\n> Sam has a new phone and needs the second factor reset.\n" in shown(
        home.home(replace(RESPONDER, worklist=worklist))
    )


def test_no_one_is_offered_their_own_request() -> None:
    """They see that it waits; a claim of it would be refused."""
    own = replace(WAITING, requester=DESK.responder)
    view = home.home(
        replace(RESPONDER, worklist=replace(DESK, own=WorklistPart(), waiting=WorklistPart((own, WAITING), 2)))
    )
    assert buttons(view) == {str(WAITING.handoff_id): ["handoff.claim"]}
    assert "*Ticket 12* from <@U0PRIYA>" in shown(view)
    assert "It is your own request, so somebody else has to take it." in shown(view)


def test_a_requester_sees_their_requests_and_how_to_ask_and_nothing_else() -> None:
    """No handoff, no button, no word of a queue; one sentence on where help is to be had."""
    view = home.home(REQUESTER)
    check(view)
    assert headings(view) == ["Your requests"]
    assert buttons(view) == {}
    assert "*I cannot sign in*\nWaiting for a person · " in shown(view)
    assert shown(view).count("write to me in Messages or write in <#C0HELP>") == 1
    assert "C0QUEUE" not in json.dumps(view)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("agent", "With the agent"),
        ("answered", "Answered"),
        ("yours", "Your turn: use the link we sent"),
        ("waiting", "Waiting for a person"),
        ("person", "With <@U0BEN>"),
        ("resolved", "Resolved"),
        ("refused", "Not taken"),
        ("withdrawn", "Withdrawn"),
    ],
)
def test_every_state_of_a_request_is_said_in_words(state: Any, words: str) -> None:
    """The requester reads who has it, and since when."""
    view = home.home(replace(REQUESTER, requests=(replace(REQUEST, state=state, holder="U0BEN"),)))
    check(view)
    assert f"*I cannot sign in*\n{words} · <!date^{int(AT.timestamp())}^{{ago}}|" in shown(view)


def test_no_state_of_a_request_is_left_out() -> None:
    """The states above are all there are."""
    states = {"agent", "answered", "yours", "waiting", "person", "resolved", "refused", "withdrawn"}
    assert set(get_args(get_type_hints(Request)["state"])) == states


def test_an_empty_home_says_so() -> None:
    """Nobody waits, nothing was asked: two sentences instead of empty parts."""
    worklist = replace(DESK, own=WorklistPart(), waiting=WorklistPart(), others=WorklistPart())
    view = home.home(HomeView(worklist=worklist, requests=(), channels=("C0HELP",)))
    check(view)
    assert headings(view) == ["Waiting for somebody (0)", "Your requests"]
    assert "Nobody is waiting." in shown(view)
    assert "You have not asked for anything yet." in shown(view)


def test_a_home_does_not_change_with_time() -> None:
    """Ages are counted by Slack: the same facts give the same view at any moment."""
    view = home.home(RESPONDER)
    assert view == home.home(RESPONDER)
    ages = re.findall(r"<!date\^(\d+)\^[^|>]*\{ago\}[^|>]*\|", shown(view))
    assert set(ages) == {str(int(AT.timestamp()))}
    assert len(ages) == 4


def test_three_hundred_handoffs_fit() -> None:
    """What there is no room for is counted, and the queue is named."""
    worklist = Worklist(
        responder="U0PRIYA",
        own=many(OWN, 300),
        waiting=many(WAITING, 300),
        others=many(OTHERS, 300),
        queues=("C0QUEUE",),
    )
    long = tuple(replace(REQUEST, ticket_id=number, words="x" * 9_000) for number in range(300))
    apart = replace(
        worklist,
        waiting=WorklistPart(
            tuple(replace(one, handoff_id=one.handoff_id + 300) for one in worklist.waiting.items), 300
        ),
        others=WorklistPart(tuple(replace(one, handoff_id=one.handoff_id + 600) for one in worklist.others.items), 300),
    )
    approvals = [replace(ASKED_APPROVAL, approval_id=number) for number in range(300)]
    to_approve = tuple(approval_home.blocks([ApprovalItem(one, CARD) for one in approvals]))
    idle = ("access is suspended.",) * home.MOST_IDLE
    cases = [CaseItem(proposed_case(number=number), "x" * 900) for number in range(300)]
    entries = tuple(case_form.entries(cases, 300))
    more: dict[str, Any] = {"to_approve": to_approve, "proposed": entries, "idle": idle, "dashboard": True}
    view = home.home(HomeView(worklist=apart, requests=long, channels=("C0HELP",), **more))
    check(view)
    assert len(view["blocks"]) == 100
    for left in (288, 280, 291):
        assert f"and {left} more in <#C0QUEUE>" in shown(view)


def test_a_part_that_was_read_in_parts_counts_the_rest() -> None:
    """Twelve more than were read are twelve more."""
    view = home.home(replace(RESPONDER, worklist=replace(DESK, waiting=WorklistPart((WAITING,), 13))))
    check(view)
    assert "and 12 more in <#C0QUEUE>" in shown(view)


@tried
@given(texts, st.sampled_from(Reason))
def test_no_text_breaks_a_home(text: str, reason: Reason) -> None:
    """Hostile summaries and requests fit on a line, and make no mention and no link."""
    items = [replace(item, summary=text, reason=reason) for item in (OWN, WAITING, OTHERS)]
    own, waiting, others = (WorklistPart((item,), 1) for item in items)
    worklist = replace(DESK, own=own, waiting=waiting, others=others)
    view = home.home(replace(RESPONDER, worklist=worklist, requests=(replace(REQUEST, words=text),)))
    check(view)
    assert all(len(block["text"]["text"]) < 1_000 for block in view["blocks"] if block["type"] == "section")


@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_a_home(text: str) -> None:
    """A home whose people are nonsense is still taken by Slack."""
    item = replace(OTHERS, holder=text, requester=text)
    worklist = replace(DESK, others=WorklistPart((item,), 1))
    check(home.home(replace(RESPONDER, worklist=worklist, requests=(replace(REQUEST, state="person", holder=text),))))


@pytest.mark.parametrize("link", [*NASTY, None, "javascript:alert(1)", f"{THREAD}|Home> <!channel", f"{THREAD} x"])
def test_only_an_address_becomes_a_link(link: str | None) -> None:
    """What is not one plain address is left out."""
    item = replace(WAITING, card_link=link, thread_link=link)
    view = home.home(
        replace(
            RESPONDER,
            worklist=replace(DESK, waiting=WorklistPart((item,), 1)),
            requests=(replace(REQUEST, link=link, words=None),),
        )
    )
    check(view)
    assert "*Ticket 7*\nWaiting for a person · <!date^" in shown(view)


def test_a_direct_message_is_not_linked_for_responders() -> None:
    """They could not open it; its transcript is below the card."""
    view = home.home(
        replace(RESPONDER, worklist=replace(DESK, waiting=WorklistPart((replace(WAITING, private=True),), 1)))
    )
    check(view)
    assert shown(view).count("Their thread") == 2
