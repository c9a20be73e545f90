"""A direct conversation: what is written there line by line is one request, and reaches who has it."""

from datetime import timedelta

import pytest

from bot.queue import RUN_TURN
from bot.slack.handoffs import linked_threads
from bot.store.handoffs import handoffs
from bot.store.schema import InboxEvent, Ticket, Turn
from bot.store.tickets import ticket_messages, tickets
from bot.store.tickets.threads import RESOLVED_FOR, UNRESOLVED_FOR
from jobs import undeliverable
from tests.support.web_harness import FrontDoor
from tests.support.web_steps import answer_newest_turn, begin_turn, let_time_pass, write_directly
from tests.support.workspace_names import TEAM

LINES = ("hi", "I can't", "sign in since this morning")
HOUR = timedelta(hours=1)


def test_three_lines_are_one_request(front: FrontDoor) -> None:
    """One ticket, in the thread of the first; one turn that reads them all."""
    first, *_ = write_directly(front, *LINES)
    [ticket], [turn] = front.rows(Ticket), front.rows(Turn)
    assert (ticket.thread_ts, ticket.private) == (first, True)
    assert [(one.text, one.turn_id) for one in front.rows(InboxEvent)] == [(line, turn.id) for line in LINES]
    assert set(front.jobs(RUN_TURN)) == {turn.id}


def test_a_line_behind_a_running_turn_waits(front: FrontDoor) -> None:
    """Like any other word in a thread."""
    write_directly(front, "hi")
    begin_turn(front, front.rows(Turn)[0].id)
    write_directly(front, "I can't sign in")
    assert [one.state for one in front.rows(InboxEvent)] == ["accepted", "parked"]
    assert len(front.rows(Ticket)) == 1


def test_an_answer_to_a_question_joins_it(front: FrontDoor) -> None:
    """For a day; what comes later is a new request."""
    write_directly(front, "it does not work")
    answer_newest_turn(front)
    let_time_pass(front, UNRESOLVED_FOR - HOUR)
    write_directly(front, "the laptop")
    assert (len(front.rows(Ticket)), len(front.rows(Turn))) == (1, 2)
    answer_newest_turn(front)
    let_time_pass(front, UNRESOLVED_FOR + HOUR)
    write_directly(front, "I can't sign in")
    assert [one.ticket_id for one in front.rows(InboxEvent)] == [1, 1, 2]


def test_what_is_written_right_after_the_end_belongs_to_it(front: FrontDoor) -> None:
    """It may be thanks, or that it did not help; what comes later is a new request."""
    write_directly(front, "I can't sign in")
    answer_newest_turn(front)
    front.resolve_all()
    let_time_pass(front, RESOLVED_FOR / 2)
    write_directly(front, "still not")
    assert (len(front.rows(Ticket)), front.rows(Ticket)[0].state) == (1, "open")
    answer_newest_turn(front)
    front.resolve_all()
    let_time_pass(front, RESOLVED_FOR * 2)
    write_directly(front, "locked again")
    assert len(front.rows(Ticket)) == 2


@pytest.mark.parametrize("claimed", [False, True], ids=["open", "claimed"])
def test_while_people_have_it_a_line_reaches_them(front: FrontDoor, *, claimed: bool) -> None:
    """However long ago it was; it is copied below the card, and the agent is asked nothing."""
    [ts] = write_directly(front, "I lost my phone")
    card = front.to_people("U0MAYA", ts, channel=front.act("dm", "U0MAYA")["channel"])
    if claimed:
        with front.database.write() as session:
            handoffs.claim(session, card.handoff, "U0PRIYA", lease_minutes=30)
    let_time_pass(front, UNRESOLVED_FOR * 5)
    turns = len(front.rows(Turn))
    write_directly(front, "are you there?")
    front.work()
    assert [one.state for one in front.rows(InboxEvent)] == ["accepted", "relayed"]
    assert "are you there?" in front.said_below(front.refreshed(card))[-1]
    assert (len(front.rows(Ticket)), len(front.rows(Turn))) == (1, turns)


def test_what_is_said_to_them_is_shown_where_they_write(front: FrontDoor) -> None:
    """In the thread of the first line, and at the top level too once they go on there."""
    [first] = write_directly(front, "it does not work")
    answer_newest_turn(front)
    where = front.act("dm", "U0MAYA")["channel"]
    for number, line in enumerate(("", "the laptop", "below")):
        if line:
            front.say("U0MAYA", where, line, **({"thread_ts": first} if line == "below" else {}))
        with front.database.write() as session:
            linked_threads.in_thread(
                session, tickets.lock(session, 1), key=f"k{number}", body={"text": f"Answer {number}", "blocks": []}
            )
        undeliverable.deliver(1)
    said = [one for one in front.sees("U0MAYA")["messages"][where] if one.get("bot_id")]
    assert [(one["text"], one.get("subtype"), one["thread_ts"]) for one in said] == [
        ("Answer 0", None, first),
        ("Answer 1", "thread_broadcast", first),
        ("Answer 2", None, first),
    ]


def test_a_reply_below_any_line_belongs_to_the_conversation(front: FrontDoor) -> None:
    """Below a later line of theirs, and below what was said to them at the top level."""
    _, second = write_directly(front, "hi", "I can't sign in")
    where = front.act("dm", "U0MAYA")["channel"]
    front.say("U0MAYA", where, "since this morning", thread_ts=second)
    assert {one.ticket_id for one in front.rows(InboxEvent)} == {1}
    assert len(front.rows(Ticket)) == 1


def test_what_one_person_writes_is_not_anothers(front: FrontDoor) -> None:
    """Each has a conversation of their own."""
    write_directly(front, "hi")
    write_directly(front, "hi", user="U0IVAN")
    assert [ticket.requester for ticket in front.rows(Ticket)] == ["U0MAYA", "U0IVAN"]


def test_an_edit_and_a_deletion_of_a_line_follow(front: FrontDoor) -> None:
    """As in any thread."""
    first, second = write_directly(front, "hi", "I can't sing in")
    where = front.act("dm", "U0MAYA")["channel"]
    front.act("edit", "U0MAYA", channel=where, ts=second, text="I can't sign in")
    front.act("delete", "U0MAYA", channel=where, ts=first)
    assert [(one.text, one.state) for one in front.rows(InboxEvent)] == [
        ("", "withdrawn"),
        ("I can't sign in", "accepted"),
    ]
    write_directly(front, "since this morning")
    assert len(front.rows(Ticket)) == 1


def test_a_line_that_comes_out_of_order_is_in_its_place(front: FrontDoor) -> None:
    """Slack may deliver the second line first: the turn reads them as they were said."""
    where = {"channel": "D0MAYA", "channel_type": "im", "user": "U0MAYA", "team": TEAM, "type": "message"}
    for name, ts, text in (("Ev2", "1700000002.000000", "I can't sign in"), ("Ev1", "1700000001.000000", "hi")):
        assert front.event({**where, "ts": ts, "event_ts": ts, "text": text}, event_id=name) == 200
    [turn] = front.rows(Turn)
    with front.database.read() as session:
        assert [one.text for one in ticket_messages.messages_of(session, turn.id)] == ["hi", "I can't sign in"]
