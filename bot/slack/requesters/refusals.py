"""Stores one sentence for a person who may not ask, which only they see."""

from typing import Any

from bot.slack.requesters import replies
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import MessageKind


def tell(
    session: Session,
    *,
    key: str,
    user: str,
    channel: str,
    thread_ts: str | None,
    private: bool,
    text: str,
    ticket_id: int | None = None,
) -> bool:
    """Store the sentence, once for its key; return True when it is new.

    Args:
        session: the open write transaction.
        key: its key; it is stored once for each key.
        user: the person.
        channel: the channel in which they wrote.
        thread_ts: the thread in which they wrote, or that they began.
        private: whether it is a direct conversation, where only they read.
        text: the sentence.
        ticket_id: their ticket, if there is one.
    """
    alone: dict[str, Any] = {} if private else {"op": "ephemeral", "user": user}
    stored = messages.add(
        session,
        key=f"refused:{key}",
        kind=MessageKind.ONLY_YOU,
        lane=f"refused:{key}",
        channel=channel,
        thread_ts=thread_ts,
        body=replies.only_you(text),
        ticket_id=ticket_id,
        **alone,
    )
    return stored is not None
