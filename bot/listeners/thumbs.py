"""Thumbs below answers, and the questions after a thumb down: a person? what was wrong? Only the requester may."""

import asyncio
from typing import TYPE_CHECKING, Any

from bot import rights
from bot.agent.redaction import redact
from bot.casework.context import ANYWHERE, actor, tell_only
from bot.listeners import buttons, submissions
from bot.listeners.buttons import Press
from bot.listeners.context import ListenerContext
from bot.queue import ANSWER_COMMAND
from bot.slack.mrkdwn import Block, Body
from bot.slack.requesters import replies, thumbs
from bot.slack.sentences import say, spoken_by
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import InboxKind, Message, MessageKind, Ticket, TicketState
from bot.store.tickets import feedback, inbox_commands, tickets
from bot.store.tickets.inbox_commands import InboxCommand

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of thumbs and of the questions after them."""

    @app.action("feedback")
    async def on_thumb(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_judge, ctx, body)
        await ack()

    @app.action(thumbs.FETCH)
    async def on_fetch(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_fetch, ctx, body)
        await ack()

    @app.action(thumbs.TELL)
    async def on_tell(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        view = await asyncio.to_thread(_form, ctx, body)
        if view is not None:
            await buttons.open_form(ctx, client, body, view)
        await ack()

    @app.view(thumbs.TOLD)
    async def on_told(ack: "AsyncAck", body: dict[str, Any]) -> None:
        wrong = await asyncio.to_thread(_told, ctx, body)
        if wrong is None:
            await ack()
        else:
            await ack(response_action="errors", errors={thumbs.WORDS: wrong})


def _judge(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Store a requester's thumb for an answer to their own request; after a thumb down, ask what they need."""
    press = buttons.read(ctx, body)
    word, _, turn = str(press.value or "").partition(":")
    with ctx.database.write() as session:
        ticket = _theirs(session, press, turn if word in ("good", "bad") else "", below=True)
        if ticket is not None:
            turn_id, good = int(turn), word == "good"
            feedback.store_thumb(session, turn_id, user=press.user, good=good)
            if not good:
                person = ticket.state is not TicketState.HANDED_OFF and ctx.answering(ticket.agent) is not None
                question = thumbs.sorry(turn_id, spoken_by(session, press.user), person=person)
                _tell_only(session, press.user, ticket, press.trigger, question)
    ctx.deliver(ANYWHERE if ticket is None else ticket.id)


def _fetch(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Store the request for a person, once for each answer; a job handles it like the shortcut.

    The result replaces the question, so that its buttons are not pressed again.
    """
    press, url = buttons.read(ctx, body), buttons.answered_at(ctx, body)
    event_id = None
    with ctx.database.write() as session:
        ticket = _theirs(session, press, press.value)
        if ticket is not None:
            command = InboxCommand(
                event_id=f"thumb:{press.value}",
                kind=InboxKind.SHORTCUT,
                team=buttons.workspace(body),
                channel=ticket.channel,
                user=press.user,
                text="",
                detail={"thread_ts": ticket.thread_ts, "thumb": int(str(press.value)), "response_url": url},
            )
            event_id = inbox_commands.accept(session, command)
            if event_id is None:
                key = "press.has_a_person" if ticket.state is TicketState.HANDED_OFF else "feedback.asked"
                _in_place(session, press, ticket, key, url)
    if event_id is None:
        ctx.deliver(ANYWHERE if ticket is None else ticket.id)
    else:
        ctx.put(ANSWER_COMMAND, event_id)


def _in_place(session: Session, press: Press, ticket: Ticket, key: str, url: str | None) -> None:
    """Replace the question by a sentence; without an address for that, post the sentence below."""
    language = spoken_by(session, press.user)
    if url is None:
        buttons.tell(session, press, say(key, language), ticket.id)
        return
    result = thumbs.fetched(say(key, language), int(str(press.value)), language)
    body = {**result, "response_url": url, "replace_original": True}
    lane = f"only:{press.trigger}"
    where: dict[str, Any] = {
        "op": "respond",
        "lane": lane,
        "channel": ticket.channel,
        "user": press.user,
        "ticket_id": ticket.id,
    }
    messages.add(session, key=lane, kind=MessageKind.RESPONSE, body=body, **where)


def _form(ctx: ListenerContext, body: dict[str, Any]) -> Block | None:
    """Return the form that asks what was wrong, or tell the presser why there is none."""
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        if _theirs(session, press, press.value) is not None:
            return thumbs.form(int(str(press.value)), spoken_by(session, press.user))
    ctx.deliver(ANYWHERE)
    return None


def _told(ctx: ListenerContext, body: dict[str, Any]) -> str | None:
    """Store what was wrong; return why it cannot be taken, or None."""
    form = submissions.read(ctx, body)
    words = redact(form.text(thumbs.WORDS))
    turn_id = buttons.number(body["view"].get("private_metadata"))
    with ctx.database.write() as session:
        language = spoken_by(session, form.user)
        found = None if turn_id is None else _answer(session, turn_id)
        who = actor(session, form.user, form.membership)
        if turn_id is None or found is None:
            return say("press.old_answer", language)
        _, ticket = found
        why = rights.barred_from_own(who, ticket.requester)
        if why is not None:
            return buttons.not_theirs(why, "judge", ticket, language)
        if not words:
            return say("feedback.empty", language)
        feedback.store_words(session, turn_id, user=form.user, words=words)
        _tell_only(session, form.user, ticket, form.view_id, replies.only_you(say("feedback.thanks", language)))
    ctx.deliver(ticket.id)
    return None


def _theirs(session: Session, press: Press, turn: object, *, below: bool = False) -> Ticket | None:
    """Return the ticket of an answer that the presser may rate, or tell them why they may not.

    Args:
        session: the open write transaction.
        press: the click.
        turn: the id of the answer's turn, as the browser sent it.
        below: whether the button must be on that answer itself.
    """
    turn_id, language = buttons.number(turn), spoken_by(session, press.user)
    found = None if turn_id is None else _answer(session, turn_id)
    if found is None or (below and (found[0].channel, found[0].ts) != (press.channel, press.message_ts)):
        buttons.tell(session, press, say("press.old_answer", language), None)
        return None
    _, ticket = found
    why = rights.barred_from_own(actor(session, press.user, press.membership), ticket.requester)
    if why is None:
        return ticket
    buttons.tell(session, press, buttons.not_theirs(why, "judge", ticket, language), ticket.id)
    return None


def _answer(session: Session, turn_id: int) -> tuple[Message, Ticket] | None:
    answer = messages.by_key(session, replies.answer_key(turn_id))
    return None if answer is None or answer.ticket_id is None else (answer, tickets.read(session, answer.ticket_id))


def _tell_only(session: Session, user: str, ticket: Ticket, key: str, body: Body) -> None:
    tell_only(
        session,
        key=key,
        user=user,
        channel=ticket.channel,
        thread_ts=ticket.thread_ts,
        text=body,
        ticket_id=ticket.id,
    )
