"""The ids of a turn's trace, which every process works out for itself from the turn's number.

So the spans of a worker that was killed, of the worker that took its turn over, and of the process that posts the
answer in Slack are one trace, and no row has to carry an id. The key makes numbers that nobody can guess back.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class TraceIds:
    """The ids of one installation's traces."""

    key: bytes

    @classmethod
    def of(cls, secret: str, installation: str) -> "TraceIds":
        """Return the ids of an installation, under a secret that all of its processes have."""
        return cls(hmac.digest(secret.encode(), f"trace ids of {installation}".encode(), hashlib.sha256))

    def trace(self, turn_id: int) -> int:
        """Return the id of a turn's trace: 128 bits, never 0."""
        return int.from_bytes(self._digest(f"trace:{turn_id}")[:16], "big") or 1

    def turn(self, turn_id: int) -> int:
        """Return the id of a turn's own span, the parent of all others: 64 bits, never 0."""
        return int.from_bytes(self._digest(f"turn:{turn_id}")[:8], "big") or 1

    def conversation(self, ticket_id: int) -> str:
        """Return what a trace calls a ticket."""
        return self._digest(f"ticket:{ticket_id}")[:16].hex()

    def _digest(self, text: str) -> bytes:
        return _digest(self.key, text)


@lru_cache(512)
def _digest(key: bytes, text: str) -> bytes:
    """Return a digest; each span of a turn has the same ids, and a digest costs as much as the rest of a span."""
    return hmac.digest(key, text.encode(), hashlib.sha256)
