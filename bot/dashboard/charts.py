"""Charts as inline SVG: stacked bars by day, lines by day, bars across, and an interval. Pure.

Places across are in percent and sizes down in pixels, so that a chart fills the width it is given and its text keeps
its size on a phone. Each has a title and a description for who does not see it; the table beside it has the figures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.dashboard import scales
from bot.dashboard.elements import Element, element
from bot.dashboard.inks import Ink

GUTTER = 9.0
"Percent of the width that labels of the axis have at the left."
TOP, PLOT, FOOT = 16, 150, 22
"Pixels above the highest line, of the plot, and below it for the labels of days."
ROW, THICK = 38, 12
"Pixels of a bar across with its name and the distance to the next, and of the bar alone."
ACROSS = 74.0
"Percent of the width of the longest bar across; the rest is for its figure."
SCALE = 46
"Pixels of a share with its interval and its name."
SHORT = 42
"The most letters of a name above a bar across; the table has the whole name."
MARKED = 45
"A line of more points than this has no mark at each."

Written = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Axis:
    """How high a chart is and how its values are written beside it."""

    end: Callable[[float], float]
    "The highest value -> the end of the axis."
    written: Written


@dataclass(frozen=True, slots=True)
class Caption:
    """What a chart is called, and what it says in words."""

    key: str
    "Unique in the page."
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of value of a chart by day."""

    name: str
    values: tuple[float | None, ...]
    "One a day; None where there is none."
    ink: Ink


@dataclass(frozen=True, slots=True)
class BarAcross:
    """One bar across."""

    name: str
    parts: tuple[tuple[Ink, float], ...]
    figure: str
    "What stands behind the bar."


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """A share between 0 and 1 with the interval that it lies in, and its name."""

    name: str
    share: float
    low: float
    high: float


def stacked_bars(
    caption: Caption,
    days: Sequence[str],
    series: Sequence[Series],
    tips: Sequence[str],
    axis: Axis = Axis(scales.counts, "{:,.0f}".format),
) -> Element:
    """Return a bar a day, its parts one above the other.

    Args:
        caption: title and description.
        days: the label of each day.
        series: the parts, the lowest first.
        tips: what is shown when somebody points at a day.
        axis: the axis of the values; by default they are counts.
    """
    totals = [sum(one.values[place] or 0 for one in series) for place in range(len(days))]
    end = axis.end(max(totals, default=0))
    slot = (100 - GUTTER) / max(len(days), 1)
    bars = []
    for place, tip in enumerate(tips):
        left, bottom = GUTTER + slot * (place + 0.14), float(TOP + PLOT)
        parts = []
        for one in series:
            height = PLOT * (one.values[place] or 0) / end
            bottom -= height
            if height:
                parts.append(_bar(left, bottom, slot * 0.72, height, one.ink))
        reach = _hit(GUTTER + slot * place, slot)
        bars.append(element("g", element("title", tip), *parts, reach, class_="day"))
    return _chart(caption, TOP + PLOT + FOOT, _grid(end, axis.written), bars, _days(days, slot))


def lines(
    caption: Caption, days: Sequence[str], series: Sequence[Series], tips: Sequence[str], written: Written
) -> Element:
    """Return a line for each series over seconds; a day without a value breaks it.

    Args:
        caption: title and description.
        days: the label of each day.
        series: the lines, at most two: the first is drawn with discs, the second dashed with squares.
        tips: what is shown when somebody points at a day.
        written: how a number of seconds is written beside the axis.
    """
    highest = max((value for one in series for value in one.values if value is not None), default=0)
    end, count = scales.seconds(highest), max(len(days), 1)
    slot = (100 - GUTTER) / count
    paths = [
        element("polyline", points=points, vector_effect="non-scaling-stroke", class_=f"line line-{one.ink.value}")
        for one in series
        for points in _runs(one, end)
    ]
    drawn = element(
        "svg",
        *paths,
        x=f"{GUTTER}%",
        y=TOP,
        width=f"{100 - GUTTER}%",
        height=PLOT,
        viewBox=f"0 0 {count} {PLOT}",
        preserveAspectRatio="none",
        class_="paths",
    )
    marks = [_mark(one, place, slot, end) for one in series for place in range(len(days)) if _is_marked(one, place)]
    reach = [
        element("g", element("title", tip), _hit(GUTTER + slot * place, slot), class_="day")
        for place, tip in enumerate(tips)
    ]
    return _chart(caption, TOP + PLOT + FOOT, _grid(end, written), drawn, marks, reach, _days(days, slot))


def bars_across(caption: Caption, bars: Sequence[BarAcross]) -> Element:
    """Return bars across, each below its name, in the order given; a bar may have several parts."""
    longest = max((sum(value for _, value in bar.parts) for bar in bars), default=0) or 1
    rows = []
    for place, bar in enumerate(bars):
        top, left = float(ROW * place), 0.0
        parts = []
        for ink, value in bar.parts:
            width = ACROSS * value / longest
            if width:
                parts.append(_bar(left, top + 18, width, THICK, ink))
            left += width
        name = element("text", shortened(bar.name), x=0, y=top + 13, class_="name")
        figure = element("text", bar.figure, x=f"{left:.2f}%", dx=6, y=top + 18 + THICK - 1.5, class_="figure")
        rows.append(element("g", element("title", f"{bar.name}: {bar.figure}"), name, *parts, figure))
    return _chart(caption, ROW * len(bars) + 2, rows)


