"""One secret in a text, and the text with all of them replaced."""

from collections.abc import Iterable
from typing import NamedTuple

from bot.agent.redaction.view import View


class Secret(NamedTuple):
    """A secret, by its place in a view; a tuple because it is fast, and a long text has thousands of words."""

    kind: str
    start: int
    end: int


def replaced(text: str, view: View, found: Iterable[Secret]) -> str:
    """Return the original with all secrets replaced; those that overlap become one, of the kind found first."""
    parts: list[str] = []
    done = 0
    for one in _joined(found):
        start, end = view.original(one.start, one.end)
        parts += [text[done:start], f"[{one.kind}]"]
        done = end
    return "".join([*parts, text[done:]])


def _joined(found: Iterable[Secret]) -> list[Secret]:
    ranked = sorted(enumerate(found), key=lambda pair: (pair[1].start, pair[1].end))
    joined: list[tuple[int, Secret]] = []
    for rank, one in ranked:
        if one.start >= one.end:
            continue
        if joined and one.start < joined[-1][1].end:
            before_rank, before = joined[-1]
            first = before if before_rank <= rank else one
            whole = Secret(first.kind, before.start, max(before.end, one.end))
            joined[-1] = (min(before_rank, rank), whole)
        else:
            joined.append((rank, one))
    return [one for _, one in joined]
