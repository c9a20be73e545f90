"""The question to a requester's manager, in a direct message: exact words, two buttons, and until when it counts.

Invariant: it is true for the state that it was built from; a manager who has answered, or need not answer any more, has
no button left.
"""

from typing import assert_never

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.slack import mrkdwn, sentences
from bot.slack.approvals import approval_facts
from bot.slack.approvals.approval_facts import ApprovalView, ProofView
from bot.slack.mrkdwn import Body
from bot.slack.sentences import Language, say
from bot.store.schema import ApprovalState, ProofState

CONFIRM, REFUSE = "proof.confirm", "proof.refuse"
"Action ids of the manager's buttons; their value is the proof's id."


def question(view: ApprovalView, proof: ProofView, language: Language) -> Body:
    """Return what the manager reads now."""
    if proof.state is ProofState.ASKED and view.state is ApprovalState.PROVING:
        return _asked(view, proof, language)
    return mrkdwn.message(ended(view, proof, language))


def reset_done(requester: str, language: Language) -> Body:
    """Return what a manager reads after a second factor of one of their reports was reset."""
    return mrkdwn.message(say("proof.reset_done", language, who=mrkdwn.mention(requester)))


def ended(view: ApprovalView, proof: ProofView, language: Language) -> str:
    """Return the sentence for a manager who has answered, or whose answer does not count any more."""
    who, at = mrkdwn.mention(view.requester), proof.answered_at
    match proof.state:
        case ProofState.GIVEN if at is not None:
            return say("proof.given", language, who=who, date=sentences.date(language, at))
        case ProofState.REFUSED if at is not None:
            return say("proof.refused", language, who=who, date=sentences.date(language, at))
        case ProofState.ASKED | ProofState.GIVEN | ProofState.REFUSED | ProofState.EXPIRED:
            return say("proof.over", language, who=who)
        case _:
            assert_never(proof.state)


def _asked(view: ApprovalView, proof: ProofView, language: Language) -> Body:
    asks = say("proof.ask", language, who=mrkdwn.mention(view.requester))
    until = say("proof.until", language, date=sentences.date(language, proof.expires_at))
    buttons = [
        _button("proof.confirm", CONFIRM, proof, language, style="primary"),
        _button("proof.refuse", REFUSE, proof, language, style="danger"),
    ]
    blocks = [
        mrkdwn.section(f"*{asks}*\n{say('proof.how', language)}"),
        mrkdwn.plain("\n".join([say("proof.what", language), *approval_facts.steps(view)])),
        mrkdwn.context(until),
        ActionsBlock(elements=buttons).to_dict(),
    ]
    return mrkdwn.body(asks, blocks)


def _button(key: str, action: str, proof: ProofView, language: Language, *, style: str) -> ButtonElement:
    return ButtonElement(text=say(key, language), action_id=action, value=str(proof.proof_id), style=style)
