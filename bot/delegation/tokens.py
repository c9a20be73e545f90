"""Delegation tokens: who asks, who acts for them, and by what right, for one call of one tool.

A token is a JWS signed with Ed25519, for one tool, for `LASTS` seconds, for one use. Invariant: `verify` returns claims
only if each of them is what the door expects of the call that is about to be made; the door consumes the `jti`.

    iss     deskhand:<id of the installation>        jti     random, consumed by its use
    sub     slack:<team>:<user>                      txn     <ticket>/<turn>/<step>
    act     the agent's release, and in it the worker and the number of its attempt (RFC 8693)
    aud     tool:<name>          scope   what the tool may do
    grant   who granted it       owner   who answers for the agent
    req     the message that it is in answer to
    args    SHA-256 of the validated arguments       policy  SHA-256 of what the policy decides by
    approval  the approval of exactly this call, or null     taint  the arguments that are free text

Sources: RFC 7519 and RFC 8693 for the claims, draft-ietf-oauth-transaction-tokens for `txn` and the header's `typ`,
RFC 9864 for the algorithm's name. `EdDSA`, the older name of the same algorithm, is refused.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import GuestProtocol, OKPKey

from bot.delegation.keys import DelegationKeys
from bot.errors import Refused
from bot.principals import Reason

ALGORITHM, TYPE = "Ed25519", "txntoken+jwt"
LASTS = 60
"Seconds that a token of ours is good for: it is minted right before the call."
LASTS_AT_MOST = 300
"The longest time in seconds from `iat` to `exp` that a door accepts, from any issuer."


class DelegationFault(StrEnum):
    """Why a token is refused, for the audit log."""

    UNREADABLE = "unreadable"
    "It is no token, its signature is wrong, its algorithm is not ours, or no valid key has its `kid`."
    EXPIRED = "expired"
    "Its time is over."
    NOT_DATED = "not_dated"
    "Its times are missing, lie in the future, or span more than `LASTS_AT_MOST`."
    OTHER_CALL = "other_call"
    "A claim names another call than the one that is about to be made."
    USED = "used"
    "It was used before."


class TokenRefused(Refused):
    """A tool's door did not accept a token: the tool does not run, and a person takes over."""

    def __init__(self, fault: DelegationFault, claim: str = "") -> None:
        """Keep the fault, and the claim that was wrong."""
        super().__init__(
            "the tool's door did not accept the delegation of this call, so nothing was done", reason=Reason.ERROR
        )
        self.fault, self.claim = fault, claim


@dataclass(frozen=True, slots=True)
class Delegation:
    """What is delegated: all that a token says of one call, apart from its times and its number."""

    subject: str
    "On whose behalf: `slack:<team>:<user>`."
    agent: str
    "Who acts: `agent:<name>@<release>`."
    worker: str
    "Which process acts, in which attempt: `worker:<host>:<pid>/<attempt>`."
    tool: str
    scope: str
    transaction: str
    "`<ticket>/<turn>/<step>`"
    grants: tuple[str, ...]
    "Who has granted the tool: the agent's card, and the channel where it grants less."
    owners: tuple[str, ...]
    "Who answers for the agent: Slack user ids."
    request: tuple[tuple[str, str | None], ...]
    "Event, channel, thread and time of the message that the turn answers."
    arguments: str
    "SHA-256 of the validated arguments."
    policy: str
    "SHA-256 of what the policy decides by."
    approval: str | None = None
    "The approval of exactly this call; None without one."
    taint: tuple[str, ...] = ()
    "The arguments that are free text, each with its source."

    def claims(self) -> dict[str, Any]:
        """Return the claims, apart from issuer, number and times."""
        workload = {"sub": self.worker, "sub_profile": "workload"}
        return {
            "sub": self.subject,
            "act": {"sub": self.agent, "sub_profile": "ai_agent", "act": workload},
            "aud": f"tool:{self.tool}",
            "scope": self.scope,
            "txn": self.transaction,
            "grant": list(self.grants),
            "owner": list(self.owners),
            "req": dict(self.request),
            "args": self.arguments,
            "policy": self.policy,
            "approval": self.approval,
            "taint": list(self.taint),
        }


@dataclass(frozen=True, slots=True)
class Issuer:
    """Mints and verifies the tokens of one installation."""

    name: str
    "`iss`: `deskhand:<id of the installation>`"
    keys: DelegationKeys

    def mint(self, delegation: Delegation, *, at: datetime) -> str:
        """Return a token for one call."""
        issued = int(at.timestamp())
        dated = {"iat": issued, "nbf": issued, "exp": issued + LASTS}
        claims = {"iss": self.name, **delegation.claims(), "jti": secrets.token_urlsafe(16), **dated}
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self.keys.signing.id}
        return jwt.encode(header, claims, self.keys.signing.jwk, algorithms=[ALGORITHM])

    def verify(self, token: str, expected: Delegation, *, at: datetime) -> dict[str, Any]:
        """Return the claims of a token that is good for a call; its number is still to be consumed.

        Args:
            token: what the caller shows.
            expected: the call that is about to be made, as the door itself sees it.
            at: now.

        Raises:
            TokenRefused: it is good for no call, or for another one.
        """
        try:
            read = jwt.decode(token, self._key, algorithms=[ALGORITHM])
        except (JoseError, ValueError) as error:
            raise TokenRefused(DelegationFault.UNREADABLE) from error
        if read.header.get("typ") != TYPE:
            raise TokenRefused(DelegationFault.UNREADABLE, "typ")
        claims = read.claims
        _check_times(claims, at)
        wanted = {"iss": self.name, **expected.claims()}
        for claim, value in wanted.items():
            if claim not in claims or claims[claim] != value:
                raise TokenRefused(DelegationFault.OTHER_CALL, claim)
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            raise TokenRefused(DelegationFault.OTHER_CALL, "jti")
        return claims

    def _key(self, shown: GuestProtocol) -> OKPKey:
        """Return the key that a token names.

        Raises:
            ValueError: no valid key has that id.
        """
        found = self.keys.find(shown.headers().get("kid"))
        if found is None:
            raise ValueError("no such key")
        return found.jwk


def _check_times(claims: dict[str, Any], at: datetime) -> None:
    """Check that a token is good now, and was never good for long.

    Raises:
        TokenRefused: it is not.
    """
    needed: jwt.ClaimsOption = {"essential": True}
    try:
        jwt.JWTClaimsRegistry(now=int(at.timestamp()), iat=needed, nbf=needed, exp=needed).validate(claims)
    except ExpiredTokenError as error:
        raise TokenRefused(DelegationFault.EXPIRED, "exp") from error
    except JoseError as error:
        raise TokenRefused(DelegationFault.NOT_DATED) from error
    if claims["exp"] - claims["iat"] > LASTS_AT_MOST or claims["exp"] <= claims["iat"]:
        raise TokenRefused(DelegationFault.NOT_DATED, "exp")
