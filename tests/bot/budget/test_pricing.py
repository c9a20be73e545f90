"""Every figure below is worked out by hand from the rates in the comments, in nano-USD."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.budget.pricing import Prices, Unpriced, Usage
from bot.errors import ConfigError, Refused

FILE = Path(__file__).parents[3] / "config" / "pricing.yaml"
PRICES = Prices.load(FILE)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

# Nano-USD for one token:    fresh  read  write5m  write1h  output
SONNET = "claude-sonnet-5-5"  # 2000    100    2500    4000   10000
HAIKU = "claude-haiku-5-5"  #    100     10     125     200     500   five times as much over 100,000
OPUS = "claude-opus-5-5"  #     4000    200    5000    8000   20000   fast: twice as much
OLDER = "claude-opus-4-8"  #    5000    500    6250   10000   25000   fast: twice as much
TIERED = "claude-opus-4-6"  #   5000 before 2026-03-13: 10000 over 200,000

HAND: list[tuple[str, Usage, int]] = [
    ("nothing", Usage(SONNET), 0),
    ("one fresh token", Usage(SONNET, input_tokens=1), 2_000),
    ("fresh and output", Usage(SONNET, input_tokens=1_000, output_tokens=500), 7_000_000),
    ("a million tokens are two dollars", Usage(SONNET, input_tokens=1_000_000), 2_000_000_000),
    ("cache read", Usage(SONNET, cache_read_tokens=10_000), 1_000_000),
    ("cache write, 5 minutes", Usage(SONNET, cache_write_5m_tokens=1_000), 2_500_000),
    ("cache write, 1 hour", Usage(SONNET, cache_write_1h_tokens=1_000), 4_000_000),
    # 12 x 2000 + 3456 x 100 + 789 x 2500 + 1011 x 4000 + 222 x 10000
    ("every class of tokens", Usage(SONNET, 12, 3_456, 789, 1_011, 222), 8_606_100),
    ("a dated id", Usage("claude-sonnet-5-5-20261010", input_tokens=1), 2_000),
    ("the stand-in", Usage("stand-in-1", 12, 3_456, 789, 1_011, 222), 8_606_100),
    ("priority tier", Usage(SONNET, input_tokens=1, service_tier="priority"), 2_000),
    # half of 2000 + 100
    ("batch is half", Usage(SONNET, 1, 1, service_tier="batch"), 1_050),
    # half of 24000 + 345600 + 1972500 + 4044000 + 2220000
    ("batch, every class", Usage(SONNET, 12, 3_456, 789, 1_011, 222, service_tier="batch"), 4_303_050),
    # 125 / 2 = 62.5
    ("rounded up", Usage(HAIKU, cache_write_5m_tokens=1, service_tier="batch"), 63),
    # 125 / 2 + 125 / 2 = 125: rounded once, not by class
    ("rounded once", Usage(HAIKU, cache_write_5m_tokens=2, service_tier="batch"), 125),
    ("at the tier's edge", Usage(HAIKU, input_tokens=100_000), 10_000_000),
    ("over the tier's edge", Usage(HAIKU, input_tokens=100_001), 50_000_500),
    # the prompt is 100,001 long: 60000 x 500 + 40001 x 50 + 10 x 2500
    ("a cached prompt is long too", Usage(HAIKU, 60_000, 40_001, output_tokens=10), 32_025_050),
    # 40000 x 625 + 60001 x 1000, halved
    (
        "long, written, batch",
        Usage(HAIKU, 0, 0, 40_000, 60_001, service_tier="batch"),
        42_500_500,
    ),
    ("in the United States", Usage(SONNET, input_tokens=1_000, output_tokens=100, geo="us"), 3_300_000),
    ("anywhere", Usage(SONNET, input_tokens=1_000, output_tokens=100, geo="global"), 3_000_000),
    ("before there was a choice", Usage(SONNET, input_tokens=1, geo="not_available"), 2_000),
    # 125 x 1.1 = 137.5
    ("geography, rounded up", Usage(HAIKU, cache_write_5m_tokens=1, geo="us"), 138),
    # 2000 / 2 x 1.1
    ("batch in the United States", Usage(SONNET, 1, service_tier="batch", geo="us"), 1_100),
    # 100 x 8000 + 50 x 40000
    ("fast", Usage(OPUS, input_tokens=100, output_tokens=50, speed="fast"), 2_800_000),
    # 10 x 400 + 10 x 10000 + 10 x 16000
    ("fast, cached", Usage(OPUS, 0, 10, 10, 10, speed="fast"), 264_000),
    # (10000 + 50000) x 1.1
    ("fast in the United States", Usage(OLDER, 1, output_tokens=1, speed="fast", geo="us"), 66_000),
    ("a cheaper cache read", Usage("claude-fable-5-1", cache_read_tokens=1), 250),
    # 10 x 2000 + 3 x 10,000,000
    ("web searches", Usage(SONNET, input_tokens=10, web_searches=3), 30_020_000),
    # a search has no batch price: 10 x 1000 + 10,000,000
    ("search in a batch", Usage(SONNET, 10, web_searches=1, service_tier="batch"), 10_010_000),
    # nor one by geography: 10 x 2200 + 10,000,000
    ("search in the United States", Usage(SONNET, 10, web_searches=1, geo="us"), 10_022_000),
    # 100 x 2000 + 10 x 10000 + 5000 x 2000 + 300 x 10000: the call's own totals leave compaction out
    (
        "compaction",
        Usage(
            SONNET,
            100,
            output_tokens=10,
            iterations=(Usage(SONNET, 100, output_tokens=10), Usage("", 5_000, output_tokens=300)),
        ),
        13_300_000,
    ),
    # 100 x 2000 + 10 x 10000, and by the adviser 200 x 4000 + 20 x 20000
    (
        "an iteration with its own model",
        Usage(SONNET, iterations=(Usage(SONNET, 100, output_tokens=10), Usage(OPUS, 200, output_tokens=20))),
        1_500_000,
    ),
    # the same x 1.1 / 2
    (
        "iterations share tier and geography",
        Usage(
            SONNET,
            geo="us",
            service_tier="batch",
            iterations=(Usage(SONNET, 100, output_tokens=10), Usage(OPUS, 200, output_tokens=20)),
        ),
        825_000,
    ),
    # each is 60,000 long, none is over 100,000
    (
        "iterations are long or short each by itself",
        Usage(HAIKU, 120_000, iterations=(Usage(HAIKU, 60_000), Usage(HAIKU, 60_000))),
        12_000_000,
    ),
]


@pytest.mark.parametrize(("usage", "nano_usd"), [row[1:] for row in HAND], ids=[row[0] for row in HAND])
def test_cost_is_exact(usage: Usage, nano_usd: int) -> None:
    """The cost of a usage record is the figure worked out by hand, to the nano-dollar."""
    assert PRICES.cost(usage, at=NOW) == nano_usd


@pytest.mark.parametrize(
    ("day", "nano_usd"),
    [(datetime(2026, 3, 12, 23, 59, tzinfo=UTC), 2_000_010_000), (datetime(2026, 3, 13, tzinfo=UTC), 1_000_005_000)],
)
def test_rates_change_on_their_day(day: datetime, nano_usd: int) -> None:
    """A rate holds from its start date on: 200,001 tokens at 10000, from 2026-03-13 at 5000."""
    assert PRICES.cost(Usage(TIERED, input_tokens=200_001), at=day) == nano_usd


@pytest.mark.parametrize(
    "usage",
    [
        Usage("claude-sonnet-9", input_tokens=1),
        Usage("claude-sonnet-5-50", input_tokens=1),
        Usage("claude-opus-4-80-20261010", input_tokens=1),
        Usage("", input_tokens=1),
        Usage(SONNET, input_tokens=1, speed="fast"),
        Usage(SONNET, input_tokens=1, speed="warp"),
        Usage(SONNET, input_tokens=1, service_tier="gold"),
        Usage(SONNET, input_tokens=1, geo="moon"),
        Usage(SONNET, input_tokens=-1, output_tokens=5),
        Usage(SONNET, web_searches=-1),
        Usage("claude-3-haiku", web_searches=1),
        Usage(SONNET, iterations=(Usage("claude-sonnet-9", 1),)),
    ],
    ids=repr,
)
def test_what_has_no_price_is_refused(usage: Usage) -> None:
    """A model, speed, tier or geography without a price is refused for the budget's sake, never free."""
    with pytest.raises(Unpriced) as refusal:
        PRICES.cost(usage, at=NOW)
    assert isinstance(refusal.value, Refused)
    assert refusal.value.reason == "budget"


