"""Messages to the requester: our own sentences and the agent's answers, built by pure functions.

Invariant: every sentence is true when it is posted, promises only what the rows already hold, and shows no limit, no
exception and no detail of an account.
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
from bot.slack import mrkdwn, sentences
from bot.slack.mrkdwn import Block, Body
from bot.slack.sentences import Language, joined, say

Occasion = Literal["usual", "colleague", "again"]
"How a ticket came to people: for its reason, because a colleague asked, or again after it was given back."


def answer_key(turn_id: int) -> str:
    """Return the key of the agent's answer to a turn."""
    return f"reply:turn:{turn_id}"


def reply(text: str, *, turn_id: int | None, footers: Sequence[str] = (), language: Language = "en") -> Body:
    """Return the agent's answer, with thumbs if it can be rated.

    Args:
        text: Markdown, as the model wrote it.
        turn_id: the turn of the answer; None for a courtesy, which gets no thumbs.
        footers: our small print below it.
        language: the language of our own words around it.
    """
    words = mrkdwn.markdown(text) or mrkdwn.NO_WORDS
    shown = mrkdwn.clamp(words, mrkdwn.LONGEST)
    blocks = [MarkdownBlock(text=shown).to_dict()]
    if shown != words:
        blocks.append(mrkdwn.context(say("agent.cut", language)))
    blocks += map(mrkdwn.context, footers)
    if turn_id is not None:
        blocks.append(_feedback(turn_id, language))
    return mrkdwn.body(mrkdwn.escape(text) or mrkdwn.NO_WORDS, blocks)


def handed_off(
    reason: Reason,
    *,
    done: Sequence[str] = (),
    expected_minutes: int,
    resets_at: datetime | None,
    occasion: Occasion = "usual",
    opens_at: datetime | None = None,
    language: Language = "en",
) -> str:
    """Return the notice that says what was done, that a person takes over, why, and when to expect an answer.

    Args:
        reason: why.
        done: the tools that have changed something for this request, of which the requester was not told yet.
        expected_minutes: how long until a person usually answers.
        resets_at: when a used-up budget resets; None when unknown.
        occasion: how it came to that; only the usual one gives the reason.
        opens_at: when people are at work again; None while they are.
        language: the requester's language.
    """
    until = []
    if reason is Reason.BUDGET and resets_at is not None:
        until.append(say("handoff.budget_until", language, date=sentences.date(language, resets_at)))
    changes = [] if reason is Reason.IDENTITY_MISMATCH else _changes(done, language)
    passed_on = say("handoff.rest_passed_on" if changes else "handoff.passed_on", language)
    match occasion:
        case "again":
            why = [say("handoff.again", language), *until]
        case "colleague":
            why = [say("handoff.colleague", language), passed_on, *until]
        case "usual" if changes and reason not in _OF_THE_REST:
            why = [*until, passed_on]
        case "usual":
            why = [say(f"why.{reason}", language), *until, passed_on]
    return joined(language, [*changes, *why, _expect(expected_minutes, opens_at, language)])


_OF_THE_REST = frozenset(
    {
        Reason.APPROVAL_NEEDED,
        Reason.FRUSTRATION,
        Reason.BUDGET,
        Reason.BUSY,
        Reason.MODEL_UNAVAILABLE,
        Reason.NOT_RELEASED,
        Reason.AGENT_SUSPENDED,
        Reason.ERROR,
        Reason.TAKEN_OVER,
    }
)
"Reasons whose sentence fits after the changes; the other sentences read as if nothing had been done."


def _changes(done: Sequence[str], language: Language) -> list[str]:
    """Return a sentence for each change, once; tools that only read have none."""
    keys = [f"done.{tool}" for tool in dict.fromkeys(done)]
    return [say(key, language) for key in keys if key in sentences.catalogue()]


def notice(text: str, *, cancels: int | None = None, footers: Sequence[str] = (), language: Language = "en") -> Body:
    """Return the notice to a requester, with a button to withdraw the request while that is possible.

    Args:
        text: our own words.
        cancels: the handoff that the button cancels; None for no button.
        footers: our small print below them.
        language: the language of the button.
    """
    body = mrkdwn.message(text)
    body["blocks"] += map(mrkdwn.context, footers)
    if cancels is not None:
        label = say("handoff.no_longer_needed", language)
        button = ButtonElement(text=label, action_id="handoff.cancel", value=str(cancels))
        body["blocks"].append(ActionsBlock(elements=[button]).to_dict())
    return body


def claimed(responder: str, language: Language = "en") -> Body:
    """Tell the requester who has their request now."""
    return _of(responder, "handoff.claimed", language)


