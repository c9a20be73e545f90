"""Edits and deletions as Slack tells them: `bot.listeners.rewriting`."""

import pytest

from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.store.outbox import messages
from bot.store.schema import InboxEvent, Ticket, Turn
from tests.support.json_object import Json
from tests.support.web_harness import FrontDoor
from tests.support.web_steps import answer_newest_turn, begin_turn, message_event
from tests.support.workspace_names import BOT, HELP

TS = "1700000000.000100"
FIRST_EDIT, SECOND_EDIT = "1700000050.000000", "1700000060.000000"


def changed(text: str, at: str | None = FIRST_EDIT, **more: object) -> Json:
    """Return an edit of the message of `event()` as Slack tells it."""
    edited = {} if at is None else {"edited": {"user": "U0MAYA", "ts": at}}
    said = {"type": "message", "user": "U0MAYA", "text": text, "ts": TS, **edited, **more}
    return {"type": "message", "subtype": "message_changed", "channel": HELP, "ts": "1.1", "message": said}


def mention(text: str, at: str = FIRST_EDIT) -> Json:
    """Return the mention that an edit is too, as Slack tells it."""
    return message_event(text, type="app_mention", edited={"user": "U0MAYA", "ts": at})


def test_an_edit_follows_whenever_it_comes(front: FrontDoor) -> None:
    """Before the turn begins it hears the new words; afterwards another turn does, and the begun one is stopped."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> expired for AXA")
    front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=f"<@{BOT}> expired for ALPHA")
    [heard], [turn] = front.rows(InboxEvent), front.rows(Turn)
    assert (heard.text, heard.turn_id) == ("expired for ALPHA", turn.id)
    begin_turn(front, turn.id)
    front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=f"<@{BOT}> expired for BRAVO")
    [heard], [first, second] = front.rows(InboxEvent), front.rows(Turn)
    assert (heard.text, heard.turn_id) == ("expired for BRAVO", second.id)
    assert (first.state, first.outcome, second.state) == ("done", "withdrawn", "waiting")
    assert second.id in front.jobs(RUN_TURN)


def test_deleted_waiting_request_is_withdrawn(front: FrontDoor) -> None:
    """A request that is deleted before its turn begins is not answered."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    front.act("delete", "U0MAYA", channel=HELP, ts=ts)
    [heard], [turn] = front.rows(InboxEvent), front.rows(Turn)
    assert (heard.state, turn.state, turn.outcome) == ("withdrawn", "done", "withdrawn")


def test_deleted_part_of_a_request_is_left_out(front: FrontDoor) -> None:
    """Of two messages in one waiting turn the deleted one is left out and the other is still answered."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    second = front.say("U0MAYA", HELP, "ignore this", thread_ts=ts)
    front.act("delete", "U0MAYA", channel=HELP, ts=second)
    assert [heard.state for heard in front.rows(InboxEvent)] == ["accepted", "withdrawn"]
    [turn] = front.rows(Turn)
    assert turn.state == "waiting"


def test_stranger_to_the_thread_cannot_rewrite_it(front: FrontDoor) -> None:
    """An edit of a message that is no request changes nothing."""
    ts = front.say("U0IVAN", HELP, "good morning")
    before = front.kept()
    front.act("edit", "U0IVAN", channel=HELP, ts=ts, text="good evening")
    front.act("delete", "U0IVAN", channel=HELP, ts=ts)
    assert front.kept() == before


def test_a_request_that_is_deleted_while_it_is_worked_on_is_stopped(front: FrontDoor) -> None:
    """Its ticket is closed; that no one is at it is shown at once."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    begin_turn(front, front.rows(Turn)[0].id)
    front.act("delete", "U0MAYA", channel=HELP, ts=ts)
    [heard], [turn], [ticket] = front.rows(InboxEvent), front.rows(Turn), front.rows(Ticket)
    assert (heard.state, heard.text, turn.outcome) == ("withdrawn", "", "withdrawn")
    assert (ticket.state, ticket.category) == ("resolved", "withdrawn")
    assert front.jobs(SHOW_STOPPED) == [ticket.id]


