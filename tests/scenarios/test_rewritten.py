"""A request that is edited or deleted while the agent is at it, or after: from Slack to what Slack shows."""

import json

from bot.store.schema import InboxEvent, Step, Ticket, Turn
from tests.support.factories import everything
from tests.support.product_harness import Place
from tests.support.workspace_names import BOT, HELP

LOCKED = f"<@{BOT}> I am locked out of my account"


def test_a_request_that_is_deleted_stops_before_the_next_tool(place: Place) -> None:
    """The account is as it was, nothing is said, and no row has its words."""
    ts = place.front.say("U0MAYA", HELP, LOCKED)
    place.while_thinking(lambda: place.front.act("delete", "U0MAYA", channel=HELP, ts=ts))
    place.work()
    assert (place.writes(), place.status("acc-maya")) == ([], "locked")
    assert place.thread("U0MAYA", ts) == []
    assert [turn.outcome for turn in place.front.rows(Turn)] == ["withdrawn"]
    assert [ticket.state for ticket in place.front.rows(Ticket)] == ["resolved"]
    assert "locked out of my account" not in str(place.front.kept())


def test_an_edit_while_the_agent_thinks_is_what_it_answers(place: Place) -> None:
    """Once: what it had begun to say of the words before is not said."""
    ts = place.front.say("U0MAYA", HELP, f"<@{BOT}> my password has expired for ALPHA")
    edited = f"<@{BOT}> my password has expired for BRAVO"
    place.while_thinking(lambda: place.front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=edited))
    place.work()
    assert len(place.thread("U0MAYA", ts)) == 1
    assert [turn.outcome for turn in place.front.rows(Turn)] == ["withdrawn", "reply"]
    last = json.dumps(place.calls()[-1])
    assert "BRAVO" in last
    assert "ALPHA" not in last


def test_an_edit_that_asks_for_a_person_is_honoured(place: Place) -> None:
    """After the answer too: without the model."""
    ts = place.asks("U0MAYA", LOCKED)
    asked = len(place.calls())
    place.front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=f"{LOCKED}. I want to talk to a human")
    place.work()
    assert (place.last_handoff().reason, len(place.calls())) == ("requested", asked)


def test_words_that_a_card_quotes_are_gone_from_it_when_they_are_deleted(place: Place) -> None:
    """From the card, its transcript and every row; of two messages the other stays."""
    ts = place.front.say("U0MAYA", HELP, f"<@{BOT}> I want to talk to a human, my badge says XK-77")
    place.front.say("U0MAYA", HELP, "it is urgent", thread_ts=ts)
    place.work()
    place.front.work()
    assert "XK-77" in json.dumps(place.queue())
    place.front.act("delete", "U0MAYA", channel=HELP, ts=ts)
    place.front.work()
    assert "XK-77" not in json.dumps(place.queue())
    assert "urgent" in json.dumps(place.queue())
    assert "XK-77" not in str(place.front.kept())
    assert place.last_handoff().state == "open"


def test_deleted_words_are_in_no_table_whoever_has_copied_them(place: Place) -> None:
    """After an answer and a handoff; the answer itself stays in Slack."""
    said = "my badge says PURPLE ELEPHANT and does not open"
    ts = place.asks("U0MAYA", f"<@{BOT}> I am locked out of my account, {said}")
    answered = place.thread("U0MAYA", ts)
    place.front.say("U0MAYA", HELP, f"I want to talk to a human, {said}", thread_ts=ts)
    place.work()
    place.front.work()
    assert str(everything(place.front.database)).count("PURPLE ELEPHANT") > 8
    for message in place.front.rows(InboxEvent):
        place.front.act("delete", "U0MAYA", channel=HELP, ts=str(message.ts))
    place.front.work()
    kept = everything(place.front.database)
    assert [name for name, rows in kept.items() if "PURPLE ELEPHANT" in str(rows)] == []
    assert place.thread("U0MAYA", ts)[: len(answered)] == answered


def test_words_that_were_edited_out_are_in_no_table(place: Place) -> None:
    """Also in the prompts and the card that were made of them."""
    ts = place.asks("U0MAYA", f"<@{BOT}> I am locked out of my account, my badge says PURPLE ELEPHANT")
    assert "PURPLE ELEPHANT" in str([step.request for step in place.front.rows(Step)])
    edited = f"<@{BOT}> I want to talk to a human, my badge is gone"
    place.front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=edited)
    place.work()
    place.front.work()
    kept = everything(place.front.database)
    assert [name for name, rows in kept.items() if "PURPLE ELEPHANT" in str(rows)] == []
    assert "PURPLE ELEPHANT" not in json.dumps(place.queue())


def test_an_edit_that_only_mends_a_slip_says_nothing_more(place: Place) -> None:
    """The row follows."""
    ts = place.asks("U0MAYA", f"<@{BOT}> I am loked out of my account")
    place.front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=LOCKED)
    place.work()
    assert len(place.thread("U0MAYA", ts)) == 1
    assert [event.text for event in place.front.rows(InboxEvent)] == ["I am locked out of my account"]
