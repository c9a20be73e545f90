"""Evaluation cases from resolved handoffs: the button on a resolved card, the form, and the buttons in App Home.

Who proposes, edits, accepts or dismisses is looked up each time: a responder or an owner of the agent, and of what
another one has, an owner.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, assert_never

from bot import rights
from bot.agent.card import Agent
from bot.agent.categories import NONE, chosen_by
from bot.casework import proposing
from bot.casework.context import ANYWHERE, actor
from bot.casework.proposing import ProposalEnd
from bot.listeners import buttons, submissions
from bot.listeners.buttons import Press, PressedHandoff
from bot.listeners.context import ListenerContext
from bot.listeners.submissions import Form
from bot.principals import Reason
from bot.rights import Actor
from bot.slack.handoffs import denials, queue_card
from bot.slack.mrkdwn import Block
from bot.slack.reports import case_form
from bot.slack.reports.case_form import CaseOptions
from bot.slack.requesters import sealed
from bot.slack.sentences import say
from bot.store.db import Session
from bot.store.releases import case_proposals
from bot.store.schema import CaseDraft, CaseProposal, ProposalState, TicketState

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient

GONE = "There is no such proposal. Open my Home tab again."
NOT_YOURS = "Only {who}, who has it, or an owner of the agent decides about it."
NOT_YOURS_NOW = "Somebody else has it by now: they or an owner of the agent decide about it. Nothing was done."
DECIDED = "It is {state} already."
MOST_ERROR = 1_500
"The most characters of one error in a form."
NAMES_SECONDS = 1.0
"How long the names of those who may have a proposal are waited for; a form must open within three seconds."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of proposed cases."""

    @app.action(queue_card.PROPOSE)
    async def on_propose(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_propose, ctx, body)
        await ack()

    @app.action(case_form.EDIT)
    async def on_edit(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        view = await asyncio.to_thread(_form, ctx, body)
        if view is not None:
            await buttons.open_form(ctx, client, body, view)
        await ack()

    @app.action(case_form.DISMISS)
    async def on_dismiss(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_dismiss, ctx, body)
        await ack()

    @app.view(case_form.EDIT)
    async def on_submit(ack: "AsyncAck", body: dict[str, Any]) -> None:
        wrong = await asyncio.to_thread(_submitted, ctx, body)
        if wrong is None:
            await ack()
        else:
            await ack(response_action="errors", errors=wrong)


def _propose(ctx: ListenerContext, body: dict[str, Any]) -> None:
    press = buttons.read(ctx, body)
    with ctx.database.read() as session:
        found = buttons.find(ctx, session, press.value)
    names = [] if found is None else _names(ctx, found)
    with ctx.database.write() as session:
        ref = buttons.by_responder(ctx, session, press, move="propose")
        if ref is not None:
            said = proposing.propose(session, ref.handoff, ref.ticket, ref.agent, by=press.user, names=names)
            buttons.tell(session, press, said, ref.ticket.id)
    ctx.deliver(ref.ticket.id if ref is not None else ANYWHERE)


def _names(ctx: ListenerContext, found: PressedHandoff) -> list[str]:
    """Return what the requester and who resolved it are called, as far as Slack says; no transaction is open."""
    people = (found.ticket.requester, found.handoff.claimed_by)
    return [ctx.names(user) or "" if user else "" for user in people]


def _form(ctx: ListenerContext, body: dict[str, Any]) -> Block | None:
    """Return the form for a proposal, or tell the presser why there is none."""
    press = buttons.read(ctx, body)
    with ctx.database.read() as session:
        proposal = _named(session, press.value)
    agent = None if proposal is None else ctx.answering(proposal.agent)
    people = () if agent is None else rights.people(agent)
    called = ctx.members_named(people, NAMES_SECONDS) or {}
    with ctx.database.write() as session:
        found = _pressed(ctx, session, press)
    if found is not None:
        proposal, agent = found
        return case_form.form(proposal, _options(ctx, agent, {user: called.get(user, user) for user in people}))
    ctx.deliver(ANYWHERE)
    return None


def _dismiss(ctx: ListenerContext, body: dict[str, Any]) -> None:
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        found = _pressed(ctx, session, press)
        if found is not None:
            proposal, _ = found
            if proposing.dismiss(session, proposal, _revision(press.value), by=press.user) is ProposalEnd.LATE:
                buttons.tell(session, press, proposing.changed_since(session, proposal.id), None)
    ctx.deliver(ANYWHERE)


def _submitted(ctx: ListenerContext, body: dict[str, Any]) -> dict[str, str] | None:
    """Accept or keep the draft of a form; return its errors by field, or None."""
    form, what = submissions.read(ctx, body), body["view"].get("private_metadata")
    with ctx.database.read() as session:
        found = _found(ctx, session, what, actor(session, form.user, form.membership))
    if isinstance(found, str):
        _refuse(ctx, form, what, found)
        return {"id": _in_form(found)}
    proposal, agent = found
    draft, accepts = _draft(form), form.option(case_form.DO) != case_form.KEEP
    diff = ctx.cases.check(agent, draft, proposal.handoff_id) if accepts else ""
    if not isinstance(diff, str):
        return {one.field: one.reason[:MOST_ERROR] for one in reversed(diff)}
    with ctx.database.write() as session:
        again = _found(ctx, session, what, actor(session, form.user, form.membership))
        if isinstance(again, str):
            return {"id": _in_form(again)}
        proposal, _ = again
        if accepts:
            folder = agent.folder.parent.parent.name
            end = proposing.accept(
                session, proposal, _revision(what), by=form.user, draft=draft, diff=diff, folder=folder
            )
        else:
            assignee = form.person()
            if assignee not in rights.people(agent):
                return {case_form.ASSIGNEE: "Choose a responder or an owner of the agent."}
            end = proposing.keep(session, proposal, _revision(what), by=form.user, draft=draft, assignee=assignee)
        wrong = _wrong(session, proposal, end)
    ctx.deliver(ANYWHERE)
    return wrong


def _in_form(why: str) -> str:
    return why if submissions.fits_a_form(why) else NOT_YOURS_NOW


def _refuse(ctx: ListenerContext, form: Form, what: object, why: str) -> None:
    """Audit that somebody may not decide about a proposal that there is."""
    with ctx.database.write() as session:
        proposal = _named(session, what)
        if proposal is not None:
            case_proposals.refuse(session, proposal, form.user, why=why)


def _wrong(session: Session, proposal: CaseProposal, end: ProposalEnd) -> dict[str, str] | None:
    match end:
        case ProposalEnd.DONE:
            return None
        case ProposalEnd.OPEN_AGAIN:
            return {case_form.DO: proposing.OPEN_AGAIN}
        case ProposalEnd.LATE:
            return {"id": proposing.changed_since(session, proposal.id)}
        case _:
            assert_never(end)


def _pressed(ctx: ListenerContext, session: Session, press: Press) -> tuple[CaseProposal, Agent] | None:
    """Return the proposal of a button with its agent, or tell the presser why they cannot decide about it."""
    found = _found(ctx, session, press.value, actor(session, press.user, press.membership))
    if not isinstance(found, str):
        return found
    proposal = _named(session, press.value)
    if proposal is not None:
        case_proposals.refuse(session, proposal, press.user, why=found)
    buttons.tell(session, press, found, None)
    return None


def _found(ctx: ListenerContext, session: Session, what: object, who: Actor) -> tuple[CaseProposal, Agent] | str:
    """Return an undecided proposal with its agent if somebody may decide about it, or the sentence why not."""
    proposal = _named(session, what)
    if proposal is None:
        return GONE
    agent = ctx.answering(proposal.agent)
    why = rights.barred_from(agent, who)
    if why is not None or agent is None:
        return denials.in_words(why) if why is not None else say("agent.gone", "en")
    if proposal.state is not ProposalState.PROPOSED:
        return DECIDED.format(state=proposal.state)
    if who.user not in (proposal.assignee, *agent.card.owners):
        return NOT_YOURS.format(who=f"<@{proposal.assignee}>")
    return proposal, agent


def _named(session: Session, what: object) -> CaseProposal | None:
    number = buttons.number(str(what or "").partition(":")[0])
    return None if number is None else case_proposals.get(session, number)


def _revision(what: object) -> int:
    return buttons.number(str(what or "").partition(":")[2]) or 0


def _options(ctx: ListenerContext, agent: Agent, assignees: Mapping[str, str]) -> CaseOptions:
    return CaseOptions(
        slices=ctx.cases.slices(agent),
        reasons=tuple(Reason),
        tickets=tuple(TicketState),
        categories=(*chosen_by("agent", agent.card.categories), NONE),
        tools=agent.card.tools,
        assignees=assignees,
    )


def _draft(form: Form) -> CaseDraft:
    """Return the draft of a form, in which no secret is kept."""
    texts = {name: form.text(name) for name in case_form.TEXT_FIELDS}
    chosen = {name: form.option(name) for name in case_form.CHOICES}
    lists = {name: form.options(name) for name in case_form.LIST_FIELDS}
    fields: dict[str, Any] = {name: sealed.as_kept(text) for name, text in texts.items()}
    fields |= chosen | lists
    return CaseDraft(**fields)
