"""The codes of an authenticator app: `bot.second_step.totp`."""

from base64 import b32decode, b32encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.second_step import totp

RFC_SECRET = b32encode(b"12345678901234567890").decode()
"The secret of RFC 6238, appendix B, for SHA-1."
NOON = datetime(2026, 11, 30, 12, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=totp.SECONDS)


@pytest.mark.parametrize(
    ("seconds", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, eight_digits: str) -> None:
    """Every vector of RFC 6238, appendix B, for SHA-1; ours are the last six of its eight digits."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.code(RFC_SECRET, at=at) == eight_digits[-6:]
    assert totp.step_of(RFC_SECRET, eight_digits[-6:], at=at) == seconds // 30


def test_the_step_before_and_the_one_after_count() -> None:
    """A phone's clock may be half a minute off; which step it was is told, and two steps off is wrong."""
    secret, now = totp.new_secret(), int(NOON.timestamp()) // totp.SECONDS
    found = [totp.step_of(secret, totp.code(secret, at=NOON + shift * STEP), at=NOON) for shift in range(-2, 3)]
    assert found == [None, now - 1, now, now + 1, None]
    assert totp.step_of(secret, totp.code(secret, at=NOON), at=NOON.astimezone()) == now  # whatever the time zone


def test_of_two_steps_with_one_code_it_is_the_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the same digits would be good once more in the next half minute."""
    secret, now = totp.new_secret(), int(NOON.timestamp()) // totp.SECONDS
    monkeypatch.setattr("pyotp.TOTP.generate_otp", lambda _self, _step: "123456")
    assert totp.step_of(secret, "123456", at=NOON) == now + 1


def test_the_first_seconds_of_all_time_have_no_step_before() -> None:
    """A clock that was reset to 1970 ends in a wrong code, and in no exception."""
    start = datetime.fromtimestamp(0, UTC)
    assert totp.step_of(RFC_SECRET, totp.code(RFC_SECRET, at=start), at=start) == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("287082", "287082"),
        (" 287 082\n", "287082"),
        ("2\t8 7\u00a0082", "287082"),
        ("\uff12\uff18\uff17\uff10\uff18\uff12", "287082"),  # full-width, as a Japanese keyboard types them
        ("081804", "081804"),
        ("81804", None),
        ("2870820", None),
        ("287-082", None),
        ("287O82", None),
        ("", None),
        ("\u0662\u0668\u0667\u0660\u0668\u0662", None),  # digits of another script, which no app shows
        ("2870\u00b2", None),
        ("-28708", None),
        ("6 of 49", None),
        (" " * 100_000 + "287082", None),
    ],
)
def test_what_is_typed_is_read_as_it_was_meant(typed: str, meant: str | None) -> None:
    """White space anywhere and full-width digits are no mistake; what is no six digits is no code."""
    assert totp.digits_of(typed) == meant


def test_a_secret_is_as_long_as_the_hash() -> None:
    """160 bits, as RFC 4226 recommends; each is another."""
    made = {totp.new_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(b32decode(one)) for one in made} == {20}


def test_an_app_is_given_an_address_that_it_reads() -> None:
    """It names the person and the issuer; the rest is what every app takes by itself."""
    address = urlsplit(totp.address(RFC_SECRET, named="U0PRIYA"))
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Deskhand:U0PRIYA")
    assert parse_qs(address.query) == {"secret": [RFC_SECRET], "issuer": ["Deskhand"]}
