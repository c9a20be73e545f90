"""Reads the words in the blocks of a message, which may hold more than its text. Pure.

Slack's own composer writes what was typed into `text` and again into a `rich_text` block. Apps may write a message in
blocks alone, and a pasted table is only in a block of its own.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bot import markup
from bot.markup import Name

Json = dict[str, Any]

DEEPEST = 8
"The most levels of nested blocks that are read; Slack's own have five."
MOST_ROWS, MOST_CELLS = 100, 20
"The most rows of a table and cells of a row; Slack takes no more."


def words(blocks: object, name: Name) -> list[str]:
    """Return the texts of the blocks of a message, without tables: one for each block, or each field of a section."""
    return [text for block in objects(blocks) for text in _block(block, name) if text.strip()]


def leaves(blocks: object) -> Iterator[str]:
    """Yield the typed words in blocks, without mentions, emoji and dates."""
    for block in objects(blocks):
        yield from _leaves(block, DEEPEST)


def tables(blocks: object, name: Name) -> list[str]:
    """Return the tables in blocks, a line for each row."""
    return [shown for block in objects(blocks) if block.get("type") == "table" and (shown := _table(block, name))]


def objects(value: object) -> list[Json]:
    """Return the objects in a list; an empty list for any other value."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Return a text; an empty one for any other value."""
    return value if isinstance(value, str) else ""


def _block(block: Json, name: Name) -> Iterator[str]:
    match block.get("type"):
        case "rich_text":
            yield "\n".join(_part(part, name, DEEPEST) for part in objects(block.get("elements")))
        case "section" | "header":
            fields = objects(block.get("fields"))
            yield from (_composed(one, name) for one in (block.get("text"), *fields))
        case "context":
            yield " ".join(filter(None, (_composed(one, name) for one in objects(block.get("elements")))))
        case "markdown":
            yield text_of(block.get("text"))


def _composed(composed: object, name: Name) -> str:
    """Return the words of a text object."""
    if not isinstance(composed, dict):
        return ""
    text = text_of(composed.get("text"))
    return markup.plain(text, name) if composed.get("type") == "mrkdwn" else text


def _part(part: Json, name: Name, deepest: int) -> str:
    """Return one part of a rich text as its author would have typed it."""
    if deepest == 0:
        return ""
    elements = objects(part.get("elements"))
    match part.get("type"):
        case "rich_text_list":
            return "\n".join(f"\N{BULLET} {_part(item, name, deepest - 1)}" for item in elements)
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in _run(elements, name).split("\n"))
        case "rich_text_preformatted":
            return f"```{_run(elements, name)}```"
        case _:
            return _run(elements, name)


def _run(elements: Sequence[Json], name: Name) -> str:
    return "".join(_leaf(one, name) for one in elements)


def _leaf(leaf: Json, name: Name) -> str:
    match leaf.get("type"):
        case "link":
            return markup.link(text_of(leaf.get("url")), text_of(leaf.get("text")))
        case "user":
            return markup.person(text_of(leaf.get("user_id")), name)
        case "channel":
            return markup.channel(text_of(leaf.get("channel_id")), name)
        case "usergroup":
            return "a group"
        case "broadcast":
            return f"@{text_of(leaf.get('range'))}"
        case "emoji":
            return f":{text_of(leaf.get('name'))}:"
        case "date":
            return text_of(leaf.get("fallback"))
        case _:
            return text_of(leaf.get("text"))


def _leaves(block: Json, deepest: int) -> Iterator[str]:
    text = block.get("text")
    if isinstance(text, str):
        yield markup.plain(text) if block.get("type") == "mrkdwn" else text
    if deepest:
        nested = [text, *objects(block.get("elements")), *objects(block.get("fields"))]
        for one in objects(nested):
            yield from _leaves(one, deepest - 1)


def _table(block: Json, name: Name) -> str:
    rows = block.get("rows")
    lines = [
        " | ".join(_cell(cell, name) for cell in objects(row)[:MOST_CELLS])
        for row in (rows[:MOST_ROWS] if isinstance(rows, list) else ())
    ]
    return "\n".join(line for line in lines if line.strip(" |"))


def _cell(cell: Json, name: Name) -> str:
    texts = words([cell], name) if cell.get("type") == "rich_text" else [_number(cell)]
    return " ".join(" ".join(texts).split())


def _number(cell: Json) -> str:
    value = cell.get("value")
    return text_of(cell.get("text")) or (str(value) if isinstance(value, int | float) else "")
