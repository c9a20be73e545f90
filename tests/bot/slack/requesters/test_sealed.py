"""What may be sent and not kept: `bot.slack.requesters.sealed`."""

import pytest

from bot.slack.requesters import sealed
from bot.store.outbox.messages import AFTERWARDS


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Your temporary password is Xk7!pw-Falcon9", True),
        ("Your PIN is 4711, and write to help@acme.example", True),
        ("The token: ghp_abcdefghijklmnopqrstuvwx", True),
        ("Bring your badge to the second floor.", False),
        ("Call us at +49 30 1234 5678 or write to help@acme.example", False),
        ("You wrote [password], which tells me nothing", False),
        ("", False),
    ],
)
def test_what_holds_a_secret(text: str, secret: bool) -> None:  # noqa: FBT001 - a row of a table
    """Passwords, codes and keys do; how to reach somebody is the responder's to tell."""
    assert sealed.holds_secret(text) is secret
    assert (sealed.as_kept(text) != text) is secret


def test_a_sealed_message_bears_what_is_left_of_it() -> None:
    """Each part its own, under the name of who spoke; a part without one leaves no words at all."""
    parts = [{"text": "one", "as_user": "U0PRIYA", "blocks": [1]}, {"text": "two", "as_user": "U0PRIYA", "blocks": [2]}]
    first, second = sealed.seal(parts, [{"text": "[password]", "blocks": []}])
    assert first[AFTERWARDS] == {"text": "[password]", "as_user": "U0PRIYA", "blocks": []}
    assert second[AFTERWARDS] == {"text": "(redacted)", "as_user": "U0PRIYA", "blocks": []}
    assert (first["text"], second["text"]) == ("one", "two")
