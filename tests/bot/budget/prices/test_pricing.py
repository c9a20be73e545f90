"""What calls cost: every figure here and in `usages.yaml` is worked out by hand, in nano-USD."""

import ast
import json
import math
import operator
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent import stream
from bot.budget.prices import pricing
from bot.budget.prices.pricing import Prices, Unpriced, Usage
from bot.errors import ConfigError, Refused
from tests.support.paths import CONFIG

FILE = CONFIG / "pricing.yaml"
PRICES = Prices.load(FILE)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

# Nano-USD for one token:    fresh  read  write5m  write1h  output
SONNET = "claude-sonnet-5-5"  # 2000    100    2500    4000   10000
HAIKU = "claude-haiku-5-5"  #    100     10     125     200     500   five times as much over 100,000
OPUS = "claude-opus-5-5"  #     4000    200    5000    8000   20000   fast: twice as much
OLDER = "claude-opus-4-8"  #    5000    500    6250   10000   25000   fast: twice as much


RECORDS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "usages.yaml").read_text())
PRICED = [record for record in RECORDS if "nano_usd" in record]
REFUSED = [record for record in RECORDS if "unpriced" in record]


def reported(record: dict[str, Any]) -> Usage:
    """Return the usage of a record as it is read from the vendor's stream."""
    start = {"type": "message_start", "message": {"model": record["model"], "usage": record["start"]}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": record["last"]}
    events = (start, end, {"type": "message_stop"})
    return stream.assemble([(str(event["type"]), json.dumps(event)) for event in events])[2]


def worked_out(text: str) -> Fraction:
    """Return what an arithmetic text comes to: whole numbers, + - * / and ceil()."""
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() as number):
            return Fraction(number)
        case ast.BinOp(left, operation, right):
            return OPERATIONS[type(operation)](_value(left), _value(right))
        case ast.Call(ast.Name("ceil"), [argument]):
            return Fraction(math.ceil(_value(argument)))
    raise ValueError(ast.unparse(node))


OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@pytest.mark.parametrize("record", PRICED, ids=[record["what"] for record in PRICED])
def test_a_usage_costs_what_was_worked_out_by_hand(record: dict[str, Any]) -> None:
    """From the stream's own words to the nano-dollar; the arithmetic stands beside each figure."""
    at = datetime.fromisoformat(str(record.get("at", NOW)))
    assert worked_out(record["working"]) == record["nano_usd"]
    assert PRICES.cost(reported(record), at=at) == record["nano_usd"]


@pytest.mark.parametrize("record", REFUSED, ids=[record["what"] for record in REFUSED])
def test_a_usage_that_cannot_be_priced_is_refused(record: dict[str, Any]) -> None:
    """Whatever the vendor counts that is not known here, it is named and never free."""
    with pytest.raises(Unpriced, match=re.escape(record["unpriced"])):
        PRICES.cost(reported(record), at=NOW)


def test_the_records_hold_every_class_and_every_model() -> None:
    """No rate and no rule of the price files is left without a figure that was worked out by hand."""
    usages = [reported(record) for record in PRICED]
    parts = [part for usage in usages for part in (usage, *usage.iterations)]
    assert len(PRICED) >= 60
    for name in (*pricing.TOKENS, "web_searches"):
        assert sum(getattr(part, name) > 0 for part in parts) > 1, name
    assert {usage.service_tier for usage in usages} == {*PRICES.service_tiers}
    assert {usage.geo for usage in usages} == {None, *PRICES.geographies}
    assert {name for usage in usages for name in usage.others} == {*PRICES.other_counts}
    rates = {(PRICES.named(part.model), usage.speed) for usage in usages for part in (usage, *usage.iterations)}
    assert rates >= {(model, "standard") for model in PRICES.standard} | {(model, "fast") for model in PRICES.fast}
    kinds = {part.get("type") for record in PRICED for part in record["last"].get("iterations") or ()}
    assert kinds == {"message", "compaction", "advisor_message", "fallback_message"}


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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a price file of one's own, with the snapshot beside it."""
    shutil.copy(FILE.with_name("prices.json"), tmp_path)
    return Path(shutil.copy(FILE, tmp_path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cache_read: 0.1", "cache_read: 0.11"),
        ("batch: 0.5", "batch: 0.4"),
        ("us: 1.1", "us: 1.2"),
        ("web_fetch_requests: 0", "web_fetch_requests: 1"),
        ("hidden_prompt_tokens: 1000", "hidden_prompt_tokens: 1001"),
    ],
)
def test_the_version_is_the_hash_of_every_rate(file: Path, old: str, new: str) -> None:
    """The same rates have the same version; one changed rate or rule has another."""
    assert Prices.load(file).version == PRICES.version
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert Prices.load(file).version != PRICES.version


def test_what_is_written_down_prices_the_same() -> None:
    """Prices and usage are read back from JSON equal to what they were, and have the same version."""
    assert Prices.from_json(json.loads(json.dumps(PRICES.written))) == PRICES
    for record in RECORDS:
        usage = reported(record)
        assert Usage.from_json(json.loads(json.dumps(asdict(usage)))) == usage


def test_an_older_row_without_other_counts_can_be_read() -> None:
    """A call that was written down before a count was known has none of it."""
    row = asdict(Usage(SONNET, 5))
    del row["others"]
    assert Usage.from_json(row) == Usage(SONNET, 5)


def test_another_count_is_paid_for_once_it_has_a_price(file: Path) -> None:
    """Two dollars a thousand are two million nano-dollars each, for the call and for each sampling."""
    file.write_text(file.read_text().replace("web_fetch_requests: 0", "web_fetch_requests: 0\n  clicks: 2"))
    prices = Prices.load(file)
    usage = Usage(SONNET, others={"clicks": 3}, iterations=(Usage(SONNET, 1, others={"clicks": 1}),))
    assert prices.cost(usage, at=NOW) == 3 * 2_000_000 + 1 * 2_000_000 + 2_000


def test_the_file_overrides_the_snapshot(file: Path) -> None:
    """A model listed in the file has the file's rates alone, its fast mode included."""
    rates = "{input: 1, cache_read: 1, cache_write_5m: 1, cache_write_1h: 1, output: 1"
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
def test_a_wrong_price_file_is_refused(file: Path, old: str, new: str, field: str) -> None:
    """A wrong rate refuses to start and names the file and the field."""
    file.write_text(FILE.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=rf"pricing\.yaml: .*{field}: "):
        Prices.load(file)


def test_a_missing_price_file_is_refused(tmp_path: Path) -> None:
    """Without the file there are no prices."""
    with pytest.raises(ConfigError, match=r"pricing\.yaml: cannot be read"):
        Prices.load(tmp_path / "pricing.yaml")
