"""Thumbs below answers, and what a thumb down asks: `bot.listeners.thumbs`."""

import json
from typing import Any

import pytest

from bot.sandbox.slack import blocks
from bot.slack.requesters import replies
from bot.slack.sentences import catalogue, say
from bot.store import members
from bot.store.outbox import messages
from bot.store.schema import Feedback, Handoff, InboxEvent, Message, MessageKind, Ticket, Turn
from jobs import undeliverable
from tests.support.json_object import Json
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP, TEAM

SORRY, FETCH, TELL = "I am sorry that this did not help.", "feedback.person", "feedback.tell"
SORRIES = catalogue()["feedback.sorry"].values()


def test_thumb_is_kept_against_its_turn(front: FrontDoor) -> None:
    """A thumb is kept once for its turn; the requester's last one counts."""
    answer, turn = _answered(front)
    for word in ("good", "bad", "bad"):
        _thumb(front, answer, f"{word}:{turn}")
    assert [(row.turn_id, row.user, row.good) for row in front.rows(Feedback)] == [(turn, "U0MAYA", False)]


def test_forged_thumb_is_not_kept(front: FrontDoor) -> None:
    """A thumb for a turn that does not exist is acknowledged and forgotten."""
    answer, _ = _answered(front)
    for value in ("good:999", "good:" + "9" * 40, "good:", "fine:1", "good:1:2", ""):
        _thumb(front, answer, value)
    assert front.rows(Feedback) == []


@pytest.mark.parametrize("user", ["U0LENA", "U0PRIYA", "U0OLIVIA"])
def test_nobody_elses_thumb_counts(front: FrontDoor, user: str) -> None:
    """A bystander's, a responder's and an owner's are not the requester's: nothing is kept, and they are told why."""
    answer, turn = _answered(front)
    _thumb(front, answer, f"bad:{turn}", user)
    assert front.rows(Feedback) == []
    assert front.whispers(user) == ["Only <@U0MAYA> can say whether this helped, so I have not counted it."]


def test_a_thumb_counts_for_the_answer_that_it_stands_below(front: FrontDoor) -> None:
    """A value that names another turn, even of another ticket of theirs, is out of date and counts for none."""
    first, _ = _answered(front)
    front.resolve_all()
    _, second = _answered(front)
    _thumb(front, first, f"good:{second}")
    assert front.rows(Feedback) == []
    assert front.whispers("U0MAYA") == [say("press.old_answer", "en")]


def test_a_thumb_down_asks_in_private_what_is_to_be_done(front: FrontDoor) -> None:
    """Nobody but the requester sees it; a thumb up asks nothing."""
    answer, turn = _answered(front)
    _thumb(front, answer, f"good:{turn}")
    assert front.whispers("U0MAYA") == []
    _thumb(front, answer, f"bad:{turn}")
    assert front.whispers("U0MAYA") == [SORRY]
    assert front.whispers("U0LENA") == front.whispers("U0PRIYA") == []
    assert _asked(front) == {"Get a person": FETCH, "Tell us what was wrong": TELL}


def test_it_is_asked_in_the_language_of_the_requester(front: FrontDoor) -> None:
    """The question and the form."""
    answer, turn = _answered(front)
    with front.database.write() as session:
        members.store_locale(session, "U0MAYA", "de-DE")
    _thumb(front, answer, f"bad:{turn}")
    assert front.whispers("U0MAYA") == [say("feedback.sorry", "de")]
    _press(front, TELL)
    view = front.sees("U0MAYA")["view"]
    assert [view[key]["text"] for key in ("title", "submit", "close")] == [
        "Was hat nicht gestimmt?",
        "Senden",
        "Abbrechen",
    ]


def test_get_a_person_fetches_one_once(front: FrontDoor) -> None:
    """Pressed twice before anything is answered: one card, one notice, and in place of the question that it is so."""
    answer, turn = _answered(front)
    _thumb(front, answer, f"bad:{turn}")
    pressed = _button(front, FETCH)
    for _ in range(2):
        front.act("click", "U0MAYA", **pressed)
    front.work()
    [handoff] = front.rows(Handoff)
    assert (handoff.reason, handoff.state) == ("requested", "open")
    assert handoff.summary == "The requester said that the answer did not help."
    assert [row.body["text"].split(".")[0] for row in front.rows(Message) if row.kind == "notice"] == ["Of course"]
    [said] = front.whispers("U0MAYA")
    assert said in (say("feedback.fetched", "en"), say("press.has_a_person", "en"))


