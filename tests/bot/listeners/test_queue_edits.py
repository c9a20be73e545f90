"""What is changed on the responders' side: a card that an administrator removes, a `>` that comes by an edit."""

import json

import pytest

from bot.listeners import queue_edits
from bot.listeners.context import ListenerContext
from bot.store.schema import HandoffState, InboxEvent, Message
from tests.support.json_object import Json
from tests.support.thread_steps import change_message, sending_card, write_below_card, write_to_requester
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, QUEUE

NEVER = (
    "An edit never sends, so <@U0LENA> has not seen this. To send it, write it as a new message that starts with `>`."
)


def cards(front: FrontDoor) -> list[Json]:
    """Return the cards that stand in the queue channel."""
    shown = front.sees("U0PRIYA")["messages"][QUEUE]
    return [one for one in shown if one.get("bot_id") and one["text"].startswith("Ticket ")]


def changes(front: FrontDoor) -> list[Json]:
    """Return the changes of messages that the workspace has told of, the last first."""
    told = [body for _, body in front.world.journal._events.values()]
    return [one for one in reversed(told) if one["event"].get("previous_message")]


@pytest.mark.parametrize("bare", [False, True])
def test_a_card_that_is_removed_is_posted_again(front: FrontDoor, *, bare: bool) -> None:
    """With all of its thread, or with nothing below it: one card to claim, and what follows is below it."""
    card = front.hand_off()
    for one in front.below(card) if bare else ():
        front.remove(QUEUE, one["ts"])
    front.remove(QUEUE, card.message["ts"])
    [again] = cards(front)
    assert again["ts"] != card.message["ts"]
    assert "handoff.claim" in json.dumps(again["blocks"])
    new = front.refreshed(card)
    front.press("U0PRIYA", new, "claim")
    write_to_requester(front, card, "Are you there?")
    assert "Are you there?" in front.said_below(new)[-1]
    assert front.stands(card) == ("claimed", "U0PRIYA")
    assert [one["text"] for one in cards(front)] == [front.refreshed(card).message["text"]]


def test_what_is_written_below_the_old_card_still_counts(front: FrontDoor) -> None:
    """The thread is open in somebody's client: a `>` there reaches them, and its copy is below the new card."""
    card = sending_card(front)
    front.remove(QUEUE, card.message["ts"])
    write_below_card(front, card, "> Please come by.")
    assert front.under_a_name(card) == [("Priya Nair", "Please come by.")]
    assert "Please come by." in front.said_below(front.refreshed(card))[-1]
    assert front.directly("U0OLIVIA") == front.directly("U0PRIYA") == []


def test_the_conversation_moves_below_the_new_card(front: FrontDoor) -> None:
    """All that was said until then is there, and the old transcript is gone; what is deleted later is gone from it."""
    card = front.claimed()
    ts = write_to_requester(front, card, "It says ALPHA")
    write_below_card(front, card, "> Come by")
    front.choose("U0PRIYA", front.below(card)[-1], QUEUE, "send")
    old = {row.ts for row in front.rows(Message) if row.kind == "transcript"}
    front.remove(QUEUE, card.message["ts"])
    new = front.refreshed(card)
    told = json.dumps(front.below(new))
    for words in ("I lost my phone", "It says ALPHA", "<@U0PRIYA>", "Come by"):
        assert words in told
    assert not old & {one["ts"] for one in front.sees("U0PRIYA")["messages"][QUEUE]}
    change_message(front, "U0LENA", "C0HELP", ts, None)
    assert "ALPHA" not in json.dumps(front.below(new))


@pytest.mark.parametrize("again", ["same", "other"])
def test_a_removal_that_comes_again_posts_no_second_card(front: FrontDoor, again: str) -> None:
    """However often Slack tells of it, and under which number."""
    card = front.hand_off()
    front.remove(QUEUE, card.message["ts"])
    body = changes(front)[0]
    for number in range(3):
        front.event(body["event"], event_id=body["event_id"] if again == "same" else f"Ev{number}")
        front.work()
    assert len(cards(front)) == 1


