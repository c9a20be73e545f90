"""People beside the agent in a requester's thread: a responder who steps in, a colleague who is spoken to."""

import pytest

from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.store.schema import Handoff, InboxEvent, Message, Ticket, TicketState, Turn
from bot.store.tickets import ticket_messages, tickets
from tests.support.web_harness import FrontDoor
from tests.support.web_steps import answer_newest_turn, begin_turn
from tests.support.workspace_names import BOT, HELP

ASKED = f"<@{BOT}> I'm locked out"


def said(front: FrontDoor) -> list[tuple[str, str]]:
    """Return who is heard in the conversation of the first ticket, and what."""
    with front.database.read() as session:
        rows = ticket_messages.said(session, 1)
    return [(row.user, row.text) for row in rows if isinstance(row, InboxEvent)]


@pytest.mark.parametrize("begun", [False, True], ids=["waiting", "at work"])
def test_a_responder_who_answers_in_the_agents_thread_has_the_ticket(front: FrontDoor, *, begun: bool) -> None:
    """The agent's turn is over, nothing of it is said, the card shows who has it, and their words are kept."""
    ts = front.say("U0MAYA", HELP, ASKED)
    [turn] = front.rows(Turn)
    if begun:
        begin_turn(front, turn.id)
    front.say("U0PRIYA", HELP, "Hi Maya, I am looking at it", thread_ts=ts)
    front.work()
    [handoff], [ticket], [turn] = front.rows(Handoff), front.rows(Ticket), front.rows(Turn)
    assert (handoff.reason, handoff.state, handoff.claimed_by) == ("taken_over", "claimed", "U0PRIYA")
    assert (ticket.state, ticket.assignee, turn.outcome) == ("handed_off", "U0PRIYA", "withdrawn")
    assert said(front) == [("U0MAYA", "I'm locked out"), ("U0PRIYA", "Hi Maya, I am looking at it")]
    told = [one["text"] for one in front.sees("U0MAYA")["messages"][HELP] if one.get("bot_id")]
    assert told == ["<@U0PRIYA> has your request and will answer here. I will stay out of the way."]
    assert SHOW_STOPPED not in {job.func_name for job in front.queue.get_jobs()}
    front.say("U0MAYA", HELP, "thank you", thread_ts=ts)
    assert front.rows(InboxEvent)[-1].state == "relayed"


def test_three_deliveries_step_in_once(front: FrontDoor) -> None:
    """Slack sends it again, under another id too."""
    ts = front.say("U0MAYA", HELP, ASKED)
    word = {"type": "message", "channel": HELP, "channel_type": "channel", "user": "U0PRIYA", "text": "Hi Maya"}
    for name in ("Ev1", "Ev1", "Ev2"):
        assert front.event({**word, "ts": "1900000000.000100", "thread_ts": ts}, event_id=name) == 200
    assert len(front.rows(Handoff)) == 1
    assert [one.kind for one in front.rows(InboxEvent)] == ["message", "answer"]


def test_what_was_parked_behind_the_turn_is_theirs(front: FrontDoor) -> None:
    """It opens no other turn."""
    ts = front.say("U0MAYA", HELP, ASKED)
    begin_turn(front, front.rows(Turn)[0].id)
    front.say("U0MAYA", HELP, "since this morning", thread_ts=ts)
    front.say("U0PRIYA", HELP, "Hi Maya", thread_ts=ts)
    assert len(front.rows(Turn)) == 1
    assert [text for _, text in said(front)] == ["I'm locked out", "since this morning", "Hi Maya"]


def test_there_is_nothing_to_take_over_of_what_is_resolved(front: FrontDoor) -> None:
    """A kind word afterwards is kept and calls no one; should the requester come back, the agent knows it."""
    ts = front.say("U0MAYA", HELP, ASKED)
    answer_newest_turn(front)
    with front.database.write() as session:
        tickets.lock(session, 1).state = TicketState.RESOLVED
    front.say("U0PRIYA", HELP, "glad that it works", thread_ts=ts)
    assert front.rows(Handoff) == []
    assert said(front)[-1] == ("U0PRIYA", "glad that it works")


