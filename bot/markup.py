"""Slack's markup in what people write, read as they wrote it. Pure.

Slack escapes the `&`, `<` and `>` that somebody types, and puts its own mentions and links between `<` and `>`. So
angle brackets are Slack's and everything else is a person's, and that is told apart before entities are decoded:
`List&lt;@NonNull T&gt;` is `List<@NonNull T>` as it was typed, and no mention.

Source: docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Callable

Name = Callable[[str], str | None]
"(id of a person or a channel) -> what they are called; None when no one knows, and empty for what is left out."

SOMEBODY = "somebody"
"A person whose name is not known."

_CONTROL = re.compile(r"<([@#!][^<>\n]*|[A-Za-z][A-Za-z0-9+.-]*:[^<>\n]*)>")
_ENTITY = re.compile(r"&(lt|gt|amp);")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&"}
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_UNSEEN_SCHEME = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_OF_GROUPS = "subteam^"


def plain(markup: str, name: Name = lambda _id: None) -> str:
    """Return text in Slack's markup as a person reads it, and as it was typed.

    Args:
        markup: with entities, mentions and links as Slack writes them.
        name: what people and channels are called.
    """
    pieces, last = [], 0
    for found in _CONTROL.finditer(markup):
        pieces += [decoded(markup[last : found.start()]), _spoken(found[1], name)]
        last = found.end()
    return "".join([*pieces, decoded(markup[last:])])


def decoded(text: str) -> str:
    """Return text with the three entities decoded that Slack writes, once."""
    return _ENTITY.sub(lambda found: _CHARACTERS[found[1]], text)


def person(user: str, name: Name, label: str = "") -> str:
    """Return how a mention of a person reads; a look-up is believed before the label that came with it."""
    called = name(user)
    if called is None:
        called = label.lstrip("@")
    elif not called:
        return ""
    return f"@{called}" if called else SOMEBODY


def channel(channel_id: str, name: Name, label: str = "") -> str:
    """Return how a mention of a channel reads."""
    called = label.lstrip("#") or name(channel_id)
    return f"#{called}" if called else "a channel"


def link(address: str, label: str = "") -> str:
    """Return how a link reads: what was typed, where it shows where it leads, and else both."""
    shown = _UNSEEN_SCHEME.sub("", address, count=1)
    if label in ("", address, shown) or label.rstrip("/") == _SCHEME.sub("", shown, count=1).rstrip("/"):
        return label or shown
    return f"{label} ({shown})"


def _spoken(control: str, name: Name) -> str:
    target, _, label = control.partition("|")
    label = decoded(label)
    match target[0]:
        case "@":
            return person(target[1:], name, label)
        case "#":
            return channel(target[1:], name, label)
        case "!":
            kind = target[1:]
            return label or ("a group" if kind.startswith(_OF_GROUPS) else f"@{kind.split('^')[0]}")
        case _:
            return link(decoded(target), label)
