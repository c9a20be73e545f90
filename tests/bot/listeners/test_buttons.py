"""Who may press what, and that a button or a form which does nothing tells who pressed it so."""

from typing import Any

import pytest
from sqlalchemy import update

from bot.listeners import buttons
from bot.slack.handoffs import denials
from bot.slack.sentences import say
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import NotMoved
from bot.store.schema import Handoff, HandoffMove, HandoffState, Home, InboxEvent, now
from tests.support.slack_requests import FORGED_IDS
from tests.support.web_harness import Card, FrontDoor
from tests.support.workspace_names import QUEUE, TEAM

AT_ONCE = ("claim", "unclaim", "send", "keep")
FORMS = ("reply", "resolve", "reassign", "give_back")
EVERYWHERE = (*AT_ONCE, *FORMS, "cancel")


def click(
    user: str, action: str, value: str | None, *, trigger: str = "1.2.3", ts: str | None = None
) -> dict[str, Any]:
    """Return a click as Slack delivers it: on a message of the queue channel, or with no `ts` in App Home."""
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": trigger, "api_app_id": "A0"}
    pressed = {"type": "button", "block_id": "b", "action_id": f"handoff.{action}"}
    body = {**who, "type": "block_actions", "actions": [pressed if value is None else {**pressed, "value": value}]}
    if ts is None:
        return {**body, "container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1", "type": "home"}}
    container = {"type": "message", "channel_id": QUEUE, "message_ts": ts, "is_ephemeral": False}
    return {**body, "channel": {"id": QUEUE}, "container": container}


