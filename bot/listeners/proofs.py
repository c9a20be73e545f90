"""Proofs of who a requester is: their manager answers in a direct message, a responder states a call in a form.

A proof is a signed press of the person who was asked: what somebody writes, wherever they write it, proves nothing. The
directory is asked at the press whether that person is still the manager, with no transaction open.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from bot import rights
from bot.agent.redaction import redact
from bot.casework import approvals as casework
from bot.casework.context import ANYWHERE, actor
from bot.errors import Transient
from bot.listeners import approvals as pressing
from bot.listeners import buttons, submissions
from bot.listeners.approvals import FormRefused, PressedApproval
from bot.listeners.buttons import Press
from bot.listeners.context import ListenerContext
from bot.listeners.submissions import Form
from bot.principals import AccountStatus, ProofKind
from bot.queue import RUN_TURN
from bot.rights import Actor, Forbidden
from bot.slack.approvals import approval_forms, approval_messages, proof_messages
from bot.slack.approvals.approval_facts import ProofView
from bot.slack.handoffs import denials
from bot.slack.mrkdwn import Block
from bot.slack.sentences import Language, say, spoken_by
from bot.store.approvals import approvals, proofs
from bot.store.approvals.proofs import ProofMoved, ProofNotMoved
from bot.store.db import Session
from bot.store.schema import ApprovalState, Proof, now

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt.async_app import AsyncAck, AsyncApp

    from bot.slack.api.async_client import AsyncWebClient

log = structlog.get_logger()

ACT = approval_forms.CALLED_BACK
NOT_THE_MANAGER = "not the requester's manager"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a manager was asked, with the accounts that the answer depends on."""

    proof: Proof
    found: PressedApproval

    @property
    def view(self) -> ProofView:
        """Return the proof as messages show it."""
        return next(one for one in self.found.view.proofs if one.proof_id == self.proof.id)


