"""What somebody hears whose share of the desk is full, and that nobody else notices."""

from typing import Any

from bot.queue import RUN_TURN
from bot.store.schema import Handoff, InboxEvent, Message, Ticket, Turn
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP, RANDOM


def writes(front: FrontDoor, number: int, text: str = "I am locked out", **more: Any) -> None:
    """Let Maya write the so-and-so-many-th message, in a thread of its own unless one is given."""
    ts = f"17{number:08d}.000100"
    said = {"type": "message", "channel": HELP, "channel_type": "channel", "user": "U0MAYA", "ts": ts, "event_ts": ts}
    assert front.event({**said, "text": f"<@{BOT}> {text}", **more}, event_id=f"Ev{number}") == 200


def test_more_requests_than_one_person_may_open_are_not_kept(front: FrontDoor) -> None:
    """Ten are tickets, three of them turns in the queue; she is told each of the two things once."""
    for number in range(40):
        writes(front, number)
        front.resolve_all()  # while it is open, more of hers would be added to it
    assert len(front.rows(Ticket)) == len(front.rows(InboxEvent)) == 10
    assert sorted(set(front.jobs(RUN_TURN))) == [turn.id for turn in front.rows(Turn) if not turn.held_back]
    assert sum(not turn.held_back for turn in front.rows(Turn)) == 3
    [waits, full] = front.only()
    assert waits[0] == full[0] == "U0MAYA"
    assert "3 other requests of yours" in waits[1]
    assert "You need not write it again" in waits[1]
    assert "10 requests within an hour" in full[1]
    assert "not kept" in full[1]
    front.say("U0TOMAS", HELP, f"<@{BOT}> I am locked out")
    assert front.rows(Turn)[-1].id in front.jobs(RUN_TURN)


def test_a_message_that_comes_twice_is_counted_once(front: FrontDoor) -> None:
    """Slack tells of a mention twice, and again when it was not answered: none of that is too much."""
    for number in range(10):
        for _ in range(3):
            writes(front, number)
        front.resolve_all()
    assert len(front.rows(Ticket)) == 10
    assert all("requests within" not in said for _, said in front.only())


def test_a_flood_for_a_person_is_cut_off_in_both_threads(front: FrontDoor) -> None:
    """A hundred messages in an hour are copied for who has the ticket; then both sides are told, once."""
    ts = front.hand_off().thread_ts
    for number in range(130):
        writes(front, number, "and another thing", user="U0LENA", thread_ts=ts)
    assert len(front.rows(InboxEvent)) <= 100
    [told] = [said for who, said in front.only() if who == "U0LENA"]
    assert "100 times within an hour" in told
    [note] = [row.body["text"] for row in front.rows(Message) if row.key.startswith("excess:handoff")]
    assert "in their thread only" in note
    assert len(front.rows(Handoff)) == 1


def test_where_the_bot_does_not_help_it_says_so_once_an_hour(front: FrontDoor) -> None:
    """A flood of mentions is not answered by a flood."""
    front.invite(RANDOM)
    for number in range(5):
        writes(front, number, channel=RANDOM)
    assert len(front.only()) == 1


def test_a_bystander_is_told_once_an_hour(front: FrontDoor) -> None:
    """Whose thread it is need not be said at every mention."""
    ts = front.say("U0TOMAS", HELP, f"<@{BOT}> I am locked out")
    for number in range(5):
        writes(front, number, thread_ts=ts)
    assert len([said for who, said in front.only() if who == "U0MAYA"]) == 1


def test_what_slack_would_never_send_is_cut(front: FrontDoor) -> None:
    """A row holds no more than a message of Slack's: 40,000 characters and twenty files with names of some length."""
    files = [{"id": f"F{number}", "name": "n" * 3_000, "permalink": "https://x/" + "l" * 3_000} for number in range(99)]
    writes(front, 1, "x" * 100_000, files=files)
    [heard] = front.rows(InboxEvent)
    assert (len(heard.text), len(heard.files)) == (40_000, 20)
    assert {(len(file["name"]), file["link"]) for file in heard.files} == {(255, None)}
