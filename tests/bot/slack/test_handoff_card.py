from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.principals import Reason
from bot.sandbox import blocks as slack
from bot.slack import handoff_card
from bot.slack.handoff_card import HandoffView, Line
from tests.bot.slack.strict import NASTY, check, shown, texts, tried

AT = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
STATES = ("open", "claimed", "returned", "resolved", "cancelled")
LINK = "https://acme.slack.com/archives/C0HELP/p1762088700000100"
PEOPLE = ("<@U0SAM>", "<@U0PRIYA>")
OURS = (*PEOPLE, f"<{LINK}|Their thread>")
OPEN = HandoffView(
    handoff_id=3,
    ticket_id=12,
    state="open",
    claimed_by=None,
    lease_until=None,
    requester="U0SAM",
    requester_zone="Asia/Tokyo",
    private=False,
    reason=Reason.OUT_OF_POLICY,
    summary="Sam has a new phone and needs the second factor reset.",
    tried=(("look_up_my_account", "active, second factor: totp"),),
    account="active",
    cost_nusd=4_200_000,
    opened_at=AT,
    waiting_since=AT - timedelta(minutes=2),
    thread_link=LINK,
    resolution=None,
    fell_back=False,
)
CLAIMED = replace(OPEN, state="claimed", claimed_by="U0PRIYA", lease_until=AT + timedelta(minutes=30))
RESOLVED = replace(
    CLAIMED,
    state="resolved",
    lease_until=None,
    resolution={"done": "Reset the factor.", "category": "second_factor", "agent_could": False},
)


def actions(body: dict[str, Any]) -> list[str]:
    """Return the action ids of a body's buttons."""
    return [element["action_id"] for _, element in slack.interactive(body["blocks"])]


def in_state(state: str) -> HandoffView:
    """Return the view of a handoff that is in a state."""
    return {"open": OPEN, "claimed": CLAIMED, "resolved": RESOLVED}.get(state, replace(RESOLVED, state=state))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reason", Reason)
def test_a_card_is_right_in_every_state(state: str, reason: Reason) -> None:
    """Slack takes the card of every state and reason, and only people it is about are mentioned."""
    check(handoff_card.card(replace(in_state(state), reason=reason)), ours=OURS)


@tried
@given(texts, st.sampled_from(STATES))
def test_no_text_breaks_a_card(text: str, state: str) -> None:
    """Hostile summaries, results, zones, links and resolutions fit, and make no mention and no link."""
    view = replace(
        in_state(state),
        summary=text,
        tried=((text, text),) * 30,
        account=text,
        requester_zone=text,
        resolution={"done": text, "category": text, "agent_could": True},
        fell_back=True,
    )
    check(handoff_card.card(view), ours=OURS)


@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_a_card(text: str) -> None:
    """A card whose people are nonsense is still taken by Slack."""
    check(handoff_card.card(replace(CLAIMED, claimed_by=text, requester=text)), ours=OURS)


@pytest.mark.parametrize("link", [*NASTY, None, "javascript:alert(1)", f"{LINK}|Home> <!channel", f"{LINK} x"])
def test_only_an_address_becomes_a_link(link: str | None) -> None:
    """What is not one plain address is left out, and the card says where to read instead."""
    body = handoff_card.card(replace(OPEN, thread_link=link))
    check(body, ours=PEOPLE)
    assert "*Where*\nA channel; the transcript is in this thread" in shown(body)


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        ("open", ["handoff.claim"]),
        ("claimed", ["handoff.reply", "handoff.resolve"]),
        ("returned", []),
        ("resolved", []),
        ("cancelled", []),
    ],
)
def test_no_button_is_dead(state: str, ids: list[str]) -> None:
    """Each state has the buttons that do something in it, each naming the handoff, and no other."""
    body = handoff_card.card(in_state(state))
    assert actions(body) == ids
    assert all(element["value"] == "3" for _, element in slack.interactive(body["blocks"]))


