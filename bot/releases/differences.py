"""What changed between two releases, in words, and line by line where the files of both are kept. Pure."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.agent.card import PROMPT

CODE = "code"
VERSIONS = ("sdk", "deskhand")
PLAIN: Mapping[str, str] = {
    "sdk": "the version of the model's SDK",
    "deskhand": "the version of Deskhand",
    "endpoint": "the address of the model",
    "provider": "the provider of the model",
}
"Fields of a body that are not called as they are in the card."
HASHED: Mapping[str, str] = {"prompt": "the prompt", "tools": "the schemas of the tools"}
"Fields of a body that are hashes."


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release as it is stored."""

    name: str
    body: Mapping[str, Any]
    files: Mapping[str, str]
    "The texts of its folder's files by name; empty if they were not kept."


def in_words(before: StoredRelease, after: StoredRelease) -> tuple[str, ...]:
    """Return a sentence for each thing that decides behaviour and changed; empty if nothing did."""
    found: list[str] = []
    for name in dict.fromkeys((*before.body, *after.body)):
        was, now_is = before.body.get(name), after.body.get(name)
        if was == now_is:
            continue
        if name == CODE:
            found += _code(was or {}, now_is or {})
        elif name in HASHED:
            found.append(_hashed(name, before.files, after.files))
        else:
            found += _field(PLAIN.get(name, name), was, now_is)
    return tuple(found)


def of_files(before: StoredRelease, after: StoredRelease) -> tuple[str, ...]:
    """Return the unified diff of each file that is kept of both and differs."""
    diffs = ("\n".join(_unified(name, before, after)) for name in sorted(before.files.keys() & after.files.keys()))
    return tuple(diff for diff in diffs if diff)


def of_this_code(wanted: Mapping[str, Any], running: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how the code and versions of a release differ from those that run here; empty: they are the same."""
    named = {name: value for name, value in wanted.items() if name in (CODE, *VERSIONS)}
    ours = {name: value for name, value in running.items() if name in (CODE, *VERSIONS)}
    return in_words(StoredRelease("here", ours, {}), StoredRelease("wanted", named, {}))


def _code(was: Mapping[str, str], now_is: Mapping[str, str]) -> Iterator[str]:
    for what, names in (
        ("changed", [name for name in was if name in now_is and was[name] != now_is[name]]),
        ("new", [name for name in now_is if name not in was]),
        ("gone", [name for name in was if name not in now_is]),
    ):
        if names:
            yield f"code {what}: {', '.join(sorted(names))}"


def _hashed(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    if name == "prompt" and PROMPT in before and PROMPT in after:
        changed = list(difflib.ndiff(before[PROMPT].splitlines(), after[PROMPT].splitlines()))
        added, removed = (sum(line.startswith(sign) for line in changed) for sign in ("+ ", "- "))
        return f"the prompt changed: {_lines(added)} added, {_lines(removed)} removed"
    return f"{HASHED[name]} changed"


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _field(name: str, was: Any, now_is: Any) -> Iterator[str]:
    """Yield what changed in a field of a card, down to the part that changed."""
    if isinstance(was, dict) and isinstance(now_is, dict):
        for part in dict.fromkeys((*was, *now_is)):
            if was.get(part) != now_is.get(part):
                yield from _field(f"{name}.{part}", was.get(part), now_is.get(part))
    elif isinstance(was, list) and isinstance(now_is, list) and _are_words(was) and _are_words(now_is):
        gone, new = [one for one in was if one not in now_is], [one for one in now_is if one not in was]
        if gone or new:
            parts = [f"without {', '.join(gone)}"] * bool(gone) + [f"with {', '.join(new)}"] * bool(new)
            yield f"{name}: {' and '.join(parts)}"
        else:
            yield f"{name}: another order"
    else:
        yield f"{name}: {_shown(was)}, then {_shown(now_is)}"


def _are_words(values: Sequence[object]) -> bool:
    return all(isinstance(one, str) for one in values)


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)


def _unified(name: str, before: StoredRelease, after: StoredRelease) -> Iterator[str]:
    was, now_is = before.files[name].splitlines(), after.files[name].splitlines()
    yield from difflib.unified_diff(was, now_is, f"{before.name}/{name}", f"{after.name}/{name}", lineterm="", n=2)
