"""Answers to slash commands, to the shortcut "Hand this to a person", and to "Yes, look at this"."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import structlog

from bot import rights
from bot.agent import card
from bot.agent.card import Agent
from bot.casework import dashboard_links
from bot.casework import handoffs as casework
from bot.errors import Transient
from bot.principals import Reason
from bot.rights import Actor, Forbidden, Membership, Viewer
from bot.slack.api import client as slack
from bot.slack.api import queue_channels, status
from bot.slack.handoffs.denials import in_words
from bot.slack.mrkdwn import Body
from bot.slack.reports import dashboard_offer, evaluations
from bot.slack.requesters import replies, thumbs
from bot.slack.sentences import Language, say, spoken_by
from bot.store import audit
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import HandoffContext, InboxEvent, InboxKind, MessageKind, Ticket, TicketState, now
from bot.store.tickets import inbox_commands, threads, tickets, turns
from jobs import costs, eval_answers, explanations, offered_messages, process, undeliverable
from jobs.engine.deadlines import TimeIsUp
from jobs.process import WorkerContext
from jobs.requester import PATIENCE

log = structlog.get_logger()


def answer(event_id: int) -> None:
    """Answer a stored command or shortcut, once; upkeep queues it again if it cannot be answered now."""
    ctx = process.current()
    try:
        with ctx.database.read() as session:
            event = inbox_commands.get(session, event_id)
        if event is not None:
            _ANSWERS[event.kind](ctx, event)
    except Transient as error:
        log.warning("command.delayed", event_id=event_id, error=str(error))


def _answer(ctx: WorkerContext, event: InboxEvent) -> None:
    try:
        body, plainer = _report(ctx, event)
    except Transient:
        raise  # no bug; it is tried again
    except (Exception, TimeIsUp) as bug:  # the person is told the id under which the log has the error
        error_id = uuid4().hex[:8]
        log.exception("command.crashed", error_id=error_id, error=type(bug).__name__)
        body, plainer = replies.trouble(error_id, _spoken(ctx, event)), None
    _respond(ctx, event, body, plainer)


def _report(ctx: WorkerContext, event: InboxEvent) -> tuple[Body, Body | None]:
    """Return the answer to a command, and a plainer one in case Slack rejects its charts."""
    command = event.detail["command"]
    if event.text.lower() == "help":
        return evaluations.usage(command), None
    answered = eval_answers.answer(ctx, event) if command == "/agent-eval" else costs.answer(ctx, event)
    return (_misused(command, answered), None) if isinstance(answered, str) else answered


def _misused(command: str, what: str) -> Body:
    usage = evaluations.usage(command)
    problem = replies.only_you(what)
    return {"text": f"{problem['text']} {usage['text']}", "blocks": [*problem["blocks"], *usage["blocks"]]}


def _hand_to_person(ctx: WorkerContext, event: InboxEvent) -> None:
    """Open a handoff for the ticket whose thread the shortcut was used in."""
    channel, thread_ts = event.channel, str(event.detail["thread_ts"])
    with ctx.database.read() as session:
        found = threads.ticket_at(session, channel, thread_ts)
    agent = None if found is None else card.answering(ctx.agents, found.agent)
    barred, hides, language = None, False, _spoken(ctx, event)
    if found is not None and agent is not None:  # otherwise `_refusal` gives the reason
        barred = _barred(ctx, event, agent, language) if event.user == found.requester else None
        hides = found.private and queue_channels.of(ctx.slack).withholds(agent, ctx.agents)
    link, who = slack.permalink(ctx.slack, channel, thread_ts), ctx.actor(event.user)
    with ctx.database.write() as session:
        if not inbox_commands.mark_answered(session, event.id):
            return
        ticket = tickets.lock(session, found.id) if found else None  # a claim or the end of a turn may be under way
        why, ticket_id = barred or _refusal(who, ticket, agent, language), ticket.id if ticket else None
        if why is None and ticket is not None and agent is not None:
            stopped = turns.stop(session, ticket.id)
            casework.open_for(
                session,
                ticket,
                agent,
                reason=Reason.REQUESTED,
                summary=_asked_for_a_person(event, ticket),
                actor=event.user,
                turn_id=stopped,
                known=HandoffContext(link=link, withheld=hides),
                occasion="usual" if event.user == ticket.requester else "colleague",
            )
            if event.detail.get("thumb") and event.detail.get("response_url"):
                _add_response(session, event, _said(event, say("feedback.fetched", language), language), ticket_id)
        else:
            _add_response(session, event, _said(event, why or say("press.no_ticket", language), language), ticket_id)
    if ticket is not None and why is None:
        status.show(ctx.slack, ticket, "active")  # the worker that plays the stopped turn notices later, or is dead
    undeliverable.deliver(ticket_id or 0)


def _said(event: InboxEvent, text: str, language: Language) -> Body:
    """Return the answer to a request for a person; after a thumb down it replaces the question about it."""
    turn_id = event.detail.get("thumb")
    if not turn_id or not event.detail.get("response_url"):
        return replies.only_you(text)
    return {**thumbs.fetched(text, int(turn_id), language), "replace_original": True}


def _barred(ctx: WorkerContext, event: InboxEvent, agent: Agent, language: Language) -> str | None:
    """Return the sentence for a requester who is not admitted, or None: they may call a person.

    Raises:
        Transient: Slack does not say who they are. After `PATIENCE` they count as admitted, and the person who is
            called finds out.
    """
    try:
        barred = ctx.members.may_act(event.user, rules=agent.card.admission.rules)
    except Transient as error:
        waited = now() - event.received_at
        if waited < PATIENCE:
            raise
        log.warning("requester.not_looked_up", error=str(error), waited=waited.total_seconds())
        return None
    return None if barred is None or barred.to_person else say(f"refused.{barred.why}", language)


def _asked_for_a_person(event: InboxEvent, ticket: Ticket) -> str:
    """Return who asked for a person and how; without a mention, which a card would show as plain letters."""
    if event.detail.get("thumb"):
        return "The requester said that the answer did not help."
    who = "The requester" if event.user == ticket.requester else "A colleague"
    return f"{who} used the message shortcut."


def _refusal(who: Actor, ticket: Ticket | None, agent: Agent | None, language: Language) -> str | None:
    """Return why the shortcut does nothing here, or None."""
    if ticket is None:
        return say("press.no_ticket", language)
    if agent is None:
        theirs = who.user == ticket.requester
        return say("agent.gone", language) if theirs else in_words(Forbidden.NO_AGENT, language)
    if who.user == ticket.requester:
        who = replace(who, membership=Membership.UNCHECKED)  # a card may admit guests, which `_barred` has checked
    why = rights.barred_from_own(who, ticket.requester)
    why = rights.barred_from(agent, who) if why is Forbidden.NOT_THEIRS else why
    if why is Forbidden.NO_ROLE:
        return say("press.only_some_hand_over", language, who=f"<@{ticket.requester}>")
    if why is not None:
        return in_words(why, language)
    return say("press.has_a_person", language) if ticket.state is TicketState.HANDED_OFF else None


def _spoken(ctx: WorkerContext, event: InboxEvent) -> Language:
    """Return the language of the person who asked."""
    with ctx.database.read() as session:
        return spoken_by(session, event.user)


def _respond(ctx: WorkerContext, event: InboxEvent, body: Body, plainer: Body | None) -> None:
    door = ctx.door if plainer is not None and _may_look(ctx, event.user) else None
    with ctx.database.write() as session:
        if inbox_commands.mark_answered(session, event.id):
            audit.append(session, "command.answered", actor=event.user, command=event.detail["command"])
            if door is not None:
                address = dashboard_links.make(session, door, event.user)
                body, plainer = dashboard_offer.with_link(body, plainer, address, minutes=dashboard_links.minutes(door))
            _add_response(session, event, body, None, plainer)
    undeliverable.deliver(0)


def _may_look(ctx: WorkerContext, user: str) -> bool:
    """Return whether somebody may look at the dashboard now."""
    return bool(rights.served_by(ctx.agents, user)) and isinstance(rights.viewer(ctx.agents, ctx.actor(user)), Viewer)


def _add_response(
    session: Session, event: InboxEvent, body: Body, ticket_id: int | None, plainer: Body | None = None
) -> None:
    url = event.detail.get("response_url")
    response: dict[str, Any] = {"response_url": url, "response_type": "ephemeral"} if url is not None else {}
    if url is not None and inbox_commands.confirmed(event) is not None:
        response["replace_original"] = True  # the question, so that its button is not pressed again
    # Without a response URL the answer is ephemeral or, outside a channel, a direct message.
    without_url = "ephemeral" if event.channel else "post"
    messages.add(
        session,
        key=f"response:event:{event.id}",
        kind=MessageKind.RESPONSE,
        op="respond" if response else without_url,
        lane=f"response:event:{event.id}",
        channel=event.channel or event.user,
        thread_ts=None if response else event.detail.get("thread_ts"),
        user=event.user,
        body={**body, **response, **({} if plainer is None else {"plainer": plainer})},
        ticket_id=ticket_id,
    )


_ANSWERS = {
    InboxKind.COMMAND: _answer,
    InboxKind.SHORTCUT: _hand_to_person,
    InboxKind.WHY: explanations.answer,
    InboxKind.PLEA: offered_messages.look,
}
