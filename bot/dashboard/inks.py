"""The fills of charts: each a colour and a pattern, so that a chart can be read in grey, in print and by anybody.

The colours are in `style.css`, for a light and a dark page.
"""

from enum import IntEnum

from bot.dashboard.elements import Element, element

TILE = 8
"Width and height of one tile of a pattern, in pixels."


class Ink(IntEnum):
    """A colour with its pattern."""

    SOLID = 1
    "What is wanted: solved, answered, well."
    SLANTED = 2
    "People: handed over."
    DOTTED = 3
    "In between: answered and not confirmed, refused by a rule."
    CROSSED = 4
    "What went wrong."
    BARRED = 5
    "What is of no account: withdrawn, everything else."

    @property
    def fill(self) -> str:
        """Return the value of an attribute `fill`."""
        return f"url(#ink-{self.value})"


_MARKS: dict[Ink, Element | None] = {
    Ink.SOLID: None,
    Ink.SLANTED: element("path", d="M-2 2L2-2M0 8L8 0M6 10L10 6", stroke_width=2, class_="mark"),
    Ink.DOTTED: element("path", d="M2 2h.01M6 6h.01", stroke_width=3, stroke_linecap="round", class_="mark"),
    Ink.CROSSED: element("path", d="M0 0L8 8M8 0L0 8", stroke_width=1.5, class_="mark"),
    Ink.BARRED: element("path", d="M0 2h8M0 6h8", stroke_width=1.5, class_="mark"),
}


def definitions() -> Element:
    """Return the patterns, which a page that has charts holds once."""
    patterns = [
        element(
            "pattern",
            element("rect", class_=f"ink-{ink.value}", width=TILE, height=TILE),
            _MARKS[ink],
            id=f"ink-{ink.value}",
            patternUnits="userSpaceOnUse",
            width=TILE,
            height=TILE,
        )
        for ink in Ink
    ]
    return element("svg", element("defs", *patterns), class_="inks", width=0, height=0, aria_hidden="true")


def swatch(ink: Ink) -> Element:
    """Return a small square of an ink, for a legend."""
    square = element("rect", x=0.5, y=0.5, width=11, height=11, rx=2, fill=ink.fill, class_="bar")
    return element("svg", square, class_="swatch", width=12, height=12, aria_hidden="true")


def stroke(ink: Ink) -> Element:
    """Return a short line of an ink with its mark, for a legend."""
    line = element("line", x1=0, x2=24, y1=6, y2=6, class_=f"line line-{ink.value}")
    look = f"point line-{ink.value}"
    if ink is Ink.SOLID:
        mark = element("circle", cx=12, cy=6, r=2.5, class_=look)
    else:
        mark = element("rect", x=9.5, y=3.5, width=5, height=5, class_=look)
    return element("svg", line, mark, class_="swatch", width=24, height=12, aria_hidden="true")
