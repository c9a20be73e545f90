"""Codes of an authenticator app (RFC 6238): six digits, another one every 30 seconds, SHA-1, as every app makes them.

The library is pyotp, which keeps no state: that a code is used once is in `bot.store.approvals.approvers`.
"""

import unicodedata
from datetime import datetime
from hmac import compare_digest

import pyotp

SECONDS = 30
"How long a code holds."
DIGITS = 6
WINDOW = 1
"How many steps the app's clock may be ahead or behind."
ISSUER = "Deskhand"
LONGEST = 64
"The most characters that are looked at; a form may send any number."


def new_secret() -> str:
    """Return a new secret of 160 bits, in base32."""
    return pyotp.random_base32()


def address(secret: str, *, named: str) -> str:
    """Return the address (`otpauth://`) that an authenticator app reads, as text or as a QR code.

    Args:
        secret: the secret, in base32.
        named: under which name the app shows it, beside ours.
    """
    return _codes(secret).provisioning_uri(name=named, issuer_name=ISSUER)


def code(secret: str, *, at: datetime) -> str:
    """Return the code that an app shows at a time."""
    return _codes(secret).at(at)


def digits_of(typed: str) -> str | None:
    """Return a code as it was meant, without white space and in ASCII; None when it is no six digits at all."""
    plain = "".join(unicodedata.normalize("NFKC", typed[:LONGEST]).split())
    return plain if len(plain) == DIGITS and plain.isascii() and plain.isdigit() else None


def step_of(secret: str, digits: str, *, at: datetime) -> int | None:
    """Return the time step whose code this is, the latest if there are several; None when it is none of them.

    Args:
        secret: the secret, in base32.
        digits: six digits.
        at: now; steps up to `WINDOW` before and after count too.
    """
    codes = _codes(secret)
    now = codes.timecode(at)
    steps = [now + shift for shift in range(-WINDOW, WINDOW + 1) if now + shift >= 0]
    # All are compared, so that the time that this takes shows nothing.
    matching = [step for step in steps if compare_digest(codes.generate_otp(step), digits)]
    return max(matching, default=None)


def _codes(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS)