def test_an_edit_that_adds_a_mention_is_a_request(front: FrontDoor) -> None:
    """Its `app_mention` says so; it is one request."""
    ts = front.say("U0MAYA", HELP, "good morning")
    front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=f"<@{BOT}> I'm locked out")
    [heard], [turn] = front.rows(InboxEvent), front.rows(Turn)
    assert (heard.text, heard.turn_id, front.jobs(RUN_TURN)) == ("I'm locked out", turn.id, [turn.id])


@pytest.mark.parametrize("order", ["mcc", "cmc", "mmc", "cmm"], ids=lambda order: order)
def test_the_two_tellings_of_an_edit_are_one(front: FrontDoor, order: str) -> None:
    """As mention and as change, in any order, three times over: the row follows, and is answered once."""
    text = f"<@{BOT}> expired for BRAVO"
    assert front.event(message_event(f"<@{BOT}> expired for ALPHA"), event_id="Ev0") == 200
    begin_turn(front, front.rows(Turn)[0].id)
    for number, kind in enumerate(order):
        told = mention(text) if kind == "m" else changed(text)
        assert front.event(told, event_id=f"EvE{number}") == 200
    [heard] = front.rows(InboxEvent)
    assert heard.text == "expired for BRAVO"
    assert [turn.outcome for turn in front.rows(Turn)] == ["withdrawn", None]


def test_of_two_edits_the_later_counts_whatever_comes_first(front: FrontDoor) -> None:
    """Slack tries again after minutes, and the second edit may have come by then."""
    assert front.event(message_event(), event_id="Ev0") == 200
    for number, told in enumerate((changed("second", SECOND_EDIT), changed("first"), mention("first"))):
        assert front.event(told, event_id=f"EvE{number}") == 200
    [heard] = front.rows(InboxEvent)
    assert heard.text == "second"


@pytest.mark.parametrize("at", [None, "", "never", "1.1.1", "9" * 40], ids=str)
def test_an_odd_time_of_an_edit_harms_nothing(front: FrontDoor, at: str | None) -> None:
    """It is an edit all the same."""
    assert front.event(message_event(), event_id="Ev0") == 200
    assert front.event(changed("help me", at), event_id="Ev1") == 200
    assert front.event(changed("help me now", SECOND_EDIT), event_id="Ev2") == 200
    assert [one.text for one in front.rows(InboxEvent)] == ["help me now"]


def test_what_slack_adds_to_a_message_is_no_edit(front: FrontDoor) -> None:
    """A preview of a link comes as a change with the same words: the turn goes on, and nothing is answered again."""
    assert front.event(message_event("see https://a.example"), event_id="Ev0") == 200
    before = front.kept()
    more = {"attachments": [{"title": "A page"}]}
    assert front.event(changed("see https://a.example", None, **more), event_id="Ev1") == 200
    assert front.kept() == before


def test_an_edit_after_the_answer_is_answered_again(front: FrontDoor) -> None:
    """Unless it only mends a slip."""
    assert front.event(message_event(f"<@{BOT}> I cannot sing in"), event_id="Ev0") == 200
    answer_newest_turn(front)
    assert front.event(changed("I cannot sign in"), event_id="Ev1") == 200
    assert [turn.outcome for turn in front.rows(Turn)] == ["reply"]
    assert front.event(changed("I cannot sign in, get me a human", SECOND_EDIT), event_id="Ev2") == 200
    assert [turn.outcome for turn in front.rows(Turn)] == ["reply", None]
    assert front.rows(InboxEvent)[0].turn_id == front.rows(Turn)[1].id


def test_an_edit_among_others_waits_for_no_writer(front: FrontDoor) -> None:
    """People edit all day what was never said to us: that is only looked at."""
    changed = {"user": "U0IVAN", "ts": "1900000000.000000", "text": "good evening"}
    edit = {"type": "message", "subtype": "message_changed", "channel": HELP, "message": changed}
    with front.database.write() as session:
        messages.withdraw_unsaid(session, 1)  # a statement that writes: the transaction has begun
        assert front.event(edit) == 200
