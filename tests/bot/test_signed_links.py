"""What a link to the dashboard says, and who has signed it: `bot.signed_links`."""

import string

import pytest

from bot import signed_links
from bot.signed_links import SignedLink

LINK = SignedLink("AbCdEfGhIjKlMnOpQrStU_", "U0OLIVIA", 1_900_000_000)
KEYS = signed_links.keys(["a secret of thirty-two characters"], "installation 1")
TEXT = signed_links.write(KEYS, LINK)


def test_link_is_read_as_it_was_written() -> None:
    """Id, person and end come back; the text is plain ASCII that needs no escaping in an address."""
    assert signed_links.read(KEYS, TEXT) == LINK
    assert set(TEXT) <= {*string.ascii_letters, *string.digits, *"._-"}


def test_no_character_can_be_changed() -> None:
    """Each character of each field, put to any other one, left out or doubled, makes it none of ours."""
    for at, was in enumerate(TEXT):
        for other in (*string.ascii_letters, *string.digits, *"._-+= %\n"):
            if other != was:
                assert signed_links.read(KEYS, TEXT[:at] + other + TEXT[at + 1 :]) is None, (at, other)
        assert signed_links.read(KEYS, TEXT[:at] + TEXT[at + 1 :]) is None
        assert signed_links.read(KEYS, TEXT[:at] + was + TEXT[at:]) is None


@pytest.mark.parametrize("text", ["", ".", "1....", TEXT + "\n", " " + TEXT, TEXT + TEXT, TEXT.upper(), "x" * 100_000])
def test_other_texts_are_none_of_ours(text: str) -> None:
    """Nothing else is read as a link, however long it is."""
    assert signed_links.read(KEYS, text) is None


def test_other_digits_are_none_of_ours() -> None:
    """Digits of other scripts are no digits here, although Python would count with them."""
    assert signed_links.read(KEYS, TEXT.replace("1900000000", "\u0661900000000")) is None


def test_old_secret_counts_until_it_is_dropped() -> None:
    """While two secrets are set, links of both are read, and new ones are signed with the first."""
    old, new = "an old secret of thirty-two letters", "a new secret of thirty-two letters"
    both, only_new = signed_links.keys([new, old], "g"), signed_links.keys([new], "g")
    by_old = signed_links.write(signed_links.keys([old], "g"), LINK)
    assert signed_links.read(both, by_old) == LINK
    assert signed_links.read(only_new, by_old) is None
    assert signed_links.read(only_new, signed_links.write(both, LINK)) == LINK


def test_link_of_another_installation_is_none_of_ours() -> None:
    """Two installations with the same secret, as after a copied .env, have different keys."""
    other = signed_links.keys(["a secret of thirty-two characters"], "installation 2")
    assert signed_links.read(other, TEXT) is None
