"""Two hundred real requests between two hundred lines of talk, none with a mention, through the door and the store."""

import pytest

from bot.store.schema import InboxEvent, Message
from tests.support.phrase_tables import lines_of, talk
from tests.support.real_requests import ITS_SAFETY, SIGNING_IN, real_requests
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import HELP

CROWD = tuple(f"U{number:05d}" for number in range(200))
A_FEW = ("U0MAYA", "U0TOMAS", "U0LENA", "U0HUGO", "U0IVAN", "U0AIKO", "U0SAM", "U0RUTH", "U0FINN", "U0GRACE")


@pytest.mark.parametrize("people", [CROWD, A_FEW], ids=["each another person", "ten people"])
def test_no_request_meets_silence_and_no_talk_is_answered(front: FrontDoor, people: tuple[str, ...]) -> None:
    """Each request is heard or asked about; of the talk at most two lines are, and the words to them are private.

    Everybody asks and talks: what may be a request is added to the one that they have open.
    """
    asked, talked = real_requests(SIGNING_IN | ITS_SAFETY), lines_of(talk())
    assert (len(asked), len(talked)) == (200, 200)
    said = [text for pair in zip(asked, talked, strict=True) for text in pair]
    event = {"type": "message", "channel": HELP, "channel_type": "channel"}
    for number, text in enumerate(said):
        ts = f"1700000{number:03d}.000100"
        one = {**event, "user": people[number // 2 % len(people)], "text": text, "ts": ts, "event_ts": ts}
        assert front.event(one, event_id=f"Ev{number}") == 200
    heard = {str(row.ts) for row in front.rows(InboxEvent) if row.ticket_id is not None}
    offered = {row.key.rpartition(":")[2] for row in front.rows(Message) if row.kind == "offer"}
    spoken_to = {number for number in range(400) if f"1700000{number:03d}.000100" in heard | offered}
    assert [said[number] for number in range(0, 400, 2) if number not in spoken_to] == []
    assert len([said[number] for number in range(1, 400, 2) if number in spoken_to]) <= 2
    assert all(row.op == "ephemeral" for row in front.rows(Message))
