"""The forms for approving, denying, and stating a call: views, built by pure functions.

A submitted form comes from a browser and is not trusted: its metadata names an approval, which is looked up. The value
of each field is under the name of its block. A code is typed once and is in no form that we build.
"""

from slack_sdk.models.blocks import (
    CheckboxesElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    RadioButtonsElement,
)

from bot.principals import SecondStep
from bot.slack import mrkdwn
from bot.slack.approvals import approval_facts
from bot.slack.approvals.approval_facts import ApprovalView
from bot.slack.mrkdwn import Block

APPROVE, DENY, CALLED_BACK = "approval.approve", "approval.deny", "approval.called_back"
"Callback ids of the forms, and action ids of the buttons that open them."
CODE, READ, REASON, CAME, WORDS = "code", "read", "reason", "came", "words"
"The fields of the forms."
IS_THEM, IS_NOT_THEM = "is_them", "is_not_them"
"The values of the field that says what came of a call."
_TYPED = 1_000
"The most characters of a reason."


def approve_form(view: ApprovalView) -> Block:
    """Return the view in which an approver says yes (value under code where their code is needed, else under read)."""
    blocks = [mrkdwn.section(f"{mrkdwn.mention(view.requester)} asks for this. Approve it only if you would do it.")]
    blocks += _what(view)
    if view.second_step is SecondStep.TWO_PEOPLE and view.first_by is None:
        blocks.append(mrkdwn.section("*Another person has to approve it too* before anything is done."))
    blocks.append(_code() if view.second_step is SecondStep.CODE else _read())
    return mrkdwn.modal(APPROVE, view.approval_id, "Approve", "Approve", blocks)


def deny_form(view: ApprovalView) -> Block:
    """Return the view in which an approver says no (value under reason)."""
    reason = PlainTextInputElement(action_id=REASON, multiline=True, min_length=1, max_length=_TYPED)
    hint = f"They read this{'' if view.private else ' in their thread, as others there do'}, under your name."
    blocks = [*_what(view), _input(REASON, "Why not?", reason, hint=hint)]
    return mrkdwn.modal(DENY, view.approval_id, "Deny", "Deny", blocks)


def called_back_form(view: ApprovalView) -> Block:
    """Return the view in which a responder states what came of a call (values under came, words)."""
    came = RadioButtonsElement(
        action_id=CAME,
        options=[
            Option(value=IS_THEM, text="It is them, and the request is theirs"),
            Option(value=IS_NOT_THEM, text="It is not them, or the request is not theirs"),
        ],
    )
    words = PlainTextInputElement(action_id=WORDS, multiline=True, min_length=1, max_length=_TYPED)
    states = (
        f"You state that you called {mrkdwn.mention(view.requester)} yourself *at the number on record*, and not at "
        "one that was given to you today. Your name is kept with it."
    )
    blocks = [
        mrkdwn.section(states),
        *_what(view),
        _input(CAME, "What came of the call?", came),
        _input(
            WORDS, "How do you know?", words, hint="Approvers read this. Write down no answer to a secret question."
        ),
    ]
    return mrkdwn.modal(CALLED_BACK, view.approval_id, "I have called them", "Send", blocks)


def answer_view(approval_id: int, text: str) -> Block:
    """Return the view that says, in mrkdwn of our own, why a form came too late or from the wrong person."""
    return mrkdwn.modal(
        "approval.answered", approval_id, "Nothing was changed", None, [mrkdwn.section(text)], close="Close"
    )


def field_of(view: ApprovalView) -> str:
    """Return the name of the field in which an approver says yes."""
    return CODE if view.second_step is SecondStep.CODE else READ


def _code() -> Block:
    element = PlainTextInputElement(action_id=CODE, min_length=1, max_length=40)
    hint = "Six digits, from the authenticator app that is enrolled for you. Each code counts once."
    return _input(CODE, "Your code", element, hint=hint)


def _read() -> Block:
    """Return a box to tick: a form without a field could not say that it was not taken."""
    option = Option(value="yes", text="I have read it, and it should be done")
    return _input(READ, "Your decision", CheckboxesElement(action_id=READ, options=[option]))


def _what(view: ApprovalView) -> list[Block]:
    blocks = [mrkdwn.plain(approval_facts.plan(view)), mrkdwn.plain(approval_facts.evidence(view))]
    proved = approval_facts.proved_by(view)
    return [*blocks, mrkdwn.context(proved)] if proved else blocks


def _input(name: str, label: str, element: InputInteractiveElement, *, hint: str | None = None) -> Block:
    return InputBlock(block_id=name, label=label, element=element, hint=hint).to_dict()
