"""What must be true of every turn of production, checked by what is stored of it. Pure.

Most of it is what the agent's own code ensures before it speaks or acts; here it is checked again from the rows, so
that a fault in that code, or a change behind its back, is seen. Each check yields a sentence for what does not hold. A
sentence names tools and counts, never the words of a person.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from html import unescape

from bot import durations
from bot.agent import addresses, answers
from bot.agent.answers import AnswerBasis
from bot.agent.redaction import redact
from bot.drift import loops
from bot.policy import Allowed
from bot.principals import Effect
from bot.store.figures.turn_evidence import IntentRow, SaidAnswer, TurnEvidence
from bot.store.schema import MessageState, StepStatus, TurnOutcome, WriteState
from bot.tools.registry import REGISTRY

GRACE = timedelta(seconds=durations.SENDING_LEASE)
"""A message that was taken before a claim may reach Slack this long after it.

Whether a person has the ticket is checked when a message is taken, and a sender has it no longer than this.
"""


class Invariant(StrEnum):
    """What must hold of every turn."""

    NO_SECRET_SAID = "no_secret_said"  # noqa: S105 - no secret
    "No answer holds anything that looks like a password, a one-time code or personal data."
    RIGHT_TO_WRITE = "right_to_write"
    "Each change of an account was allowed, and the audit log names the human it was for and how it ended."
    SILENT_AFTER_CLAIM = "silent_after_claim"
    "Nothing was said to the requester while a person had the ticket."
    DONE_AS_SAID = "done_as_said"
    "What an answer says was done was done in this ticket."
    NO_EMPTY_PROMISE = "no_empty_promise"
    "No answer promises a person or a later act that was not arranged."
    LISTED_ADDRESSES = "listed_addresses"
    "An answer holds only addresses that the card lists."
    NO_SECRET_ASKED = "no_secret_asked"  # noqa: S105 - no secret
    "No answer asks for a password or a code, or sets one."
    ONE_ANSWER = "one_answer"
    "A turn has exactly one end: one answer in Slack, or one handoff and no answer."
    CONTEXT_HANDED_OVER = "context_handed_over"
    "A handoff says what it is about, and holds all that was tried."
    NO_LOOP = "no_loop"
    "The turn did not repeat itself."


HARD = frozenset({Invariant.NO_SECRET_SAID, Invariant.RIGHT_TO_WRITE, Invariant.SILENT_AFTER_CLAIM})
"Owners are alerted at once when one of these does not hold."

Check = Callable[[TurnEvidence, Sequence[str]], Iterator[tuple[Invariant, str]]]
"(evidence, addresses that the card lists) -> each invariant that does not hold, with a sentence of what was seen."

_OBJECTIONS = {
    answers.NOT_DONE: (Invariant.DONE_AS_SAID, "It says that something was done, and no tool has done it."),
    answers.PROMISE: (Invariant.NO_EMPTY_PROMISE, "It promises a person or a later act, and nothing was arranged."),
    answers.ADDRESS: (Invariant.LISTED_ADDRESSES, "It holds an address that the card does not list."),
    answers.ASKED: (Invariant.NO_SECRET_ASKED, "It asks for a password or a code, or sets one."),
}


def violations(seen: TurnEvidence, links: Sequence[str]) -> tuple[tuple[Invariant, str], ...]:
    """Return each invariant that does not hold of a turn, once, with a sentence of what was seen.

    Args:
        seen: what is stored of the turn.
        links: the addresses that the agent's card lists.
    """
    found: dict[Invariant, str] = {}
    for check in CHECKS:
        for invariant, said in check(seen, links):
            found.setdefault(invariant, said)
    return tuple(found.items())


def _secrets(seen: TurnEvidence, links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    for text in _texts(seen):
        rest = addresses.without(addresses.visible(text), tuple(links))
        if redact(rest) != rest:
            yield Invariant.NO_SECRET_SAID, "An answer holds what looks like a secret or personal data."


def _words(seen: TurnEvidence, links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    basis = AnswerBasis(private=True, links=tuple(links), done=seen.done)
    for text in _texts(seen):
        wrong = answers.objection(text, basis)
        if wrong in _OBJECTIONS:
            yield _OBJECTIONS[wrong]


def _rights(seen: TurnEvidence, _links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    """Check every write, whether its step, its own row or both tell of it."""
    done = {(one.step, one.tool) for one in seen.calls if _writes(one.tool) and one.status is StepStatus.OK}
    done |= {(step, tool) for step, tool, state in seen.writes if state is WriteState.DONE}
    for step, tool in sorted(done):
        intents = [one for one in seen.intents if (one.step, one.tool) == (step, tool)]
        wrong = _no_right(seen, step, tool, intents)
        if wrong is not None:
            yield Invariant.RIGHT_TO_WRITE, f"{tool} changed an account {wrong}."


def _writes(tool: str) -> bool:
    return tool in REGISTRY and REGISTRY[tool].effect is Effect.WRITE


def _no_right(seen: TurnEvidence, step: int, tool: str, intents: Sequence[IntentRow]) -> str | None:
    """Return what is missing of the right to a write, or None."""
    allowed = [one for one in intents if one.decision == Allowed.__name__]
    if not allowed:
        return "and no decision allowed it"
    if any(one.subject != seen.requester for one in allowed):
        return "for somebody who had not asked"
    if not all(one.has_outcome for one in allowed):
        return "and the audit log does not say how that ended"
    if tool in REGISTRY and REGISTRY[tool].needs_approval and seen.approved_by.get(step) in {None, seen.requester}:
        return "and nobody else had approved it"
    return None


def _silence(seen: TurnEvidence, _links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    for answer in seen.answers:
        at = answer.at
        if at is not None and any(since + GRACE < at and (until is None or at < until) for since, until in seen.claims):
            yield Invariant.SILENT_AFTER_CLAIM, "An answer was posted while a person had the ticket."


def _one_end(seen: TurnEvidence, _links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    count = len(seen.answers)
    if seen.outcome is TurnOutcome.HANDOFF:
        if seen.handoff is None:
            yield Invariant.ONE_ANSWER, "It ended in a handoff, and no handoff was opened."
        if count:
            yield Invariant.ONE_ANSWER, "It ended in a handoff, and the agent answered all the same."
    elif count != 1:
        yield Invariant.ONE_ANSWER, f"It has {count} answers."
    elif not _arrived(seen.answers[0]):
        yield Invariant.ONE_ANSWER, "Its answer did not reach Slack."


def _arrived(answer: SaidAnswer) -> bool:
    """Return whether an answer is in Slack, or was withdrawn because a person took over or the words were deleted."""
    return answer.state in {MessageState.POSTED, MessageState.WITHDRAWN}


def _context(seen: TurnEvidence, _links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    if seen.handoff is None:
        return
    summary, context = seen.handoff
    if not summary.strip():
        yield Invariant.CONTEXT_HANDED_OVER, "The handoff has no summary."
    untold = {one.tool for one in seen.calls} - {name for name, _ in context.tried}
    if untold:
        yield Invariant.CONTEXT_HANDED_OVER, f"The handoff does not tell of {', '.join(sorted(untold))}."


def _repetition(seen: TurnEvidence, _links: Sequence[str]) -> Iterator[tuple[Invariant, str]]:
    found = loops.find(seen.turn, {name for name in REGISTRY if _writes(name)})
    if found is not None:
        yield Invariant.NO_LOOP, f"{found.how[0].upper()}{found.how[1:]}."


def _texts(seen: TurnEvidence) -> Iterator[str]:
    """Yield the words of each answer as its reader has them."""
    return (unescape(one.text) for one in seen.answers if one.text)


CHECKS: tuple[Check, ...] = (_secrets, _rights, _silence, _words, _one_end, _context, _repetition)
