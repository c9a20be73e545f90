"""What the requester reads, and what responders read of the requester: sentences, built by pure functions.

Invariant: every sentence is true when it is posted, promises only what the rows already hold, and shows
no limit, no exception and no account detail.
"""

from datetime import datetime

from slack_sdk.models.blocks import ContextActionsBlock, FeedbackButtonObject, FeedbackButtonsElement, MarkdownBlock

from bot.principals import Reason
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body

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
    Reason.MODEL_UNAVAILABLE: "The AI model I depend on is not answering.",
    Reason.NOT_RELEASED: "I am not cleared to answer on my own at the moment.",
    Reason.ERROR: "Something went wrong on my side.",
    Reason.REOPENED: "You wrote again after this was closed, so it is open again.",
}
_PASSED_ON = "I have called in a person, who can read our conversation, so you need not explain again."


def reply(text: str, *, turn_id: int) -> Body:
    """Return the agent's answer with its feedback buttons.

    Args:
        text: Markdown, as the model wrote it.
        turn_id: the turn that a thumb is stored against.
    """
    words = mrkdwn.markdown(text) or mrkdwn.NO_WORDS
    shown, cut = _clamped(words)
    blocks = [MarkdownBlock(text=shown).to_dict()]
    if cut:
        blocks.append(mrkdwn.context(cut))
    return _body(mrkdwn.escape(text) or mrkdwn.NO_WORDS, [*blocks, _feedback(turn_id)])


def handed_off(reason: Reason, *, expected_minutes: int, resets_at: datetime | None, asked: bool) -> Body:
    """Tell the requester that a person takes over, why, and when to expect somebody.

    Args:
        reason: why, from the closed set.
        expected_minutes: how long until a person usually answers.
        resets_at: when a used-up budget opens again; None when unknown.
        asked: the requester asked for a person, whatever else was the matter.
    """
    sentences = [_WHY[Reason.REQUESTED if asked else reason]]
    if reason is Reason.BUDGET and resets_at is not None and not asked:
        sentences.append(f"I can help again from {mrkdwn.date(resets_at)}.")
    sentences += [_PASSED_ON, f"You can expect an answer in this thread within about {_duration(expected_minutes)}."]
    return _said(" ".join(sentences))


def claimed(responder: str) -> Body:
    """Tell the requester who has their request now."""
    return _said(f"{mrkdwn.mention(responder)} has your request and will answer here. I will stay out of the way.")


def human_reply(text: str, *, name: str, image: str | None) -> Body:
    """Return a responder's words, shown in the requester's thread under the responder's name."""
    words = mrkdwn.escape(text) or mrkdwn.NO_WORDS
    shown, cut = _clamped(words)
    blocks = [mrkdwn.section(piece, verbatim=False) for piece in mrkdwn.split(shown, mrkdwn.SECTION_CHARACTERS)]
    body = _body(words, [*blocks, mrkdwn.context(cut)] if cut else blocks)
    body["username"] = mrkdwn.clamp(" ".join(mrkdwn.plain(name).split()), 80) or "A colleague"
    if image is not None and image.startswith("https://"):
        body["icon_url"] = image
    return body


def requester_said(user: str, text: str, files: tuple[str, ...]) -> Body:
    """Return what the requester wrote, copied into the queue thread."""
    body = _copied(f"{mrkdwn.mention(user)} wrote:", text)
    if files:
        names = mrkdwn.clamp(", ".join(mrkdwn.line(name, 100) for name in files), 1_000)
        body["blocks"].append(mrkdwn.context(f"Attached in their thread: {names}"))
    return body


def sent_to_requester(requester: str, text: str, *, responder: str) -> Body:
    """Return what a responder wrote to the requester, copied into the queue thread."""
    return _copied(f"{mrkdwn.mention(responder)} to {mrkdwn.mention(requester)}:", text)


def resolved(done: str, responder: str) -> Body:
    """Tell the requester that a person has closed their request, and what was done."""
    who = mrkdwn.mention(responder)
    shown = mrkdwn.clamp(mrkdwn.quote(done), mrkdwn.SECTION_CHARACTERS - 200)
    return _said(f"{who} has closed this request:\n{shown}\n\nStill stuck? Write here, and a person will look again.")


def only_you(text: str) -> Body:
    """Return a sentence of our own (mrkdwn, mentions included) that one person alone will see."""
    return _said(mrkdwn.clamp(text, mrkdwn.SECTION_CHARACTERS))


def trouble(error_id: str) -> Body:
    """Say that something failed, with the id under which a colleague finds out what."""
    number = mrkdwn.line(error_id, 80).replace("`", "")
    return _said(f"Sorry, that did not work: something went wrong on my side. It is noted under `{number}`.")


def _said(text: str) -> Body:
    return _body(text, [mrkdwn.section(text)])


def _body(text: str, blocks: list[Block]) -> Body:
    return {"text": mrkdwn.clamp(text, mrkdwn.NOTICE), "blocks": blocks}


def _copied(head: str, text: str) -> Body:
    shown, cut = _clamped(mrkdwn.quote(text))
    blocks = [mrkdwn.section(piece) for piece in (head, *mrkdwn.split_quote(shown, mrkdwn.SECTION_CHARACTERS))]
    if cut:
        blocks.append(mrkdwn.context(f"{cut} The rest is in the requester's thread."))
    return _body(f"{head} {mrkdwn.escape(text) or mrkdwn.NO_WORDS}", blocks)


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