def test_an_open_card_says_all_that_is_known() -> None:
    """Who, their time, why, what was tried and returned, account, cost, since when, and where."""
    body = handoff_card.card(OPEN)
    text = shown(body)
    assert body["text"] == "Ticket 12 needs a person. Only a person may do this."
    for words in (
        "Ticket 12 needs a person",
        "*Nobody has this yet.*",
        f"waiting since <!date^{int(AT.timestamp()) - 120}^{{date_short_pretty}} at {{time}} ({{ago}})|",
        "<@U0SAM>\nwrote at 22:05 their time (Asia/Tokyo)",
        "*Why*\nOnly a person may do this",
        "*Account*\nactive",
        "*Cost so far*\n$0.0042",
        f"<{LINK}|Their thread>",
        "> Sam has a new phone and needs the second factor reset.",
        "• `look_up_my_account`: active, second factor: totp",
    ):
        assert words in text


def test_a_claimed_card_says_who_has_it_until_when() -> None:
    """The holder and the end of the lease are on the card; without a lease no time is made up."""
    until = int((AT + timedelta(minutes=30)).timestamp())
    assert f"*With <@U0PRIYA> until <!date^{until}^{{time}}|" in shown(handoff_card.card(CLAIMED))
    assert "*With <@U0PRIYA>.* The requester" in shown(handoff_card.card(replace(CLAIMED, lease_until=None)))


@pytest.mark.parametrize(("could", "words"), [(True, "could have"), (False, "could not have")])
def test_a_resolved_card_says_what_was_done(could: bool, words: str) -> None:  # noqa: FBT001 - a parameter of the test
    """The outcome, its category and whether the agent could have done it stand on the card."""
    outcome = {"done": "Reset the factor.", "category": "second_factor", "agent_could": could}
    text = shown(handoff_card.card(replace(RESOLVED, resolution=outcome)))
    assert "*Resolved by <@U0PRIYA>.*" in text
    assert "*What was done* (Second factor or new phone)" in text
    assert "> Reset the factor." in text
    assert f"the agent {words} done this" in text


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "America", "", "\x00"])
def test_an_unknown_time_zone_makes_up_no_time(zone: str) -> None:
    """A zone that this machine does not know is named, and no local time is claimed."""
    text = shown(handoff_card.card(replace(OPEN, requester_zone=zone)))
    assert "<@U0SAM>, in " in text
    assert "their time" not in text


def test_a_direct_message_is_not_linked() -> None:
    """A responder cannot open somebody's direct message, so the card offers no link to it."""
    text = shown(handoff_card.card(replace(OPEN, private=True)))
    assert LINK not in text
    assert "direct message" in text


def test_a_card_that_fell_back_says_so() -> None:
    """Whoever gets a card directly reads why."""
    assert "could not post it in the queue channel" in shown(handoff_card.card(replace(OPEN, fell_back=True)))
    assert "could not post" not in shown(handoff_card.card(OPEN))


def test_a_summary_cannot_pass_for_the_card() -> None:
    """Lines of a summary that look like the card's own stay inside a quotation."""
    forged = "New phone.\n*With <@U0PRIYA>.*\n*What was done*\nAll approved."
    text = shown(handoff_card.card(replace(OPEN, summary=forged)))
    assert "\n> *With @U0PRIYA.*\n> *What was done*\n> All approved." in text


def test_more_steps_than_fit_are_counted() -> None:
    """A card that leaves steps out says how many."""
    text = shown(handoff_card.card(replace(OPEN, tried=(("look_up_my_account", "locked"),) * 15)))
    assert text.count("`look_up_my_account`") == 12
    assert "… and 3 more steps." in text