def test_a_removal_that_is_never_heard_of_is_found_out(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack lost the event, or its retention took the card: the next change of it posts it again."""
    card = front.hand_off()
    monkeypatch.setattr(queue_edits, "follow", lambda _door, _body: None)
    front.remove(QUEUE, card.message["ts"])
    assert cards(front) == []
    write_to_requester(front, card, "I have got this.", user="U0PRIYA")
    [again] = cards(front)
    assert again["text"].startswith("Ticket 1 is with a person")
    write_below_card(front, front.refreshed(card), "> Hello")
    front.choose("U0PRIYA", front.below(front.refreshed(card))[-1], QUEUE, "send")
    assert front.under_a_name(card) == [("Priya Nair", "Hello")]
    assert front.directly("U0OLIVIA") == []


def test_a_note_that_was_removed_is_said_again_when_it_changes(front: FrontDoor) -> None:
    """A copy is gone; the requester corrects it: responders read the new words below the card, and no one directly."""
    card = front.claimed()
    ts = write_to_requester(front, card, "It says ALPHA")
    front.remove(QUEUE, front.below(card)[-1]["ts"])
    change_message(front, "U0LENA", "C0HELP", ts, "It says BRAVO")
    assert "BRAVO" in front.said_below(card)[-1]
    assert front.directly("U0OLIVIA") == front.directly("U0PRIYA") == []


def test_a_question_that_is_removed_is_asked_again_until_it_is_decided(front: FrontDoor) -> None:
    """Else its author would believe that the words went out."""
    card = front.claimed()
    write_below_card(front, card, "> Come by")
    front.remove(QUEUE, front.below(card)[-1]["ts"])
    question = front.below(card)[-1]
    assert "Send this one?" in question["text"]
    front.choose("U0PRIYA", question, QUEUE, "send")
    assert front.under_a_name(card) == [("Priya Nair", "Come by")]
    front.remove(QUEUE, question["ts"])
    assert "sent this to" not in str(front.said_below(card))


@pytest.mark.parametrize("how", ["resolved", "withheld"])
def test_a_card_that_nobody_needs_stays_gone(front: FrontDoor, how: str) -> None:
    """Its handoff has ended, or we have deleted the message ourselves."""
    card = front.claimed()
    if how == "resolved":
        with front.database.write() as session:
            session.get_one(type(front.handoff(card.handoff)), card.handoff).state = HandoffState.RESOLVED
        front.remove(QUEUE, card.message["ts"])
        assert cards(front) == []
    else:
        copy = write_to_requester(front, card, "Here")
        change_message(front, "U0LENA", "C0HELP", copy, None)
        assert len([row for row in front.rows(Message) if row.key.startswith("gone:")]) == 0


def test_a_mark_that_comes_by_an_edit_sends_nothing(front: FrontDoor) -> None:
    """Its author alone is told, once for each edit; written as a new message it is sent."""
    card = sending_card(front)
    ts = write_below_card(front, card, "Please come by")
    change_message(front, "U0PRIYA", QUEUE, ts, "> Please come by")
    assert front.whispers("U0PRIYA") == [NEVER]
    change_message(front, "U0PRIYA", QUEUE, ts, "> Please come by now")
    front.event(changes(front)[0]["event"], event_id="EvAGAIN")
    assert front.whispers("U0PRIYA") == [NEVER] * 2
    assert front.under_a_name(card) == []
    assert front.whispers("U0BEN") == []
    write_below_card(front, card, "> Please come by")
    assert front.under_a_name(card) == [("Priya Nair", "Please come by")]


def test_an_edit_that_follows_is_not_warned_of(front: FrontDoor) -> None:
    """A sent word that is corrected reaches the requester; neither that nor an internal edit is spoken of."""
    card = sending_card(front)
    ts = write_below_card(front, card, "> Room 12")
    change_message(front, "U0PRIYA", QUEUE, ts, "> Room 13")
    internal = write_below_card(front, card, "Who knows her?")
    change_message(front, "U0PRIYA", QUEUE, internal, "Who of you knows her?")
    there_ts = write_to_requester(front, card, "x")
    change_message(front, "U0LENA", "C0HELP", there_ts, "> x")
    assert front.under_a_name(card) == [("Priya Nair", "Room 13")]
    assert front.whispers("U0PRIYA") == front.whispers("U0LENA") == []


@pytest.mark.parametrize("how", ["kept", "unsent"])
def test_a_word_that_was_taken_back_is_not_sent_by_an_edit(front: FrontDoor, how: str) -> None:
    """Kept internal, or without its mark for a while: putting the mark there again sends nothing, which is said."""
    card = front.claimed() if how == "kept" else sending_card(front)
    ts = write_below_card(front, card, "> Come by")
    if how == "kept":
        front.choose("U0PRIYA", front.below(card)[-1], QUEUE, "keep")
    else:
        change_message(front, "U0PRIYA", QUEUE, ts, "Come by")
    change_message(front, "U0PRIYA", QUEUE, ts, "> Come by at 12")
    assert front.whispers("U0PRIYA") == [NEVER]
    assert front.under_a_name(card) == []


def test_the_shape_of_an_edit_is_no_matter(front: FrontDoor) -> None:
    """Without what it was before, without an author, of another channel: no error, and nothing is said twice."""
    card = sending_card(front)
    ts = write_below_card(front, card, "Come by")
    change_message(front, "U0PRIYA", QUEUE, ts, "> Come by")
    whole = changes(front)[0]["event"]
    odd = [
        {**whole, "previous_message": None},
        {**whole, "message": {**whole["message"], "user": None}},
        {**whole, "message": {**whole["message"], "thread_ts": None}},
        {**whole, "message": {**whole["message"], "text": None}},
        {**whole, "channel": "C0RANDOM"},
    ]
    for number, event in enumerate(odd):
        assert front.event(event, event_id=f"EvODD{number}") == 200
    assert front.whispers("U0PRIYA") == [NEVER]


MARKS = ["\uff1e", "\ufe65", "\u200b>", "\u200f>", ">>>"]


@pytest.mark.parametrize("mark", MARKS)
def test_other_keyboards_send_too(front: FrontDoor, mark: str) -> None:
    """A full-width sign, one behind an unseen character, a quotation to the end: they go at once, without the sign."""
    card = sending_card(front)
    write_below_card(front, card, f"{mark} \u8bf7\u8fc7\u6765")
    assert front.under_a_name(card) == [("Priya Nair", "\u8bf7\u8fc7\u6765")]


@pytest.mark.parametrize("sign", ["\u300b", "\u3009", "\u00bb", "\u203a"])
def test_a_sign_that_is_much_like_the_mark_is_asked_about(front: FrontDoor, sign: str) -> None:
    """Also when `>` goes at once; it is sent without the sign when that is the answer."""
    card = sending_card(front)
    write_below_card(front, card, f"{sign} Come by")
    assert front.under_a_name(card) == []
    question = front.below(card)[-1]
    assert "Yours starts with a character that looks like it" in question["text"]
    front.choose("U0PRIYA", question, QUEUE, "send")
    assert front.under_a_name(card) == [("Priya Nair", "Come by")]


@pytest.mark.parametrize("text", ["\u00bbGeht nicht\u00ab, sagt sie", "\u300b\u300a", "- > no", "a > b"])
def test_a_quotation_is_no_mark(front: FrontDoor, text: str) -> None:
    """It stays internal, and no one is asked."""
    card = sending_card(front)
    before = len(front.below(card))
    write_below_card(front, card, text)
    assert (front.under_a_name(card), len(front.below(card))) == ([], before + 1)
    assert [row.kind for row in front.rows(InboxEvent)] == ["message", "internal"]


def test_a_sign_of_another_person_stays_internal(front: FrontDoor) -> None:
    """Who does not have the ticket is asked nothing for a sign that is only much like the mark."""
    card = sending_card(front)
    write_below_card(front, card, "\u00bb Come by", user="U0BEN")
    assert (front.whispers("U0BEN"), front.under_a_name(card)) == ([], [])


def test_a_door_that_hears_nothing_follows_nothing(front: FrontDoor) -> None:
    """Changes of messages elsewhere, as most are, open no write transaction."""
    ctx = ListenerContext(front.database, None, {})  # type: ignore[arg-type]
    queue_edits.follow(ctx, {"event": {"subtype": "message_deleted", "channel": "C0RANDOM", "deleted_ts": "1.2"}})


def test_an_edit_that_adds_a_mention_too_sends_nothing(front: FrontDoor) -> None:
    """Slack tells of it as a mention as well, which is no new message either."""
    card = sending_card(front)
    ts = write_below_card(front, card, "Come by")
    change_message(front, "U0PRIYA", QUEUE, ts, f"> <@{BOT}> come by")
    assert (front.whispers("U0PRIYA"), front.under_a_name(card)) == ([NEVER], [])


def test_a_change_of_other_things_than_the_words_is_no_edit(front: FrontDoor) -> None:
    """Slack shows a preview of a link in a marked word that was not sent: its author is told nothing a second time."""
    card = front.hand_off()
    front.press("U0BEN", card, "claim")
    write_below_card(front, card, "> https://intranet.example/phone")
    assert front.whispers("U0PRIYA") == ["This was not sent. <@U0BEN> has it."]
    before = next(one for one in front.below(card) if one.get("user") == "U0PRIYA")
    said = {
        "channel": QUEUE,
        "ts": "1.3",
        "message": {**before, "attachments": [{"id": 1}]},
        "previous_message": before,
    }
    assert front.event({"type": "message", "subtype": "message_changed", **said}) == 200
    assert len(front.whispers("U0PRIYA")) == 1
