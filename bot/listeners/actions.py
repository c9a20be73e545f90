"""Buttons that act at once: claim, unclaim, withdraw a request, send or keep a draft."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_never

from bot import rights
from bot.casework import handoffs as casework
from bot.casework.context import ANYWHERE, actor
from bot.listeners import buttons
from bot.listeners.buttons import HandoffRef, Press
from bot.listeners.context import ListenerContext
from bot.slack.handoffs import relay
from bot.slack.handoffs.queue_notes import DraftEnd
from bot.slack.sentences import Language, say, spoken_by
from bot.store.db import Session
from bot.store.handoffs import moves, responses
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import HandoffState, InboxEvent, InboxState
from bot.store.tickets import inbox_commands, tickets

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

Does = Callable[[ListenerContext, Session, Press], int]
"(context, session, press) -> id of the ticket whose messages are to be delivered now."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of buttons."""
    _on(app, ctx, "handoff.claim", _claim)
    _on(app, ctx, "handoff.unclaim", _unclaim)
    _on(app, ctx, "handoff.release", _unclaim)  # on cards that an earlier build has posted
    _on(app, ctx, "handoff.cancel", _cancel)
    _on(app, ctx, "handoff.send", _send)
    _on(app, ctx, "handoff.send_directly", _send_directly)
    _on(app, ctx, "handoff.keep", _keep)


def _on(app: "AsyncApp", ctx: ListenerContext, action: str, does: Does) -> None:
    @app.action(action)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_press, ctx, body, does)
        await ack()


def _press(ctx: ListenerContext, body: dict[str, Any], does: Does) -> None:
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        ticket_id = does(ctx, session, press)
    ctx.deliver(ticket_id)


def _claim(ctx: ListenerContext, session: Session, press: Press) -> int:
    ref = buttons.by_responder(ctx, session, press, move="claim")
    if ref is None:
        return ANYWHERE
    moved = casework.claim(session, ref.handoff.id, press.user, lease_minutes=ref.lease_minutes)
    if isinstance(moved, NotMoved):
        why = buttons.not_moved(session, ref, press.user, moved, move="claim")
        buttons.tell(session, press, why, ref.ticket.id)
    return ref.ticket.id


def _unclaim(ctx: ListenerContext, session: Session, press: Press) -> int:
    ref = buttons.by_responder(ctx, session, press, move="unclaim")
    if ref is None:
        return ANYWHERE
    moved = casework.unclaim(session, ref.handoff.id, press.user, ref.agent.card.handoff)
    if isinstance(moved, NotMoved):
        why = buttons.not_moved(session, ref, press.user, moved, move="unclaim")
        buttons.tell(session, press, why, ref.ticket.id)
    return ref.ticket.id


def _cancel(ctx: ListenerContext, session: Session, press: Press) -> int:
    """Withdraw a request; only its requester may, and only while nobody works on it."""
    found, language = buttons.find(ctx, session, press.value), spoken_by(session, press.user)
    if found is None:
        buttons.tell(session, press, say("press.out_of_date", language), None)
        return ANYWHERE
    ticket = found.ticket
    why = rights.barred_from_own(actor(session, press.user, press.membership), ticket.requester)
    if why is not None:
        moves.refuse(session, found.handoff.id, press.user, move="cancel", why=why)
        buttons.tell(session, press, buttons.not_theirs(why, "take_back", ticket, language), ticket.id)
        return ticket.id
    moved = casework.cancel(session, found.handoff.id, by=press.user)
    if isinstance(moved, NotMoved):
        buttons.not_moved(session, found, press.user, moved, move="cancel")
        buttons.tell(session, press, _too_late(moved, language), ticket.id)
    return ticket.id


def _too_late(refused: NotMoved, language: Language) -> str:
    """Return the sentence that tells a requester why their request cannot be withdrawn."""
    match refused.state:
        case HandoffState.CLAIMED:
            return say("press.taken_by_now", language, who=f"<@{refused.holder}>")
        case HandoffState.CANCELLED:
            return say("press.taken_back", language)
        case HandoffState.OPEN | HandoffState.RETURNED | HandoffState.RESOLVED | None:
            return say("press.ended", language)
        case _:
            assert_never(refused.state)


def _send(ctx: ListenerContext, session: Session, press: Press) -> int:
    """Send a draft to the requester's thread, if its author still has the ticket."""
    return _decide(ctx, session, press, DraftEnd.SENT)


def _send_directly(ctx: ListenerContext, session: Session, press: Press) -> int:
    """Send a draft to the requester directly, if its author still has the ticket."""
    return _decide(ctx, session, press, DraftEnd.DIRECTLY)


def _decide(ctx: ListenerContext, session: Session, press: Press, how: DraftEnd) -> int:
    found = _draft(ctx, session, press)
    if found is None:
        return ANYWHERE
    draft, ref = found
    moved = casework.spoke(session, ref.handoff.id, press.user, lease_minutes=ref.lease_minutes)
    state, end = (InboxState.SENT, how) if isinstance(moved, Moved) else (InboxState.KEPT, DraftEnd.LATE)
    decided = responses.decide(session, draft.id, press.user, state=state)
    if decided is not None:
        relay.decided(session, ref.handoff, ref.ticket, decided, end=end)
    if isinstance(moved, NotMoved):
        buttons.not_moved(session, ref, press.user, moved, move="send")
    return ref.ticket.id


def _keep(ctx: ListenerContext, session: Session, press: Press) -> int:
    found = _draft(ctx, session, press)
    if found is None:
        return ANYWHERE
    draft, ref = found
    decided = responses.decide(session, draft.id, press.user, state=InboxState.KEPT)
    if decided is not None:
        relay.decided(session, ref.handoff, ref.ticket, decided, end=DraftEnd.KEPT)
    return ref.ticket.id


def _draft(ctx: ListenerContext, session: Session, press: Press) -> tuple[InboxEvent, HandoffRef] | None:
    """Return the undecided draft of a button with its handoff, or tell the presser why they cannot decide it."""
    draft = responses.draft(session, buttons.number(press.value))
    found = None if draft is None else buttons.find(ctx, session, str(draft.detail["handoff"]))
    if draft is None or found is None:
        buttons.tell(session, press, say("press.out_of_date", "en"), None)
        return None
    ref = buttons.permitted(ctx, session, found, actor(session, press.user, press.membership), move="send")
    why = ref if isinstance(ref, str) else None
    if why is None and draft.user != press.user:
        why = f"Only <@{draft.user}>, who wrote it, can decide that."
    tickets.lock(session, found.ticket.id)
    inbox_commands.read_again(session, draft)
    if why is None and draft.state is not InboxState.ASKED:  # a second press must not count as a sent message
        why = "That is decided already."
    if isinstance(ref, HandoffRef) and why is None:
        return draft, ref
    buttons.tell(session, press, str(why), found.ticket.id)
    return None
