"""The requester's notice about an approval: one message, changed at every move, in their language.

Invariant: it is true for the state that it was built from, and says nothing of the account or of what will be done,
since others may read the thread.
"""

import math
from typing import assert_never

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.principals import ProofKind, SecondStep
from bot.slack import mrkdwn, sentences
from bot.slack.approvals.approval_facts import ApprovalView, ProofView
from bot.slack.mrkdwn import Body
from bot.slack.sentences import Language, joined, say
from bot.store.schema import ApprovalState

TAKE_BACK = "approval.take_back"
"Action id of the requester's button."


def notice(view: ApprovalView, language: Language) -> Body:
    """Return what the requester reads now, with a button to take the request back while that is possible."""
    body = mrkdwn.message(_text(view, language))
    if view.state in (ApprovalState.PROVING, ApprovalState.ASKED):
        button = ButtonElement(
            text=say("approval.take_back", language), action_id=TAKE_BACK, value=str(view.approval_id)
        )
        body["blocks"].append(ActionsBlock(elements=[button]).to_dict())
    return body


def _text(view: ApprovalView, language: Language) -> str:
    who = mrkdwn.mention(view.decided_by or "")
    match view.state:
        case ApprovalState.PROVING:
            proof = [] if view.proof is None else _proving(view.proof, language)
            return joined(language, [say("approval.needed", language), *proof])
        case ApprovalState.ASKED:
            return joined(language, _asked(view, language))
        case ApprovalState.APPROVED:
            return say("approval.approved", language, who=who)
        case ApprovalState.USED:
            return say("approval.used", language, who=who)
        case ApprovalState.DENIED:
            shown = mrkdwn.clamp(mrkdwn.quote(view.reason or ""), mrkdwn.SECTION_CHARACTERS - 300)
            return f"{say('approval.denied', language, who=who)}\n{shown}"
        case ApprovalState.EXPIRED:
            return say("approval.expired" if view.was_asked else "approval.unproven", language)
        case ApprovalState.WITHDRAWN:
            return say(f"approval.withdrawn_{view.cause or 'changed'}", language)
        case _:
            assert_never(view.state)


def _asked(view: ApprovalView, language: Language) -> list[str]:
    needed = say("approval.needed", language)
    if view.expires_at is None:
        return [needed]
    has = sentences.duration(language, math.ceil(view.expires_minutes))
    until = say("approval.until", language, date=sentences.date(language, view.expires_at))
    if view.second_step is SecondStep.TWO_PEOPLE:
        return [say("approval.asked_two", language, duration=has), until]
    return [needed, say("approval.asked", language, duration=has), until]


def _proving(proof: ProofView, language: Language) -> list[str]:
    until = say("approval.prove_until", language, date=sentences.date(language, proof.expires_at))
    match proof.kind:
        case ProofKind.REMAINING_FACTOR:
            number = mrkdwn.line(proof.number or "", 2).replace("*", "")
            return [say("approval.prove_remaining_factor", language, number=number), until]
        case ProofKind.MANAGER:
            return [say("approval.prove_manager", language, who=mrkdwn.mention(proof.asked_of or "")), until]
        case ProofKind.CALL_BACK:
            return [say("approval.prove_call_back", language), until]
        case _:
            assert_never(proof.kind)
