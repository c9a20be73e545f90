"""Builds HTML and SVG as elements. There is no other way to text of a page, and no way to put raw HTML into one.

Invariant: text and values of attributes are escaped, and what could run or load something is refused where it is built:
scripts, inline styles, event handlers, and addresses that leave this site.

A page of ninety days has some ten thousand elements, and is written while somebody waits for it: what is the same for
many of them is worked out once, and text without any special character is taken as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape

VOID = frozenset({"meta", "link", "br", "hr", "col"})
"Elements that have no end tag."
REFUSED = frozenset({"script", "style", "iframe", "object", "embed", "base", "foreignObject", "img"})
"Elements that no page of ours has."
ADDRESSES = frozenset({"href", "src", "action", "formaction"})
"Attributes that lead somewhere."

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_ATTRIBUTE = re.compile(r"[a-z][A-Za-z0-9-]*")
_OURS = re.compile(r"(/(?![/\\])|[?#])[^\s\\]*")
"An address on this site: a path, a query or a fragment."
_NOT_SEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"Characters that are not seen, turn the direction of text, or cannot be sent."
_UNSEEN = re.compile(f"[{_NOT_SEEN}]")
_SPECIAL = re.compile(f"[&<>\"'{_NOT_SEEN}]")
"What cannot be written as it is."
NAMES = 512
"So many names of elements and of attributes are remembered; pages of ours have far fewer."

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Element:
    """One element of HTML or SVG."""

    name: str
    attributes: str
    "As they stand in the start tag, each after a space."
    children: tuple["Element | str", ...]

    def __str__(self) -> str:
        """Return the element as HTML."""
        written: list[str] = []
        _write(self, written.append)
        return "".join(written)


def element(name: str, /, *children: object, **attributes: Value) -> Element:
    """Return an element.

    Args:
        name: the name of the element.
        children: elements, texts, numbers, or iterables of these; None is left out.
        attributes: values by name; an underscore stands for a hyphen, one at the end is dropped (`class_`); None and
            False leave an attribute out, and True writes it without a value.

    Raises:
        ValueError: the element could run or load something.
    """
    given = "".join([_attribute(_attribute_name(key), value) for key, value in attributes.items()])
    return Element(_element_name(name), given, tuple(_flat(children)))


def document(*children: Element, language: str = "en") -> str:
    """Return a whole document."""
    return f"<!doctype html>\n{element('html', *children, lang=language)}\n"


def visible(text: str) -> str:
    """Return text without characters that are not seen or that turn the direction of text."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _escaped(text: str) -> str:
    return escape(visible(text)) if _SPECIAL.search(text) else text


@lru_cache(NAMES)
def _element_name(name: str) -> str:
    if name in REFUSED or not _NAME.fullmatch(name):
        raise ValueError(f"a page has no element {name!r}")
    return name


@lru_cache(NAMES)
def _attribute_name(key: str) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _ATTRIBUTE.fullmatch(name) or name.startswith("on") or name in {"style", "srcdoc"}:
        raise ValueError(f"an element of ours has no attribute {name!r}")
    return name


def _attribute(name: str, value: Value) -> str:
    """Return an attribute as it is written, or nothing for one that is left out."""
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    written = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    if name in ADDRESSES and not _OURS.fullmatch(written):
        raise ValueError(f"a page of ours does not lead to {written!r}")
    return f' {name}="{_escaped(written)}"'


def _flat(children: Iterable[object]) -> Iterator[Element | str]:
    for child in children:
        match child:
            case None:
                pass
            case Element() | str():
                yield child
            case int() | float():
                yield str(child)
            case Iterable():
                yield from _flat(child)
            case _:
                raise TypeError(f"a page cannot show a {type(child).__name__}")


def _write(node: Element, say: Callable[[str], None]) -> None:
    say(f"<{node.name}{node.attributes}>")
    if node.name in VOID:
        return
    for child in node.children:
        if isinstance(child, str):
            say(_escaped(child))
        else:
            _write(child, say)
    say(f"</{node.name}>")