@pytest.mark.parametrize("locale", ["en-US", "de-DE", "ja-JP"])
def test_what_became_of_it_takes_the_place_of_the_question(front: FrontDoor, locale: str) -> None:
    """No button for a person is left; what was wrong can still be told; in their language."""
    answer, turn = _answered(front)
    with front.database.write() as session:
        members.store_locale(session, "U0MAYA", locale)
    _thumb(front, answer, f"bad:{turn}")
    _press(front, FETCH)
    [left] = front.sees("U0MAYA")["ephemeral"]
    assert left["text"] == catalogue()["feedback.fetched"][locale[:2]]
    assert [one["action_id"] for _, one in blocks.interactive(left["blocks"])] == [TELL]
    pressed = {"ephemeral_id": left["id"], "channel": HELP, "action_id": TELL}
    block_id = next(block for block, _ in blocks.interactive(left["blocks"]))
    front.act("click", "U0MAYA", block_id=block_id, **pressed)
    assert front.sees("U0MAYA")["view"]["callback_id"] == "feedback.told"


def test_get_a_person_opens_nothing_again_that_has_ended(front: FrontDoor) -> None:
    """A person came and closed it: a press that comes late says where to write, in place of the question."""
    answer, turn = _answered(front)
    _thumb(front, answer, f"bad:{turn}")
    _press(front, FETCH)
    front.resolve_all()
    _forge(front, FETCH, str(turn), "U0MAYA")
    front.work()
    assert len(front.rows(Handoff)) == 1
    assert front.whispers("U0MAYA")[-1] == say("feedback.asked", "en")


def test_an_address_that_is_not_slacks_is_not_used(front: FrontDoor) -> None:
    """A forged press whose answer would go elsewhere still fetches a person, and says so in their thread alone."""
    _, turn = _answered(front)
    _forge(front, FETCH, str(turn), "U0MAYA", response_url="https://evil.example/actions/T0/1/x")
    front.work()
    assert len(front.rows(Handoff)) == 1
    [event] = [one for one in front.rows(InboxEvent) if one.kind == "shortcut"]
    assert event.detail["response_url"] is None


def test_where_a_person_has_it_none_is_offered(front: FrontDoor) -> None:
    """What was wrong can still be told."""
    answer, turn = _answered(front)
    front.to_people("U0MAYA", front.rows(Ticket)[-1].thread_ts)
    _thumb(front, answer, f"bad:{turn}")
    assert _asked(front) == {"Tell us what was wrong": TELL}


def test_what_was_wrong_is_kept_without_secrets(front: FrontDoor) -> None:
    """With the thumb of the answer; the last words count, and a thumb that turns up leaves them."""
    answer, turn = _answered(front)
    _thumb(front, answer, f"bad:{turn}")
    for words in ("It never came", "The link is dead, and my password is Tr0ub4dor&3"):
        _press(front, TELL)
        front.fill("U0MAYA", {"words": {"words": {"type": "plain_text_input", "value": words}}})
    [kept] = front.rows(Feedback)
    assert kept.words is not None
    assert kept.words.startswith("The link is dead")
    assert "Tr0ub4dor" not in kept.words
    assert (kept.turn_id, kept.user, kept.good) == (turn, "U0MAYA", False)
    assert front.whispers("U0MAYA") == [SORRY, say("feedback.thanks", "en"), say("feedback.thanks", "en")]
    _thumb(front, answer, f"good:{turn}")
    [kept] = front.rows(Feedback)
    assert (kept.good, kept.words is None) == (True, False)


@pytest.mark.parametrize("user", ["U0LENA", "U0PRIYA", "U0OLIVIA"])
def test_nobody_else_fetches_a_person_or_tells_what_was_wrong(front: FrontDoor, user: str) -> None:
    """A forged press or form of a bystander, a responder or an owner does nothing, and they are told why."""
    _, turn = _answered(front)
    for action in (FETCH, TELL):
        _forge(front, action, str(turn), user)
    assert front.whispers(user) == ["Only <@U0MAYA> can say whether this helped, so I have not counted it."] * 2
    assert front.sees(user)["view"] is None
    wrong = json.loads(_submit(front, str(turn), user))["errors"]["words"]
    assert wrong.startswith("Only <@U0MAYA> can say")
    assert (front.rows(Feedback), front.rows(Handoff)) == ([], [])


