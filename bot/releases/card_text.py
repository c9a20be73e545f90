"""A card with what decides behaviour as in another one, and with its own people: text, so that comments stay. Pure."""

import re
from collections.abc import Iterator

DECIDING = frozenset(
    {
        *("model", "tools", "tools_in", "needs_account", "categories", "solved", "accounts", "approvals"),
        *("links", "limits", "admission", "evals"),
    }
)
"""The fields of a card that are part of a release or a suite.

Owners, responders, channels and the like stay as they are now: an old card must not give back a right that somebody
has lost since.
"""
_KEY = re.compile(r"^([A-Za-z_][\w-]*)\s*:")


def with_behaviour_of(now_is: str, then: str) -> str:
    """Return a card's text with the deciding fields of another one, in this one's order; new ones come at the end."""
    before = dict(_blocks(then))
    kept = [(key, before.get(key, "") if key in DECIDING else block) for key, block in _blocks(now_is)]
    there = {key for key, _ in kept}
    added = [block for key, block in before.items() if key in DECIDING and key not in there]
    return "".join(_ended(block) for block in (*(block for _, block in kept), *added) if block)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each field at the top level with the lines that belong to it; what is above the first has the key ``."""
    key, lines = "", list[str]()
    for line in text.splitlines(keepends=True):
        found = _KEY.match(line)
        if found is not None:
            yield key, "".join(lines)
            key, lines = found[1], []
        lines.append(line)
    yield key, "".join(lines)


def _ended(block: str) -> str:
    return block if block.endswith("\n") else f"{block}\n"
