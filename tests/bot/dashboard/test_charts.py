"""Charts are SVG whose sizes are the figures: `bot.dashboard.charts`, `scales`, `inks`."""

import re
from xml.etree import ElementTree as ET

import pytest

from bot.dashboard import charts, inks, scales
from bot.dashboard.charts import BarAcross, Caption, IntervalBar, Series
from bot.dashboard.elements import Element
from bot.dashboard.inks import Ink

CAPTION = Caption("key", "A title", "What it shows.")
DAYS = ["1 Nov", "2 Nov", "3 Nov"]


def drawn(chart: Element, tag: str, look: str | None = None) -> list[dict[str, str]]:
    """Return the attributes of the shapes of a kind."""
    found = ET.fromstring(str(chart)).iter(tag)  # noqa: S314 - our own
    return [one.attrib for one in found if look is None or look in one.attrib.get("class", "").split()]


def bars(chart: Element) -> list[tuple[str, float]]:
    """Return the fill and the height of each part of each bar."""
    return [(one["fill"], float(one["height"])) for one in drawn(chart, "rect", "bar")]


def test_stacked_bars_are_as_high_as_their_values() -> None:
    """Parts stand one on the other from the ground, and a value of zero draws nothing."""
    series = [Series("Answered", (4, 0, 2), Ink.SOLID), Series("Handed", (4, None, 1), Ink.SLANTED)]
    chart = charts.stacked_bars(CAPTION, DAYS, series, DAYS)
    whole = charts.PLOT
    assert bars(chart) == [
        *(("url(#ink-1)", whole / 2), ("url(#ink-2)", whole / 2)),
        *(("url(#ink-1)", whole / 4), ("url(#ink-2)", whole / 8)),
    ]
    lower, upper = drawn(chart, "rect", "bar")[:2]
    assert float(upper["y"]) + float(upper["height"]) == float(lower["y"])
    assert float(lower["y"]) + float(lower["height"]) == charts.TOP + charts.PLOT


def test_a_chart_says_what_it_is() -> None:
    """Title and description are named by the image, and each day has a tip."""
    chart = charts.stacked_bars(CAPTION, DAYS, [Series("A", (1, 2, 3), Ink.SOLID)], ["first", "second", "third"])
    [image, *_] = drawn(chart, "svg")
    assert (image["role"], image["aria-labelledby"]) == ("img", "key-title key-desc")
    assert [one.text for one in ET.fromstring(str(chart)).iter("title")] == ["A title", "first", "second", "third"]  # noqa: S314


def test_lines_break_where_there_is_no_value() -> None:
    """A day without a value is no zero; a single value is a mark."""
    series = [Series("p50", (10, 20, None, 5), Ink.SOLID), Series("p95", (None, 20, None, None), Ink.SLANTED)]
    chart = charts.lines(CAPTION, [*DAYS, "4 Nov"], series, ["", "", "", ""], charts.short_seconds)
    assert [one["points"] for one in drawn(chart, "polyline")] == ["0.5,75.00 1.5,0.00"]
    assert len(drawn(chart, "circle", "point")) == 3
    assert len(drawn(chart, "rect", "point")) == 1


def test_intervals_stand_below_each_other_on_one_scale() -> None:
    """Each below its name, with its reach and its mark; the percents are written once."""
    bars = [IntervalBar("Turns", 0.9, 0.8, 0.95), IntervalBar("Plays", 0.99, 0.98, 1.0)]
    chart = charts.intervals(CAPTION, bars)
    reach = drawn(chart, "rect", "reach")
    assert [(one["x"], one["width"]) for one in reach] == [("80.00%", "15.00%"), ("98.00%", "2.00%")]
    assert float(reach[1]["y"]) - float(reach[0]["y"]) == charts.SCALE
    assert [one["x1"] for one in drawn(chart, "line", "at")] == ["90.00%", "99.00%"]
    assert [len(drawn(chart, "text", look)) for look in ("name", "tick")] == [2, 3]
    assert float(drawn(chart, "svg")[0]["height"]) > charts.SCALE * 2