def test_an_unknown_model_is_refused_before_the_call() -> None:
    """A model without a price has no worst case either, and is not known."""
    assert PRICES.knows(SONNET)
    assert PRICES.knows("claude-sonnet-5-5@20261010")
    assert not PRICES.knows("claude-sonnet-9")
    with pytest.raises(Unpriced):
        PRICES.worst_case("claude-sonnet-9", prompt_bytes=1, max_tokens=1)


TEXTS = [
    "👩‍👩‍👧‍👦🏳️‍🌈🔐🆘" * 20,
    "パスワードを忘れてログインできません。助けてください。" * 20,
    '{"id":"7f9c24e8-3b12-4fef-91d0-5c8f2f8f2f8e","ok":[true,null,-1.5e-7]}' * 20,
    "\u0000\u200b\u202e\ufeff" * 50,
    "🔐" * 25_000,
]


@pytest.mark.parametrize("model", [SONNET, HAIKU])
@pytest.mark.parametrize("text", TEXTS)
def test_the_estimate_covers_a_token_for_every_byte(text: str, model: str) -> None:
    """A prompt in which every byte is a token, all written to the dear cache, is just covered."""
    size = len(text.encode())
    estimate = PRICES.worst_case(model, prompt_bytes=size, max_tokens=300, at=NOW)
    most = Usage(model, cache_write_1h_tokens=size + 1_000, output_tokens=300, geo="us")
    assert PRICES.cost(most, at=NOW) == estimate