def form(user: str, callback: str, metadata: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a form as Slack delivers it, without any having been opened."""
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "1.2.3", "api_app_id": "A0"}
    view = {"type": "modal", "id": "V1", "callback_id": f"handoff.{callback}", "private_metadata": metadata}
    return {**who, "type": "view_submission", "view": {**view, "state": {"values": values or {}}}}


def draft(front: FrontDoor, card: Card, user: str = "U0PRIYA") -> str:
    """Let the holder write a first `>` message; return the value of the buttons that ask about it."""
    front.say(user, QUEUE, "> Come by with your badge", thread_ts=card.message["ts"])
    return str(front.rows(InboxEvent)[-1].id)


def standing(front: FrontDoor) -> list[tuple[str, str | None]]:
    """Return state and holder of every handoff."""
    return [(row.state, row.claimed_by) for row in front.rows(Handoff)]


@pytest.mark.parametrize("claimed", [False, True])
def test_nobody_but_a_responder_moves_anything(front: FrontDoor, claimed: bool) -> None:  # noqa: FBT001 - a row of a table
    """A click of anybody else, on any button in any state, is told so, audited, and changes nothing."""
    card = front.claimed() if claimed else front.hand_off()
    asked = draft(front, card) if claimed else "999"
    before, moves = standing(front), len(front.rows(HandoffMove))
    for number, action in enumerate(EVERYWHERE):
        value = asked if action in ("send", "keep") else str(card.handoff)
        body = click("U0MAYA", action, value, trigger=str(number), ts=card.message["ts"])
        assert front.payload(body)[0] == 200
    told = dict.fromkeys(said for user, said in front.only() if user == "U0MAYA")
    assert list(told) == [say("denied.no_role", "en")] + ([] if claimed else [say("press.out_of_date", "en")]) + [
        "Only <@U0LENA> can take this back."
    ]
    assert (standing(front), len(front.rows(HandoffMove))) == (before, moves)
    refused = front.refusals()
    assert {who for who, _, _ in refused} == {"U0MAYA"}
    assert len(refused) == len(EVERYWHERE) - (0 if claimed else 2)
    assert front.sees("U0MAYA")["view"] is None


def test_somebody_who_has_left_moves_nothing(front: FrontDoor) -> None:
    """Whatever a screen that is still open shows: a former member presses in vain, with forms too."""
    card = front.claimed()
    asked = draft(front, card)
    front.leaves("U0PRIYA")
    before, moves = standing(front), len(front.rows(HandoffMove))
    for number, action in enumerate((*AT_ONCE, *FORMS)):
        value = asked if action in ("send", "keep") else str(card.handoff)
        assert front.payload(click("U0PRIYA", action, value, trigger=str(number), ts=card.message["ts"]))[0] == 200
    assert front.only() == [("U0PRIYA", say("denied.left", "en"))] * 8
    for callback in ("replied", "resolved", "reassigned", "given_back"):
        assert say("denied.left", "en") in front.payload(form("U0PRIYA", callback, str(card.handoff)))[1]
    assert (standing(front), len(front.rows(HandoffMove))) == (before, moves)
    assert {why for _, _, why in front.refusals()} == {"no longer a member"}
    assert len(front.refusals()) == 12
    assert front.under_a_name(card) == []


@pytest.mark.parametrize("action", EVERYWHERE)
def test_a_forged_value_is_out_of_date(front: FrontDoor, action: str) -> None:
    """A value that names no row of ours changes nothing, and its sender is told to look again."""
    card = front.claimed()
    draft(front, card)
    before, moves = standing(front), len(front.rows(HandoffMove))
    for number, value in enumerate(FORGED_IDS):
        body = click("U0PRIYA", action, value, trigger=str(number), ts=card.message["ts"])
        assert front.payload(body)[0] == 200
    assert front.only() == [("U0PRIYA", say("press.out_of_date", "en"))] * len(FORGED_IDS)
    assert (standing(front), len(front.rows(HandoffMove))) == (before, moves)
    assert front.under_a_name(card) == []


@pytest.mark.parametrize("action", ["send", "keep"])
def test_only_a_draft_is_sent_or_kept(front: FrontDoor, action: str) -> None:
    """The value of these buttons may not name anything else that somebody wrote: a requester's words, a note."""
    card = front.claimed()
    [heard] = front.rows(InboxEvent)
    front.payload(click("U0PRIYA", action, str(heard.id), ts=card.message["ts"]))
    assert front.only() == [("U0PRIYA", say("press.out_of_date", "en"))]
    assert [row.state for row in front.rows(InboxEvent)] == [heard.state]
    assert front.under_a_name(card) == []


def test_what_a_press_does_not_do_is_said_where_it_was_pressed(front: FrontDoor) -> None:
    """Beside the card, though a thread stands below it, which nobody may have open; of a draft it is in that thread."""
    card = front.claimed()
    draft(front, card)
    front.work()
    asked = next(one for one in front.below(card) if "handoff.send" in str(one))
    front.press("U0BEN", front.refreshed(card), "reassign")
    front.choose("U0BEN", asked, QUEUE, "send")
    notes = front.sees("U0BEN")["ephemeral"]
    assert [note.get("thread_ts") for note in notes] == [None, card.message["ts"]]
    assert notes[0]["text"] == "<@U0PRIYA> has it. Only they or an owner can do that."


def test_a_forged_form_changes_nothing(front: FrontDoor) -> None:
    """The metadata of a form is the browser's word: one that names no handoff is refused in the form."""
    front.claimed()
    before = len(front.rows(HandoffMove))
    for callback, first in (("replied", "text"), ("resolved", "done"), ("reassigned", "to"), ("given_back", "note")):
        for metadata in ("", "999", "-1", "x" * 3_000):
            status, body = front.payload(form("U0PRIYA", callback, metadata))
            assert (status, f'"{first}"' in body, "This handoff is gone." in body) == (200, True, True)
        assert say("denied.no_role", "en") in front.payload(form("U0MAYA", callback, "1"))[1]
    assert len(front.rows(HandoffMove)) == before


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("resolved", "This is resolved already."),
        ("returned", "It was given back to the agent."),
        ("cancelled", "The requester took this back."),
    ],
)
def test_a_button_of_a_card_that_is_closed_says_how_it_ended(front: FrontDoor, end: str, said: str) -> None:
    """A stale screen may show any button; each tells what became of the handoff, twice if pressed twice."""
    card = front.hand_off() if end == "cancelled" else front.claimed()
    with front.database.write() as session:
        if end == "resolved":
            handoffs.resolve(session, card.handoff, "U0PRIYA", done="Done.", category="other", agent_could=False)
        elif end == "returned":
            handoffs.give_back(session, card.handoff, "U0PRIYA", note="Go on.")
        else:
            handoffs.cancel(session, card.handoff, by="U0LENA")
    before, moves = standing(front), len(front.rows(HandoffMove))
    pressed = ("claim", "unclaim", *FORMS, "claim")
    for action in pressed:
        front.press("U0PRIYA", card, action, forge=True)
    assert front.whispers("U0PRIYA") == [said] * len(pressed)
    assert front.sees("U0PRIYA")["view"] is None
    assert (standing(front), len(front.rows(HandoffMove))) == (before, moves)


def test_a_button_of_an_older_card_leaves_the_newer_handoff_alone(front: FrontDoor) -> None:
    """What was given back and handed off again has a card of its own; the old one moves nothing."""
    card = front.claimed()
    with front.database.write() as session:
        handoffs.give_back(session, card.handoff, "U0PRIYA", note="Go on.")
    again = front.again(card)
    for action in ("claim", "unclaim", *FORMS):
        front.press("U0PRIYA", card, action, forge=True)
    assert set(front.whispers("U0PRIYA")) == {"It was given back to the agent."}
    assert front.stands(again) == ("open", None)


def test_a_press_in_app_home_is_answered_directly(front: FrontDoor) -> None:
    """In App Home nothing can be shown to one person alone: why a button did nothing comes as a direct message."""
    card = front.claimed()
    for action, said in (("claim", "<@U0PRIYA> has it."), ("reply", "<@U0PRIYA> has it. Only they can do that.")):
        assert front.payload(click("U0BEN", action, str(card.handoff), trigger=action))[0] == 200
        assert front.directly("U0BEN")[-1] == said
    assert front.payload(click("U0BEN", "unclaim", "999", trigger="x"))[0] == 200
    assert front.directly("U0BEN")[-1] == say("press.out_of_date", "en")
    assert front.payload(click("U0MAYA", "claim", str(card.handoff), trigger="y"))[0] == 200
    assert front.directly("U0MAYA") == [say("denied.no_role", "en")]
    assert (front.whispers("U0BEN"), front.whispers("U0MAYA")) == ([], [])
    assert front.stands(card) == ("claimed", "U0PRIYA")