def let_go(responder: str, opens_at: datetime | None = None, language: Language = "en") -> Body:
    """Tell the requester that the person who had their request no longer has it."""
    closed = "" if opens_at is None else _closed(opens_at, language)
    gone = say("handoff.let_go", language, who=mrkdwn.mention(responder))
    return mrkdwn.message(joined(language, [gone, closed]))


def stopped_key(turn_id: int) -> str:
    """Return the key of the message that a turn was stopped."""
    return f"stopped:turn:{turn_id}"


def stopped(*, went_through: bool = False, language: Language = "en") -> Body:
    """Tell the requester that the agent has stopped, as they asked.

    Args:
        went_through: whether a change was under way already, and was made.
        language: the requester's language.
    """
    keys = ["agent.stopped", *["agent.went_through"] * went_through, "agent.write_to_go_on"]
    return mrkdwn.message(joined(language, [say(key, language) for key in keys]))


def whose_request(author: str, caller: str, language: Language = "en") -> Body:
    """Ask the author of a thread whether they want help, because somebody else has called the agent there."""
    return mrkdwn.message(say("where.whose", language, who=mrkdwn.mention(author), caller=mrkdwn.mention(caller)))


def directly(responder: str, channel: str, language: Language = "en") -> Body:
    """Introduce a message that a responder sends to a requester directly."""
    return mrkdwn.message(say("handoff.directly", language, channel=f"<#{channel}>", who=mrkdwn.mention(responder)))


def sent_directly(responder: str, language: Language = "en") -> Body:
    """Tell the requester, in their thread, that a direct message has come."""
    return _of(responder, "handoff.sent_directly", language)


def stranded(responder: str, language: Language = "en") -> Body:
    """Tell the requester that nobody can go on with their request, because its agent is gone."""
    left = say("handoff.stranded", language, who=mrkdwn.mention(responder))
    return mrkdwn.message(joined(language, [left, say("agent.gone", language)]))


def agent_gone(language: Language = "en") -> Body:
    """Tell the requester that the agent that looked after their request is gone."""
    return mrkdwn.message(say("agent.gone", language))


def still_waiting(
    expected_minutes: int, opens_at: datetime | None, language: Language = "en", *, reminded: bool
) -> Body:
    """Tell the requester honestly that nobody has taken their request yet.

    Args:
        expected_minutes: how long until a person usually answers.
        opens_at: when people are at work again; None while they are.
        language: the requester's language.
        reminded: whether the team was told again.
    """
    waits, again = say("handoff.still_waiting", language), say("handoff.reminded", language) if reminded else ""
    return mrkdwn.message(joined(language, [waits, again, _expect(expected_minutes, opens_at, language)]))


def given_back(responder: str, language: Language = "en") -> Body:
    """Tell the requester that the agent goes on."""
    return _of(responder, "handoff.given_back", language)


def goes_on(language: Language = "en") -> Body:
    """Tell the requester that the agent goes on after a raise of its budget."""
    return mrkdwn.message(say("handoff.goes_on", language))


def resolved(done: str, responder: str, language: Language = "en") -> Body:
    """Tell the requester that a person has closed their request, and what was done."""
    shown = mrkdwn.clamp(mrkdwn.quote(done), mrkdwn.SECTION_CHARACTERS - 300)
    closed = say("handoff.resolved", language, who=mrkdwn.mention(responder))
    return mrkdwn.message(f"{closed}\n{shown}\n\n{say('handoff.still_stuck', language)}")


def only_you(text: str) -> Body:
    """Return our own sentence, in mrkdwn, that only one person will see."""
    return mrkdwn.message(mrkdwn.clamp(text, mrkdwn.SECTION_CHARACTERS))


def trouble(error_id: str, language: Language = "en") -> Body:
    """Tell the requester that something failed, with the id of the error in the logs."""
    return mrkdwn.message(say("agent.trouble", language, number=mrkdwn.line(error_id, 80).replace("`", "")))


def _of(responder: str, key: str, language: Language) -> Body:
    return mrkdwn.message(say(key, language, who=mrkdwn.mention(responder)))


def _expect(minutes: int, opens_at: datetime | None, language: Language) -> str:
    if opens_at is not None:
        return _closed(opens_at, language)
    return say("handoff.expect", language, duration=sentences.duration(language, minutes))


def _closed(opens_at: datetime, language: Language) -> str:
    return say("handoff.closed", language, date=sentences.date(language, opens_at))


def _feedback(turn_id: int, language: Language) -> Block:
    def button(key: str, value: str) -> FeedbackButtonObject:
        label = say(f"{key}_label", language)
        return FeedbackButtonObject(text=say(key, language), accessibility_label=label, value=f"{value}:{turn_id}")

    positive, negative = button("agent.helpful", "good"), button("agent.not_helpful", "bad")
    element = FeedbackButtonsElement(action_id="feedback", positive_button=positive, negative_button=negative)
    return ContextActionsBlock(elements=[element]).to_dict()
