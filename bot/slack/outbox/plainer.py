"""What is said where Slack refuses how it is shown: the same in plainer forms, what matters last.

Invariant: a form says nothing that the one before did not, and makes no mention and no link that it did not make. The
words of blocks and their buttons go last; thumbs go first.
"""

from collections.abc import Iterator, Sequence

from bot import markup
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.store.outbox.messages import AFTERWARDS

PLAINER = "plainer"
"In a body: what takes the place of its blocks where Slack refuses charts and tables."
CUT = "\n_Cut here: Slack takes no more of it in one message._"
SHORTEST = 200
"Characters to which words are halved: less of them would say something else."
_SILENT = frozenset({"actions", "context_actions", "divider"})
_WORDED = frozenset({"header", "section", "context", "markdown", "container"})


def forms(body: Body) -> Iterator[Body]:
    """Yield a body in every form in which it can be said, the fullest first."""
    shown = {key: value for key, value in body.items() if key not in (PLAINER, AFTERWARDS)}
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
    """Return a body with half of its text, and with all of its blocks; None where no more can go."""
    text = body["text"].removesuffix(CUT)
    if len(text) <= (1 if body.get("blocks") else SHORTEST):
        return None
    return {**body, "text": cut(body, mrkdwn.clamp(text, len(text) // 2))}


def cut(body: Body, text: str) -> str:
    """Return a shortened text as a body bears it: it is said that it is, where the text is what people read."""
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
    """Yield the buttons of blocks, those beside a text in a row of their own."""
    for block in blocks:
        if block["type"] == "actions":
            yield block
        elif "accessory" in block:
            yield {"type": "actions", "elements": [block["accessory"]]}


def _unmarked(text: str) -> Block:
    """Return a section without any markup that could be refused, addresses spelled out."""
    said = mrkdwn.clamp(mrkdwn.visible(markup.plain(text, str)), mrkdwn.SECTION_CHARACTERS)
    return {"type": "section", "text": {"type": "plain_text", "text": said, "emoji": False}}


def _text(composed: Block) -> str:
    said = str(composed["text"])
    return said if composed["type"] == "mrkdwn" else mrkdwn.escape(said)


def _packed(words: Sequence[str]) -> Iterator[Block]:
    """Yield words in as few sections as hold them, and no more of them than one message does."""
    section, left = "", mrkdwn.LONGEST
    for one in words:
        said = mrkdwn.clamp(one, left)
        if section and len(section) + len(said) >= mrkdwn.SECTION_CHARACTERS:
            yield mrkdwn.section(section)
            section = ""
        section += f"\n{said}" if section else said
        left -= len(said) + 1
        if left <= 1:
            break
    if section:
        yield mrkdwn.section(section)
