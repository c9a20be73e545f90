"""Tells responders that the requester of an open handoff has left, so that nobody writes to them in vain."""

from bot.slack import mrkdwn
from bot.slack.handoffs import linked_threads
from bot.store.db import Session
from bot.store.schema import Handoff, MessageKind


def tell(session: Session, handoff: Handoff, requester: str) -> None:
    """Say once, below the card of a handoff, that its requester has left."""
    who = mrkdwn.mention(requester)
    body = mrkdwn.message(
        f"{who} is no longer a member of this workspace, so nobody waits for an answer here. "
        "When nothing is left to do, it can be resolved."
    )
    key = f"requester_left:handoff:{handoff.id}"
    linked_threads.below(session, handoff, key=key, kind=MessageKind.MOVE, bodies=[body])
