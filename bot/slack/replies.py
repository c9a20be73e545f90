"""What the requester reads: sentences of ours and the agent's answers, built by pure functions.

Invariant: every sentence is true when it is posted, promises only what the rows already hold, and shows
no limit, no exception and no account detail.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ContextActionsBlock,
    FeedbackButtonObject,
    FeedbackButtonsElement,
    MarkdownBlock,
)

from bot.principals import Reason
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body

Occasion = Literal["usual", "colleague", "again"]
"How a ticket came to people: for its reason; a colleague asked for it; given back, and the agent still cannot go on."

_WHY = {
    Reason.REQUESTED: "Of course.",
    Reason.OUT_OF_POLICY: "This is something only a person should do.",
    Reason.NOT_PERMITTED: "I am not allowed to do what this needs.",
    Reason.APPROVAL_NEEDED: "The next step needs a person's approval.",
    Reason.LOW_CONFIDENCE: "I am not sure enough to handle this alone.",
    Reason.REPEATED_FAILURE: "What I tried did not work.",
    Reason.NO_PROGRESS: "I could not get this done in reasonable time.",
    Reason.FRUSTRATION: "This deserves a person's attention.",
    Reason.IDENTITY_MISMATCH: "I could not be certain which account is yours, so I will not touch any.",
    Reason.BUDGET: "I have used up what I may spend for now, so I cannot work on this myself.",
    Reason.BUSY: "More people need me at this moment than I can serve at once, and I did not want you to wait for me.",
    Reason.MODEL_UNAVAILABLE: "The AI model I depend on is not answering.",
    Reason.NOT_RELEASED: "I am not cleared to answer on my own at the moment.",
    Reason.ERROR: "Something went wrong on my side.",
    Reason.REOPENED: "You wrote again after this was closed, so it is open again.",
    Reason.TAKEN_OVER: "A colleague is answering you.",
}
AGENT_GONE = (
    "The agent that looked after this request is no longer here, so nobody reads this thread at the moment. "
    "If you still need help, please start a new request in the help channel."
)
"Said by whatever finds it out: a requester is not left in silence."
_PASSED_ON = "I have called in a person, who can read our conversation, so you need not explain again."
_COLLEAGUE = "A colleague has asked for a person to look at this."
_AGAIN = (
    "I cannot go on with this after all, so a person takes over again. "
    "They can read our conversation, so you need not explain again."
)


def answer_key(turn_id: int) -> str:
    """Return the key of the agent's answer to a turn."""
    return f"reply:turn:{turn_id}"


def reply(text: str, *, turn_id: int, footers: Sequence[str] = ()) -> Body:
    """Return the agent's answer with its feedback buttons.

    Args:
        text: Markdown, as the model wrote it.
        turn_id: the turn that a thumb is stored against.
        footers: our own words in small print below it.
    """
    words = mrkdwn.markdown(text) or mrkdwn.NO_WORDS
    shown, cut = _clamped(words)
    blocks = [MarkdownBlock(text=shown).to_dict()]
    if cut:
        blocks.append(mrkdwn.context(cut))
    blocks += map(mrkdwn.context, footers)
    return mrkdwn.body(mrkdwn.escape(text) or mrkdwn.NO_WORDS, [*blocks, _feedback(turn_id)])


def handed_off(
    reason: Reason,
    *,
    expected_minutes: int,
    resets_at: datetime | None,
    occasion: Occasion = "usual",
    opens_at: datetime | None = None,
) -> str:
    """Tell the requester that a person takes over, why, and when to expect somebody.

    Args:
        reason: why, from the closed set.
        expected_minutes: how long until a person usually answers.
        resets_at: when a used-up budget opens again; None when unknown.
        occasion: how it came to that; only the usual one is told by its reason, a used-up budget's end always.
        opens_at: when people are at work again; None while they are.
    """
    until = []
    if reason is Reason.BUDGET and resets_at is not None:
        until.append(f"I can help again from {mrkdwn.date(resets_at)}.")
    match occasion:
        case "again":
            sentences = [_AGAIN, *until]
        case "colleague":
            sentences = [_COLLEAGUE, _PASSED_ON, *until]
        case "usual":
            sentences = [_WHY[reason], *until, _PASSED_ON]
    return " ".join([*sentences, _expect(expected_minutes, opens_at)])


def notice(text: str, *, cancels: int | None = None, footers: Sequence[str] = ()) -> Body:
    """Return what the requester was told, with a button to take the request back while that can be done.

    Args:
        text: our own words.
        cancels: the handoff that the button takes back.
        footers: our own words in small print below them.
    """
    body = mrkdwn.said(text)
    body["blocks"] += map(mrkdwn.context, footers)
    if cancels is not None:
        button = ButtonElement(text="I no longer need this", action_id="handoff.cancel", value=str(cancels))
        body["blocks"].append(ActionsBlock(elements=[button]).to_dict())
    return body


