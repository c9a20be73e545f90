"""What Slack issues for a short time: trigger ids (3 s, once), response addresses (30 min, 5 uses), codes (10 min)."""

import secrets
import time
from dataclasses import dataclass

RESPONSE_SECONDS = 30 * 60
RESPONSE_USES = 5
CODE_SECONDS = 10 * 60


@dataclass(slots=True)
class Trigger:
    """A right to open one view for one person."""

    user: str
    expires: float
    used: bool = False


@dataclass(slots=True)
class ResponseAddress:
    """An address where an app may answer an interaction without being in the channel."""

    user: str
    channel: str
    expires: float
    message_ts: str | None = None
    """The message that was clicked, if any."""
    ephemeral_id: str | None = None
    """The ephemeral message that was clicked, if any."""
    uses: int = 0


@dataclass(frozen=True, slots=True)
class SignInCode:
    """A right to learn who has signed in."""

    user: str
    redirect_uri: str
    nonce: str | None
    expires: float


class IssuedTokens:
    """All that is issued and still valid."""

    def __init__(self, trigger_seconds: float) -> None:
        self._trigger_seconds = trigger_seconds
        self.triggers: dict[str, Trigger] = {}
        self.addresses: dict[str, ResponseAddress] = {}
        self.codes: dict[str, SignInCode] = {}

    def new_trigger(self, user: str) -> str:
        """Issue a trigger id for this person."""
        now = time.monotonic()
        for old in [name for name, one in self.triggers.items() if one.expires < now - 60]:
            del self.triggers[old]
        name = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[name] = Trigger(user, now + self._trigger_seconds)
        return name

    def use_trigger(self, name: str) -> tuple[str, None] | tuple[None, str]:
        """Return the trigger's person, or None and Slack's name for the error."""
        trigger = self.triggers.get(name)
        if trigger is None:
            return None, "invalid_trigger_id"
        if trigger.used:
            return None, "exchanged_trigger_id"
        if time.monotonic() > trigger.expires:
            return None, "expired_trigger_id"
        trigger.used = True
        return trigger.user, None

    def new_address(
        self,
        user: str,
        channel: str,
        *,
        message_ts: str | None = None,
        ephemeral_id: str | None = None,
    ) -> str:
        """Issue the last part of a response_url."""
        now = time.monotonic()
        for old in [name for name, one in self.addresses.items() if one.expires < now]:
            del self.addresses[old]
        name = secrets.token_urlsafe(18)
        expires = now + RESPONSE_SECONDS
        self.addresses[name] = ResponseAddress(user, channel, expires, message_ts, ephemeral_id)
        return name

    def use_address(self, name: str) -> ResponseAddress | str:
        """Return the address, or Slack's name for the error."""
        address = self.addresses.get(name)
        if address is None or time.monotonic() > address.expires:
            return "expired_url"
        if address.uses >= RESPONSE_USES:
            return "used_url"
        address.uses += 1
        return address

    def new_code(self, user: str, redirect_uri: str, nonce: str | None) -> str:
        """Issue a code for somebody who signs in to the app."""
        now = time.monotonic()
        self.codes = {name: one for name, one in self.codes.items() if one.expires >= now}
        name = secrets.token_urlsafe(24)
        self.codes[name] = SignInCode(user, redirect_uri, nonce, now + CODE_SECONDS)
        return name

    def use_code(self, name: str) -> SignInCode | None:
        """Return what a code is for; None when it was used or has expired."""
        code = self.codes.pop(name, None)
        return code if code is not None and time.monotonic() <= code.expires else None
