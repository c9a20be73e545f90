"""Charts and tables of figures for Slack: native ones, and the older table for when Slack refuses those.

Invariant: the names of people, tools and models can neither mention nor link here, and no two bars have the same label.

slack_sdk has no class for `data_visualization` or `data_table`: both are plain dicts, which only a message's `blocks`
take unchanged. Slack takes one table and two charts in a message.
Limits: docs.slack.dev/reference/block-kit/blocks (data-visualization-block, data-table-block, table-block).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slack_sdk.models.blocks import MarkdownTextObject, RawTextObject, SectionBlock, TableBlock

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body

POINTS = 12
"The most bars of a chart. Slack takes 20, but people cannot read more than a dozen."
LABEL = 20
"The most characters of a label that Slack takes; the table beside a chart has the whole name."
ROWS = 60
"The most rows of a table, so that it stays below the characters of one message."


@dataclass(frozen=True, slots=True)
class Mention:
    """A cell that shows the name of a person or a channel."""

    kind: Literal["user", "channel"]
    slack_id: str


@dataclass(frozen=True, slots=True)
class ChartTable:
    """Figures in rows, as texts and as numbers."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | Mention, ...], ...]
    values: tuple[tuple[float | None, ...], ...]
    "The number in each cell, by which a native table sorts; None for a text."


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
        names: the untrusted names below the points, at most 20; long ones are shortened.
        data: the values by the name of their series: at most 6 series, named by us, with one value for each name.
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
    """Return a native table, which readers can sort, filter and page."""
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
    """Return a table in the older form, which every Slack client shows."""
    return TableBlock(rows=[[_shown(text) for text in row] for row in (table.header, *table.rows)]).to_dict()


def fields(facts: Mapping[str, str | None]) -> Block:
    """Return figures under their names, two in a row and at most ten; figures that are None are left out."""
    known = [MarkdownTextObject(text=f"*{name}*\n{fact}") for name, fact in facts.items() if fact is not None]
    return SectionBlock(fields=known).to_dict()


def body(heading: Sequence[Block], rest: Sequence[Block]) -> Body:
    """Return a message of blocks, with the text of the first, a section, as its notification."""
    return mrkdwn.body(heading[0]["text"]["text"], [*heading, *rest])


def shortened(name: str, most: int) -> str:
    """Return a name in at most this many characters: cut after a word, or in its middle if the word is too long."""
    if len(name) <= most:
        return name
    at = name.rfind(" ", most // 2, most)
    if at > 0:
        return f"{name[:at].rstrip()}…"
    tail = (most - 1) // 2
    return f"{name[: most - 1 - tail]}…{name[len(name) - tail :]}"


def cell(text: str) -> str:
    """Return text for a place without markup, on one line."""
    return mrkdwn.clamp(" ".join(mrkdwn.visible(text).split()), 60) or mrkdwn.NO_WORDS


def _shown(text: str | Mention) -> dict[str, Any]:
    if isinstance(text, str):
        return RawTextObject(text=cell(text)).to_dict()
    element = {"type": text.kind, f"{text.kind}_id": text.slack_id}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}


def _labels(names: Sequence[str]) -> list[str]:
    """Return short labels, all different, because Slack identifies a bar by its label."""
    labels: list[str] = []
    for name in names:
        label = shortened(cell(name), LABEL)
        number = 1
        while label in labels:
            number += 1
            label = f"{shortened(cell(name), LABEL - 4)} {number}"
        labels.append(label)
    return labels
