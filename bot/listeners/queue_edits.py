"""Edits and deletions on the responders' side: a card that is deleted, a `>` that an edit adds.

An administrator may delete any message. A deleted card is posted again, because neither a request nor an approval must
wait unseen, and so is a question that is not decided. A message that was internal when it was written stays internal:
an edit never sends, which only its author is told.
"""

import html
from typing import Any

from bot.casework.context import tell_only
from bot.listeners import buttons
from bot.listeners.context import ListenerContext
from bot.slack import mrkdwn
from bot.slack.approvals import approval_messages
from bot.slack.handoffs import linked_threads, relay, removed_cards
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import InboxKind, InboxState, Message, MessageKind
from bot.store.tickets import ticket_messages


def follow(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Act on one edit or deletion of a message."""
    event = body["event"]
    changed = event.get("message") or {}
    is_gone = event["subtype"] == "message_deleted" or changed.get("subtype") == "tombstone"
    ts, channel = event.get("deleted_ts") or changed.get("ts"), event["channel"]
    if not is_gone and not _begins_to_send(event):
        return  # most changes end here
    with ctx.database.read() as session:
        above = messages.by_ts(session, channel, str(ts if is_gone else changed.get("thread_ts")))
    if above is None:
        return
    if above.kind is MessageKind.APPROVAL and above.ticket_id is not None:
        if is_gone:
            with ctx.database.write() as session:
                approval_messages.say_card_again(session, above.ticket_id, above.key, str(ts))
            ctx.deliver(above.ticket_id)
    elif _card_side(above) is not None:
        _of_handoff(ctx, above, event, gone_at=str(ts) if is_gone else None)


def _of_handoff(ctx: ListenerContext, above: Message, event: dict[str, Any], *, gone_at: str | None) -> None:
    """Act on an edit below a handoff's card, or on the deletion of the card or of a message below it."""
    if above.handoff_id is None:
        return
    with ctx.database.write() as session:
        if gone_at is None:
            _tell(ctx, session, event, above.handoff_id)
        elif _needs_an_answer(above):
            removed_cards.say_again(session, above.handoff_id, above.id, gone_at)
    ctx.deliver(above.ticket_id)


def is_edit(ctx: ListenerContext, event: dict[str, Any]) -> bool:
    """Return whether an edited mention is on the responders' side."""
    with ctx.database.read() as session:
        return _card_side(messages.by_ts(session, event["channel"], str(event.get("thread_ts")))) is not None


def _card_side(above: Message | None) -> Message | None:
    """Return the message if it is on the responders' side of a handoff, or None."""
    of_handoff = above is not None and above.handoff_id is not None and above.kind in linked_threads.QUEUE_SIDE
    return above if of_handoff else None


def _needs_an_answer(message: Message) -> bool:
    """Return whether somebody must act on a message: a card, or a question that is not decided yet."""
    asks = message.kind is MessageKind.QUESTION and any(
        block["type"] == "actions" for block in message.body.get("blocks", ())
    )
    return message.kind is MessageKind.CARD or asks


def _begins_to_send(event: dict[str, Any]) -> bool:
    """Return whether a person's edit has put `>` before a message, or changed a message that begins with it."""
    changed, before = event.get("message") or {}, event.get("previous_message") or {}
    text, was = (html.unescape(one.get("text") or "").strip() for one in (changed, before))
    by_a_person = bool(changed.get("user")) and not changed.get("bot_id")
    return by_a_person and text != was and relay.is_certain(text)


def _tell(ctx: ListenerContext, session: Session, event: dict[str, Any], handoff_id: int) -> None:
    """Tell the author that their edit was not sent, unless the edit of their message is followed elsewhere."""
    changed, channel = event["message"], event["channel"]
    known, found = (
        ticket_messages.heard_at(session, channel, changed["ts"]),
        buttons.find(ctx, session, str(handoff_id)),
    )
    if found is None or (
        known is not None and (known.kind is not InboxKind.DRAFT or known.state is not InboxState.KEPT)
    ):
        return
    tell_only(
        session,
        key=f"edit:{channel}:{changed['ts']}:{event.get('ts')}",
        user=changed["user"],
        channel=channel,
        thread_ts=changed.get("thread_ts"),
        text=f"An edit never sends, so {mrkdwn.mention(found.ticket.requester)} has not seen this. "
        "To send it, write it as a new message that starts with `>`.",
        ticket_id=found.ticket.id,
    )
