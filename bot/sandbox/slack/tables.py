"""Slack's rules for the blocks that show figures: table, data_table and data_visualization.

Limits: docs.slack.dev/reference/block-kit/blocks (table-block, data-table-block, data-visualization-block).
"""

from collections.abc import Iterator
from typing import Any

from bot.sandbox.slack.elements import Complaints, complaint, items, string
from bot.sandbox.slack.seed import Json

COLUMNS = 20
TABLE_ROWS = 100
TABLE_CHARACTERS = 10_000
SERIES = 6
POINTS = 20
LABEL = 20


def table(block: Json, pointer: str) -> Complaints:
    """Check a table block: at most 100 rows of 20 cells."""
    broken = list(items(block, "rows", pointer, TABLE_ROWS))
    yield from broken
    if not broken:
        yield from _rows(block["rows"], f"{pointer}/rows")
    settings = block.get("column_settings") or []
    if len(settings) > COLUMNS:
        yield complaint(f"no more than {COLUMNS} items allowed", f"{pointer}/column_settings")


def data_table(block: Json, pointer: str) -> Complaints:
    """Check a data table: a header and 1 to 100 rows, all of one length, with a caption."""
    yield from string(block, "caption", pointer, 3000)
    size = block.get("page_size", 5)
    if not (isinstance(size, int) and 1 <= size <= TABLE_ROWS):
        yield complaint("must be between 1 and 100", f"{pointer}/page_size")
    broken = list(items(block, "rows", pointer, TABLE_ROWS + 1, least=2))
    yield from broken
    if broken:
        return
    yield from _rows(block["rows"], f"{pointer}/rows")
    rows = [row for row in block["rows"] if isinstance(row, list)]
    if len({len(row) for row in rows}) > 1:
        yield complaint("all rows must have the same number of cells", f"{pointer}/rows")
    for index, cell in enumerate(rows[0] if rows else []):
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            yield complaint("rich_text is not allowed in the header", f"{pointer}/rows/0/{index}")


def data_visualization(block: Json, pointer: str) -> Complaints:
    """Check a chart: line, bar or area of at most 6 series by 20 points, or a pie of at most 6 slices."""
    yield from string(block, "title", pointer, 50)
    chart, place = block.get("chart"), f"{pointer}/chart"
    if not isinstance(chart, dict):
        yield complaint("missing required field: chart", pointer)
    elif chart.get("type") == "pie":
        yield from _pie(chart, place)
    elif chart.get("type") in {"line", "bar", "area"}:
        yield from _plot(chart, place)
    else:
        yield complaint(f"unsupported type: {chart.get('type')}", f"{place}/type")


def _rows(rows: list[Any], pointer: str) -> Complaints:
    characters = 0
    for number, row in enumerate(rows):
        if not isinstance(row, list) or not 1 <= len(row) <= COLUMNS:
            yield complaint(f"no more than {COLUMNS} items allowed", f"{pointer}/{number}")
            continue
        for column, cell in enumerate(row):
            place = f"{pointer}/{number}/{column}"
            if not isinstance(cell, dict):
                yield complaint("must provide an object", place)
            elif cell.get("type") not in {"raw_text", "raw_number", "rich_text"}:
                yield complaint(f"unsupported type: {cell.get('type')}", f"{place}/type")
            elif cell["type"] == "raw_text":
                yield from string(cell, "text", place, TABLE_CHARACTERS)
                characters += len(str(cell.get("text")))
    if characters > TABLE_CHARACTERS:
        yield complaint(f"must be less than {TABLE_CHARACTERS + 1} characters over all cells", pointer)


def _pie(chart: Json, pointer: str) -> Complaints:
    broken = list(items(chart, "segments", pointer, SERIES))
    yield from broken
    if broken:
        return
    for index, segment in enumerate(chart["segments"]):
        place = f"{pointer}/segments/{index}"
        yield from _point(segment, place)
        if isinstance(segment, dict) and _is_number(segment.get("value")) and segment["value"] <= 0:
            yield complaint("must be more than 0", f"{place}/value")


def _plot(chart: Json, pointer: str) -> Complaints:
    axis = chart.get("axis_config")
    categories = axis.get("categories") if isinstance(axis, dict) else None
    if not isinstance(axis, dict) or not isinstance(categories, list):
        yield complaint("missing required field: axis_config.categories", pointer)
        return
    yield from items(axis, "categories", f"{pointer}/axis_config", POINTS)
    for key in ("x_label", "y_label"):
        yield from string(axis, key, f"{pointer}/axis_config", 50, required=False)
    broken = list(items(chart, "series", pointer, SERIES))
    yield from broken
    if broken:
        return
    names = [one.get("name") for one in chart["series"] if isinstance(one, dict)]
    if len(set(names)) < len(names):
        yield complaint("series names must be unique", f"{pointer}/series")
    for index, one in enumerate(chart["series"]):
        yield from _series(one, f"{pointer}/series/{index}", categories)


def _series(one: Any, pointer: str, categories: list[Any]) -> Complaints:
    if not isinstance(one, dict):
        yield complaint("must provide an object", pointer)
        return
    yield from string(one, "name", pointer, LABEL)
    broken = list(items(one, "data", pointer, POINTS))
    yield from broken
    if broken:
        return
    for index, point in enumerate(one["data"]):
        yield from _point(point, f"{pointer}/data/{index}")
    labels = [point.get("label") for point in one["data"] if isinstance(point, dict)]
    if sorted(map(str, labels)) != sorted(map(str, categories)):
        yield complaint("labels must match the categories", f"{pointer}/data")


def _point(point: Any, pointer: str) -> Iterator[str]:
    if not isinstance(point, dict):
        yield complaint("must provide an object", pointer)
        return
    yield from string(point, "label", pointer, LABEL)
    if not _is_number(point.get("value")):
        yield complaint("must provide a number", f"{pointer}/value")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
