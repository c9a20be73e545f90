"""Carries out a call that was decided and written down, and reads the directory back after a write.

No transaction is open meanwhile.
"""

from datetime import datetime

from bot.agent import read_back, retries
from bot.agent.door import Passage
from bot.agent.loop import NeedsPerson, ToolResult
from bot.agent.model import check_cancelled
from bot.agent.redaction import redact_within
from bot.agent.turn_work import TurnWork
from bot.errors import DirectoryDown, HalfDone, Refused, Transient
from bot.principals import Effect, Reason
from bot.store.schema import DirectoryAgreement
from bot.tools.registry import ToolUse, WrittenCall

NOT_SHOWN = "Read again right after this, the directory does not show it. Do not say that it is done; hand off."
"What the model is told beside the result of a write that the directory does not show."


def perform(work: TurnWork, passage: Passage, given: ToolUse, *, since: datetime | None) -> ToolResult:
    """Run a tool until it has a result, within the turn's time.

    Args:
        work: the attempt that makes the call.
        passage: the right to run the tool.
        given: what the tool acts on.
        since: when the write was allowed; None for a call that writes nothing.
    """
    directory = False
    for number in range(retries.TRIES):
        check_cancelled()
        try:
            work.standing.before_call()
            content, agreement = redact_within(passage.run(given)), _agreement(passage, given, since, made=True)
            shown = {"directory": NOT_SHOWN} if agreement is DirectoryAgreement.DIVERGED else {}
            return ToolResult(content | shown, ok=True, agreement=agreement)
        except HalfDone as half:
            ends = NeedsPerson(Reason(half.reason), f"{passage.tool.name} was half done: {half}.")
            agreement = _agreement(passage, given, since, made=True)
            return ToolResult({"error": str(half)}, ok=False, ends=ends, unknown=True, agreement=agreement)
        except Refused as refusal:
            unknown = number > 0
            agreement = _agreement(passage, given, since, made=False) if unknown else None
            return ToolResult({"error": str(refusal)}, ok=False, unknown=unknown, agreement=agreement)
        except Transient as error:
            directory = isinstance(error, DirectoryDown)
            if not work.tries_again(number, error):
                break
    why = f"{passage.tool.name} failed {times(number + 1)}: the directory does not answer."
    ends = NeedsPerson(Reason.REPEATED_FAILURE, why, directory=directory)
    return ToolResult({"error": why}, ok=False, ends=ends, unknown=True)


def _agreement(passage: Passage, given: ToolUse, since: datetime | None, *, made: bool) -> DirectoryAgreement | None:
    """Read the directory back after a write; None: the tool writes nothing."""
    if passage.tool.effect is not Effect.WRITE or given.bound is None or since is None:
        return None
    written = WrittenCall(given.directory, given.bound.id, given.key, passage.arguments, since)
    return read_back.look(passage.tool, written, made=made)


def times(count: int) -> str:
    """Return a count in words: `once`, `3 times`."""
    return "once" if count == 1 else f"{count} times"
