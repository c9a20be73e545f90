"""Text and figures in the form that Slack shows.

Invariant: text of people, of tools and of the model is shown as it was written, and never makes a mention or a link
that hides its address. Our own words are mrkdwn; everything else is plain text and goes once through `escape`, `line`,
`quote` or `markdown`.

Limits: docs.slack.dev/reference/block-kit/blocks (a section holds 3,000 characters, a message 50 blocks); a message
holds about 13,000 characters over all blocks, as measured.
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
"Arguments of a Web API call: always `text`, mostly `blocks`, sometimes `username` and `icon_url`."

SECTION_CHARACTERS = 2_900
"The most characters that we put into one section; Slack takes 3,000."
LONGEST = 11_000
"The most characters of one text over the blocks of one message."
NOTICE = 12_000
"The most characters of a body's `text`, which notifications, screen readers and transcripts use."
LONGEST_LINK = 400
"The most characters of an address: Slack's own have half of that, and small print holds five addresses."
NO_WORDS = "(no words)"
EVALUATIONS = "evaluations"
"Shown instead of a name for calls that were made for no person."
TIME = "{date_short_pretty} at {time}"

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BROADCAST = re.compile(r"(?<!\w)@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<!\w)https?://(?:&amp;|[^\s<>|&])+(?<![.,:;!?)\]'\"*_~])", re.IGNORECASE)
"A web address in escaped text, without the punctuation of a sentence behind it."
_CUT_ENTITY = re.compile(r"&(?:l|lt|g|gt|a|am|amp)?$")
_SENTENCE_END = re.compile(r"[.!?](?= )|[\u3002\uff01\uff1f]")
_MARKDOWN_LINK = re.compile(r"\](?=[(\[:])")
_GROUP = re.compile(GROUP_ID)
_USER = re.compile(rf"(?:<@)?({USER_ID})(?:\|[^<>]*)?>?")


def visible(text: str) -> str:
    """Return plain text without invisible characters."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def escape(text: str) -> str:
    """Return untrusted plain text for use in mrkdwn, unchanged for its readers: it can neither mention nor link."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(text: str, limit: int) -> str:
    """Return untrusted text for use in mrkdwn, on one line of at most this many characters."""
    return clamp(" ".join(escape(text).split()), limit) or NO_WORDS


def quote(text: str) -> str:
    """Return untrusted text as a quotation, so that no line of it can pass for one of ours."""
    return "> " + (escape(text) or NO_WORDS).replace("\n", "\n> ")


def markdown(text: str) -> str:
    """Return untrusted Markdown that neither mentions nor hides an address behind other words."""
    shown = _BROADCAST.sub("@\N{WORD JOINER}", visible(text).replace("<", "&lt;"))
    return _MARKDOWN_LINK.sub("] ", shown)


def addressed(escaped: str) -> str:
    """Return escaped text with its web addresses as links, each shown in full."""
    return _ADDRESS.sub(r"<\g<0>>", escaped)


def mention(user: str) -> str:
    """Return the mention of a Slack user id, or of a mention of one; anything else is returned as text."""
    found = _USER.fullmatch(user)
    if found is None:
        return line(user, 80)
    return EVALUATIONS if found[1] == EVALUATION_USER else f"<@{found[1]}>"


def group(called: str) -> str:
    """Return the mention of a user group's id, or of a person's."""
    return f"<!subteam^{called}>" if _GROUP.fullmatch(called) else mention(called)


def openable(link: str) -> bool:
    """Return whether an address may be the target of a link with our own words."""
    plain_address = (
        link.startswith(("https://", "http://")) and not set(link) & set("<>| \n") and not _UNSEEN.search(link)
    )
    return plain_address and len(link) <= LONGEST_LINK


def linked(name: str, link: str | None) -> str:
    """Return the name of a file as a link to it in Slack, if there is an address."""
    shown = line(name, 100).replace("|", "/")
    return f"<{link}|{shown}>" if link is not None and openable(link) else shown


def date(at: datetime, form: str = TIME) -> str:
    """Return a moment that every reader sees in their own time zone."""
    return f"<!date^{int(at.timestamp())}^{form}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def dollars(nusd: int, decimals: int | None = None) -> str:
    """Return an amount in US dollars: with cents from a dollar on, with two significant digits below.

    Args:
        nusd: the amount in nano-USD.
        decimals: the number of decimals, as `places` gives it for a column; None for as many as it needs.
    """
    amount = Decimal(nusd).scaleb(-9)
    return f"{'-' if nusd < 0 else ''}${abs(amount):,.{places((nusd,)) if decimals is None else decimals}f}"


def places(amounts: Iterable[int]) -> int:
    """Return the number of decimals for amounts of nano-USD in one column."""
    exact = [Decimal(nusd).scaleb(-9) for nusd in amounts if nusd]
    most = max((2 if abs(one) >= 1 else max(4, 1 - one.adjusted()) for one in exact), default=2)
    rounded = [round(one, most) for one in exact]
    return next(few for few in range(2, most + 1) if all(round(one, few) == one for one in rounded))


def percent(part: int, whole: int) -> str:
    """Return a share in whole per cent, rounded down; a share above zero is never `0 %`."""
    share = 100 * part // whole
    return "under 1 %" if part and not share else f"{share:,} %"


def clamp(text: str, limit: int) -> str:
    """Cut text to this many characters, the ellipsis included, never inside an entity."""
    if len(text) <= limit:
        return text
    return _CUT_ENTITY.sub("", text[: limit - 1]).rstrip() + "…"


def brief(text: str, limit: int) -> str:
    """Return plain text on one line of limited width, cut at the end of a sentence or a word; it is not escaped.

    Args:
        text: untrusted plain text.
        limit: the width in Latin letters, the ellipsis included; Chinese and Japanese letters count twice.
    """
    whole = " ".join(visible(text).split())
    width, end = 0, 0
    for sign in whole:
        width += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if width > limit:  # texts may be long, and the rest is cut anyway
            break
        end += width < limit - 1
    if width <= limit:
        return whole
    room = whole[:end]
    ends = [found.end() for found in _SENTENCE_END.finditer(room)]
    if ends and ends[-1] >= end // 2:
        return f"{room[: ends[-1]]} …"
    return (room[: room.rfind(" ")] if " " in room[end // 2 :] else room).rstrip() + "…"


def split(text: str, limit: int) -> list[str]:
    """Cut text into pieces of at most this many characters; joined, they are the text again."""
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


def message(text: str) -> Body:
    """Return a message of one section of mrkdwn."""
    return body(text, [section(text)])


def body(text: str, blocks: list[Block]) -> Body:
    """Return a message of blocks, with the text for notifications."""
    return {"text": clamp(text, NOTICE), "blocks": blocks}


def section(text: str) -> Block:
    """Return a section that shows all of some mrkdwn; it is verbatim, so Slack adds no links or mentions."""
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True), expand=True).to_dict()


def plain(text: str) -> Block:
    """Return a section of plain text: nothing in it is a link, a mention, an emoji or markup."""
    shown = clamp(visible(text), SECTION_CHARACTERS) or NO_WORDS
    return SectionBlock(text=PlainTextObject(text=shown, emoji=False), expand=True).to_dict()


def modal(
    callback_id: str, row_id: int, title: str, submit: str | None, blocks: list[Block], *, close: str = "Cancel"
) -> Block:
    """Return the view of a form about one row; without `submit` it has no button to send it."""
    sent = {} if submit is None else {"submit": PlainTextObject(text=submit).to_dict()}
    return {  # a plain dict: in slack_sdk's View a block that it does not know is null
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
