"""The block that Slack's composer adds to a message: its text again, as `rich_text`."""

import html
import re

from bot.sandbox.slack.seed import Json

_CONTROL = re.compile(r"<([^<>]*)>")


def blocks(text: str) -> list[Json]:
    """Return the block for a text in Slack's markup."""
    elements, last = [], 0
    for found in _CONTROL.finditer(text):
        elements += [_text(text[last : found.start()]), _element(found[1])]
        last = found.end()
    elements.append(_text(text[last:]))
    section = {"type": "rich_text_section", "elements": [one for one in elements if one.get("text") != ""]}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def table(rows: tuple[tuple[str, ...], ...]) -> Json:
    """Return the attachment for a pasted table; no text field holds its content."""
    shown = [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]
    return {"id": 1, "fallback": "[no preview available]", "blocks": [{"type": "table", "rows": shown}]}


def _text(markup: str) -> Json:
    return {"type": "text", "text": html.unescape(markup)}


def _element(control: str) -> Json:
    target, _, label = control.partition("|")
    match target[:1]:
        case "@":
            return {"type": "user", "user_id": target[1:]}
        case "#":
            return {"type": "channel", "channel_id": target[1:]}
        case "!" if target.startswith("!subteam^"):
            return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
        case "!":
            return {"type": "broadcast", "range": target[1:]}
        case _:
            link = {"type": "link", "url": html.unescape(target)}
            return {**link, "text": html.unescape(label)} if label else link