def test_the_buttons_of_app_home_do_what_those_of_the_card_do(front: FrontDoor) -> None:
    """Claim, answer and release from there: the card and the requester see it."""
    card = front.hand_off()
    for action, block in (("claim", ""), ("reply", ":moves"), ("unclaim", ":moves")):
        with front.database.write() as session:
            session.execute(update(Home).values(due_at=now()))  # it was published a moment ago, and rests
        front.act("home", "U0PRIYA")
        front.work()
        place = {"block_id": f"handoff:{card.handoff}{block}", "action_id": f"handoff.{action}"}
        front.act("click", "U0PRIYA", home=True, **place)
        front.work()
        if action == "reply":
            assert front.sees("U0PRIYA")["view"]["callback_id"] == "handoff.replied"
            front.fill("U0PRIYA", {"text": {"text": {"type": "plain_text_input", "value": "On my way"}}})
    assert front.under_a_name(card) == [("Priya Nair", "On my way")]
    assert front.moves() == ["opened", "claimed", "renewed", "unclaimed"]
    assert "nobody has this now" in str(front.card(card.handoff)["blocks"])


def test_a_click_that_comes_again_is_one_move_and_one_answer(front: FrontDoor) -> None:
    """The same click three times: what it did stays done, and what it said is said once."""
    card = front.hand_off()
    for _ in range(3):
        front.payload(click("U0PRIYA", "claim", str(card.handoff), trigger="1", ts=card.message["ts"]))
        front.payload(click("U0BEN", "claim", str(card.handoff), trigger="2", ts=card.message["ts"]))
    assert front.whispers("U0BEN") == ["<@U0PRIYA> has it."]
    assert front.moves() == ["opened", "claimed"]
    assert [said for said in front.said_in(card) if "has your request" in said] == [
        "<@U0PRIYA> has your request and will answer here. I will stay out of the way."
    ]


@pytest.mark.parametrize(
    ("state", "holder", "said"),
    [
        (HandoffState.CLAIMED, "U0BEN", "<@U0BEN> has it."),
        (HandoffState.CLAIMED, "U0PRIYA", "You have it already."),
        (HandoffState.OPEN, None, "Nobody has it at the moment: claim it first."),
    ],
)
def test_how_a_handoff_stands_is_said_in_words(state: HandoffState, holder: str | None, said: str) -> None:
    """To the one who asks, who may be the holder."""
    assert denials.explanation(NotMoved(state, holder), "U0PRIYA") == said


FAULTS = (
    {"kind": "fail", "error": "expired_trigger_id"},
    {"kind": "fail", "error": "invalid_arguments"},
    {"kind": "http_500"},
    {"kind": "rate_limit", "seconds": 30},
    {"kind": "drop_answer"},
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('error', '')}".strip())
def test_a_form_that_slack_does_not_open_is_said(front: FrontDoor, fault: dict[str, Any]) -> None:
    """Refused, or its answer lost: Slack is answered in time, and who pressed is told so, alone; again, it opens."""
    card = front.claimed()
    front.faults({"method": "views.open", **fault})
    assert front.press("U0PRIYA", card, "resolve")["ok"]
    assert (front.whispers("U0PRIYA"), front.whispers("U0BEN")) == ([buttons.NOT_OPENED], [])
    front.faults()
    front.press("U0PRIYA", card, "resolve")
    assert [one["name"] for one in front.world.journal.entries].count("views.open") <= 2  # each press sends it once
    assert front.sees("U0PRIYA")["view"]["callback_id"] == "handoff.resolved"
    assert front.whispers("U0PRIYA") == [buttons.NOT_OPENED]


@pytest.mark.parametrize("front", [{"modal_seconds": 0.5}], indirect=True, ids=["hurried"])
def test_a_form_that_slack_opens_too_late_is_said(front: FrontDoor) -> None:
    """Its trigger would be over: who pressed is told before it is, alone."""
    card = front.claimed()
    front.faults({"method": "views.open", "kind": "slow", "seconds": 1.0})
    assert front.press("U0PRIYA", card, "resolve")["ok"]
    assert (front.whispers("U0PRIYA"), front.whispers("U0BEN")) == ([buttons.NOT_OPENED], [])


@pytest.mark.parametrize("action", FORMS)
def test_a_form_that_does_not_open_from_the_home_is_said_directly(front: FrontDoor, action: str) -> None:
    """Nothing can be shown to one person alone there."""
    card = front.claimed()
    front.faults({"method": "views.open", "kind": "fail", "error": "expired_trigger_id", "times": -1})
    assert front.payload(click("U0PRIYA", action, str(card.handoff)))[0] == 200
    assert front.directly("U0PRIYA") == [buttons.NOT_OPENED]