def interval(caption: Caption, share: float, low: float, high: float) -> Element:
    """Return a share between 0 and 1 on a scale to 100 %, with the interval that it lies in."""
    return _chart(caption, 40, _interval(3, share, low, high), _percents(37))


def intervals(caption: Caption, bars: Sequence[IntervalBar]) -> Element:
    """Return several shares with their intervals, each below its name, on one scale to 100 %."""
    drawn = [
        element(
            "g",
            element("text", one.name, x=0, y=SCALE * place + 13, class_="name"),
            _interval(SCALE * place + 18, one.share, one.low, one.high),
        )
        for place, one in enumerate(bars)
    ]
    return _chart(caption, SCALE * len(bars) + 18, drawn, _percents(SCALE * len(bars) + 14))


def short_seconds(value: float) -> str:
    """Return seconds as they stand beside an axis."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"


def shortened(name: str) -> str:
    """Return a name that fits beside a bar: a long one loses its middle."""
    if len(name) <= SHORT:
        return name
    tail = (SHORT - 1) // 2
    return f"{name[: SHORT - 1 - tail]}…{name[len(name) - tail :]}"


def _chart(caption: Caption, height: float, *drawn: object) -> Element:
    ids = f"{caption.key}-title {caption.key}-desc"
    return element(
        "svg",
        element("title", caption.title, id=f"{caption.key}-title"),
        element("desc", caption.description, id=f"{caption.key}-desc"),
        *drawn,
        class_="chart",
        role="img",
        aria_labelledby=ids,
        width="100%",
        height=height,
    )


def _grid(end: float, written: Written) -> Iterator[Element]:
    """Yield the lines at zero, at half and at the end of the axis, each with its label above it."""
    for value in (0.0, end / 2, end):
        at = TOP + PLOT - PLOT * value / end
        yield element("line", x1=0, x2="100%", y1=at, y2=at, class_="grid" if value else "ground")
        if value:
            yield element("text", written(value), x=0, y=at - 4, class_="tick")


def _days(days: Sequence[str], slot: float) -> Iterator[Element]:
    for place, name in scales.labelled(days):
        at = GUTTER + slot * (place + 0.5)
        near_the_edge = at > 95  # noqa: PLR2004 - percent: its label would leave the chart
        across, anchor = ("100%", "end") if near_the_edge else (f"{at:.2f}%", "middle")
        yield element("text", name, x=across, y=TOP + PLOT + 16, text_anchor=anchor, class_="tick")


def _runs(series: Series, end: float) -> Iterator[str]:
    """Yield the points of each stretch of days that all have a value."""
    run: list[str] = []
    for place, value in enumerate((*series.values, None)):
        if value is None:
            if len(run) > 1:
                yield " ".join(run)
            run = []
        else:
            run.append(f"{place + 0.5},{PLOT - PLOT * value / end:.2f}")


def _is_marked(series: Series, place: int) -> bool:
    """Return whether a day has a mark: in a short line each has one, in a long one only a day without neighbours."""
    beside = (series.values[place - 1 : place] + series.values[place + 1 : place + 2]) if place else series.values[1:2]
    return len(series.values) <= MARKED or all(value is None for value in beside)


def _mark(series: Series, place: int, slot: float, end: float) -> Element | None:
    value = series.values[place]
    if value is None:
        return None
    across, down = f"{GUTTER + slot * (place + 0.5):.2f}%", TOP + PLOT - PLOT * value / end
    look = f"point line-{series.ink.value}"
    if series.ink is Ink.SOLID:
        return element("circle", cx=across, cy=down, r=2.5, class_=look)
    return element("rect", x=across, y=down - 2.5, width=5, height=5, transform="translate(-2.5)", class_=look)


def _interval(top: float, share: float, low: float, high: float) -> Iterator[Element]:
    """Yield a scale with the reach of an interval and the mark of its share."""
    y, at = top + 5, f"{100 * share:.2f}%"
    yield element("rect", x=0, y=y, width="100%", height=10, rx=5, class_="track")
    yield element("rect", x=f"{100 * low:.2f}%", y=y, width=f"{100 * (high - low):.2f}%", height=10, class_="reach")
    yield element("line", x1=at, x2=at, y1=top, y2=top + 20, class_="at")


def _percents(y: float) -> Iterator[Element]:
    for mark, anchor in ((0, "start"), (50, "middle"), (100, "end")):
        yield element("text", f"{mark} %", x=f"{mark}%", y=y, text_anchor=anchor, class_="tick")


def _bar(left: float, top: float, width: float, height: float, ink: Ink) -> Element:
    across, wide = f"{left:.2f}%", f"{width:.2f}%"
    return element("rect", x=across, y=top, width=wide, height=height, fill=ink.fill, class_="bar")


def _hit(left: float, width: float) -> Element:
    """Return what reacts to a pointer over the whole height of a day."""
    return element("rect", x=f"{left:.2f}%", y=TOP, width=f"{width:.2f}%", height=PLOT, class_="hit")
