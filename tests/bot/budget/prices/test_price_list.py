"""The prices in force, as people read them: `bot.budget.prices.price_list`."""

from datetime import date

import pytest

from bot.budget.prices import price_list
from bot.budget.prices.pricing import Prices
from bot.errors import ConfigError
from tests.support.paths import CONFIG

PRICES = Prices.load(CONFIG / "pricing.yaml")


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table's rows, its head left out."""
    return [line.split() for line in text.split("\n\n")[1].splitlines()[1:]]


def test_a_model_is_shown_with_every_rate_that_it_may_have() -> None:
    """A longer prompt and a fast mode have rows of their own; a dated id is the same model."""
    assert rows(price_list.as_text(PRICES, "claude-haiku-5-5-20261007")) == [
        ["claude-haiku-5-5", "0.1", "0.01", "0.125", "0.2", "0.5", "10"],
        ["0.5", "0.05", "0.625", "1", "2.5", "10", "prompt", "over", "100,000"],
    ]
    assert rows(price_list.as_text(PRICES, "claude-opus-5-5")) == [
        ["claude-opus-5-5", "4", "0.2", "5", "8", "20", "10"],
        ["claude-opus-5-5", "8", "0.4", "10", "16", "40", "10", "fast"],
    ]


def test_all_models_are_shown_as_they_are_now() -> None:
    """What no longer holds is shown only for a model that is asked for; the day before, the older rates hold."""
    table = rows(price_list.as_text(PRICES, None, today=date(2026, 11, 22)))
    assert {row[0] for row in table if row[0].startswith(("claude", "stand-in"))} == {*PRICES.standard}
    now = ["claude-opus-4-6", "5", "0.5", "6.25", "10", "25", "10", "from", "2026-03-13"]
    assert [row for row in table if row[0] == "claude-opus-4-6"] == [now]
    before = rows(price_list.as_text(PRICES, None, today=date(2026, 3, 12)))
    assert len([row for row in before if row[0] == "claude-opus-4-6"]) == 2
    assert len(rows(price_list.as_text(PRICES, "claude-opus-4-6"))) == 3


def test_the_rules_and_the_version_stand_below() -> None:
    """So that a row of the ledger can be compared with what is in force."""
    text = price_list.as_text(PRICES, "stand-in-1")
    assert "0.5 (batch)" in text
    assert "1.1 (us)" in text
    assert text.startswith("In US dollars: ")
    assert f"Version {PRICES.version}," in text


def test_json_holds_the_same_without_rounding() -> None:
    """US dollars as text; what stands there is what calls are priced at."""
    shown = price_list.as_json(PRICES, "claude-opus-5-5-20261001")
    assert shown["version"] == PRICES.version
    assert shown["models"]["claude-opus-5-5"]["fast"][0]["cache_read"] == "0.4"
    assert {*price_list.as_json(PRICES, None)["models"]} == {*PRICES.standard}
    assert shown["service_tiers"]["batch"] == "0.5"


def test_a_model_without_a_price_is_answered_with_the_nearest() -> None:
    """The name that was meant is in the message."""
    with pytest.raises(ConfigError, match=r"claude-sonet-5-5 has no price .*claude-sonnet-5-5"):
        price_list.as_text(PRICES, "claude-sonet-5-5")
    with pytest.raises(ConfigError, match="has no price"):
        price_list.as_json(PRICES, "gratis-1")
