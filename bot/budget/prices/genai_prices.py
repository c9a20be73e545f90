"""What the installed genai-prices package says that models cost.

Only its rates are used; `bot.budget.prices.pricing` computes what a call costs, because the package's own calculator
was measured to be wrong for batch, fast mode, geography and compaction. A model without a rate for some class of tokens
is left out and so refused. Processes that pay for calls do not import this module: their prices come from the snapshot
(`bot.budget.prices.snapshot`).
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version

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

from bot.budget.prices.snapshot import Snapshot
from bot.budget.prices.tariffs import ALWAYS, Rate, Tariff, Tariffs, per_request, per_token, tariff

PACKAGE, VENDOR = "genai-prices", "anthropic"


def installed() -> Snapshot:
    """Return the rates of the installed package as a snapshot that is not accepted yet."""
    models = next(provider.models for provider in providers if provider.id == VENDOR)
    standard = {model.id.removesuffix("-latest"): tuple(_standard(model)) for model in models}
    fast = {model.id.removesuffix("-latest"): tuple(_fast(model)) for model in models}
    return Snapshot(f"{PACKAGE} {version(PACKAGE)}", _known(standard), _known(fast))


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
            continue  # rates that change within a day are not supported, so the model has no price
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
        if len(rates) == len(usd) and all(rate.base > 0 and all(step > 0 for _, step in rate.steps) for rate in rates):
            yield tariff(since, rates, _search(found.web_searches_kcount or searches))


def _rate(price: Decimal | TieredPrices) -> Rate:
    if isinstance(price, Decimal):
        return Rate(per_token(price))
    return Rate(per_token(price.base), tuple((tier.start, per_token(tier.price)) for tier in price.tiers))


def _search(usd_per_thousand: Decimal | TieredPrices | None) -> Fraction | None:
    return per_request(usd_per_thousand) if isinstance(usd_per_thousand, Decimal) else None
