"""Signs links that open the dashboard, and reads them back. Pure.

A link names its row, its person and its end in plain text, and nothing else; one of our keys has signed all three. Who
can read the database cannot make a link, and a link of another installation is none of ours.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.principals import USER_ID

_FORM = re.compile(rf"1\.([A-Za-z0-9_-]{{22}})\.({USER_ID})\.([1-9][0-9]{{9,10}})\.([0-9a-f]{{64}})")
"Version, id, person, end, signature: each in one form only, so that no link has two spellings."


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a link says."""

    id: str
    "22 random characters of base64."
    user: str
    "Slack user id of the one person it is for."
    expires: int
    "Seconds since 1970."


def keys(secrets: Sequence[str], ground: str) -> tuple[bytes, ...]:
    """Return the keys of an installation, one for each secret; the first one signs."""
    about = f"deskhand dashboard link 1\0{ground}".encode()
    return tuple(hmac.new(secret.encode(), about, hashlib.sha256).digest() for secret in secrets)


def write(signing: Sequence[bytes], link: SignedLink) -> str:
    """Return a link's text, signed with the first key."""
    said = f"1.{link.id}.{link.user}.{link.expires}"
    return f"{said}.{_signature(signing[0], said)}"


def read(signing: Sequence[bytes], text: str) -> SignedLink | None:
    """Return what a link says if one of our keys has signed it, else None; its end is for the caller to check."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    said = text.rpartition(".")[0]
    fits = [hmac.compare_digest(_signature(key, said), found[4]) for key in signing]  # every key, in constant time
    return SignedLink(found[1], found[2], int(found[3])) if any(fits) else None


def _signature(key: bytes, said: str) -> str:
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