def test_a_long_line_marks_only_days_that_stand_alone() -> None:
    """Ninety marks would hide the line, but a single day must be seen."""
    values = (*(1.0 for _ in range(88)), None, 3.0)
    chart = charts.lines(CAPTION, ["d"] * 90, [Series("p50", values, Ink.SOLID)], [""] * 90, charts.short_seconds)
    assert len(drawn(chart, "circle", "point")) == 1


def test_bars_across_are_as_long_as_their_values() -> None:
    """The longest fills its part of the width; a long name keeps its two ends, whole in the tip."""
    long = "a_tool_with_a_name_that_nobody_would_want_to_read_twice"
    chart = charts.bars_across(
        CAPTION, [BarAcross(long, ((Ink.SOLID, 6), (Ink.CROSSED, 2)), "8"), BarAcross("b", ((Ink.SOLID, 2),), "2")]
    )
    widths = [float(one["width"].rstrip("%")) for one in drawn(chart, "rect", "bar")]
    assert widths == pytest.approx([charts.ACROSS * 0.75, charts.ACROSS * 0.25, charts.ACROSS * 0.25], abs=0.01)
    shown = str(chart)
    assert f"<title>{long}: 8</title>" in shown
    assert re.search(r">a_tool_with_\w+…\w+twice<", shown)


def test_an_interval_is_drawn_to_scale() -> None:
    """From its lower to its upper bound, with a mark at the share."""
    chart = charts.interval(CAPTION, 0.7, 0.6, 0.8)
    [reach], [at] = drawn(chart, "rect", "reach"), drawn(chart, "line", "at")
    assert (reach["x"], reach["width"], at["x1"], at["x2"]) == ("60.00%", "20.00%", "70.00%", "70.00%")


def test_a_chart_of_nothing_is_a_chart() -> None:
    """No day, no bar and no value are drawn as empty axes."""
    assert bars(charts.stacked_bars(CAPTION, [], [Series("A", (), Ink.SOLID)], [])) == []
    assert bars(charts.stacked_bars(CAPTION, DAYS, [Series("A", (0, 0, 0), Ink.SOLID)], DAYS)) == []
    assert bars(charts.bars_across(CAPTION, [])) == []


def test_ends_of_axes_have_round_halves() -> None:
    """At least as high as the highest value."""
    assert [scales.counts(one) for one in (0, 1, 3, 9, 11, 16, 17, 61, 1234)] == [2, 2, 4, 10, 12, 16, 20, 80, 1600]
    assert [scales.seconds(one) for one in (0, 0.3, 7, 59, 61, 5000, 100_000)] == [0.2, 0.4, 10, 60, 120, 7200, 172_800]
    assert [charts.short_seconds(one) for one in (0.5, 30, 60, 3600, 86_400)] == [
        "0.5 s",
        "30 s",
        "1 min",
        "1 h",
        "1 d",
    ]


def test_labels_are_few_and_the_last_day_has_one() -> None:
    """A phone has room for five."""
    for days in (1, 5, 6, 30, 92):
        places = [place for place, _ in scales.labelled(["x"] * days)]
        assert 0 < len(places) <= scales.LABELS
        assert places[-1] == days - 1
    assert scales.labelled([]) == []


def test_each_ink_is_a_colour_and_all_but_one_a_pattern() -> None:
    """So that a chart is read without colours."""
    patterns = ET.fromstring(str(inks.definitions())).findall("defs/pattern")  # noqa: S314 - our own
    assert [one.attrib["id"] for one in patterns] == [f"ink-{ink.value}" for ink in Ink]
    marks = [ET.tostring(one[1]) if len(one) > 1 else b"" for one in patterns]
    assert len(set(marks)) == len(Ink)
