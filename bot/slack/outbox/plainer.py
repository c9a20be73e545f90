"""Simpler forms of a message, for when Slack refuses its blocks.

Invariant: a simpler form adds no words, no mention and no link to the one before it. Thumbs are dropped first; the
words of blocks and their buttons are dropped last.
"""

from collections.abc import Iterator, Sequence

from bot import markup
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.store.outbox.messages import AFTERWARDS, UNNAMED

PLAINER = "plainer"
"Key in a body: the blocks to use instead when Slack refuses charts and tables."
CUT = "\n_Cut here: Slack takes no more of it in one message._"
SHORTEST = 200
"The fewest characters to which a text is halved: a shorter one would say something else."
_SILENT = frozenset({"actions", "context_actions", "divider"})
_WORDED = frozenset({"header", "section", "context", "markdown", "container"})


def forms(body: Body) -> Iterator[Body]:
    """Yield a body in every form, the fullest first."""
    shown = {key: value for key, value in body.items() if key not in (PLAINER, AFTERWARDS, UNNAMED)}
    yield shown
    blocks = shown.pop("blocks", None)
    if not blocks:
        return
    words, buttons = list(_words(blocks)), list(_buttons(blocks))
    known = all(block["type"] in _WORDED | _SILENT for block in blocks)
    if PLAINER in body:
        yield {**shown, **body[PLAINER]}
    elif known and words:
        yield {**shown, "blocks": [*_packed(words), *buttons]}
    whole = "\n".join(words) if known and words else shown["text"]
    if buttons:
        yield {**shown, "blocks": [_unmarked(whole), *buttons]}
    yield {**shown, "text": mrkdwn.clamp(whole, mrkdwn.NOTICE)}


def halved(body: Body) -> Body | None:
    """Return a body with half of its text and all of its blocks; None when it cannot be shorter."""
    text = body["text"].removesuffix(CUT)
    if len(text) <= (1 if body.get("blocks") else SHORTEST):
        return None
    return {**body, "text": cut(body, mrkdwn.clamp(text, len(text) // 2))}


def cut(body: Body, text: str) -> str:
    """Return a shortened text for a body; without blocks, people read it, so it says that it was cut."""
    return text if body.get("blocks") else text + CUT


def _words(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the words of blocks as mrkdwn, block by block."""
    for block in blocks:
        match block["type"]:
            case "header":
                yield f"*{mrkdwn.escape(block['text']['text'])}*"
            case "section":
                yield from (_text(one) for one in (block.get("text"), *block.get("fields", ())) if one)
            case "context":
                yield " ".join(_text(one) for one in block["elements"] if "text" in one)
            case "markdown":
                yield from mrkdwn.split(mrkdwn.escape(markup.decoded(block["text"])), mrkdwn.SECTION_CHARACTERS)
            case "container":
                yield f"*{_text(block['title'])}*"
                yield from _words(block["child_blocks"])


def _buttons(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the buttons of blocks; a button beside a text becomes a row of its own."""
    for block in blocks:
        if block["type"] == "actions":
            yield block
        elif "accessory" in block:
            yield {"type": "actions", "elements": [block["accessory"]]}


def _unmarked(text: str) -> Block:
    """Return a section without markup, which Slack could refuse, and with addresses written out."""
    plain = mrkdwn.clamp(mrkdwn.visible(markup.plain(text, str)), mrkdwn.SECTION_CHARACTERS)
    return {"type": "section", "text": {"type": "plain_text", "text": plain, "emoji": False}}


def _text(composed: Block) -> str:
    text = str(composed["text"])
    return text if composed["type"] == "mrkdwn" else mrkdwn.escape(text)


def _packed(words: Sequence[str]) -> Iterator[Block]:
    """Yield words in as few sections as possible, up to the limit of one message."""
    section, left = "", mrkdwn.LONGEST
    for one in words:
        text = mrkdwn.clamp(one, left)
        if section and len(section) + len(text) >= mrkdwn.SECTION_CHARACTERS:
            yield mrkdwn.section(section)
            section = ""
        section += f"\n{text}" if section else text
        left -= len(text) + 1
        if left <= 1:
            break
    if section:
        yield mrkdwn.section(section)
