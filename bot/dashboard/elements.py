"""Builds HTML and SVG as elements. There is no other way to text of a page, and no way to put raw HTML into one.

Invariant: text and values of attributes are escaped where they are written, and what could run or load something is
refused where it is built: scripts, inline styles, event handlers, and addresses that leave this site.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"Characters that are not seen, turn the direction of text, or cannot be sent."

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Element:
    """One element of HTML or SVG."""

    name: str
    attributes: tuple[tuple[str, str | None], ...]
    "Each with its value; None for one without a value."
    children: tuple["Element | str", ...]

    def __str__(self) -> str:
        """Return the element as HTML."""
        return "".join(_written(self))


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
    if name in REFUSED or not _NAME.fullmatch(name):
        raise ValueError(f"a page has no element {name!r}")
    given = tuple(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    return Element(name, tuple(one for one in given if one is not None), tuple(_flat(children)))


def document(*children: Element, language: str = "en") -> str:
    """Return a whole document."""
    return f"<!doctype html>\n{element('html', *children, lang=language)}\n"


def visible(text: str) -> str:
    """Return text without characters that are not seen or that turn the direction of text."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _attribute(name: str, value: Value) -> tuple[str, str | None] | None:
    if not _ATTRIBUTE.fullmatch(name) or name.startswith("on") or name in {"style", "srcdoc"}:
        raise ValueError(f"an element of ours has no attribute {name!r}")
    if value is None or value is False:
        return None
    if value is True:
        return name, None
    written = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    if name in ADDRESSES and not _OURS.fullmatch(written):
        raise ValueError(f"a page of ours does not lead to {written!r}")
    return name, written


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


def _written(node: Element | str) -> Iterator[str]:
    if isinstance(node, str):
        yield escape(visible(node))
        return
    yield f"<{node.name}"
    for name, value in node.attributes:
        yield f" {name}" if value is None else f' {name}="{escape(visible(value))}"'
    yield ">"
    if node.name not in VOID:
        for child in node.children:
            yield from _written(child)
        yield f"</{node.name}>"
