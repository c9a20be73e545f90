"""What an upgrade would change: `bot.budget.prices.price_diff`."""

import shutil
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from bot.budget.prices import genai_prices, price_diff, snapshot
from bot.budget.prices.price_diff import MODEL, PriceChange
from bot.budget.prices.snapshot import Snapshot
from bot.budget.prices.tariffs import ALWAYS, Rate, Tariff, Tariffs
from tests.support.paths import CONFIG

LATER = date(2026, 12, 1)


def rate(usd: str, over: str | None = None) -> Rate:
    """Return US dollars for a million tokens, and those over 100,000."""
    return Rate(Fraction(usd) * 1_000, () if over is None else ((100_000, Fraction(over) * 1_000),))


BASE = Tariff(ALWAYS, rate("2"), rate("0.1"), rate("2.5"), rate("4"), rate("10"), Fraction(10_000_000))
BEFORE: Tariffs = {"a": (BASE,), "b": (BASE,)}


def changes(standard: Tariffs, fast: Tariffs | None = None) -> list[PriceChange]:
    """Return what other tariffs than BEFORE would change."""
    return list(price_diff.compare(Snapshot("old", BEFORE, {}), Snapshot("new", standard, fast or {})))


def test_the_same_rates_are_no_news() -> None:
    """However often a package is published."""
    assert changes(dict(BEFORE)) == []
    assert changes({"a": (BASE, replace(BASE, since=LATER)), "b": (BASE,)}) == []


@pytest.mark.parametrize(
    ("tariff", "expected"),
    [
        (
            replace(BASE, cache_read=rate("0.2")),
            PriceChange("a", "standard", ALWAYS, "cache_read", "0.1", "0.2", 100.0),
        ),
        (replace(BASE, output=rate("7.5")), PriceChange("a", "standard", ALWAYS, "output", "10", "7.5", -25.0)),
        (
            replace(BASE, input=rate("2", "4")),
            PriceChange("a", "standard", ALWAYS, "input", "2", "2 (4 over 100,000)", None),
        ),
        (
            replace(BASE, web_search=Fraction(12_000_000)),
            PriceChange("a", "standard", ALWAYS, "web_search", "10", "12", 20.0),
        ),
        (replace(BASE, web_search=None), PriceChange("a", "standard", ALWAYS, "web_search", "10", None, None)),
    ],
    ids=lambda value: value.what if isinstance(value, PriceChange) else "",
)
def test_a_changed_rate_is_named_with_old_and_new(tariff: Tariff, expected: PriceChange) -> None:
    """Per class of tokens and for searches, with how much dearer it is where one number can say so."""
    assert changes({"a": (tariff,), "b": (BASE,)}) == [expected]


def test_a_rate_from_a_day_on_is_told_with_its_day() -> None:
    """Until then nothing changes; what stays changed afterwards is told once."""
    dearer = replace(BASE, since=LATER, input=rate("3"))
    after = replace(dearer, since=date(2027, 1, 1), output=rate("11"))
    assert changes({"a": (BASE, dearer, after), "b": (BASE,)}) == [
        PriceChange("a", "standard", LATER, "input", "2", "3", 50.0),
        PriceChange("a", "standard", date(2027, 1, 1), "output", "10", "11", 10.0),
    ]


def test_models_that_come_and_go_are_named() -> None:
    """With what a new one costs; and a fast mode is one more."""
    whole = "input 2, cache read 0.1, write 5m 2.5, write 1h 4, output 10"
    assert changes({"a": (BASE,), "c": (BASE,)}, {"a": (BASE,)}) == [
        PriceChange("a", "fast", ALWAYS, MODEL, None, whole),
        PriceChange("b", "standard", ALWAYS, MODEL, whole, None),
        PriceChange("c", "standard", ALWAYS, MODEL, None, whole),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (PriceChange("m", "standard", ALWAYS, "cache_read", "0.1", "0.2", 100.0), "m: cache read 0.1 -> 0.2 (+100 %)"),
        (PriceChange("m", "fast", LATER, "output", "8", "6", -25.0), "m (fast): output 8 -> 6 from 2026-12-01 (-25 %)"),
        (PriceChange("m", "standard", ALWAYS, "web_search", "10", None), "m: 1,000 searches 10 -> none"),
        (PriceChange("m", "standard", ALWAYS, MODEL, None, "input 2"), "m: new, input 2"),
        (
            PriceChange("m", "standard", ALWAYS, MODEL, "input 2", None),
            "m: gone, so that no call of it could be paid for",
        ),
    ],
)
def test_a_change_is_said_in_a_few_words(change: PriceChange, said: str) -> None:
    """An operator reads what, from, to, when and how much."""
    assert price_diff.brief(change) == said


def test_only_a_change_of_a_model_in_use_is_felt(tmp_path: Path) -> None:
    """By whatever dated id an agent calls it; and not when `pricing.yaml` has its own rates for it."""
    shutil.copy(CONFIG / "pricing.yaml", tmp_path)
    dearer: Tariffs = {
        name: (replace(found[0], input=rate("99")),) for name, found in genai_prices.installed().standard.items()
    }
    dearer["stand-in-1"] = dearer["claude-sonnet-5-5"]
    snapshot.write(tmp_path / snapshot.FILE, Snapshot("genai-prices 0.1", dearer, {}))
    agents = {"access": "claude-sonnet-5-5-20261010", "demo": "stand-in-1", "other": "claude-sonnet-5-5"}
    news = price_diff.read(tmp_path, agents)
    assert [(change.model, change.what, change.old) for change in news.felt] == [("claude-sonnet-5-5", "input", "99")]
    text = price_diff.as_text(news).splitlines()
    assert text[0].endswith(" is installed; the prices in force are those of genai-prices 0.1.")
    assert "  claude-sonnet-5-5: input 99 -> 2 (-98 %) [called by access, other]" in text
    assert any(line.startswith("  stand-in-1: gone") and "[pricing.yaml has its own rates]" in line for line in text)
    rows = {(row["model"], row["what"]): row for row in price_diff.as_json(news, accepted=False)["changes"]}
    assert rows["claude-sonnet-5-5", "input"]["agents"] == ["access", "other"]
    assert rows["stand-in-1", MODEL]["overridden"]
