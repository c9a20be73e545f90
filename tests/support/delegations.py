"""Delegation keys that the tests use, an issuer that has them, and tokens that nobody should accept."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc import jwt

from bot.delegation import keys
from bot.delegation.tokens import ALGORITHM, TYPE, Issuer

KEY_OF_TESTS = "dhdk_ZXZlcnlib2R5IGtub3dzIHRoaXMga2V5IG9mIG91cnM"
"32 bytes that everybody knows, so it guards nothing."
OTHER_KEY = "dhdk_bm9ib2R5IHZhbGlkYXRlcyB3aGF0IHRoaXMgc2lnbnM"


@cache
def issuer(*written: str) -> Issuer:
    """Return an issuer of an installation, with the key of the tests or with these."""
    return Issuer("deskhand:tests", keys.parse(list(written or (KEY_OF_TESTS,)), source="tests"))


def signed(claims: Mapping[str, Any], *, key: str = KEY_OF_TESTS, **header: Any) -> str:
    """Sign any claims with a key, under a header that may say something else."""
    signing = issuer(key).keys.signing
    named = {"alg": ALGORITHM, "typ": TYPE, "kid": issuer().keys.signing.id} | header
    return jwt.encode(named, dict(claims), signing.jwk, algorithms=[named["alg"]])


def unsigned(claims: Mapping[str, Any], *, signature: str = "", **header: Any) -> str:
    """Write a token that no key has signed."""
    parts = ({"typ": TYPE, "kid": issuer().keys.signing.id} | header, claims)
    return ".".join([*(urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts), signature])
