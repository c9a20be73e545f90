"""What a model call costs, exactly, and the most that it can cost before it is made.

Invariant: a call is never priced below what the vendor bills, and a model, service tier, speed or
geography without a price is refused, never taken as free.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from bot.budget import config, tariffs
from bot.budget.tariffs import Tariff, Tariffs
from bot.errors import Refused
from bot.principals import Reason

DATED = re.compile(r"[-@]\d{8}$|-latest$")
"What a vendor's model id may carry behind its name: the same model, the same price."


class Unpriced(Refused):
    """No price is known for this, so it is not paid for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=Reason.BUDGET)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a response says was used; token counts exclude one another."""

    model: str
    input_tokens: int = 0
    "Neither read from nor written to the cache."
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    "Thinking included."
    web_searches: int = 0
    service_tier: str = "standard"
    speed: str = "standard"
    geo: str | None = None
    iterations: tuple["Usage", ...] = ()
    "Samplings of one call, each with its own model; where there are any, they are what is billed."

    @property
    def prompt_tokens(self) -> int:
        """Return the length of the whole prompt, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def parts(self) -> tuple["Usage", ...]:
        """Return what is billed: the iterations, or the call itself."""
        return self.iterations or (self,)


@dataclass(frozen=True, slots=True)
class Prices:
    """A snapshot of every rate and rule that a price depends on."""

    version: str
    "Hash of all of it, written into each ledger row."
    standard: Tariffs
    fast: Tariffs
    service_tiers: Mapping[str, Fraction]
    geographies: Mapping[str, Fraction]
    hidden_prompt_tokens: int
    "The most that the vendor adds to a prompt unseen."

    @classmethod
    def load(cls, path: Path) -> Self:
        """Take the snapshot: the file's models over the pinned package's.

        Raises:
            ConfigError: the file is wrong; the message names file and field.
        """
        file = config.read(path, tariffs.PriceFile)
        standard, fast = tariffs.packaged()
        listed = {model: (rates.tariff(),) for model, rates in file.models.items()}
        fast_listed = {model: (rates.fast.tariff(),) for model, rates in file.models.items() if rates.fast}
        fast = {model: found for model, found in fast.items() if model not in listed}
        tables = (
            standard | listed,
            fast | fast_listed,
            {name: Fraction(factor) for name, factor in file.service_tiers.items()},
            {name: Fraction(factor) for name, factor in file.geographies.items()},
        )
        content = repr(([sorted(table.items()) for table in tables], file.hidden_prompt_tokens))
        return cls(hashlib.sha256(content.encode()).hexdigest()[:16], *tables, file.hidden_prompt_tokens)

    def knows(self, model: str) -> bool:
        """Tell whether a model has a price."""
        return _name(model, self.standard) is not None

    def cost(self, usage: Usage, *, at: datetime | None = None) -> int:
        """Return what a call costs in nano-USD, rounded up once.

        Args:
            usage: as the response reported it.
            at: when the call was made; now by default. Rates may change from one day to the next.

        Raises:
            Unpriced: something in it has no price.
        """
        at = at or datetime.now(UTC)
        tokens = sum((self._tokens(part, usage, at) for part in usage.parts), Fraction(0))
        factor = _factor(self.service_tiers, usage.service_tier, "service tier")
        factor *= _factor(self.geographies, usage.geo, "geography") if usage.geo else 1
        return math.ceil(tokens * factor + self._searches(usage, at))

    def worst_case(
        self,
        model: str,
        *,
        prompt_bytes: int,
        max_tokens: int,
        cache: Literal["none", "5m", "1h"] = "1h",
        speed: str = "standard",
        web_searches: int = 0,
        at: datetime | None = None,
    ) -> int:
        """Return the most nano-USD that a call can cost.

        A byte-level token covers at least one byte, so a prompt has no more tokens than bytes, plus
        what the vendor adds. Geography and service tier may be settings of the vendor's workspace:
        the dearest count.

        Args:
            model: the id asked for.
            prompt_bytes: UTF-8 bytes of everything sent.
            max_tokens: of output, thinking included.
            cache: the dearest cache write that the request asks for.
            speed: as asked for.
            web_searches: how many the request allows at most.
            at: when the call is made; now by default.

        Raises:
            Unpriced: the model, or its speed, has no price.
        """
        at = at or datetime.now(UTC)
        tariff = self._tariff(model, speed, at)
        prompt = prompt_bytes + self.hidden_prompt_tokens
        written = {"none": (), "5m": (tariff.cache_write_5m,), "1h": (tariff.cache_write_1h,)}[cache]
        dearest = max(rate.highest(prompt) for rate in (tariff.input, tariff.cache_read, *written))
        tokens = prompt * dearest + max_tokens * tariff.output.highest(prompt)
        searches = self._searches(Usage(model, web_searches=web_searches, speed=speed), at)
        dearest_place = max(self.geographies.values(), default=Fraction(1))
        dearest_tier = max(self.service_tiers.values(), default=Fraction(1))
        return math.ceil(tokens * dearest_place * dearest_tier + searches)

    def _tokens(self, part: Usage, call: Usage, at: datetime) -> Fraction:
        tariff = self._tariff(part.model or call.model, call.speed, at)
        counts = (
            (part.input_tokens, tariff.input),
            (part.cache_read_tokens, tariff.cache_read),
            (part.cache_write_5m_tokens, tariff.cache_write_5m),
            (part.cache_write_1h_tokens, tariff.cache_write_1h),
            (part.output_tokens, tariff.output),
        )
        if any(count < 0 for count, _ in counts):
            raise Unpriced(f"a negative count of tokens from {call.model}")
        return sum((count * rate.at(part.prompt_tokens) for count, rate in counts), Fraction(0))

    def _searches(self, usage: Usage, at: datetime) -> Fraction:
        if not usage.web_searches:
            return Fraction(0)
        price = self._tariff(usage.model, usage.speed, at).web_search
        if price is None or usage.web_searches < 0:
            raise Unpriced(f"{usage.web_searches} web searches of {usage.model} have no price")
        return usage.web_searches * price

    def _tariff(self, model: str, speed: str, at: datetime) -> Tariff:
        table = {"standard": self.standard, "fast": self.fast}.get(speed, {})
        name = _name(model, table)
        day = at.astimezone(UTC).date()
        known = [tariff for tariff in table.get(name or "", ()) if tariff.since <= day]
        if not known:
            raise Unpriced(f"model {model!r} has no price at speed {speed!r}")
        return known[-1]


def _name(model: str, table: Tariffs) -> str | None:
    return next((name for name in (model, DATED.sub("", model)) if name in table), None)


def _factor(table: Mapping[str, Fraction], name: str, what: str) -> Fraction:
    if name not in table:
        raise Unpriced(f"{what} {name!r} has no price")
    return table[name]
