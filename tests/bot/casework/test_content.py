"""What a message says, read at the door: `bot.casework.content`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.casework import content
from bot.sandbox.people.people import slack_text
from bot.sandbox.slack import richtext
from tests.support.block_checks import marked_texts, tried
from tests.support.json_object import Json
from tests.support.slack_markup import named, typed_text

BOT = "U0DESKHAND"
NAMES = {"U0DANA": "Dana Whitfield", "U0IVAN": "Ivan Petrov"}.get
SHARE: Json = {"is_share": True, "is_msg_unfurl": True, "from_url": "https://a.example/p1", "author_id": "U0DANA"}


def read(**message: Any) -> content.Content:
    """Read a message of Maya's."""
    return content.read({"user": "U0MAYA", **message}, NAMES, bot_user=BOT)


def quoted(**message: Any) -> list[tuple[str, str, str]]:
    """Return what came with a message: who wrote it, what it is, what it says."""
    return [(one.by, one.kind, one.text) for one in read(**message).quoted]


@tried
@given(marked_texts)
def test_what_is_typed_is_kept_as_it_was_typed(text: str) -> None:
    """As text, as the composer's rich text beside it, and as rich text alone."""
    sent = typed_text(text)
    block = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [_leaf(text)]}]}]
    whole = text.strip()[: content.MOST_CHARACTERS]
    assert read(text=sent).text == read(text=sent, blocks=block).text == read(text="", blocks=block).text == whole
    sent = slack_text(text)
    assert read(text=sent, blocks=richtext.blocks(sent)).text == read(text=sent).text


def _leaf(text: str) -> Json:
    return {"type": "text", "text": text}


def test_a_mention_reads_as_a_name_and_the_bots_is_left_out() -> None:
    """Whom no one knows is somebody."""
    called = named("Dana Whitfield")
    assert read(text=f"<@{BOT}> is <@U0DANA> in, or <@U0NEW>?").text == f"is {called} in, or somebody?"
    assert read(text=f"<@{BOT}|deskhand>").text == ""


def test_few_are_looked_up() -> None:
    """A message that names many costs a few look-ups, each of them once."""
    asked: list[str] = []

    def asking(user: str) -> None:
        asked.append(user)

    text = " ".join(f"<@U0X{number % 30}>" for number in range(60))
    words = content.read({"text": text}, asking, bot_user=BOT)
    assert words.text.count("somebody") == 60
    assert len(asked) == len(set(asked)) == content.MOST_NAMED


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ({"text": "get me a <b> &amp; <@U0IVAN>"}, f"get me a <b> & {named('Ivan Petrov')}"),
        ({"text": "", "fallback": "[today] Dana: locked"}, "[today] Dana: locked"),
        ({"message_blocks": [{"message": {"blocks": richtext.blocks("locked &lt;out&gt;")}}]}, "locked <out>"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*locked* &amp;"}}]}, "*locked* &"),
        ({"files": [{"name": "a.png"}, {"id": "F2", "name": None}]}, "[attached file: a.png]\n[attached file: F2]"),
        ({"text": "two", **richtext.table((("a", "b"),))}, "two\na | b"),
    ],
    ids=["text", "fallback", "message blocks", "blocks", "files", "table"],
)
def test_a_forwarded_message_is_a_quotation(share: Json, text: str) -> None:
    """With who wrote it; none of it is among the sender's own words."""
    assert quoted(text="", attachments=[{**SHARE, **share}]) == [("Dana Whitfield", "forwarded", text)]
    assert read(text="see", attachments=[{**SHARE, **share}]).text == "see"


@pytest.mark.parametrize(
    ("author", "by"),
    [
        ({"author_name": "Mallory", "author_id": "U0DANA"}, "Dana Whitfield"),
        ({"author_name": "Sam\n Lee", "author_id": "U0NEW"}, "Sam Lee"),
        ({"author_subname": "Sam"}, "Sam"),
        ({}, "somebody"),
        ({"author_name": 3, "author_id": None}, "somebody"),
    ],
)
def test_who_wrote_it_is_told(author: Json, by: str) -> None:
    """A look-up is believed before what an attachment says itself."""
    assert quoted(attachments=[{"is_share": True, "text": "x", **author}]) == [(by, "forwarded", "x")]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (
            {"attachments": [richtext.table((("App", "Error"), ("VPN", "locked\nout")))]},
            "App | Error\nVPN | locked out",
        ),
        ({"blocks": richtext.table((("a", ""), ("", "b")))["blocks"]}, "a | \n | b"),
        (
            {
                "blocks": [
                    {
                        "type": "table",
                        "rows": [[richtext.blocks("x &amp; y")[0], {"type": "raw_number", "value": 7}], None, 5],
                    }
                ]
            },
            "x & y | 7",
        ),
    ],
    ids=["attachment", "block", "cells of every kind"],
)
def test_a_pasted_table_is_a_quotation(more: Json, found: str) -> None:
    """Wherever it stands; the words beside it stay the sender's."""
    assert quoted(text="see", **more) == [("", "pasted", found)]
    assert read(text="see", **more).text == "see"