@given(
    text=st.text(min_size=1, max_size=300),
    repeats=st.integers(1, 400),
    shares=st.lists(st.integers(0, 100), min_size=5, max_size=5),
    max_tokens=st.integers(0, 5_000),
    model=st.sampled_from([SONNET, HAIKU, OPUS, "stand-in-1"]),
    tier=st.sampled_from(sorted(PRICES.service_tiers)),
    geo=st.sampled_from([None, *sorted(PRICES.geographies)]),
)
@settings(max_examples=300, deadline=None)
def test_no_call_costs_more_than_its_estimate(
    *,
    text: str,
    repeats: int,
    shares: list[int],
    max_tokens: int,
    model: str,
    tier: str,
    geo: str | None,
) -> None:
    """However at most one token a byte is spread over the classes, the cost stays under the estimate."""
    size = len(text.encode()) * repeats
    fresh, read, short, long, _ = (
        (size + PRICES.hidden_prompt_tokens) * share // max(1, sum(shares)) for share in shares
    )
    usage = Usage(model, fresh, read, short, long, max_tokens, service_tier=tier, geo=geo)
    assert PRICES.cost(usage, at=NOW) <= PRICES.worst_case(model, prompt_bytes=size, max_tokens=max_tokens, at=NOW)


def test_the_estimate_follows_what_the_request_asks_for() -> None:
    """A shorter cache, fast mode and searches are each in the estimate."""
    base: dict[str, Any] = {"prompt_bytes": 0, "max_tokens": 0, "at": NOW}
    hidden = PRICES.hidden_prompt_tokens
    assert PRICES.worst_case(OPUS, **base, cache="none") == hidden * 4_400
    assert PRICES.worst_case(OPUS, **base, cache="5m") == hidden * 5_500
    assert PRICES.worst_case(OPUS, **base, cache="1h") == hidden * 8_800
    assert PRICES.worst_case(OPUS, **base, cache="1h", speed="fast") == hidden * 17_600
    assert PRICES.worst_case(OPUS, **base, web_searches=2) == hidden * 8_800 + 20_000_000


def test_the_version_is_the_hash_of_every_rate(tmp_path: Path) -> None:
    """The same rates have the same version; one changed rate has another."""
    assert Prices.load(FILE).version == PRICES.version
    changed = tmp_path / "pricing.yaml"
    changed.write_text(FILE.read_text().replace("cache_read: 0.1", "cache_read: 0.11"))
    assert Prices.load(changed).version != PRICES.version


def test_the_file_overrides_the_package(tmp_path: Path) -> None:
    """A model listed in the file has the file's rates alone, its fast mode included."""
    rates = "{input: 1, cache_read: 1, cache_write_5m: 1, cache_write_1h: 1, output: 1"
    file = tmp_path / "pricing.yaml"
    file.write_text(
        FILE.read_text()
        + f"  {OPUS}: {rates}}}\n  {OLDER}: {rates}, fast: {rates.replace('input: 1', 'input: 3')}}}}}\n"
    )
    prices = Prices.load(file)
    assert prices.cost(Usage(OPUS, input_tokens=7), at=NOW) == 7_000
    assert prices.cost(Usage(OLDER, input_tokens=7, speed="fast"), at=NOW) == 21_000
    with pytest.raises(Unpriced):
        prices.cost(Usage(OPUS, input_tokens=7, speed="fast"), at=NOW)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("input: 2", "input: -2", "models.stand-in-1.input"),
        ("input: 2", "input: 0", "models.stand-in-1.input"),
        ("input: 2", "input: true", "models.stand-in-1.input"),
        ("input: 2", "inptu: 2", "models.stand-in-1.inptu"),
        ("output: 10", "output: .nan", "models.stand-in-1.output"),
        ("output: 10", "output: 10000000", "models.stand-in-1.output"),
        ("batch: 0.5", "batch: 0", "service_tiers.batch"),
        ("us: 1.1", "us: much", "geographies.us"),
        ("hidden_prompt_tokens: 1000", "hidden_prompt_tokens: -1", "hidden_prompt_tokens"),
        ("models:", "model:", "model"),
    ],
)
def test_a_wrong_price_file_is_refused(tmp_path: Path, old: str, new: str, field: str) -> None:
    """A wrong rate refuses to start and names the file and the field."""
    file = tmp_path / "pricing.yaml"
    file.write_text(FILE.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=rf"pricing\.yaml: .*{field}: "):
        Prices.load(file)


def test_a_missing_price_file_is_refused(tmp_path: Path) -> None:
    """Without the file there are no prices."""
    with pytest.raises(ConfigError, match=r"pricing\.yaml: cannot be read"):
        Prices.load(tmp_path / "pricing.yaml")
