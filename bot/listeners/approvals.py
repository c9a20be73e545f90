"""Approvals: an approver says yes or no in a form, and the requester takes the request back.

Each press and each form checks anew who acts, that the button is on the approval's own card, and that it can still be
decided. What is refused is audited, and every click is answered: by the form, by the card, or by a sentence that says
who did what and when. A code is compared and forgotten: it is in no log, no row and no audit record.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from bot import rights
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.casework import approvals as casework
from bot.casework.context import ANYWHERE, actor
from bot.listeners import buttons, submissions
from bot.listeners.buttons import Press
from bot.listeners.context import ListenerContext
from bot.listeners.submissions import Form
from bot.principals import SecondStep
from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.rights import Actor, Forbidden
from bot.second_step import codes
from bot.second_step.codes import CodeVerdict
from bot.slack.approvals import approval_forms, approval_messages, approval_notices
from bot.slack.approvals.approval_facts import ApprovalView
from bot.slack.handoffs import denials
from bot.slack.mrkdwn import Block
from bot.slack.sentences import Language, say, spoken_by
from bot.store.approvals import approvals
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import Approval, ApprovalState, Ticket, now
from bot.store.tickets import tickets

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient

NOT_THE_CARD = "the click is not from its own message"
_WRONG_CODE = {
    CodeVerdict.WRONG: "That is not your code of this moment. Write the six digits that your app shows now.",
    CodeVerdict.REPEATED: "You have used that code already. Wait until your app shows the next one.",
    CodeVerdict.LOCKED: "Too many codes were wrong, so none of yours counts. An operator can unlock you.",
    CodeVerdict.NOT_ENROLLED: "No authenticator app is enrolled for you. An operator can enrol you.",
    CodeVerdict.UNREADABLE: "Your codes cannot be checked here now. An operator has to look at the approver keys.",
}


@dataclass(frozen=True, slots=True)
class PressedApproval:
    """The approval of a pressed button or a form, with its ticket and agent."""

    approval: Approval
    ticket: Ticket
    agent: Agent | None
    "The agent that answers for it; None when it is gone and has no heir."
    view: ApprovalView


@dataclass(frozen=True, slots=True)
class FormRefused:
    """A form that was not taken: an error below a field, or an answer in its place."""

    errors: dict[str, str] | None = None
    "By the name of the field."
    view: Block | None = None


Opens = Callable[[ApprovalView], Block]
Takes = Callable[[ListenerContext, Session, PressedApproval, Form], "ApprovalMoved | ApprovalNotMoved | FormRefused"]
"(context, the open write transaction, the form's approval, form) -> the move, or why there is none."


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of approvals."""
    _on(app, ctx, approval_forms.APPROVE, approval_forms.approve_form, _approve)
    _on(app, ctx, approval_forms.DENY, approval_forms.deny_form, _deny)

    @app.action(approval_notices.TAKE_BACK)
    async def on_take_back(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_take_back, ctx, body)
        await ack()