def register(app: "AsyncApp", ctx: ListenerContext) -> None:
    """Attach the listeners of proofs."""
    _on_answer(app, ctx, proof_messages.CONFIRM)
    _on_answer(app, ctx, proof_messages.REFUSE)

    @app.action(ACT)
    async def on_called_back(ack: "AsyncAck", body: dict[str, Any], client: "AsyncWebClient") -> None:
        view = await asyncio.to_thread(_form, ctx, body)
        if view is not None:
            await buttons.open_form(ctx, client, body, view)
        await ack()

    @app.view(ACT)
    async def on_form(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await pressing.answer_form(ack, await asyncio.to_thread(_submit, ctx, body))


def _on_answer(app: "AsyncApp", ctx: ListenerContext, act: str) -> None:
    @app.action(act)
    async def on_press(ack: "AsyncAck", body: dict[str, Any]) -> None:
        await asyncio.to_thread(_answer, ctx, body, act)
        await ack()


def _answer(ctx: ListenerContext, body: dict[str, Any], act: str) -> None:
    """Take a manager's answer, or tell the presser why it does not count, which is audited."""
    press = buttons.read(ctx, body)
    press = replace(press, membership=ctx.look_up(press.user, buttons.team_of(body)))
    still = _is_still_manager(ctx, press.value)
    moved: ProofMoved | None = None
    with ctx.database.write() as session:
        language, asked = spoken_by(session, press.user), _asked(ctx, session, press.value)
        if asked is None or not pressing.is_from(session, press, approval_messages.question_key(asked.proof.id)):
            found = None if asked is None else asked.found
            pressing.tell_out_of_date(session, press, found, act=act, language=language)
        else:
            moved = _answered(session, press, asked, act=act, still=still)
    if moved is not None and moved.approval.state is not ApprovalState.ASKED:
        ctx.put(RUN_TURN, moved.approval.turn_id)
    ctx.deliver(ANYWHERE if moved is None else moved.approval.ticket_id)


def _answered(session: Session, press: Press, asked: Asked, *, act: str, still: bool | None) -> ProofMoved | None:
    """Take the answer of somebody who may give it; return None, and tell them why, when they may not."""
    language = spoken_by(session, press.user)
    why, said = _barred(asked, actor(session, press.user, press.membership), language, still=still)
    if why is not None:
        approvals.refuse(session, asked.found.approval.id, press.user, act=act, why=why)
        buttons.tell(session, press, said, None)
        return None
    answers = casework.proved if act == proof_messages.CONFIRM else casework.disproved
    moved = answers(session, asked.proof.id, by=press.user)
    if isinstance(moved, ProofMoved):
        return moved
    approvals.refuse(session, asked.found.approval.id, press.user, act=act, why=f"it is {moved.state}")
    buttons.tell(session, press, proof_messages.ended(asked.found.view, asked.view, language), None)
    return None


def _barred(asked: Asked, who: Actor, language: Language, *, still: bool | None) -> tuple[str | None, str]:
    """Return why somebody's answer does not count, for the audit and in words; None when it does."""
    if who.user != asked.proof.asked_of or who.user == asked.found.ticket.requester or still is False:
        return NOT_THE_MANAGER, say("proof.not_yours", language)
    why = rights.barred(who, (who.user,))
    if why is not None:
        return why, denials.in_words(why, language)
    if still is None:
        return Forbidden.UNCHECKED, say("proof.unchecked", language)
    return None, ""


def _is_still_manager(ctx: ListenerContext, value: object) -> bool | None:
    """Return whether the person who was asked is still the manager; None when the directory does not answer."""
    proof_id = buttons.number(value)
    with ctx.database.read() as session:
        proof = None if proof_id is None else proofs.find(session, proof_id)
        approval = None if proof is None else approvals.find(session, proof.approval_id)
    if proof is None or approval is None or approval.account_id is None or proof.manager is None:
        return False
    try:
        account, manager = ctx.account(approval.account_id), ctx.account(proof.manager)
    except Transient as error:
        log.warning("proof.not_checked", proof=proof.id, error=str(error))
        return None
    if account is None or manager is None or account.manager != manager.id or account.id == manager.id:
        return False
    return manager.status is AccountStatus.ACTIVE and manager.slack_user in (None, proof.asked_of)


def _asked(ctx: ListenerContext, session: Session, value: object) -> Asked | None:
    proof_id = buttons.number(value)
    proof = None if proof_id is None else proofs.find(session, proof_id)
    if proof is None or proof.kind is not ProofKind.MANAGER:
        return None
    found = pressing.find(ctx, session, str(proof.approval_id))
    return None if found is None else Asked(proof, found)


def _form(ctx: ListenerContext, body: dict[str, Any]) -> Block | None:
    """Return the form for a responder who has called, or tell them why there is none."""
    press = buttons.read(ctx, body)
    with ctx.database.write() as session:
        found = pressing.pressed(ctx, session, press, act=ACT)
        if found is not None:
            why = _cannot_state(session, found, actor(session, press.user, press.membership))
            if why is None:
                return approval_forms.called_back_form(found.view)
            buttons.tell(session, press, why, found.ticket.id)
    ctx.deliver(found.ticket.id if found else ANYWHERE)
    return None


def _cannot_state(session: Session, found: PressedApproval, who: Actor) -> str | None:
    """Return why somebody cannot state a call now, which is audited, or None when they can."""
    why = rights.barred_from(found.agent, who)
    if why is None and who.user == found.ticket.requester:
        why = Forbidden.OWN_REQUEST
    sentence = pressing.refusal(session, found, who.user, why, act=ACT)
    if sentence is not None or _waits_for_call(found):
        return sentence
    return casework.press_too_late(session, found.approval, who.user, act=ACT)


def _waits_for_call(found: PressedApproval) -> bool:
    proof = found.view.proof
    proving = found.approval.state is ApprovalState.PROVING
    return proving and proof is not None and proof.kind is ProofKind.CALL_BACK and proof.expires_at > now()


def _submit(ctx: ListenerContext, body: dict[str, Any]) -> FormRefused | None:
    """Take what came of a call; return why it is not taken, or None."""
    form = submissions.read(ctx, body)
    with ctx.database.write() as session:
        found = pressing.find(ctx, session, body["view"].get("private_metadata"))
        if found is None:
            approvals.refuse(session, None, form.user, act=ACT, why=pressing.NOT_THE_CARD)
            return FormRefused(view=approval_forms.answer_view(0, say("press.out_of_date", "en")))
        why = _cannot_state(session, found, actor(session, form.user, form.membership))
        moved = None if why is not None else _stated(session, found, form)
        if isinstance(moved, FormRefused):
            return moved
        if isinstance(moved, ProofNotMoved):  # its time was up between the two looks
            why = casework.press_too_late(session, found.approval, form.user, act=ACT)
        if why is not None or moved is None or isinstance(moved, ProofNotMoved):
            return FormRefused(view=approval_forms.answer_view(found.approval.id, str(why)))
    if moved.approval.state is not ApprovalState.ASKED:
        ctx.put(RUN_TURN, moved.approval.turn_id)
    ctx.deliver(found.ticket.id)
    return None


def _stated(session: Session, found: PressedApproval, form: Form) -> ProofMoved | ProofNotMoved | FormRefused | None:
    words, came = form.text(approval_forms.WORDS), form.option(approval_forms.CAME)
    if not words:
        return FormRefused(errors={approval_forms.WORDS: "Say how you know: approvers read it."})
    if came not in (approval_forms.IS_THEM, approval_forms.IS_NOT_THEM) or found.view.proof is None:
        return FormRefused(errors={approval_forms.CAME: "Choose one."})
    answers = casework.proved if came == approval_forms.IS_THEM else casework.disproved
    return answers(session, found.view.proof.proof_id, by=form.user, words=redact(words))
