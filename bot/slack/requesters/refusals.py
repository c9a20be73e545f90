"""One plain sentence for somebody who may not ask: to them alone, or in the direct conversation that they wrote in."""

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
        key: what it is said about.
        user: who is told.
        channel: where they wrote.
        thread_ts: the thread that they wrote in or began.
        private: it is a direct conversation, where everything said is for them alone.
        text: the sentence.
        ticket_id: of their ticket, if there is one.
    """
    alone: dict[str, Any] = {} if private else {"op": "ephemeral", "user": user}
    told = messages.add(
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
    return told is not None