def _on(app: "AsyncApp", ctx: ListenerContext, act: str, opens: Opens, takes: Takes) -> None:
    @app.action(act)
    async def on_press(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        view = await asyncio.to_thread(_form, ctx, body, act, opens)
        if view is not None:
            await buttons.open_form(ctx, client, body, view)
        await ack()

    @app.view(act)
    async def on_form(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await answer_form(ack, await asyncio.to_thread(_submit, ctx, body, act, takes))


async def answer_form(ack: "AsyncAck", refused: FormRefused | None) -> None:
    """Acknowledge a form: it closes if it was taken, and otherwise says why it was not."""
    if refused is None:
        await ack()
    elif refused.errors is not None:
        await ack(response_action="errors", errors=refused.errors)
    else:
        await ack(response_action="update", view=refused.view)


def pressed(ctx: ListenerContext, session: Session, press: Press, *, act: str) -> PressedApproval | None:
    """Return the approval of a button on its own card or in App Home; otherwise tell the presser, which is audited."""
    found = find(ctx, session, press.value)
    if found is not None and (press.channel is None or is_from(session, press, _card_of(found))):
        return found
    tell_out_of_date(session, press, found, act=act)
    return None


def tell_out_of_date(
    session: Session, press: Press, found: PressedApproval | None, *, act: str, language: Language = "en"
) -> None:
    """Audit a click that is not from its own message, or names no approval, and tell the presser."""
    approval_id, ticket_id = (None, None) if found is None else (found.approval.id, found.ticket.id)
    approvals.refuse(session, approval_id, press.user, act=act, why=NOT_THE_CARD)
    buttons.tell(session, press, say("press.out_of_date", language), ticket_id)


def find(ctx: ListenerContext, session: Session, value: object) -> PressedApproval | None:
    """Return the approval with this id, read when its ticket was locked, or None."""
    approval_id = buttons.number(value)
    named = None if approval_id is None else approvals.find(session, approval_id)
    if named is None:
        return None
    ticket = tickets.lock(session, named.ticket_id)
    approval = approvals.read_again(session, named.id)
    agent, view = card.answering(ctx.agents, ticket.agent), casework.view(session, approval)
    return PressedApproval(approval, ticket, agent, view)


def is_from(session: Session, press: Press, key: str) -> bool:
    """Return whether a button was pressed on the message with this key, where it is in Slack."""
    message = messages.by_key(session, key)
    return message is not None and (message.channel, message.ts) == (press.channel, press.message_ts)


def refusal(session: Session, found: PressedApproval, user: str, why: Forbidden | None, *, act: str) -> str | None:
    """Return the sentence why somebody may not act, which is audited, or None when they may."""
    if why is None:
        return None
    approvals.refuse(session, found.approval.id, user, act=act, why=why)
    return denials.in_words(why)


def _form(ctx: ListenerContext, body: dict[str, Any], act: str, opens: Opens) -> Block | None:
    """Return the form for a button, or tell the presser why there is none."""
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        found = pressed(ctx, session, press, act=act)
        if found is not None:
            why = _barred(session, found, actor(session, press.user, press.membership), act=act)
            if why is None:
                return opens(found.view)
            buttons.tell(session, press, why, found.ticket.id)
    ctx.deliver(found.ticket.id if found else ANYWHERE)
    return None


def _barred(session: Session, found: PressedApproval, who: Actor, *, act: str) -> str | None:
    """Return why somebody cannot decide an approval now, which is audited, or None when they can."""
    vouched = [one.answered_by for one in (found.view.given,) if one is not None and one.answered_by is not None]
    why = rights.barred_from_approving(found.agent, who, found.ticket.requester, vouched=vouched)
    sentence = refusal(session, found, who.user, why, act=act)
    if sentence is not None or _is_open(found, who.user):
        return sentence
    return casework.press_too_late(session, found.approval, who.user, act=act)


def _is_open(found: PressedApproval, user: str) -> bool:
    """Return whether somebody can still decide: the first of two has done so already."""
    until = found.approval.expires_at
    in_time = found.approval.state is ApprovalState.ASKED and until is not None and until > now()
    return in_time and found.approval.first_by != user


def _submit(ctx: ListenerContext, body: dict[str, Any], act: str, takes: Takes) -> FormRefused | None:
    """Decide as a form says; return why it is not taken, or None."""
    form = submissions.read(ctx, body)
    with ctx.database.write() as session:
        found = find(ctx, session, body["view"].get("private_metadata"))
        if found is None:
            approvals.refuse(session, None, form.user, act=act, why=NOT_THE_CARD)
            return FormRefused(view=approval_forms.answer_view(0, say("press.out_of_date", "en")))
        why = _barred(session, found, actor(session, form.user, form.membership), act=act)
        taken = None if why is not None else takes(ctx, session, found, form)
        if isinstance(taken, FormRefused):
            return taken
        if isinstance(taken, ApprovalNotMoved):  # its time was up between the two looks
            late = approvals.read_again(session, found.approval.id)
            why = casework.press_too_late(session, late, form.user, act=act)
        if why is not None or taken is None:
            return FormRefused(view=approval_forms.answer_view(found.approval.id, str(why)))
    turn_id = casework.goes_on(taken)
    if turn_id is not None:
        ctx.put(RUN_TURN, turn_id)
    ctx.deliver(found.ticket.id)
    return None


def _approve(
    ctx: ListenerContext, session: Session, found: PressedApproval, form: Form
) -> ApprovalMoved | ApprovalNotMoved | FormRefused:
    step = found.approval.second_step
    match step:
        case SecondStep.CODE:
            verdict = _second_step(ctx, session, form)
            if verdict is not CodeVerdict.OK:
                approvals.refuse(
                    session, found.approval.id, form.user, act=approval_forms.APPROVE, why=f"code {verdict}"
                )
                return FormRefused(errors={approval_forms.CODE: _WRONG_CODE[verdict]})
        case SecondStep.TWO_PEOPLE | SecondStep.NONE:
            if not form.has_ticked(approval_forms.READ):
                return FormRefused(errors={approval_forms.READ: "Tick this if you want it done."})
        case _:
            assert_never(step)
    return casework.approve(session, found.approval.id, by=form.user, second_step=step)


def _second_step(ctx: ListenerContext, session: Session, form: Form) -> CodeVerdict:
    """Check the code of a form; it is committed whatever comes of it, since wrong codes are counted."""
    return codes.check(session, form.user, form.text(approval_forms.CODE), keys=ctx.approver_keys, at=now())


def _deny(
    _ctx: ListenerContext, session: Session, found: PressedApproval, form: Form
) -> ApprovalMoved | ApprovalNotMoved | FormRefused:
    reason = form.text(approval_forms.REASON)
    if not reason:
        return FormRefused(errors={approval_forms.REASON: "Say why not: the person who asked reads it."})
    return casework.deny(session, found.approval.id, by=form.user, reason=redact(reason))


def _take_back(ctx: ListenerContext, body: dict[str, Any]) -> None:
    """Take a request back that waits for an approval; only its requester may, on their own notice."""
    press, act = buttons.read(ctx, body), approval_notices.TAKE_BACK
    with ctx.database.write() as session:
        language, found = spoken_by(session, press.user), find(ctx, session, press.value)
        if found is None or not is_from(session, press, approval_messages.notice_key(found.approval.id)):
            tell_out_of_date(session, press, found, act=act, language=language)
            found = None
        else:
            found = _taken_back(session, press, found)
    if found is not None:
        ctx.put(SHOW_STOPPED, found.ticket.id)
    ctx.deliver(found.ticket.id if found else ANYWHERE)


def _taken_back(session: Session, press: Press, found: PressedApproval) -> PressedApproval | None:
    language, act = spoken_by(session, press.user), approval_notices.TAKE_BACK
    why = rights.barred_from_own(actor(session, press.user, press.membership), found.ticket.requester)
    if why is not None:
        approvals.refuse(session, found.approval.id, press.user, act=act, why=why)
        buttons.tell(session, press, buttons.not_theirs(why, "take_back", found.ticket, language), found.ticket.id)
        return None
    moved = casework.take_back(session, found.approval.id, by=press.user)
    if isinstance(moved, ApprovalNotMoved):
        casework.press_too_late(session, found.approval, press.user, act=act)
        buttons.tell(session, press, say("approval.too_late", language), found.ticket.id)
        return None
    return found


def _card_of(found: PressedApproval) -> str:
    return approval_messages.card_key(found.approval.id)
