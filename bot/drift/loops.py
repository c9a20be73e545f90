"""Whether a turn repeated itself: the same call twice, two tools in turn, or the whole turn again and again. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.store.figures.finished_turns import FinishedTurn, MadeCall

ATTEMPTS = 3
"A turn that so many workers died or crashed at is a loop."
ALTERNATION = 4
"Calls of two tools in turn (A, B, A, B) that are a loop."


@dataclass(frozen=True, slots=True)
class Repetition:
    """How a turn repeated itself."""

    cause: str
    "The same for turns that repeated themselves alike: owners are told of it once."
    how: str
    "What happened, in words that follow a name."


def find(turn: FinishedTurn, writes: Collection[str]) -> Repetition | None:
    """Return how a turn repeated itself, or None.

    Args:
        turn: a turn that has ended.
        writes: the tools that change an account. After such a change, looking again is no repetition.
    """
    if turn.failures >= ATTEMPTS:
        return Repetition("attempts", f"a turn was begun {turn.failures + 1} times, as its workers died or crashed")
    since: list[MadeCall] = []
    for call in turn.calls:
        if any((one.tool, one.arguments) == (call.tool, call.arguments) for one in since):
            return Repetition(
                f"same:{call.tool}", f"it called {call.tool} twice in a turn with nothing changed between"
            )
        since.append(call)
        if _alternates(since):
            two = sorted({one.tool for one in since[-2:]})
            return Repetition(f"alternating:{' '.join(two)}", f"it called {two[0]} and {two[1]} in turn, twice each")
        if call.done and call.tool in writes:
            since = [call]
    return None


def _alternates(calls: Sequence[MadeCall]) -> bool:
    tools = [one.tool for one in calls[-ALTERNATION:]]
    return len(tools) == ALTERNATION and tools[:2] == tools[2:] and tools[0] != tools[1]
