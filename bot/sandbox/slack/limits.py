"""Slack's rate limits: about one message a second in a channel, and tiers by method for the rest.

Source: docs.slack.dev/apis/web-api/rate-limits. Slack allows short bursts but does not say how long; here it is ten
messages, and two minutes' worth of any other method.
"""

import math
import time

MESSAGE_BURST = 10
MESSAGES_A_SECOND = 1.0
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute by tier."""


class RateLimits:
    """One token bucket for each limited method or channel."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_for_message(self, channel: str) -> int:
        """Take a token for one more message in the channel; return 0, or the seconds to wait."""
        return self._take(f"message {channel}", MESSAGE_BURST, MESSAGES_A_SECOND)

    def wait_for_method(self, method: str, tier: int) -> int:
        """Take a token for one more call of the method; return 0, or the seconds to wait."""
        return self._take(method, 2 * TIERS[tier], TIERS[tier] / 60)

    def clear(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

    def _take(self, name: str, burst: int, a_second: float) -> int:
        now = time.monotonic()
        tokens, since = self._buckets.get(name, (float(burst), now))
        tokens = min(float(burst), tokens + (now - since) * a_second)
        if tokens < 1:
            self._buckets[name] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / a_second))
        self._buckets[name] = (tokens - 1, now)
        return 0
