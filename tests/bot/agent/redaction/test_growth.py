"""However a text is built, redacting it does not hold up the acknowledgement of others: `bot.agent.redaction`."""

from collections.abc import Callable

import pytest

from bot.agent.redaction import redact
from tests.support.growth import again, grows_evenly

REPEATED = (
    "a.",
    "<mailto:",
    "eyJ-",
    "a@",
    "1 ",
    "+1 ",
    "password ",
    "password is ",
    "password for a b c d ",
    "password is '",
    "pw=",
    "token=",
    "BITLOCKER ",
    "abcd is ",
    "abc12 is ",
    "-----BEGIN PRIVATE KEY-----",
    "x",
)
BUILT: dict[str, Callable[[int], str]] = {
    "one mail address": lambda n: "a@" + "b-" * (n // 2),
    "a name and blanks": lambda n: "password" + " " * n,
    "a name, `is` and blanks": lambda n: "password is" + " " * n,
    "a name and signs": lambda n: "password:" + "=" * n,
    "a name and plain words": lambda n: "password is " + "not " * (n // 4),
    "of one long word": lambda n: "password for " + "a" * n,
    "of long words": lambda n: "password for " + f"{'a' * (n // 3)} " * 3,
    "a login and blanks": lambda n: "login" + " " * n + "!",
    "a login, `is` and blanks": lambda n: "login is" + " " * n + "!",
    "a login and lines": lambda n: "login bob" + "\n" * n,
    "a number, `is` and blanks": lambda n: "482913 is" + " " * n + "! code",
    "a word, `is` and blanks": lambda n: "hunter2 is" + " " * n + "! password",
    "a code, blanks and dates": lambda n: "code" + " " * (n // 2) + "x " + "11-22-33 " * (n // 18),
    "a secret, blanks and words": lambda n: "password: Winter24!" + " " * (n // 2) + "x " + "abc12 " * (n // 12),
    "a name, quotes and words": lambda n: "ticket " + "'" * (n // 2) + "! " + "abc12 " * (n // 12),
}


@pytest.mark.parametrize(
    "text_of", [*map(again, REPEATED), *BUILT.values()], ids=[*(text[:14] for text in REPEATED), *BUILT]
)
def test_the_time_grows_with_the_length(text_of: Callable[[int], str]) -> None:
    """Four times as many characters take four times as long, and no longer."""
    assert grows_evenly(redact, text_of)
