"""What the installed genai-prices says: `bot.budget.prices.genai_prices`."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest
from genai_prices import types as theirs
from genai_prices.data import providers

from bot.budget.prices import genai_prices, snapshot
from tests.support.paths import CONFIG

COMMITTED = CONFIG / snapshot.FILE
RATES: dict[str, Decimal | theirs.TieredPrices | None] = {
    "input_mtok": Decimal(2),
    "cache_read_mtok": Decimal("0.1"),
    "cache_write_mtok": Decimal("2.5"),
    "cache_write_1h_mtok": Decimal(4),
    "output_mtok": Decimal(10),
}
LATER = theirs.StartDateConstraint(date(2026, 12, 1))
NIGHTS = theirs.TimeOfDateConstraint(time(0), time(6))


def models_of(monkeypatch: pytest.MonkeyPatch, *models: theirs.ModelInfo) -> snapshot.Snapshot:
    """Let the package know these models of the vendor's, and return what is taken from it."""
    vendor = next(provider for provider in providers if provider.id == genai_prices.VENDOR)
    monkeypatch.setattr(genai_prices, "providers", [replace(vendor, models=list(models))])
    return genai_prices.installed()


def model(name: str, prices: theirs.ModelPrice | list[theirs.ConditionalPrice], **more: object) -> theirs.ModelInfo:
    return theirs.ModelInfo(id=name, match=theirs.ClauseEquals(name), prices=prices, **more)  # type: ignore[arg-type]  # passed through


def test_the_committed_snapshot_is_the_pinned_packages() -> None:
    """Whoever moves the pin has to look at what it changes, and take it: `deskhand prices diff --yes`."""
    assert snapshot.read(COMMITTED) == genai_prices.installed()


def test_only_whole_rates_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model for which a class of tokens has no rate, or one of nothing, has no price at all."""
    taken = models_of(
        monkeypatch,
        model("whole", theirs.ModelPrice(**RATES)),
        *(model(f"no {name}", theirs.ModelPrice(**{**RATES, name: None})) for name in RATES),
        *(model(f"free {name}", theirs.ModelPrice(**{**RATES, name: Decimal(0)})) for name in RATES),
        model("free when long", theirs.ModelPrice(**{**RATES, "output_mtok": _tiers("10", "0")})),
    )
    assert {*taken.standard} == {"whole"}
    assert taken.standard["whole"][0].web_search is None


def test_rates_that_change_within_a_day_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not understood, so that nothing may be paid at them; a day from which they hold is."""
    prices = theirs.ModelPrice(**RATES)
    dearer = theirs.ModelPrice(**{**RATES, "input_mtok": _tiers("3", "6")}, web_searches_kcount=Decimal(10))
    taken = models_of(
        monkeypatch,
        model("nights", [theirs.ConditionalPrice(NIGHTS, prices=prices)]),
        model("later", [theirs.ConditionalPrice(prices=prices), theirs.ConditionalPrice(LATER, prices=dearer)]),
    )
    assert {*taken.standard} == {"later"}
    before, after = taken.standard["later"]
    assert after.since == date(2026, 12, 1)
    assert [after.input.at(length) for length in (100_000, 100_001)] == [3_000, 6_000]
    assert [before.web_search, after.web_search] == [None, 10_000_000]


def test_fast_rates_are_those_of_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another variant, such as a batch, is none; its searches cost what they cost at any speed."""
    standard = theirs.ModelPrice(**RATES, web_searches_kcount=Decimal(10))
    twice = theirs.ModelPrice(**{**RATES, "output_mtok": Decimal(20)})
    variants = [theirs.PriceVariant({"processing": "batch"}, prices=standard)]
    fast = theirs.PriceVariant({"speed": "fast"}, prices=twice)
    taken = models_of(
        monkeypatch,
        model("slow-latest", standard, price_variants=variants),
        model("quick", standard, price_variants=[*variants, fast]),
    )
    assert ({*taken.standard}, {*taken.fast}) == ({"slow", "quick"}, {"quick"})
    assert [taken.fast["quick"][0].output.base, taken.fast["quick"][0].web_search] == [20_000, 10_000_000]


def test_a_batch_is_half_in_the_package_too() -> None:
    """The rule of `pricing.yaml` for every model is what the package says for each that it knows a batch of."""
    vendor = next(provider for provider in providers if provider.id == genai_prices.VENDOR)
    batches = 0
    for known in vendor.models:
        standard = known.prices if isinstance(known.prices, theirs.ModelPrice) else known.prices[-1].prices
        for variant in known.price_variants or ():
            if variant.when == {"processing": "batch"}:
                batches += 1
                for name in RATES:
                    assert _halved(getattr(standard, name)) == getattr(variant.prices, name), (known.id, name)
    assert batches > 10


def test_a_process_does_not_load_what_it_may_never_need() -> None:
    """The package is for `deskhand prices diff` and `deskhand doctor`, the model's SDK for those who ask a model."""
    code = "import sys, jobs.turn, jobs.clock, bot.web; print({'genai_prices', 'anthropic'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def _tiers(base: str, over: str) -> theirs.TieredPrices:
    return theirs.TieredPrices(base=Decimal(base), tiers=[theirs.Tier(start=100_000, price=Decimal(over))])


def _halved(price: Decimal | theirs.TieredPrices) -> Decimal | theirs.TieredPrices:
    if isinstance(price, Decimal):
        return price / 2
    return theirs.TieredPrices(price.base / 2, [replace(tier, price=tier.price / 2) for tier in price.tiers])
