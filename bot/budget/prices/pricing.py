"""What a model call costs, exactly, and the most that it can cost before it is made.

Invariant: a call is never priced below what the vendor bills, and a model, service tier, speed or
geography without a price is refused, never taken as free.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from bot.budget import config
from bot.budget.prices import snapshot, tariffs
from bot.budget.prices.tariffs import Json, Tariff, Tariffs
from bot.errors import Refused
from bot.principals import Reason
from bot.store.money.ledger import CallTokens

DATED = re.compile(r"[-@]\d{8}$|-latest$")
"What a vendor's model id may carry behind its name: the same model, the same price."
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
"Counts of a usage, in the order of `tariffs.CLASSES`."


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
    "Samplings of one call, each with its own model: a compaction's or an adviser's are in no other count."
    others: Mapping[str, int] = field(default_factory=dict, hash=False)
    "What else was counted, by the vendor's name for it; it has a price in `pricing.yaml`, or none."

    @classmethod
    def from_json(cls, row: Json) -> Self:
        """Read back what `dataclasses.asdict` made of one, in the ledger or the journal."""
        return cls(**{**row, "iterations": tuple(cls.from_json(part) for part in row["iterations"])})

    @property
    def prompt_tokens(self) -> int:
        """Return the length of the whole prompt, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def rest(self) -> "Usage":
        """Return the tokens of the call that are in none of its iterations; without any, all of them."""
        return Usage(
            self.model,
            **{
                name: max(0, getattr(self, name) - sum(getattr(part, name) for part in self.iterations))
                for name in TOKENS
            },
        )

    @property
    def parts(self) -> tuple["Usage", ...]:
        """Return what is billed: every iteration, and what none of them names."""
        return (*self.iterations, self.rest)

    @property
    def tokens(self) -> CallTokens:
        """Return the tokens of all parts, as the ledger has them."""
        return CallTokens(
            fresh=sum(part.input_tokens for part in self.parts),
            cache_read=sum(part.cache_read_tokens for part in self.parts),
            cache_write_5m=sum(part.cache_write_5m_tokens for part in self.parts),
            cache_write_1h=sum(part.cache_write_1h_tokens for part in self.parts),
            output=sum(part.output_tokens for part in self.parts),
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """Every rate and rule that a price depends on."""

    version: str
    "Hash of all of it, written into each ledger row."
    written: Json = field(repr=False)
    "All of it, as it is kept with the ledger."
    standard: Tariffs = field(repr=False)
    fast: Tariffs = field(repr=False)
    service_tiers: Mapping[str, Fraction]
    geographies: Mapping[str, Fraction]
    other_counts: Mapping[str, Fraction]
    "Nano-USD for one."
    hidden_prompt_tokens: int
    "The most that the vendor adds to a prompt unseen."

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the prices in force: those of the file over those of the snapshot beside it.

        Raises:
            ConfigError: one of them is wrong; the message names file and field.
        """
        file = config.read(path, tariffs.PriceFile)
        agreed = snapshot.read(path.with_name(snapshot.FILE))
        listed = {model: (rates.tariff(),) for model, rates in file.models.items()}
        fast_listed = {model: (rates.fast.tariff(),) for model, rates in file.models.items() if rates.fast}
        fast = {model: found for model, found in agreed.fast.items() if model not in listed}
        return cls.from_json(
            {
                "standard": tariffs.to_json(agreed.standard | listed),
                "fast": tariffs.to_json(fast | fast_listed),
                "service_tiers": {name: str(factor) for name, factor in file.service_tiers.items()},
                "geographies": {name: str(factor) for name, factor in file.geographies.items()},
                "other_counts": {name: str(usd) for name, usd in file.other_counts.items()},
                "hidden_prompt_tokens": file.hidden_prompt_tokens,
            }
        )

    @classmethod
    def from_json(cls, written: Json) -> Self:
        """Return the prices that were kept with the ledger, so that a call of long ago can be worked out again."""
        return cls(
            version=snapshot.digest(written),
            written=written,
            standard=tariffs.from_json(written["standard"]),
            fast=tariffs.from_json(written["fast"]),
            service_tiers={name: Fraction(factor) for name, factor in written["service_tiers"].items()},
            geographies={name: Fraction(factor) for name, factor in written["geographies"].items()},
            other_counts={name: tariffs.per_request(Decimal(usd)) for name, usd in written["other_counts"].items()},
            hidden_prompt_tokens=written["hidden_prompt_tokens"],
        )

    def knows(self, model: str) -> bool:
        """Say if a model has a price."""
        return self.named(model) is not None

    def named(self, model: str) -> str | None:
        """Return the name under which a model's rates stand: without its date; None: it has no price."""
        return _name(model, self.standard)

    def cost(self, usage: Usage, *, at: datetime | None = None) -> int:
        """Return what a call costs in nano-USD, rounded up once.

        Args:
            usage: as the response reported it.
            at: when the call was made; now by default. Rates may change from one day to the next.

        Raises:
            Unpriced: something in it has no price.
        """
        at = at or datetime.now(UTC)
        if any(getattr(part, name) < 0 for part in (usage, *usage.iterations) for name in (*TOKENS, "web_searches")):
            raise Unpriced(f"a negative count from {usage.model}")
        tokens = sum((self._tokens(part, usage, part.prompt_tokens, at) for part in usage.iterations), Fraction(0))
        tokens += self._tokens(usage.rest, usage, usage.prompt_tokens, at)
        factor = _factor(self.service_tiers, usage.service_tier, "service tier")
        factor *= _factor(self.geographies, usage.geo, "geography") if usage.geo else 1
        return math.ceil(tokens * factor + self._searches(usage, at) + self._others(usage))

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
            prompt_bytes: UTF-8 bytes of everything sent, or its tokens where the vendor has counted them.
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

    def _tokens(self, part: Usage, call: Usage, prompt_tokens: int, at: datetime) -> Fraction:
        tariff = self._tariff(part.model or call.model, call.speed, at)
        rates = (getattr(tariff, name).at(prompt_tokens) for name in tariffs.CLASSES)
        return sum((getattr(part, name) * rate for name, rate in zip(TOKENS, rates, strict=True)), Fraction(0))

    def _searches(self, usage: Usage, at: datetime) -> Fraction:
        count = max(usage.web_searches, sum(part.web_searches for part in usage.iterations))
        if not count:
            return Fraction(0)
        price = self._tariff(usage.model, usage.speed, at).web_search
        if price is None:
            raise Unpriced(f"{count} web searches of {usage.model} have no price")
        return count * price

    def _others(self, usage: Usage) -> Fraction:
        """Price what else was counted, for the call and for each iteration: rather twice than never."""
        total = Fraction(0)
        for name, count in (found for part in (usage, *usage.iterations) for found in part.others.items()):
            if name not in self.other_counts or count < 0:
                raise Unpriced(f"{count} {name} of {usage.model} have no price")
            total += count * self.other_counts[name]
        return total

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
