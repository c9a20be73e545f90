"""Charts and tables of figures for Slack: native ones, and the older table for when Slack refuses those.

Invariant: what people, tools and models are called can neither mention nor link here, and no two bars are called alike.

slack_sdk has no class for `data_visualization` nor for `data_table`: both are plain dicts, which only a message's
`blocks` take as they are. Slack takes one table and two charts in a message.
Limits: docs.slack.dev/reference/block-kit/blocks (data-visualization-block, data-table-block, table-block).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slack_sdk.models.blocks import MarkdownTextObject, RawTextObject, SectionBlock, TableBlock

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body

POINTS = 12
"Slack takes 20; more than a dozen bars cannot be read."
LABEL = 20
"Characters of a label, the most that Slack takes; the table beside a chart has the whole name."
ROWS = 60
"Rows of a table; with their texts they stay below the characters of one message."


@dataclass(frozen=True, slots=True)
class Mention:
    """A cell that shows whoever has an id by name."""

    kind: Literal["user", "channel"]
    slack_id: str


@dataclass(frozen=True, slots=True)
class ChartTable:
    """Figures in rows, as text and as the numbers behind it."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | Mention, ...], ...]
    values: tuple[tuple[float | None, ...], ...]
    "The number behind each cell, None where it is text: a native table sorts by it."


def chart(
    title: str,
    names: Sequence[str],
    data: Mapping[str, Sequence[float]],
    *,
    y_label: str,
    kind: Literal["bar", "line", "area"] = "bar",
) -> Block:
    """Return a native chart.

    Args:
        title: what it shows.
        names: what stands below each point, at most 20 of them, of anybody's making; long ones are shortened.
        data: the values by the name of their series (at most 6, of our own making), as many as there are names.
        y_label: the unit of the values.
        kind: how it is drawn.
    """
    labels = _labels(names)
    series = [
        {
            "name": name,
            "data": [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)],
        }
        for name, values in data.items()
    ]
    axis = {"categories": labels, "y_label": y_label}
    return {
        "type": "data_visualization",
        "title": mrkdwn.clamp(cell(title), 50),
        "chart": {"type": kind, "series": series, "axis_config": axis},
    }


def native(table: ChartTable) -> Block:
    """Return a table that sorts, filters and turns pages."""
    cells = [[_shown(text) for text in table.header]]
    for texts, values in zip(table.rows, table.values, strict=True):
        row = zip(texts, values, strict=True)
        cells.append(
            [
                _shown(text) if value is None else {"type": "raw_number", "value": value, "text": text}
                for text, value in row
            ]
        )
    return {"type": "data_table", "caption": table.caption, "page_size": 10, "rows": cells}


def classic(table: ChartTable) -> Block:
    """Return the same table as every Slack shows it."""
    return TableBlock(rows=[[_shown(text) for text in row] for row in (table.header, *table.rows)]).to_dict()


def fields(facts: Mapping[str, str | None]) -> Block:
    """Return figures under their names, two in a row and at most ten; what is None is left out."""
    known = [MarkdownTextObject(text=f"*{name}*\n{fact}") for name, fact in facts.items() if fact is not None]
    return SectionBlock(fields=known).to_dict()


def body(heading: Sequence[Block], rest: Sequence[Block]) -> Body:
    """Return a message of blocks; the first, a section, is what its notification says."""
    return mrkdwn.body(heading[0]["text"]["text"], [*heading, *rest])


def shortened(name: str, most: int) -> str:
    """Return a name in at most so many characters: cut after a word, or in the middle where a word is that long."""
    if len(name) <= most:
        return name
    at = name.rfind(" ", most // 2, most)
    if at > 0:
        return f"{name[:at].rstrip()}…"
    tail = (most - 1) // 2
    return f"{name[: most - 1 - tail]}…{name[len(name) - tail :]}"


def cell(text: str) -> str:
    """Return text for a place that shows it as it is, on one line."""
    return mrkdwn.clamp(" ".join(mrkdwn.visible(text).split()), 60) or mrkdwn.NO_WORDS


def _shown(text: str | Mention) -> dict[str, Any]:
    if isinstance(text, str):
        return RawTextObject(text=cell(text)).to_dict()
    element = {"type": text.kind, f"{text.kind}_id": text.slack_id}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}


def _labels(names: Sequence[str]) -> list[str]:
    """Return labels that Slack takes, no two alike: it finds a bar by its label."""
    labels: list[str] = []
    for name in names:
        label = shortened(cell(name), LABEL)
        number = 1
        while label in labels:
            number += 1
            label = f"{shortened(cell(name), LABEL - 4)} {number}"
        labels.append(label)
    return labels