@pytest.mark.parametrize("text", ["<@U0BEN> look at this one", f"<@{BOT}> unlock her"])
def test_a_responder_who_speaks_to_somebody_else_does_not_step_in(front: FrontDoor, text: str) -> None:
    """To another responder, or to the bot."""
    ts = front.say("U0MAYA", HELP, ASKED)
    front.say("U0PRIYA", HELP, text, thread_ts=ts)
    assert front.rows(Handoff) == []
    assert [turn.state for turn in front.rows(Turn)] == ["waiting"]


def test_a_responder_who_speaks_to_the_requester_by_name_does(front: FrontDoor) -> None:
    """A mention of theirs is no aside."""
    ts = front.say("U0MAYA", HELP, ASKED)
    front.say("U0PRIYA", HELP, "<@U0MAYA> which laptop?", thread_ts=ts)
    assert [handoff.claimed_by for handoff in front.rows(Handoff)] == ["U0PRIYA"]


def test_somebody_without_a_role_or_whom_slack_does_not_confirm_takes_nothing_over(front: FrontDoor) -> None:
    """The first talks among people; the second is told why it does nothing."""
    ts = front.say("U0MAYA", HELP, ASKED)
    front.say("U0IVAN", HELP, "same here", thread_ts=ts)
    assert front.only() == []
    front.leaves("U0PRIYA")
    front.say("U0PRIYA", HELP, "Hi Maya", thread_ts=ts)
    [(user, told)] = front.only()
    assert (user, told.startswith("This was not passed on.")) == ("U0PRIYA", True)
    assert (front.rows(Handoff), [turn.state for turn in front.rows(Turn)]) == ([], ["waiting"])


def test_a_responders_own_request_is_the_agents(front: FrontDoor) -> None:
    """They answer a question of the agent's like anybody else."""
    ts = front.say("U0PRIYA", HELP, ASKED)
    front.say("U0PRIYA", HELP, "since this morning", thread_ts=ts)
    assert front.rows(Handoff) == []


def test_what_a_requester_says_to_a_colleague_is_not_the_agents(front: FrontDoor) -> None:
    """It opens no turn, waits behind none and reopens nothing; later turns know it as background."""
    ts = front.say("U0MAYA", HELP, ASKED)
    answer_newest_turn(front)
    with front.database.write() as session:
        tickets.lock(session, 1).state = TicketState.RESOLVED
    front.say("U0MAYA", HELP, "<@U0IVAN> can you sign in?", thread_ts=ts)
    assert (len(front.rows(Turn)), front.rows(Ticket)[0].state) == (1, "resolved")
    assert [(one.kind, one.turn_id) for one in front.rows(InboxEvent)] == [("message", 1), ("overheard", None)]
    assert front.jobs(RUN_TURN) == [1]
    assert [row for row in front.rows(Message) if row.kind == "only_you"] == []


def test_an_edit_that_calls_the_bot_makes_a_request_of_it(front: FrontDoor) -> None:
    """What was said to a colleague is heard like any other word then, once."""
    ts = front.say("U0MAYA", HELP, ASKED)
    answer_newest_turn(front)
    aside = front.say("U0MAYA", HELP, "<@U0IVAN> can you sign in?", thread_ts=ts)
    front.act("edit", "U0MAYA", channel=HELP, ts=aside, text=f"<@{BOT}> <@U0IVAN> can't sign in either, me neither")
    assert [(one.kind, one.turn_id) for one in front.rows(InboxEvent)] == [("message", 1), ("message", 2)]
    assert len(front.rows(Turn)) == 2


def test_while_people_have_it_all_of_it_reaches_them(front: FrontDoor) -> None:
    """What is said to a colleague as well: it may be to the one who has it."""
    card = front.claimed()
    front.say("U0LENA", HELP, "<@U0PRIYA> thanks, and now?", thread_ts=card.thread_ts)
    front.work()
    assert "and now?" in front.said_below(card)[-1]
