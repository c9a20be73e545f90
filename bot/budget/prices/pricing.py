"""The exact cost of a model call, and its worst case before it is made.

Invariant: a call is never priced below what the vendor bills, and a model, service tier, speed or geography without a
price is refused, never free.
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
"What may follow the name in a vendor's model id; the price is the same."
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
"The token counts of a usage, in the order of `tariffs.CLASSES`."


class Unpriced(Refused):
    """There is no price for a call, so it is refused."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=Reason.BUDGET)


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage that a response reports; no token counts twice."""

    model: str
    input_tokens: int = 0
    "Prompt tokens that were neither read from nor written to the cache."
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    "Output tokens, with thinking."
    web_searches: int = 0
    service_tier: str = "standard"
    speed: str = "standard"
    geo: str | None = None
    iterations: tuple["Usage", ...] = ()
    "Samplings of one call, each with its own model; those of a compaction or an adviser are in no other count."
    others: Mapping[str, int] = field(default_factory=dict, hash=False)
    "Other counts, by the vendor's name; each needs a price in `pricing.yaml`."

    @classmethod
    def from_json(cls, row: Json) -> Self:
        """Return a usage from the JSON in the ledger or the journal, which `dataclasses.asdict` made."""
        return cls(**{**row, "iterations": tuple(cls.from_json(part) for part in row["iterations"])})

    @property
    def prompt_tokens(self) -> int:
        """Return the number of all prompt tokens, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def rest(self) -> "Usage":
        """Return the tokens of the call that are in none of its iterations; all, if it has none."""
        return Usage(
            self.model,
            **{
                name: max(0, getattr(self, name) - sum(getattr(part, name) for part in self.iterations))
                for name in TOKENS
            },
        )

    @property
    def parts(self) -> tuple["Usage", ...]:
        """Return what is billed: every iteration, and the rest."""
        return (*self.iterations, self.rest)

    @property
    def tokens(self) -> CallTokens:
        """Return the tokens of all parts, as the ledger stores them."""
        return CallTokens(
            fresh=sum(part.input_tokens for part in self.parts),
            cache_read=sum(part.cache_read_tokens for part in self.parts),
            cache_write_5m=sum(part.cache_write_5m_tokens for part in self.parts),
            cache_write_1h=sum(part.cache_write_1h_tokens for part in self.parts),
            output=sum(part.output_tokens for part in self.parts),
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """Every rate and rule that a cost depends on."""

    version: str
    "Hash of all prices, stored in each ledger row."
    written: Json = field(repr=False)
    "All prices, as they are stored with the ledger."
    standard: Tariffs = field(repr=False)
    fast: Tariffs = field(repr=False)
    service_tiers: Mapping[str, Fraction]
    geographies: Mapping[str, Fraction]
    other_counts: Mapping[str, Fraction]
    "Nano-USD for one of each count."
    hidden_prompt_tokens: int
    "The most tokens that the vendor adds to a prompt."

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the prices in force: those of the file take precedence over the snapshot beside it.

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
        """Return prices that were stored with the ledger, so that the cost of an old call can be computed again."""
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
        """Return whether a model has a price."""
        return self.named(model) is not None

    def named(self, model: str) -> str | None:
        """Return the name of a model in the rates, which has no date; None: it has no price."""
        return _name(model, self.standard)

    def cost(self, usage: Usage, *, at: datetime | None = None) -> int:
        """Return what a call costs in nano-USD, rounded up once.

        Args:
            usage: as the response reported it.
            at: when the call was made; now by default.

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

        A byte-level token covers at least one byte, so a prompt has at most as many tokens as bytes, plus what the
        vendor adds. Geography and service tier may be set in the vendor's workspace, so the highest factors apply.

        Args:
            model: the model id of the request.
            prompt_bytes: UTF-8 bytes of everything sent, or its tokens if the vendor has counted them.
            max_tokens: the most output tokens, with thinking.
            cache: the most expensive cache write that the request asks for.
            speed: the speed of the request.
            web_searches: the most searches that the request allows.
            at: when the call is made; now by default.

        Raises:
            Unpriced: the model, or its speed, has no price.
        """
        at = at or datetime.now(UTC)
        tariff = self._tariff(model, speed, at)
        prompt = prompt_bytes + self.hidden_prompt_tokens
        written = {"none": (), "5m": (tariff.cache_write_5m,), "1h": (tariff.cache_write_1h,)}[cache]
        highest = max(rate.highest(prompt) for rate in (tariff.input, tariff.cache_read, *written))
        tokens = prompt * highest + max_tokens * tariff.output.highest(prompt)
        searches = self._searches(Usage(model, web_searches=web_searches, speed=speed), at)
        geography = max(self.geographies.values(), default=Fraction(1))
        tier = max(self.service_tiers.values(), default=Fraction(1))
        return math.ceil(tokens * geography * tier + searches)

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
        """Return the price of other counts, of the call and of each iteration; a count may be priced twice."""
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
