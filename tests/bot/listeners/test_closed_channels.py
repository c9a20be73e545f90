"""A request whose channel is closed: it goes on in the requester's direct messages, both ways."""

import pytest

from bot.store.schema import InboxEvent, Ticket
from tests.support.thread_steps import sending_card, write_below_card
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import HELP

LENAS = "D0LENA"


@pytest.mark.parametrize("where", ["below", "at the top"])
def test_what_a_requester_answers_directly_reaches_the_holder(front: FrontDoor, where: str) -> None:
    """The holder's word came to them directly; their answer is no new request, and stands below the card."""
    card = sending_card(front)
    front.archive(HELP)
    write_below_card(front, card, "> When can you come?")
    [said] = [one for one in front.sees("U0LENA")["messages"][LENAS] if "When can you come?" in one["text"]]
    front.say("U0LENA", LENAS, "At noon", **({"thread_ts": said["ts"]} if where == "below" else {}))
    front.work()
    assert "At noon" in front.said_below(card)[-1]
    assert [row.id for row in front.rows(Ticket)] == [1]
    write_below_card(front, card, "> Good")
    assert front.directly("U0LENA")[-1].endswith("Good")


def test_what_comes_to_others_directly_makes_no_thread_of_a_request(front: FrontDoor) -> None:
    """A responder answers in a conversation of their own with the bot: no requester's ticket hears that."""
    card = front.claimed()
    front.archive("C0QUEUE")
    front.say("U0LENA", HELP, "Are you there?", thread_ts=card.thread_ts)
    assert "Are you there?" in front.directly("U0PRIYA")[-1]
    [copy] = [one for one in front.sees("U0PRIYA")["messages"]["D0PRIYA"] if "Are you there?" in one["text"]]
    front.say("U0PRIYA", "D0PRIYA", "I wonder", thread_ts=copy["ts"])
    front.work()
    assert "I wonder" not in [row.text for row in front.rows(InboxEvent) if row.ticket_id == 1]