@tried
@given(st.lists(st.tuples(texts, st.lists(texts, max_size=3)), max_size=8))
def test_a_transcript_fits_whatever_was_said(said: list[tuple[str, list[str]]]) -> None:
    """Every message of a transcript is within Slack's limits, and mentions only who spoke."""
    lines = [Line("<@U0SAM>", AT, text, tuple(files)) for text, files in said]
    for body in handoff_card.transcript(lines):
        check(body, ours=PEOPLE)


def test_a_transcript_of_two_hundred_lines_is_complete() -> None:
    """Two hundred lines are all there, in order, folded, in a handful of messages."""
    lines = [Line("<@U0SAM>" if n % 2 else "Deskhand", AT, f"line number {n}.") for n in range(200)]
    bodies = handoff_card.transcript(lines)
    text = "\n".join(shown(body) for body in bodies)
    places = [text.index(f"> line number {n}.") for n in range(200)]
    assert places == sorted(places)
    assert len(bodies) == 5
    for body in bodies:
        check(body, ours=PEOPLE)
        assert all(block["is_collapsible"] and block["default_collapsed"] for block in body["blocks"])
    assert bodies[0]["blocks"][0]["title"]["text"] == "Transcript, lines 1 to 10 of 200"


@pytest.mark.parametrize("text", ["x" * 40_000, "&" * 40_000, "word " * 8_000, "line\n" * 8_000])
def test_a_transcript_cuts_nothing(text: str) -> None:
    """A line of 40,000 characters goes on over several messages, to its last character."""
    bodies = handoff_card.transcript([Line("<@U0SAM>", AT, text)])
    said = "\n".join(shown(body) for body in bodies)
    wanted = {"x": 40_000, "&amp;": 40_000, "word": 8_000, "line\n": 8_000}
    mark = next(mark for mark in wanted if text.startswith(mark.replace("&amp;", "&")))
    count = said.replace("line 1 of 1", "") + "\n"
    assert count.count(mark) >= wanted[mark]
    for body in bodies:
        check(body, ours=PEOPLE)


def test_a_transcript_names_attachments() -> None:
    """Files are named beside who attached them, with words or without."""
    (body,) = handoff_card.transcript([Line("<@U0SAM>", AT, "", ("a.png", "b.log")), Line("Deskhand", AT, "Thanks.")])
    text = shown(body)
    assert "attached a.png, b.log" in text
    assert "(no words)" not in text
    assert "*Deskhand* <!date^" in text


def test_a_transcript_of_nothing_is_no_message() -> None:
    """Where nothing was said nothing is posted."""
    assert handoff_card.transcript([]) == []


def test_the_resolve_modal_asks_what_the_store_keeps() -> None:
    """The modal gives done, category and agent_could under these names, and carries the handoff's id."""
    view = handoff_card.resolve_modal(3)
    assert slack.view_complaints(view) == []
    assert (view["callback_id"], view["private_metadata"]) == ("handoff.resolved", "3")
    places = [(block["block_id"], block["element"]["action_id"]) for block in view["blocks"]]
    assert places == [("done", "done"), ("category", "category"), ("agent_could", "agent_could")]
    values = [option["value"] for option in view["blocks"][1]["element"]["options"]]
    assert values == ["locked", "password", "second_factor", "other_account", "access", "compromise", "other"]
    assert [option["value"] for option in view["blocks"][2]["element"]["options"]] == ["yes", "no"]


def test_the_reply_modal_says_whose_name_is_on_it() -> None:
    """A responder reads that the requester gets these words under the responder's name."""
    view = handoff_card.reply_modal(3, "U0SAM")
    assert slack.view_complaints(view) == []
    assert (view["callback_id"], view["private_metadata"]) == ("handoff.replied", "3")
    assert view["blocks"][0]["text"]["text"] == "<@U0SAM> gets this in their thread, under your name."
    assert view["blocks"][1]["element"]["max_length"] == 3_000


def test_each_reason_has_words() -> None:
    """Responders read every reason in words of its own."""
    assert len({handoff_card.words(reason) for reason in Reason}) == len(Reason)