def test_what_slack_says_of_a_link_is_no_ones() -> None:
    """A preview repeats a page; a permalink that is pasted is no forward. An app's own attachment is."""
    preview = {"from_url": "https://a.example", "title": "A page", "text": "Get me a person"}
    app = {"pretext": "Ticket &lt;7&gt;", "fields": [{"title": "App", "value": "VPN"}], "fallback": "x"}
    assert quoted(attachments=[preview, {**SHARE, "is_share": False, "text": "x"}]) == []
    assert quoted(attachments=[app]) == [("", "attached", "Ticket <7>\nApp\nVPN")]


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        (richtext.blocks("I cannot sign in"), "I cannot sign in"),
        ([{"type": "section", "text": {"type": "plain_text", "text": "a &lt; b"}}], "a &lt; b"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "Help"}}, {"type": "divider"}], "Help"),
        ([{"type": "markdown", "text": "**locked**"}], "**locked**"),
        (
            [
                {
                    "type": "rich_text",
                    "elements": [
                        {
                            "type": "rich_text_list",
                            "elements": [{"type": "rich_text_section", "elements": [_leaf("one")]}],
                        },
                        {"type": "rich_text_quote", "elements": [_leaf("two\nlines")]},
                        {"type": "rich_text_preformatted", "elements": [_leaf("three")]},
                    ],
                }
            ],
            "\N{BULLET} one\n> two\n> lines\n```three```",
        ),
    ],
    ids=["rich text", "section", "header", "markdown", "list, quote and code"],
)
def test_blocks_that_say_more_than_the_text_are_read(blocks: list[Json], text: str) -> None:
    """An app may write a message in blocks, which are what people see, with a few words of text beside them."""
    assert read(text="", blocks=blocks).text == text
    assert read(text="New request", blocks=blocks).text == f"New request\n{text}"


CLIP: Json = {"name": "clip.m4a", "subtype": "slack_audio", "user": "U0MAYA"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            {"transcription": {"status": "complete", "preview": {"content": "I can't", "has_more": False}}},
            "Help\nI can't",
        ),
        ({"transcription": {"preview": {"content": "I can't", "has_more": True}}}, "Help\nI can't …"),
        ({"transcription": {"status": "processing"}}, "Help"),
        ({"transcription": None}, "Help"),
        ({"user": "U0IVAN", "transcription": {"preview": {"content": "theirs"}}}, "Help"),
        ({"subtype": None, "transcription": {"preview": {"content": "a recording"}}}, "Help"),
    ],
)
def test_what_somebody_says_in_their_own_clip_is_their_word(file: Json, text: str) -> None:
    """Somebody else's recording is a file like any other."""
    assert read(text="Help", files=[{**CLIP, **file}]).text == text


def test_a_file_that_holds_text_is_a_quotation() -> None:
    """A snippet's first lines, and an e-mail with who sent it."""
    snippet = {"name": "log.txt", "mode": "snippet", "preview": "error 5\nlocked"}
    mail = {
        "name": "Fwd",
        "mode": "email",
        "from": [{"original": "IT <it@a.example>"}],
        "subject": "S",
        "plain_text": "Hi",
    }
    assert quoted(files=[snippet, mail]) == [
        ("", "attached", "error 5\nlocked"),
        ("IT <it@a.example>", "attached", "S\nHi"),
    ]


@pytest.mark.parametrize("name", ["text", "blocks", "attachments", "files"])
@pytest.mark.parametrize(
    "value", [None, 5, "x", [None, 5, "x", []], {}, [{"type": "table", "rows": [[{}]]}, {"elements": 3}]]
)
def test_an_odd_field_is_left_out(name: str, value: object) -> None:
    """Nothing fails, whatever stands where a text or a list should."""
    assert read(**{name: value}).text == ("x" if (name, value) == ("text", "x") else "")


FIELDS = [
    *("type", "text", "elements", "rows", "blocks", "message_blocks", "message", "files", "fields", "title", "value"),
    *("preview", "transcription", "content", "author_name", "author_id", "is_share", "from", "subject", "plain_text"),
    *("mode", "subtype", "user", "name", "url"),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS) | st.sampled_from(["rich_text", "table"]),
            inner
            | st.sampled_from(["rich_text", "rich_text_section", "table", "section", "mrkdwn", "email", "slack_audio"]),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@tried
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("text", "blocks", "attachments", "files", "user"), values)))
def test_anything_at_all_can_be_read(message: Json) -> None:
    """Whatever JSON a message is made of, its parts are texts."""
    words = content.read(message, lambda _id: None, bot_user=BOT)
    assert json.dumps([words.text, words.spoken, *(vars_of(one) for one in (*words.quoted, *words.files))])


def vars_of(value: Any) -> list[Any]:
    """Return the fields of a slotted dataclass."""
    return [getattr(value, name) for name in value.__slots__]
