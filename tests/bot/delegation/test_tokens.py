"""Minting and verifying delegation tokens: `bot.delegation.tokens`."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.delegation.tokens import LASTS, LASTS_AT_MOST, Delegation, DelegationFault, Issuer, TokenRefused
from bot.principals import Reason
from tests.support.delegations import KEY_OF_TESTS, OTHER_KEY, issuer, signed, unsigned

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
CALL = Delegation(
    subject="slack:T1:U0KIM",
    agent="agent:access@1f3c9a20",
    worker="worker:host:17/2",
    tool="unlock_my_account",
    scope="account:unlock",
    transaction="7/9/3",
    grants=("agent:access", "channel:C0HELP"),
    owners=("U0OLIVIA",),
    request=(("event_id", "Ev1"), ("channel", "C0HELP"), ("thread_ts", "1.0"), ("message_ts", "1.0")),
    arguments="a" * 64,
    policy="b" * 64,
)
ANOTHER: dict[str, tuple[str, Delegation]] = {
    "another person": ("sub", replace(CALL, subject="slack:T1:U0EVE")),
    "another workspace": ("sub", replace(CALL, subject="slack:T2:U0KIM")),
    "another release": ("act", replace(CALL, agent="agent:access@00000000")),
    "another agent": ("act", replace(CALL, agent="agent:software@1f3c9a20")),
    "another attempt": ("act", replace(CALL, worker="worker:host:17/1")),
    "another tool": ("aud", replace(CALL, tool="send_password_reset")),
    "another scope": ("scope", replace(CALL, scope="account:reset_password")),
    "another step": ("txn", replace(CALL, transaction="7/9/1")),
    "another ticket": ("txn", replace(CALL, transaction="6/9/3")),
    "a grant less": ("grant", replace(CALL, grants=("agent:access",))),
    "another owner": ("owner", replace(CALL, owners=("U0EVE",))),
    "another message": ("req", replace(CALL, request=(("event_id", "Ev2"), *CALL.request[1:]))),
    "other arguments": ("args", replace(CALL, arguments="c" * 64)),
    "another policy": ("policy", replace(CALL, policy="c" * 64)),
    "an approval of its own": ("approval", replace(CALL, approval="1")),
    "cleaner arguments": ("taint", replace(CALL, taint=("model:account",))),
}


def minted(**changes: Any) -> dict[str, Any]:
    """Return the claims of a token of now, changed before anybody signs them."""
    return issuer().verify(issuer().mint(CALL, at=AT), CALL, at=AT) | changes


def refused(token: str, *, by: Issuer | None = None, at: datetime = AT, call: Delegation = CALL) -> TokenRefused:
    with pytest.raises(TokenRefused) as seen:
        (by or issuer()).verify(token, call, at=at)
    return seen.value


def test_a_token_says_who_asks_who_acts_and_by_what_right() -> None:
    """These claims and no others; it is good for the very call that it was minted for."""
    claims = issuer().verify(issuer().mint(CALL, at=AT), CALL, at=AT)
    second = issuer().verify(issuer().mint(CALL, at=AT), CALL, at=AT)
    assert len({claims.pop("jti"), second.pop("jti")}) == 2, "each has a number of its own"
    issued = int(AT.timestamp())
    assert claims == {
        "iss": "deskhand:tests",
        "sub": "slack:T1:U0KIM",
        "act": {
            "sub": "agent:access@1f3c9a20",
            "sub_profile": "ai_agent",
            "act": {"sub": "worker:host:17/2", "sub_profile": "workload"},
        },
        "aud": "tool:unlock_my_account",
        "scope": "account:unlock",
        "txn": "7/9/3",
        "grant": ["agent:access", "channel:C0HELP"],
        "owner": ["U0OLIVIA"],
        "req": {"event_id": "Ev1", "channel": "C0HELP", "thread_ts": "1.0", "message_ts": "1.0"},
        "args": "a" * 64,
        "policy": "b" * 64,
        "approval": None,
        "taint": [],
        "iat": issued,
        "nbf": issued,
        "exp": issued + LASTS,
    }


@pytest.mark.parametrize(("claim", "other"), ANOTHER.values(), ids=ANOTHER)
def test_a_token_of_another_call_is_refused(claim: str, other: Delegation) -> None:
    """Re-targeted, re-scoped, for another tool or release, or with other arguments; the claim is named, both ways."""
    for shown, wanted in ((other, CALL), (CALL, other)):
        found = refused(issuer().mint(shown, at=AT), call=wanted)
        assert (found.fault, found.claim) == (DelegationFault.OTHER_CALL, claim)
        assert found.reason == Reason.ERROR


def test_a_token_of_another_installation_is_refused() -> None:
    """Even if it has the same key."""
    elsewhere = Issuer("deskhand:elsewhere", issuer().keys)
    found = refused(elsewhere.mint(CALL, at=AT))
    assert (found.fault, found.claim) == (DelegationFault.OTHER_CALL, "iss")


@pytest.mark.parametrize("name", sorted(minted()))
def test_a_token_without_one_of_its_claims_is_refused(name: str) -> None:
    """Every claim is needed, whoever has signed the token."""
    issuer().verify(signed(minted()), CALL, at=AT)
    found = refused(signed({claim: value for claim, value in minted().items() if claim != name}))
    dated = name in {"iat", "nbf", "exp"}
    assert found.fault is (DelegationFault.NOT_DATED if dated else DelegationFault.OTHER_CALL)


def test_a_token_is_good_for_its_minute_and_no_longer() -> None:
    """It has expired in the very second that `exp` names, and is not good before `nbf`."""
    token = issuer().mint(CALL, at=AT)
    issuer().verify(token, CALL, at=AT + timedelta(seconds=LASTS - 1))
    assert refused(token, at=AT + timedelta(seconds=LASTS)).fault is DelegationFault.EXPIRED
    assert refused(token, at=AT - timedelta(seconds=1)).fault is DelegationFault.NOT_DATED


def test_a_token_that_was_meant_to_last_is_refused() -> None:
    """Five minutes are the most, whoever has signed it; and a time is a number."""
    issued = int(AT.timestamp())
    issuer().verify(signed(minted(exp=issued + LASTS_AT_MOST)), CALL, at=AT)
    assert refused(signed(minted(exp=issued + LASTS_AT_MOST + 1))).fault is DelegationFault.NOT_DATED
    assert refused(signed(minted(exp="never"))).fault is DelegationFault.NOT_DATED
    assert refused(signed(minted(exp=True))).fault is DelegationFault.NOT_DATED


def hmac_with_the_public_key(claims: dict[str, Any]) -> str:
    """Sign with what everybody may know, as if it were a shared secret."""
    token = unsigned(claims, alg="HS256")
    public = urlsafe_b64decode(f"{issuer().keys.signing.public}=")
    mac = hmac.new(public, token.removesuffix(".").encode(), hashlib.sha256).digest()
    return token + urlsafe_b64encode(mac).rstrip(b"=").decode()


def changed(token: str) -> str:
    """Put another person into a signed token."""
    header, claims, signature = token.split(".")
    body = json.loads(urlsafe_b64decode(f"{claims}=="))
    other = urlsafe_b64encode(json.dumps(body | {"sub": "slack:T1:U0EVE"}).encode()).rstrip(b"=").decode()
    return f"{header}.{other}.{signature}"


FORGED = {
    "alg none": unsigned(minted(), alg="none"),
    "alg none, in capitals": unsigned(minted(), alg="NONE"),
    "no algorithm": unsigned(minted()),
    "no signature": unsigned(minted(), alg="Ed25519"),
    "HS256 with the public key": hmac_with_the_public_key(minted()),
    "the older name of the algorithm": unsigned(minted(), alg="EdDSA", signature=signed(minted()).split(".")[2]),
    "another key under our id": signed(minted(), key=OTHER_KEY),
    "a key that we do not have": signed(minted(), key=OTHER_KEY, kid=issuer(OTHER_KEY).keys.signing.id),
    "our key under another id": signed(minted(), kid="another"),
    "our key under no id": signed(minted(), kid=""),
    "an id that is no text": unsigned(minted(), alg="Ed25519", kid=["a"], signature="AAAA"),
    "claims that were changed": changed(issuer().mint(CALL, at=AT)),
    "another kind of token": signed(minted(), typ="JWT"),
    "an extension that must be understood": unsigned(minted(), alg="Ed25519", crit=["b64"], b64=False),
    "claims that are a list": ".".join(
        [unsigned({}, alg="Ed25519").split(".")[0], "W10", signed(minted()).split(".")[2]]
    ),
    "nothing": "",
    "two dots": "..",
    "words": "let me in, please",
    "not ASCII": "\u00e9.\u00e9.\u00e9",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(token: str) -> None:
    """No key of ours has signed it, or not with our algorithm: it is not even read."""
    assert refused(token).fault is DelegationFault.UNREADABLE


def test_two_keys_are_valid_while_one_replaces_the_other() -> None:
    """The new one signs, the old one still verifies; once it is dropped, its tokens are refused."""
    old, both, new = issuer(KEY_OF_TESTS), issuer(OTHER_KEY, KEY_OF_TESTS), issuer(OTHER_KEY)
    token = old.mint(CALL, at=AT)
    both.verify(token, CALL, at=AT)
    new.verify(both.mint(CALL, at=AT), CALL, at=AT)
    assert refused(token, by=new).fault is DelegationFault.UNREADABLE
    assert refused(both.mint(CALL, at=AT), by=old).fault is DelegationFault.UNREADABLE
