"""Text and figures on their way into Slack.

Invariant: text of people, of tools and of the model never makes a mention, and never a link that
hides where it leads, and is read as it was written. Our own words are mrkdwn; everything else is plain text and goes
through `escape`, `line`, `quote` or `markdown` first, once.

Limits: docs.slack.dev/reference/block-kit/blocks (a section holds 3,000 characters, a message 50
blocks); about 13,000 characters over all blocks of a message, found by measuring.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from slack_sdk.models.blocks import ContextBlock, MarkdownTextObject, PlainTextObject, SectionBlock

from bot.principals import EVALUATION_USER, GROUP_ID, USER_ID

Block = dict[str, Any]
Body = dict[str, Any]
"Arguments of a Web API call: `text` always, `blocks`, sometimes `username` and `icon_url`."

SECTION_CHARACTERS = 2_900
"What we put into one section; Slack takes 3,000."
LONGEST = 11_000
"Characters of one text over the blocks of one message."
NOTICE = 12_000
"Characters of a body's `text`: what notifications say, screen readers read, and transcripts repeat."
LONGEST_LINK = 400
"Characters of an address; Slack's own have half of that, and small print holds five."
NO_WORDS = "(no words)"
EVALUATIONS = "evaluations"
"What people read where calls were made for none of them."
TIME = "{date_short_pretty} at {time}"

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BROADCAST = re.compile(r"(?<!\w)@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<!\w)https?://(?:&amp;|[^\s<>|&])+(?<![.,:;!?)\]'\"*_~])", re.IGNORECASE)
"In escaped text; what a sentence puts behind an address is none of it."
_CUT_ENTITY = re.compile(r"&(?:l|lt|g|gt|a|am|amp)?$")
_SENTENCE_END = re.compile(r"[.!?](?= )|[\u3002\uff01\uff1f]")
_MARKDOWN_LINK = re.compile(r"\](?=[(\[:])")
_GROUP = re.compile(GROUP_ID)
_USER = re.compile(rf"(?:<@)?({USER_ID})(?:\|[^<>]*)?>?")


def visible(text: str) -> str:
    """Return plain text without what cannot be seen."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def escape(text: str) -> str:
    """Return untrusted plain text for use in mrkdwn, where it reads as it is: it can neither mention nor link."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(text: str, limit: int) -> str:
    """Return untrusted text for use in mrkdwn, on one line of at most this many characters."""
    return clamp(" ".join(escape(text).split()), limit) or NO_WORDS


def quote(text: str) -> str:
    """Return untrusted text as a quotation: no line of it can pass for one of ours."""
    return "> " + (escape(text) or NO_WORDS).replace("\n", "\n> ")


def markdown(text: str) -> str:
    """Return untrusted Markdown that neither mentions nor hides an address behind other words."""
    shown = _BROADCAST.sub("@\N{WORD JOINER}", visible(text).replace("<", "&lt;"))
    return _MARKDOWN_LINK.sub("] ", shown)


def addressed(escaped: str) -> str:
    """Return escaped text whose web addresses can be followed, each shown as it is."""
    return _ADDRESS.sub(r"<\g<0>>", escaped)


def mention(user: str) -> str:
    """Return the mention of a Slack user id (or of a mention of one); anything else stays words."""
    found = _USER.fullmatch(user)
    if found is None:
        return line(user, 80)
    return EVALUATIONS if found[1] == EVALUATION_USER else f"<@{found[1]}>"


def group(called: str) -> str:
    """Return the mention of a user group's id, or of a person's."""
    return f"<!subteam^{called}>" if _GROUP.fullmatch(called) else mention(called)


def openable(link: str) -> bool:
    """Return whether an address may stand behind words of ours."""
    plain_address = (
        link.startswith(("https://", "http://")) and not set(link) & set("<>| \n") and not _UNSEEN.search(link)
    )
    return plain_address and len(link) <= LONGEST_LINK


def linked(name: str, link: str | None) -> str:
    """Return the name of a file, with where it is in Slack."""
    shown = line(name, 100).replace("|", "/")
    return f"<{link}|{shown}>" if link is not None and openable(link) else shown


def date(at: datetime, form: str = TIME) -> str:
    """Return a moment that every reader sees in their own time zone."""
    return f"<!date^{int(at.timestamp())}^{form}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def dollars(nusd: int, decimals: int | None = None) -> str:
    """Say an amount of nano-US-dollars: cents from a dollar on, two digits that count below; never $0 for something.

    Args:
        nusd: the amount.
        decimals: how many it has, as `places` gives for amounts that stand together; None: as many as it needs.
    """
    amount = Decimal(nusd).scaleb(-9)
    return f"{'-' if nusd < 0 else ''}${abs(amount):,.{places((nusd,)) if decimals is None else decimals}f}"


def places(amounts: Iterable[int]) -> int:
    """Return how many decimals amounts of nano-US-dollars have that stand in one column: the same for all of them."""
    exact = [Decimal(nusd).scaleb(-9) for nusd in amounts if nusd]
    most = max((2 if abs(one) >= 1 else max(4, 1 - one.adjusted()) for one in exact), default=2)
    rounded = [round(one, most) for one in exact]
    return next(few for few in range(2, most + 1) if all(round(one, few) == one for one in rounded))


def percent(part: int, whole: int) -> str:
    """Say a share in whole per cent, rounded down; of something it is never `0 %`."""
    share = 100 * part // whole
    return "under 1 %" if part and not share else f"{share:,} %"


def clamp(text: str, limit: int) -> str:
    """Cut text to this many characters, the ellipsis included, never inside an entity."""
    if len(text) <= limit:
        return text
    return _CUT_ENTITY.sub("", text[: limit - 1]).rstrip() + "…"


def brief(text: str, limit: int) -> str:
    """Return plain text on one line that is at most so wide, cut where a sentence or a word ends; not yet escaped.

    Args:
        text: untrusted plain text.
        limit: letters of the width of Latin ones, the ellipsis included; those of Chinese or Japanese count twice.
    """
    whole = " ".join(visible(text).split())
    width, end = 0, 0
    for sign in whole:
        width += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        end += width < limit - 1
    if width <= limit:
        return whole
    room = whole[:end]
    ends = [found.end() for found in _SENTENCE_END.finditer(room)]
    if ends and ends[-1] >= end // 2:
        return f"{room[: ends[-1]]} …"
    return (room[: room.rfind(" ")] if " " in room[end // 2 :] else room).rstrip() + "…"


def split(text: str, limit: int) -> list[str]:
    """Cut text into pieces of at most this many characters that make it whole again when joined."""
    pieces = []
    while len(text) > limit:
        at = text.rfind("\n", limit // 2, limit) + 1 or text.rfind(" ", limit // 2, limit) + 1 or limit
        entity = _CUT_ENTITY.search(text[:at])
        at = entity.start() if entity else at
        pieces.append(text[:at])
        text = text[at:]
    return [*pieces, text] if text else pieces


def split_quote(quotation: str, limit: int) -> list[str]:
    """Cut a quotation into pieces of at most this many characters, each a quotation again."""
    return [piece if piece.startswith("> ") else f"> {piece}" for piece in split(quotation, limit - 2)]


def said(text: str) -> Body:
    """Return a message of one section of mrkdwn."""
    return body(text, [section(text)])


def body(text: str, blocks: list[Block]) -> Body:
    """Return a message of blocks, with the text that notifications say."""
    return {"text": clamp(text, NOTICE), "blocks": blocks}


def section(text: str) -> Block:
    """Return a section that shows mrkdwn in full; being verbatim it gets no links or mentions of Slack's own making."""
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True), expand=True).to_dict()


def modal(
    callback_id: str, row_id: int, title: str, submit: str | None, blocks: list[Block], *, close: str = "Cancel"
) -> Block:
    """Return the view of a form about one row; without a `submit` there is nothing to send."""
    sent = {} if submit is None else {"submit": PlainTextObject(text=submit).to_dict()}
    return {  # a plain dict: slack_sdk's View drops blocks that it does not know
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": str(row_id),
        "title": PlainTextObject(text=title).to_dict(),
        **sent,
        "close": PlainTextObject(text=close).to_dict(),
        "blocks": blocks,
    }


def context(text: str) -> Block:
    """Return a line of small print."""
    return ContextBlock(elements=[MarkdownTextObject(text=text, verbatim=True)]).to_dict()
