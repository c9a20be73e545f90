"""What is written in the two threads of a handoff: below its card, and where the requester asked."""

from typing import Any

from sqlalchemy import update

from bot.store.schema import Handoff
from tests.support.web_harness import Card, FrontDoor
from tests.support.workspace_names import HELP, QUEUE


def sending_card(front: FrontDoor, **more: Any) -> Card:
    """Return a claimed handoff whose holder has written to the requester before: `>` goes at once."""
    card = front.claimed(**more)
    with front.database.write() as session:
        session.execute(update(Handoff).values(sent=True))
    return card


def write_below_card(front: FrontDoor, card: Card, text: str, user: str = "U0PRIYA", **more: Any) -> str:
    """Let a responder write below the card; return the ts."""
    ts = front.say(user, QUEUE, text, thread_ts=card.message["ts"], **more)
    front.work()
    return ts


def write_to_requester(front: FrontDoor, card: Card, text: str, user: str = "U0LENA", **more: Any) -> str:
    """Let somebody write in the requester's thread; return the ts."""
    ts = front.say(user, HELP, text, thread_ts=card.thread_ts, **more)
    front.work()
    return ts


def change_message(front: FrontDoor, user: str, channel: str, ts: str, text: str | None) -> None:
    """Let somebody edit, or with None delete, what they wrote."""
    if text is None:
        front.act("delete", user, channel=channel, ts=ts)
    else:
        front.act("edit", user, channel=channel, ts=ts, text=text)
    front.work()
