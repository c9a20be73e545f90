"""Nothing twice: `bot.slack.handoffs.repeats`."""

import pytest
from hypothesis import given

from bot.slack.handoffs import repeats
from tests.support.block_checks import texts, tried

SAID = ("They asked for a person", "own account is active")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("They asked for a person.", ""),
        ("The requester's account is active; they asked for a person.", ""),
        ("The account is not active.", "The account is not active."),
        ("A person is active.", "A person is active."),
        ("The account is active. A new phone.", "A new phone."),
        ("A new phone. The phone is new.", "A new phone."),
        ('They wrote: "I am locked out". A new phone.', "A new phone."),
        ('They asked for a person: "Never again"', '"Never again"'),
        ('They wrote: "Never again".', 'They wrote: "Never again".'),
        ('The reset failed after they wrote "locked out".', 'The reset failed after they wrote "locked out".'),
        ('They wrote: "I am', 'They wrote: "I am'),
        ("", ""),
    ],
)
def test_what_is_said_already_is_left_out(text: str, left: str) -> None:
    """In the same or in other words, and only whole sentences that one single sentence says; "not" is news."""
    assert repeats.without(text, SAID, ["Help, I am locked out of it"]) == left


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('He said "No. Never." Then more.', ['He said "No. Never."', "Then more."]),
        ("access@1.2 is 3.5 s old", ["access@1.2 is 3.5 s old"]),
        ("One\nTwo", ["One", "Two"]),
        ('Open "quote. Never closed', ['Open "quote. Never closed']),
    ],
)
def test_a_sentence_ends_where_it_ends(text: str, each: list[str]) -> None:
    """Not inside a quotation or a number; a line's end ends it, too."""
    assert list(repeats.sentences(text)) == each


@tried
@given(texts)
def test_nothing_is_lost_where_nothing_was_said(text: str) -> None:
    """Sentences hold every character but the space between them, and what is told to itself is told once."""
    assert "".join("".join(repeats.sentences(text)).split()) == "".join(text.split())
    once = repeats.without(text, ())
    assert repeats.without(once, ()) == once