def claimed(responder: str) -> Body:
    """Tell the requester who has their request now."""
    return mrkdwn.said(
        f"{mrkdwn.mention(responder)} has your request and will answer here. I will stay out of the way."
    )


def let_go(responder: str, opens_at: datetime | None = None) -> Body:
    """Tell the requester that the person who had their request has it no longer."""
    who, closed = mrkdwn.mention(responder), "" if opens_at is None else f" {_closed(opens_at)}"
    said = f"{who} could not go on with your request, so it is with the whole team again. You need not repeat it."
    return mrkdwn.said(said + closed)


def stopped_key(turn_id: int) -> str:
    """Return the key of what is said when a turn was stopped."""
    return f"stopped:turn:{turn_id}"


def stopped(*, went_through: bool = False) -> Body:
    """Say that the agent has stopped, as its requester asked.

    Args:
        went_through: a step that changes something was under way already, and is done.
    """
    done = " One step was under way already, and it has gone through." if went_through else ""
    return mrkdwn.said(f"Stopped.{done} Write here when you want me to go on.")


def directly(responder: str, channel: str) -> Body:
    """Head what a responder sends to a requester alone."""
    return mrkdwn.said(
        f"About your request in <#{channel}>: {mrkdwn.mention(responder)} sends you this, for you alone."
    )


def sent_directly(responder: str) -> Body:
    """Tell the requester in their thread where to look."""
    return mrkdwn.said(
        f"{mrkdwn.mention(responder)} has sent you something in a direct message, since others can read this thread."
    )


def stranded(responder: str) -> Body:
    """Tell the requester that no one can go on with their request: its agent is gone."""
    return mrkdwn.said(f"{mrkdwn.mention(responder)} can no longer go on with your request. {AGENT_GONE}")


def agent_gone() -> Body:
    """Tell the requester that the agent that looked after their request is gone."""
    return mrkdwn.said(AGENT_GONE)


def still_waiting(expected_minutes: int, opens_at: datetime | None, *, reminded: bool) -> Body:
    """Tell the requester honestly that no one has taken their request yet.

    Args:
        expected_minutes: how long until a person usually answers.
        opens_at: when people are at work again; None while they are.
        reminded: the team was told again since no one has it.
    """
    again = "The team has been reminded. " if reminded else ""
    return mrkdwn.said(
        "Nobody has been free to take your request yet, and I am sorry for the wait. "
        f"{again}{_expect(expected_minutes, opens_at)}"
    )


def given_back(responder: str) -> Body:
    """Tell the requester that the agent goes on."""
    return mrkdwn.said(f"{mrkdwn.mention(responder)} has looked at this and asked me to go on with it.")


def cancelled() -> str:
    """Say that a request was taken back."""
    return "You no longer need this, so nobody will come. Should that change, write here."


def resolved(done: str, responder: str) -> Body:
    """Tell the requester that a person has closed their request, and what was done."""
    who = mrkdwn.mention(responder)
    shown = mrkdwn.clamp(mrkdwn.quote(done), mrkdwn.SECTION_CHARACTERS - 200)
    return mrkdwn.said(
        f"{who} has closed this request:\n{shown}\n\nStill stuck? Write here, and a person will look again."
    )


def only_you(text: str) -> Body:
    """Return a sentence of our own (mrkdwn, mentions included) that one person alone will see."""
    return mrkdwn.said(mrkdwn.clamp(text, mrkdwn.SECTION_CHARACTERS))


def trouble(error_id: str) -> Body:
    """Say that something failed, with the id under which a colleague finds out what."""
    number = mrkdwn.line(error_id, 80).replace("`", "")
    return mrkdwn.said(f"Sorry, that did not work: something went wrong on my side. It is noted under `{number}`.")


def _expect(minutes: int, opens_at: datetime | None) -> str:
    if opens_at is not None:
        return _closed(opens_at)
    return f"You can expect an answer in this thread within about {_duration(minutes)}."


def _closed(opens_at: datetime) -> str:
    return f"It is outside our hours: people are back {mrkdwn.date(opens_at)}, and will answer in this thread then."


def _clamped(text: str) -> tuple[str, str]:
    """Return what fits into one message, and the note that says so when something did not."""
    shown = mrkdwn.clamp(text, mrkdwn.LONGEST)
    return shown, "Cut here: it is too long for one Slack message." if shown != text else ""


def _feedback(turn_id: int) -> Block:
    return ContextActionsBlock(
        elements=[
            FeedbackButtonsElement(
                action_id="feedback",
                positive_button=FeedbackButtonObject(
                    text="Helpful", accessibility_label="This answer helped", value=f"good:{turn_id}"
                ),
                negative_button=FeedbackButtonObject(
                    text="Not helpful", accessibility_label="This answer did not help", value=f"bad:{turn_id}"
                ),
            )
        ]
    ).to_dict()


def _duration(minutes: int) -> str:
    if minutes <= 1:
        return "a minute"
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} minutes"
    hours = -(-minutes // 60)
    return "an hour" if hours == 1 else f"{hours} hours"
