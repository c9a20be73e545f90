"""Where rates come from: the pinned genai-prices package, and `config/pricing.yaml` over it.

Only its rates are taken; what a call costs is worked out in `bot.budget.pricing`, because the
package's own calculator was measured wrong for batch, fast, geography and compaction. A model for
which any class of tokens has no rate is left out, and so refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from genai_prices.data import providers
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.budget import config

VENDOR = "anthropic"
ALWAYS = date.min

Usd = Annotated[Decimal, BeforeValidator(config.decimal), Field(gt=0, le=10_000)]
Factor = Annotated[Decimal, BeforeValidator(config.decimal), Field(gt=0, le=10)]


@dataclass(frozen=True, slots=True)
class Rate:
    """Nano-USD for one token; a longer prompt may lift it for all of its tokens."""

    base: Fraction
    steps: tuple[tuple[int, Fraction], ...] = ()
    "(prompt tokens that must be exceeded, nano-USD), rising."

    def at(self, prompt_tokens: int) -> Fraction:
        """Return the rate for a prompt of this length, cached tokens included."""
        return next((price for over, price in reversed(self.steps) if prompt_tokens > over), self.base)

    def highest(self, prompt_tokens: int) -> Fraction:
        """Return the dearest rate for a prompt of at most this length."""
        return max(self.base, *(price for over, price in self.steps if prompt_tokens > over), Fraction(0))


@dataclass(frozen=True, slots=True)
class Tariff:
    """The rates of one model from one day on."""

    since: date
    input: Rate
    cache_read: Rate
    cache_write_5m: Rate
    cache_write_1h: Rate
    output: Rate
    web_search: Fraction | None
    "Nano-USD for one search; None: no price known."


Tariffs = dict[str, tuple[Tariff, ...]]
"Model id to its tariffs, the oldest first."


class Listed(BaseModel):
    """Rates as they are written in the file: US dollars for a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Usd
    cache_read: Usd
    cache_write_5m: Usd
    cache_write_1h: Usd
    output: Usd
    web_search: Usd | None = None
    "US dollars for a thousand searches."

    def tariff(self) -> Tariff:
        """Return the same rates in nano-USD for one token."""
        usd = (self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.output)
        return _tariff(ALWAYS, [Rate(_per_token(price)) for price in usd], _per_search(self.web_search))


class ListedModel(Listed):
    """A model's rates, and those of its fast mode where it has one."""

    fast: Listed | None = None


class PriceFile(BaseModel):
    """What `config/pricing.yaml` says beside and over the package."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_prompt_tokens: int = Field(ge=0, le=100_000)
    service_tiers: dict[str, Factor]
    geographies: dict[str, Factor]
    models: dict[str, ListedModel] = {}


def packaged() -> tuple[Tariffs, Tariffs]:
    """Return the package's standard and fast tariffs."""
    models = next(provider.models for provider in providers if provider.id == VENDOR)
    standard = {model.id.removesuffix("-latest"): tuple(_standard(model)) for model in models}
    fast = {model.id.removesuffix("-latest"): tuple(_fast(model)) for model in models}
    return _known(standard), _known(fast)


def _known(tariffs: Tariffs) -> Tariffs:
    return {model: found for model, found in tariffs.items() if found}


def _standard(model: ModelInfo) -> Iterator[Tariff]:
    prices = [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, ModelPrice) else model.prices
    return _tariffs(prices, searches=None)


def _fast(model: ModelInfo) -> Iterator[Tariff]:
    variants = [variant for variant in model.price_variants or () if variant.when == {"speed": "fast"}]
    latest = model.prices if isinstance(model.prices, ModelPrice) else model.prices[-1].prices
    return _tariffs(variants, searches=latest.web_searches_kcount)


def _tariffs(
    prices: Iterable[ConditionalPrice | PriceVariant], *, searches: Decimal | TieredPrices | None
) -> Iterator[Tariff]:
    for price in prices:
        if isinstance(price.constraint, TimeOfDateConstraint):
            continue  # a rate that changes within the day is not understood, so the model stays unpriced
        since = price.constraint.start_date if isinstance(price.constraint, StartDateConstraint) else ALWAYS
        found = price.prices
        usd = (
            found.input_mtok,
            found.cache_read_mtok,
            found.cache_write_mtok,
            found.cache_write_1h_mtok,
            found.output_mtok,
        )
        rates = [_rate(price) for price in usd if price is not None]
        if len(rates) == len(usd):
            yield _tariff(since, rates, _per_search(found.web_searches_kcount or searches))


def _tariff(since: date, rates: Sequence[Rate], web_search: Fraction | None) -> Tariff:
    fresh, read, write_5m, write_1h, output = rates
    return Tariff(since, fresh, read, write_5m, write_1h, output, web_search)


def _rate(price: Decimal | TieredPrices) -> Rate:
    if isinstance(price, Decimal):
        return Rate(_per_token(price))
    return Rate(_per_token(price.base), tuple((tier.start, _per_token(tier.price)) for tier in price.tiers))


def _per_token(usd_per_million: Decimal) -> Fraction:
    return Fraction(usd_per_million) * 1_000


def _per_search(usd_per_thousand: Decimal | TieredPrices | None) -> Fraction | None:
    return Fraction(usd_per_thousand) * 1_000_000 if isinstance(usd_per_thousand, Decimal) else None
