"""Turns Slack's markup back into the text that a person typed. Pure.

Slack escapes the `&`, `<` and `>` that somebody types, and puts its own mentions and links between `<` and `>`. So
mentions and links are found before entities are decoded: `List&lt;@NonNull T&gt;` is `List<@NonNull T>` as it was
typed, and no mention.

A name may be any text, so one that stands in a text for a mention is enclosed in a pair of invisible characters, with
which Unicode sets off a text inside another (UAX #9). People read the name; where the words of a person decide what is
done, it is taken out (`without_names`), so that what somebody calls themselves in their profile is no word of a writer.

Source: docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Callable

Name = Callable[[str], str | None]
"(id of a person or a channel) -> its name; None when it is unknown, and empty when the mention is to be left out."

SOMEBODY = "somebody"
"A person whose name is not known."

FIRST, LAST = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
"What encloses a name; `bot.slack.mrkdwn` does not show them."
_ISOLATES = re.compile("[\N{LEFT-TO-RIGHT ISOLATE}-\N{POP DIRECTIONAL ISOLATE}]")
_NAMED = re.compile(f"@{FIRST}[^{LAST}]*(?:{LAST}|$)")
_CONTROL = re.compile(r"<([@#!][^<>\n]*|[A-Za-z][A-Za-z0-9+.-]*:[^<>\n]*)>")
_ENTITY = re.compile(r"&(lt|gt|amp);")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&"}
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_UNSEEN_SCHEME = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_OF_GROUPS = "subteam^"


def plain(markup: str, name: Name = lambda _id: None) -> str:
    """Return the text that a person typed.

    Args:
        markup: text with entities, mentions and links as Slack writes them.
        name: gives the names of people and channels.
    """
    pieces, last = [], 0
    for found in _CONTROL.finditer(markup):
        pieces += [decoded(markup[last : found.start()]), _control_as_text(found[1], name)]
        last = found.end()
    return "".join([*pieces, decoded(markup[last:])])


def decoded(text: str) -> str:
    """Return text with Slack's three entities decoded, once."""
    return _ENTITY.sub(lambda found: _CHARACTERS[found[1]], text)


def person(user: str, name: Name, label: str = "") -> str:
    """Return the text of a mention of a person; a name that was looked up wins over the mention's own label."""
    called = name(user)
    if called is None:
        called = label.lstrip("@")
    elif not called:
        return ""
    return f"@{FIRST}{_ISOLATES.sub('', called)}{LAST}" if called else SOMEBODY


def without_names(text: str) -> str:
    """Return a text in which each person who is mentioned is `@somebody`."""
    return _NAMED.sub(f"@{SOMEBODY}", text)


def channel(channel_id: str, name: Name, label: str = "") -> str:
    """Return the text of a mention of a channel."""
    called = label.lstrip("#") or name(channel_id)
    return f"#{called}" if called else "a channel"


def link(address: str, label: str = "") -> str:
    """Return the text of a link: its label, with the address added when the label does not show it."""
    shown = _UNSEEN_SCHEME.sub("", address, count=1)
    if label in ("", address, shown) or label.rstrip("/") == _SCHEME.sub("", shown, count=1).rstrip("/"):
        return label or shown
    return f"{label} ({shown})"


def _control_as_text(control: str, name: Name) -> str:
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
