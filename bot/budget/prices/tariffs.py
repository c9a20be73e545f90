"""Rates: their types, their JSON, and the format of `config/pricing.yaml`.

Invariant: a rate is an exact fraction of nano-US-dollars, so that only the sum of a call is rounded. Files hold US
dollars for a million tokens, as on the vendor's own page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.budget import config

Json = dict[str, Any]

ALWAYS = date.min
CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"Classes of tokens, in the order of their rates."

Usd = Annotated[Decimal, BeforeValidator(config.decimal), Field(gt=0, le=10_000)]
UsdOrFree = Annotated[Decimal, BeforeValidator(config.decimal), Field(ge=0, le=10_000)]
Factor = Annotated[Decimal, BeforeValidator(config.decimal), Field(gt=0, le=10)]


@dataclass(frozen=True, slots=True)
class Rate:
    """Nano-USD for one token; a longer prompt may have a higher rate for all of its tokens."""

    base: Fraction
    steps: tuple[tuple[int, Fraction], ...] = ()
    "Higher rates: (prompt tokens above which it applies, nano-USD), in rising order."

    def at(self, prompt_tokens: int) -> Fraction:
        """Return the rate for a prompt of this length, cached tokens included."""
        return next((price for over, price in reversed(self.steps) if prompt_tokens > over), self.base)

    def highest(self, prompt_tokens: int) -> Fraction:
        """Return the highest rate for a prompt of at most this length."""
        return max(self.base, *(price for over, price in self.steps if prompt_tokens > over), Fraction(0))


@dataclass(frozen=True, slots=True)
class Tariff:
    """The rates of one model from a day on."""

    since: date
    input: Rate
    cache_read: Rate
    cache_write_5m: Rate
    cache_write_1h: Rate
    output: Rate
    web_search: Fraction | None
    "Nano-USD for one search; None: it has no price."


Tariffs = dict[str, tuple[Tariff, ...]]
"The tariffs of each model, the oldest first."


class Listed(BaseModel):
    """Rates in `pricing.yaml`: US dollars for a million tokens."""

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
        rates = [Rate(per_token(getattr(self, name))) for name in CLASSES]
        return tariff(ALWAYS, rates, None if self.web_search is None else per_request(self.web_search))


class ListedModel(Listed):
    """A model's rates, and those of its fast mode if it has one."""

    fast: Listed | None = None


class PriceFile(BaseModel):
    """The content of `config/pricing.yaml`, which takes precedence over the snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_prompt_tokens: int = Field(ge=0, le=100_000)
    service_tiers: dict[str, Factor]
    geographies: dict[str, Factor]
    other_counts: dict[str, UsdOrFree] = {}
    "US dollars for a thousand of each count."
    models: dict[str, ListedModel] = {}


def to_json(tariffs: Tariffs) -> Json:
    """Return tariffs as JSON."""
    return {model: [_row(found) for found in tariffs[model]] for model in sorted(tariffs)}


def from_json(rows: Json) -> Tariffs:
    """Return the tariffs that `to_json` wrote."""
    return {model: tuple(_tariff_of(row) for row in found) for model, found in rows.items()}


def tariff(since: date, rates: Sequence[Rate], web_search: Fraction | None) -> Tariff:
    """Return a tariff from its rates in the order of `CLASSES`."""
    fresh, read, write_5m, write_1h, output = rates
    return Tariff(since, fresh, read, write_5m, write_1h, output, web_search)


def per_token(usd_per_million: Decimal) -> Fraction:
    """Return nano-USD for one token."""
    return Fraction(usd_per_million) * 1_000


def per_request(usd_per_thousand: Decimal) -> Fraction:
    """Return nano-USD for one request."""
    return Fraction(usd_per_thousand) * 1_000_000


def usd_per_million(rate: Fraction) -> str:
    """Return nano-USD for one token as the text of US dollars for a million."""
    return _digits(rate / 1_000)


def usd_per_thousand(rate: Fraction) -> str:
    """Return nano-USD for one request as the text of US dollars for a thousand."""
    return _digits(rate / 1_000_000)


def _digits(number: Fraction) -> str:
    return format(Decimal(number.numerator) / Decimal(number.denominator), "f")


def _row(written: Tariff) -> Json:
    row: Json = {} if written.since == ALWAYS else {"since": written.since.isoformat()}
    row |= {name: _price(getattr(written, name)) for name in CLASSES}
    return row if written.web_search is None else row | {"web_search": usd_per_thousand(written.web_search)}


def _price(rate: Rate) -> str | Json:
    base = usd_per_million(rate.base)
    over = {str(length): usd_per_million(price) for length, price in rate.steps}
    return {"base": base, "over": over} if over else base


def _tariff_of(row: Json) -> Tariff:
    since = date.fromisoformat(row["since"]) if "since" in row else ALWAYS
    search = per_request(Decimal(row["web_search"])) if "web_search" in row else None
    return tariff(since, [_rate_of(row[name]) for name in CLASSES], search)


def _rate_of(price: str | Json) -> Rate:
    if isinstance(price, str):
        return Rate(per_token(Decimal(price)))
    steps = sorted((int(length), per_token(Decimal(dollars))) for length, dollars in price["over"].items())
    return Rate(per_token(Decimal(price["base"])), tuple(steps))
