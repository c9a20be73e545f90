"""What the prices of the installed genai-prices would change if somebody accepted them.

Nothing here prices a call or changes anything: `bot.budget.prices.snapshot.write` accepts the prices.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from bot.budget import config
from bot.budget.prices import genai_prices, snapshot, tariffs
from bot.budget.prices.price_list import SPEEDS, WORDS
from bot.budget.prices.pricing import DATED
from bot.budget.prices.snapshot import Snapshot
from bot.budget.prices.tariffs import ALWAYS, CLASSES, Json, Rate, Tariff

MODEL = "model"


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One rate, or a whole model, that would change."""

    model: str
    speed: str
    since: date
    "The first day of the change; `ALWAYS` if it has none."
    what: str
    "A key of `WORDS`, or `MODEL`."
    old: str | None
    "US dollars; None: there was no such rate."
    new: str | None
    percent: float | None = None
    "None: the change cannot be given as one number."


@dataclass(frozen=True, slots=True)
class PriceComparison:
    """The comparison of the installed package with the snapshot in force."""

    in_force: Snapshot
    installed: Snapshot
    changes: tuple[PriceChange, ...]
    listed: frozenset[str]
    "Models with rates in `pricing.yaml`, for which nothing changes."
    callers: Mapping[str, tuple[str, ...]]
    "The agents that call each model."

    @property
    def felt(self) -> tuple[PriceChange, ...]:
        """Return the changes that affect the cost of an agent's calls."""
        return tuple(found for found in self.changes if found.model in self.callers and found.model not in self.listed)


def read(folder: Path, models: Mapping[str, str]) -> PriceComparison:
    """Compare the installed package with the snapshot in force.

    Args:
        folder: the folder of `pricing.yaml` and the snapshot.
        models: the model that each agent calls, by agent.

    Raises:
        ConfigError: one of the files is wrong.
    """
    in_force, installed = snapshot.read(folder / snapshot.FILE), genai_prices.installed()
    file = config.read(folder / "pricing.yaml", tariffs.PriceFile)
    callers: dict[str, tuple[str, ...]] = {}
    for agent, model in sorted(models.items()):
        for name in {model, DATED.sub("", model)}:
            callers[name] = (*callers.get(name, ()), agent)
    return PriceComparison(in_force, installed, tuple(compare(in_force, installed)), frozenset(file.models), callers)


def compare(old: Snapshot, new: Snapshot) -> Iterator[PriceChange]:
    """Yield the differences between two snapshots, by model."""
    for model in sorted({*old.standard, *old.fast, *new.standard, *new.fast}):
        for speed in SPEEDS:
            before, after = (getattr(side, speed).get(model, ()) for side in (old, new))
            if before and after:
                yield from _rates_that_differ(model, speed, before, after)
            elif before or after:
                yield PriceChange(model, speed, ALWAYS, MODEL, _summary(before), _summary(after))


def as_json(news: PriceComparison, *, accepted: bool) -> Json:
    """Return the comparison as one JSON object."""
    return {
        "in_force": news.in_force.package,
        "installed": news.installed.package,
        "accepted": accepted,
        "changes": [
            {
                "model": change.model,
                "speed": change.speed,
                "since": None if change.since == ALWAYS else change.since.isoformat(),
                "what": change.what,
                "old": change.old,
                "new": change.new,
                "percent": change.percent,
                "overridden": change.model in news.listed,
                "agents": list(news.callers.get(change.model, ())),
            }
            for change in news.changes
        ],
    }


def as_text(news: PriceComparison) -> str:
    """Return the comparison as lines, in US dollars for a million tokens or for a thousand searches."""
    if not news.changes:
        return f"{news.installed.package} is installed and changes no price."
    first = f"{news.installed.package} is installed; the prices in force are those of {news.in_force.package}."
    return "\n".join([first, "It would change:", *(f"  {_line(change, news)}" for change in news.changes)])


def brief(change: PriceChange) -> str:
    """Return one change in a few words: `claude-sonnet-5-5: cache read 0.1 -> 0.2 (+100 %)`."""
    name = change.model if change.speed == "standard" else f"{change.model} ({change.speed})"
    if change.what == MODEL and change.new is None:
        return f"{name}: gone, so that no call of it could be paid for"
    if change.what == MODEL:
        return f"{name}: new, {change.new}"
    since = "" if change.since == ALWAYS else f" from {change.since}"
    percent = "" if change.percent is None else f" ({change.percent:+g} %)"
    return f"{name}: {WORDS[change.what]} {change.old or 'none'} -> {change.new or 'none'}{since}{percent}"


def _line(change: PriceChange, news: PriceComparison) -> str:
    notes = [f"called by {', '.join(news.callers[change.model])}"] if change.model in news.callers else []
    notes += ["pricing.yaml has its own rates"] if change.model in news.listed else []
    return " ".join([brief(change), *(f"[{note}]" for note in notes)])


def _rates_that_differ(
    model: str, speed: str, before: Sequence[Tariff], after: Sequence[Tariff]
) -> Iterator[PriceChange]:
    """Yield each rate that differs, with the first day on which it does."""
    said: dict[str, tuple[str | None, str | None]] = {}
    for day in sorted({tariff.since for tariff in (*before, *after)}):
        for what in WORDS:
            old, new = _on(day, before, what), _on(day, after, what)
            pair = _text(old), _text(new)
            if pair[0] != pair[1] and said.get(what) != pair:
                yield PriceChange(model, speed, day, what, *pair, _percent(old, new))
            said[what] = pair


def _on(day: date, found: Sequence[Tariff], what: str) -> Rate | None:
    """Return the rate on a day; that of a search is scaled, so that `_text` shows dollars for a thousand."""
    valid = [tariff for tariff in found if tariff.since <= day]
    rate: Rate | Fraction | None = getattr(valid[-1], what) if valid else None
    return Rate(rate / 1_000) if isinstance(rate, Fraction) else rate


def _text(rate: Rate | None) -> str | None:
    if rate is None:
        return None
    over = [f" ({tariffs.usd_per_million(price)} over {length:,})" for length, price in rate.steps]
    return tariffs.usd_per_million(rate.base) + "".join(over)


def _percent(old: Rate | None, new: Rate | None) -> float | None:
    if old is None or new is None or old.steps != new.steps:
        return None
    return round(float((new.base / old.base - 1) * 100), 1)


def _summary(found: Sequence[Tariff]) -> str | None:
    return ", ".join(f"{WORDS[what]} {_text(getattr(found[-1], what))}" for what in CLASSES) if found else None
