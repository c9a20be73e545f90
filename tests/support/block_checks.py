"""Hostile texts, and the checks that every body must pass whatever it was built from."""

import json
import re
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from bot.principals import CHANNEL_ID, GROUP_ID, USER_ID
from bot.sandbox.slack import blocks as slack
from bot.slack.outbox import enclosures

MESSAGE_CHARACTERS = 13_000
MESSAGE_BLOCKS = 50

NASTY = (
    "",
    "   \n\t ",
    "x" * 40_000,
    "word " * 8_000,
    "&" * 40_000,
    "<" * 40_000,
    "\n" * 40_000,
    "line\n" * 8_000,
    "😀" * 40_000,
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "<b>bold</b><script>alert(1)</script><img src=x onerror=alert(1)>",
    "<!channel> <!here> <!everyone> <!subteam^S123|@it> <@U0VICTIM> <#C0HELP|help> @channel @here",
    "&lt;!channel&gt; &amp;lt;!channel&amp;gt;",
    "<https://evil.example|Your bank> https://evil.example <mailto:a@b.c|mail> [safe](https://evil.example)",
    "[safe][1]\n\n[1]: https://evil.example\n![pixel](https://evil.example/?q=secret)",
    "*_~`bold`~_* ```never closed\n>>> quoted\n> *Priya* 14:05\n• done",
    "*<@U0PRIYA>* <!date^1^{time}|now>\n> approved",
    "zero\x00 bell\x07 \u202etxet desrever\u202c lone \ud800 surrogate \r\n next \r next",
    "||| a | b |\n|---|---|\n| 1 | 2 |",
)

tried = settings(max_examples=60, deadline=None)
"How often a property is tried; no deadline, since the machine may be busy."

texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(alphabet=st.characters(codec=None), max_size=300),
    st.lists(
        st.sampled_from(["<", ">", "&", "&lt;", "!channel", "@U0VICTIM", "|", "](", "[", "http://a.b", "\n", " ", "x"])
    ).map("".join),
    st.builds(lambda part, times: part * times, st.text(min_size=1, max_size=5), st.integers(1, 9_000)),
).filter(lambda text: not re.fullmatch(f"{USER_ID}|{CHANNEL_ID}|{GROUP_ID}", text))
"Text such as people, tools and models write, and worse; an id would rightly be a mention where ids are expected."

_TOKEN = re.compile(r"<[^<>]*>")
_HARMLESS = re.compile(r"<!date\^[^<>]*>|<https?://[^<>|]*>", re.IGNORECASE)
"A moment, and an address that is shown as it is."

marked_texts = st.one_of(
    texts,
    st.lists(
        st.sampled_from(["List<@NonNull T>", "it@here.com", "&lt;", "&amp;amp;", "<!here|x>", "<@U0DANA>", "<#C0OPS|>"])
        | st.text(alphabet="<>&@|!#^:; /abU0\n", max_size=12)
    ).map("".join),
)
"What people type, with whatever Slack's markup is made of."


def check(body: dict[str, Any], *, ours: tuple[str, ...] = ()) -> None:
    """Assert that Slack would take a body and that only we made mentions and links in it.

    Args:
        body: what a builder returned.
        ours: mentions and links that the builder was asked for.
    """
    if "file" in body:  # it stands for blocks; nothing in plain text mentions anybody
        assert set(body) == {"text", "file"}
        assert 0 < len(body["file"]["content"]) <= enclosures.LONGEST
        return
    assert set(body) <= {"text", "blocks", "reply_broadcast", "as_user"}
    assert body["text"].strip()
    assert len(body["text"]) <= 12_000
    assert slack.complaints(body["blocks"], slack.MESSAGE) == []
    assert slack.characters(body["blocks"]) <= MESSAGE_CHARACTERS
    assert _count(body["blocks"]) <= MESSAGE_BLOCKS
    json.dumps(body, ensure_ascii=False).encode()
    for text in (body["text"], *_texts(body["blocks"], "mrkdwn")):
        tokens = {token for token in _TOKEN.findall(text) if not _HARMLESS.fullmatch(token)}
        assert tokens <= set(ours), text[:300]
    assert '"verbatim": false' not in json.dumps(body["blocks"]), "Slack would make mentions and links of its own"
    for block in body["blocks"]:
        if block["type"] == "markdown":
            assert "<" not in block["text"]
            assert not re.search(r"(?<!\w)@(channel|here|everyone)\b", block["text"])
            assert not re.search(r"\][(\[:]", block["text"])


def check_shown(message: dict[str, Any]) -> None:
    """Assert that a message which Slack shows is within its limits, its ids and edits left aside."""
    assert slack.complaints(message["blocks"], slack.MESSAGE) == []
    assert slack.characters(message["blocks"]) <= MESSAGE_CHARACTERS
    assert _count(message["blocks"]) <= MESSAGE_BLOCKS
    assert 0 < len(message["text"]) <= 12_000


def shown(body: dict[str, Any]) -> str:
    """Return every text of a body's blocks, one a line, as mrkdwn."""
    return "\n".join(_texts(body["blocks"], None))


def _texts(value: Any, kind: str | None) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, kind)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) and kind in (None, value.get("type")) else []
    return own + [text for item in value.values() for text in _texts(item, kind)]


def _count(blocks: list[dict[str, Any]]) -> int:
    return sum(1 + _count(block.get("child_blocks", [])) for block in blocks)


def only_block(body: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the one block of a kind."""
    (found,) = [one for one in body["blocks"] if one["type"] == kind]
    return dict(found)
