"""The parts that every page is made of: the frame, sections, tables, facts and legends. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.dashboard import inks, wording
from bot.dashboard.elements import Element, document, element
from bot.dashboard.inks import Ink

HOME = "/dashboard"
STYLE, SIGN_OUT = f"{HOME}/style.css", f"{HOME}/sign-out"

Cell = Element | str | int


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    head: str
    number: bool = False
    "Its cells are figures, which are set to the right."
    words: bool = False
    "Its cells are words that somebody chose, which may be long."

    @property
    def look(self) -> str | None:
        """Return the class of its cells."""
        return "num" if self.number else "words" if self.words else None


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure under its name, with what it is made of in small print."""

    name: str
    figure: Cell
    about: str = ""


def page(title: str, *main: object, viewer: str, at: datetime) -> str:
    """Return a whole page.

    Args:
        title: what the browser's tab says.
        main: what the page holds.
        viewer: the name of the person who looks at it.
        at: when its figures were read.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex, nofollow"),
        element("title", f"{title} - Deskhand"),
        element("link", rel="stylesheet", href=STYLE),
    )
    product = element("strong", element("a", "Deskhand", href=HOME))
    sign_out = element("form", element("button", "Sign out"), method="post", action=SIGN_OUT)
    masthead = element("header", product, element("div", f"Open for {viewer}", sign_out), class_="masthead")
    read = f"Read at {wording.moment(at)}. All times and days are UTC."
    return document(
        head,
        element(
            "body",
            element("a", "Go to the figures", href="#main", class_="skip"),
            inks.definitions(),
            element("div", masthead, element("main", *main, id="main"), element("footer", read), class_="page"),
        ),
    )


def section(key: str, heading: str, summary: str | None, *body: object, wide: bool = False) -> Element:
    """Return a section: its heading, a sentence that says what it shows, and the rest."""
    lead = None if summary is None else element("p", summary, class_="lead")
    title = element("h2", heading, id=key)
    return element("section", title, lead, *body, aria_labelledby=key, class_="wide" if wide else None)


def beside(first: object, second: object) -> Element:
    """Return two things side by side, or one above the other where there is no room."""
    return element("div", element("div", first), element("div", second), class_="beside")


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, stacks: bool = False) -> Element:
    """Return a table whose first column names its rows.

    Args:
        caption: what the rows are.
        columns: its columns.
        rows: the cells of each row.
        stacks: on a phone each row is a list of its cells, as it has too many for its width.
    """
    head = [element("th", one.head, scope="col", class_=one.look) for one in columns]
    body = [element("tr", *_cells(columns, row)) for row in rows]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="stacks" if stacks else None,
    )


def _cells(columns: Sequence[Column], row: Sequence[Cell]) -> Iterable[Element]:
    for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
        shown = f"{cell:,}" if isinstance(cell, int) else cell
        if place == 0:
            yield element("th", shown, scope="row", class_=column.look)
        else:
            yield element("td", shown, class_=column.look, data_label=column.head)


def behind(summary: str, *body: object) -> Element:
    """Return something that is shown when its summary is pressed, and always on paper."""
    return element("details", element("summary", summary), *body)


def facts(*known: Fact) -> Element:
    """Return figures under their names."""
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", one.name),
                element("dd", one.figure, element("small", one.about) if one.about else None),
            )
            for one in known
        ),
        class_="facts",
    )


def legend(*names: tuple[Ink, str]) -> Element:
    """Return what each ink of a chart means."""
    return element("ul", *(element("li", inks.swatch(ink), name) for ink, name in names), class_="legend")


def line_legend(*names: tuple[Ink, str]) -> Element:
    """Return what each line of a chart means."""
    return element("ul", *(element("li", inks.stroke(ink), name) for ink, name in names), class_="legend")


def time(at: datetime) -> Element:
    """Return a moment that machines can read too."""
    return element("time", wording.moment(at), datetime=at.isoformat())


def ticket_link(number: int) -> Element:
    """Return a link to the page of a ticket."""
    return element("a", f"Ticket {number}", href=f"{HOME}/tickets/{number}")
