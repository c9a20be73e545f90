"""Which edits change nothing that an answer depends on: `bot.agent.typos`."""

import pytest

from bot.agent.typos import only_typos

SLIPS = [
    ("I'm looked out", "I'm locked out"),
    ("I can't sign in to my acount", "I can't sign in to my account."),
    ("I cannot sign in", "I  *cannot* sign in!"),
    ("Ich kann mich nicht anmelden", "Ich kann mich nicht anmelden :pray:"),
    ("I can't sign in", "I can't sign in. Thanks!"),
    ("I can't sign in", "I can't sign in\nEDIT: it works now, thanks"),
    ("nao consigo entrar na minha contta", "não consigo entrar na minha conta"),
]
CHANGES = [
    ("my password has expired for ALPHA", "my password has expired for BRAVO"),
    ("I can sign in", "I can't sign in"),
    ("I can sign in now", "I can not sign in now"),
    ("I can't sign in", "I can't sign in, I lost my phone"),
    ("I can't sign in, I lost my phone", "I can't sign in"),
    ("I can't sign in", "I can't sign in. I want to talk to a humen"),
    ("let me talk to a humen please", "let me talk to a human please"),
    ("code 1234567", "code 1234576"),
    ("it works now", "it works not"),
    ("", "unlock me"),
    ("unlock me", ""),
    ("no puedo entrar", "ya puedo entrar"),
]


@pytest.mark.parametrize(("old", "new"), SLIPS)
def test_a_slip_is_no_change(old: str, new: str) -> None:
    """A letter, an accent, a full stop, markup, or thanks."""
    assert only_typos(old, new)


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_another_word_is_a_change(old: str, new: str) -> None:
    """So is a word that comes or goes, a digit, a short word, and a plea for a person."""
    assert not only_typos(old, new)


def test_a_very_long_text_is_not_compared_word_by_word() -> None:
    """It counts as changed unless it is the same."""
    long = "word " * 8_000
    assert not only_typos(long, long + "wird")
