"""At which address people reach the web process: `bot.public_address`, and the setting that holds it."""

import pytest

from bot.errors import ConfigError
from bot.settings import Settings


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://deskhand.example.com", "https://deskhand.example.com"),
        ("HTTPS://Deskhand.Example.com/", "https://deskhand.example.com"),
        ("https://deskhand.example.com:8443", "https://deskhand.example.com:8443"),
        ("https://deskhand.example.com:443/", "https://deskhand.example.com"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_address_is_read_as_an_origin(monkeypatch: pytest.MonkeyPatch, given: str, origin: str) -> None:
    """As a browser writes it, so that the two can be compared."""
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", given)
    assert Settings.from_environment().deskhand_public_url == origin


@pytest.mark.parametrize(
    "given",
    [
        *(
            "http://deskhand.example.com",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "ftp://deskhand.example.com",
        ),
        *("deskhand.example.com", "//deskhand.example.com", "https://", "https://a@b.example.com", "https://:x@b.com"),
        *("https://a.example.com/deskhand", "https://a.example.com?x", "https://a.example.com#x", "https://a b.com"),
        *(
            "https://a.example.com:x",
            "https://a.example.com:99999",
            "https://a.example.com\\b",
            "https://ä.example.com",
        ),
        *("https://a.example.com;b", "javascript:alert(1)", "https://[::1"),
    ],
)
def test_other_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """A path, a name and password, no TLS, or no address: the process does not start, and names the variable."""
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", given)
    with pytest.raises(ConfigError, match="DESKHAND_PUBLIC_URL"):
        Settings.from_environment()
