"""The prices in force, for people to read: US dollars for a million tokens or for a thousand searches."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction

from bot.budget import config
from bot.budget.prices import tariffs
from bot.budget.prices.pricing import Prices
from bot.budget.prices.tariffs import ALWAYS, CLASSES, Json, Tariff
from bot.errors import ConfigError

WORDS: Mapping[str, str] = {
    "input": "input",
    "cache_read": "cache read",
    "cache_write_5m": "write 5m",
    "cache_write_1h": "write 1h",
    "output": "output",
    "web_search": "1,000 searches",
}
"The column heading of each rate."
SPEEDS = ("standard", "fast")
RULES = ("service_tiers", "geographies", "other_counts", "hidden_prompt_tokens")


def as_json(prices: Prices, model: str | None) -> Json:
    """Return the prices of one model or of all as one JSON object.

    Raises:
        ConfigError: the model has no price.
    """
    names = _names(prices, model)
    rates = {name: {speed: prices.written[speed].get(name, []) for speed in SPEEDS} for name in names}
    return {"version": prices.version, "models": rates, **{rule: prices.written[rule] for rule in RULES}}


def as_text(prices: Prices, model: str | None, *, today: date | None = None) -> str:
    """Return the prices as a table: for all models current and future ones, for one model also past ones.

    Raises:
        ConfigError: the model has no price.
    """
    since = None if model else today or datetime.now(UTC).date()
    rows = [("model", *WORDS.values(), "")]
    for name in _names(prices, model):
        for speed in SPEEDS:
            for tariff in _still_wanted(getattr(prices, speed).get(name, ()), since):
                rows += _rows(name, speed, tariff)
    by_tier, by_place = _factors(prices.service_tiers), _factors(prices.geographies)
    unit = "In US dollars: for a million tokens of each kind, and for 1,000 searches."
    rules = f"By service tier times {by_tier}; by geography times {by_place}."
    version = f"Version {prices.version}, kept with every call in the ledger."
    return "\n".join([unit, "", *_table(rows), "", rules, version])


def _names(prices: Prices, model: str | None) -> list[str]:
    if model is None:
        return sorted(prices.standard)
    name = prices.named(model)
    if name is None:
        raise ConfigError(f"prices: {model} has no price{config.nearest(model, prices.standard)}")
    return [name]


def _still_wanted(found: Sequence[Tariff], since: date | None) -> Sequence[Tariff]:
    """Return the tariffs without those that were replaced by a day; None: all of them."""
    begun = [tariff for tariff in found if since is not None and tariff.since <= since]
    return found[max(0, len(begun) - 1) :]


def _rows(name: str, speed: str, tariff: Tariff) -> Iterator[tuple[str, ...]]:
    """Yield the row of a tariff, and one for each prompt length that has its own rates."""
    notes = [speed] if speed != "standard" else []
    notes += [f"from {tariff.since}"] if tariff.since != ALWAYS else []
    search = "" if tariff.web_search is None else tariffs.usd_per_thousand(tariff.web_search)
    rates = [getattr(tariff, what) for what in CLASSES]
    yield (name, *(tariffs.usd_per_million(rate.base) for rate in rates), search, " ".join(notes))
    for length in sorted({over for rate in rates for over, _ in rate.steps}):
        longer = (tariffs.usd_per_million(rate.at(length + 1)) for rate in rates)
        yield ("", *longer, search, " ".join([*notes, f"prompt over {length:,}"]))


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Align the columns: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers, note in rows:
        cells = (number.rjust(width) for number, width in zip(numbers, widths[1:-1], strict=True))
        yield "  ".join([name.ljust(widths[0]), *cells, note]).rstrip()


def _factors(factors: Mapping[str, Fraction]) -> str:
    return ", ".join(f"{float(factor):g} ({name})" for name, factor in factors.items())