@pytest.mark.parametrize("value", ["", "999", "x", "9" * 40])
def test_what_names_no_answer_does_nothing(front: FrontDoor, value: str) -> None:
    """A forged value of a button, and of a form."""
    _answered(front)
    for action in (FETCH, TELL):
        _forge(front, action, value, "U0MAYA")
    assert json.loads(_submit(front, value, "U0MAYA"))["errors"] == {"words": say("press.old_answer", "en")}
    assert front.whispers("U0MAYA") == [say("press.old_answer", "en")] * 2
    assert (front.rows(Feedback), front.rows(Handoff)) == ([], [])


def test_a_form_of_blanks_stays_open(front: FrontDoor) -> None:
    """Nothing is kept of it."""
    _, turn = _answered(front)
    assert json.loads(_submit(front, str(turn), "U0MAYA", " "))["errors"] == {"words": say("feedback.empty", "en")}
    assert front.rows(Feedback) == []


def _answered(front: FrontDoor) -> tuple[str, int]:
    """Let Maya ask and be answered; return the ts of the answer, and its turn."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    ticket, turn = front.rows(Ticket)[-1], front.rows(Turn)[-1]
    with front.database.write() as session:
        key, body = replies.answer_key(turn.id), replies.reply("Done.", turn_id=turn.id)
        where: Json = {"lane": f"ticket:{ticket.id}", "channel": HELP, "thread_ts": ts, "ticket_id": ticket.id}
        messages.add(session, key=key, kind=MessageKind.REPLY, body=body, **where)
    undeliverable.deliver(ticket.id)
    return str(front.rows(Message)[-1].ts), turn.id


def _thumb(front: FrontDoor, ts: str, value: str, user: str = "U0MAYA") -> None:
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": f"1.{value}", "api_app_id": "A0"}
    where = {"channel": {"id": HELP}, "container": {"type": "message", "channel_id": HELP, "message_ts": ts}}
    action: dict[str, Any] = {"block_id": "b", "action_id": "feedback", "type": "feedback_buttons", "value": value}
    assert front.payload({**who, **where, "type": "block_actions", "actions": [action]})[0] == 200


def _question(front: FrontDoor) -> Json:
    front.work()
    found: Json = next(one for one in front.sees("U0MAYA")["ephemeral"] if one["text"] in SORRIES)
    return found


def _asked(front: FrontDoor) -> dict[str, str]:
    """Return the buttons that Maya is shown in private: words and actions."""
    [buttons] = [one for one in _question(front)["blocks"] if one["type"] == "actions"]
    return {one["text"]["text"]: one["action_id"] for one in buttons["elements"]}


def _button(front: FrontDoor, action: str) -> Json:
    """Return where a button of the question is."""
    asked = _question(front)
    [buttons] = [one for one in asked["blocks"] if one["type"] == "actions"]
    return {"ephemeral_id": asked["id"], "channel": HELP, "block_id": buttons["block_id"], "action_id": action}


def _press(front: FrontDoor, action: str) -> None:
    """Let Maya press a button of the question."""
    front.act("click", "U0MAYA", **_button(front, action))
    front.work()


def _forge(front: FrontDoor, action: str, value: str, user: str, **more: Any) -> None:
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": f"2.{action}", "api_app_id": "A0"}
    where = {"channel": {"id": HELP}, "container": {"type": "message", "channel_id": HELP, "message_ts": "1.0"}}
    pressed = {"block_id": "b", "action_id": action, "type": "button", "value": value}
    assert front.payload({**who, **where, **more, "type": "block_actions", "actions": [pressed]})[0] == 200


def _submit(front: FrontDoor, metadata: str, user: str, words: str = "Wrong.") -> str:
    """Send a form of the test's own making; return the answer."""
    values = {"words": {"words": {"type": "plain_text_input", "value": words}}}
    view: Json = {"id": "V1", "type": "modal", "callback_id": "feedback.told", "private_metadata": metadata}
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "3.1", "api_app_id": "A0"}
    status, answer = front.payload({**who, "type": "view_submission", "view": {**view, "state": {"values": values}}})
    assert status == 200
    return answer
