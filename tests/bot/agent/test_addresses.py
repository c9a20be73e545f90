"""Addresses in an answer: `bot.agent.addresses`. All of them are made up, on names that are kept for examples."""

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.agent.addresses import Link, unlisted, visible
from tests.support.growth import again, grows_evenly
from tests.support.phrase_tables import misses

LINKS = ("https://it.northwind.example/reset", "mailto:desk@northwind.example", "tel:+15550100100")
ALLOWED = (
    "I unlocked your account. You can sign in again.",
    "See https://it.northwind.example/reset.",
    "(https://it.northwind.example/reset/new)",
    "https://it.northwind.example:443/reset",
    "<https://it.northwind.example/reset|here>",
    "see [the page](https://it.northwind.example/reset)",
    "it.northwind.example/reset/",
    "https://it.northwind.example/resetから",
    "Write to desk@northwind.example, please",
    "call +1 555 010 0100",
    "e.g. sign in, i.e. now. At 12.30 or 3 p.m.",
    "Of your last 10 sign-ins 3 failed at 2026-11-29 10:00.",
    "1. Open it\n2. Sign in.",
    "アカウントのロックを解除しました。サインインできます。",
    "sign-in/sign-out and/or password",
    "I have unlocked your account...Try again",
    "[note]: fine; ratio 3:4",
    "Note:this is fine, 41 days, v1.2",
    "_Done_, call me at 12:30 or on 2026-11-30. My_file, extension 4711, phone 2 or 3 times, +24 hours",
    "El punto es que funciona; an diesem Punkt it works. path:/etc, and/or, Teams\u00b7Outlook",
    "tel. +1 (555) 010-0100",
    "Otro navegador, p.ej. Chrome; un autre, p.ex. Firefox",
    "node.js, settings.json, setup.exe, vpn.conf, Guide.PDF, sssd.service",
)
REFUSED = (
    "evil.example",
    "EVIL.EXAMPLE",
    "www.evil.example!",
    "my_site.example",
    "evil.example/x",
    "bit.ly/x",
    "ftp://evil.example",
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "http://it.northwind.example/reset",
    "https://it.northwind.example",
    "https://it.northwind.example/resetx",
    "https://it.northwind.example/reset?next=https://evil.example",
    "https://it.northwind.example/reset#x",
    "https://it.northwind.example/reset/../x",
    "https://it.northwind.example/reset/%2e%2e/x",
    "https://it.northwind.example/reset//evil.example",
    "https://it.northwind.example@evil.example/reset",
    "https://it.northwind.example\\@evil.example/reset",
    "https://it.northwind.example.evil.example/reset",
    "https://it.northwind.example:8443/reset",
    "https://a@b",
    "https://[::1]/",
    "<https://evil.example|https://it.northwind.example/reset>",
    "[it](https://evil.example)",
    "[it](//evil.example)",
    "[it](evil.example)",
    "[x]: https://evil.example",
    "[a][https://evil.example]",
    "//evil.example/x",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "slack://open",
    "xn--bcher-kva.example",
    "bücher.example",
    "\u0435vil.example",
    "https://it.n\u043erthwind.example/reset",
    "it.northwind\u200b.example/other",
    "ev\u200bil.exam\u00adple",
    "evil\ufe0f.example",
    "evil\u3002example",
    "evil\u2024example",
    "\uff45\uff56\uff49\uff4c\uff0e\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45",
    "&#101;vil&#46;example",
    "evil**.**example",
    "evil .example",
    "evil[.]example",
    "evil (dot) example",
    "evil dot example",
    "_evil.example_",
    "**_evil.example_**",
    "https:/evil.example",
    "evil punkt com",
    "evil\u00b7com",
    "call 555 0100",
    "+1 555 0100",
    "Phone us at 555-01-00",
    "notes.md",
    "evil.zip",
    "setup.exe/x",
    "setup.exe:8080",
    "[setup](setup.exe)",
    "setup.exe.evil.example",
    "evil.jso\u043d",
    "hxxps://evil.example",
    "https : //evil.example",
    "kim@x.example",
    "kim [at] x [dot] example",
    "mailto:kim@x.example",
    "<mailto:kim@x.example|desk@northwind.example>",
    "tel:+15550100199",
    "+1 555 010 0199",
    "0555 010 01 99",
    "10.0.0.1",
    "http://10.1",
    "localhost:8000",
)


def test_what_is_listed_or_no_address_may_be_said() -> None:
    """The card's addresses with what lies below them, abbreviations, dates, lists, other scripts."""
    assert [(text, unlisted(text, LINKS)) for text in ALLOWED if unlisted(text, LINKS) is not None] == []


def test_any_other_address_is_found() -> None:
    """Alone and in a sentence; and without a list nothing at all may be said."""
    missed = misses(
        REFUSED,
        alone=lambda text: unlisted(text, LINKS) is not None,
        in_a_sentence=lambda text: unlisted(f"You can reset it at {text} now.", LINKS) is not None,
        without_a_list=lambda text: unlisted(text, ()) is not None,
    )
    assert missed == []


def test_without_a_list_no_address_may_be_said() -> None:
    """The default card lists none."""
    assert unlisted("See https://it.northwind.example/reset.", ()) is not None


def test_nothing_unseen_stays_in_what_is_read() -> None:
    """Zero width, soft hyphens, turned directions, entities and full width are as a reader sees them."""
    assert visible("e\u200bv\u00adi\u2066l&#46;\uff45x") == "evil.ex"


@pytest.mark.parametrize(
    "link",
    [
        "http://it.northwind.example",
        "https://it",
        "it.northwind.example",
        "https://user@it.northwind.example/",
        "https://it.northwind.example/?q=1",
        "https://it.northwind.example/#a",
        "https://it.northwind.example/a/../b",
        "https://b\u00fccher.example/",
        "https://it.northwind.example/a b",
        "https://it.northwind.example/\u200b",
        "javascript:alert(1)",
        "mailto:desk",
        "tel:112",
        "",
    ],
)
def test_a_card_lists_plain_addresses_only(link: str) -> None:
    """What could be read in two ways is refused when the card is read."""
    with pytest.raises(ValidationError, match="expected https://host/path"):
        TypeAdapter(Link).validate_python(link)
    assert TypeAdapter(tuple[Link, ...]).validate_python(LINKS) == LINKS


@pytest.mark.parametrize(
    "piece", ["a.", "a@", "[(", "]:", "http:// ", "1 ", "//", "a", " ", "_", " dot ", "\\\\", "mailto:", "a-"]
)
def test_a_very_long_answer_is_read_quickly(piece: str) -> None:
    """The time grows with the length and no faster."""
    assert grows_evenly(lambda text: unlisted(f"a{text}a", LINKS), again(piece))
