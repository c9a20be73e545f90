"""A price and a budget that are easy to reckon with: one token of anything costs 1,000 nano-USD."""

from pathlib import Path

from bot.budget.prices import snapshot
from bot.budget.prices.snapshot import Snapshot

PRICING = """
hidden_prompt_tokens: 0
service_tiers: {standard: 1}
geographies: {}
models:
  coin: {input: 1, cache_read: 1, cache_write_5m: 1, cache_write_1h: 1, output: 1}
"""


def write_price_files(folder: Path, budget: str) -> None:
    """Write the price files and a budget."""
    (folder / "pricing.yaml").write_text(PRICING)
    snapshot.write(folder / snapshot.FILE, Snapshot("none", {}, {}))
    (folder / "budgets.yaml").write_text(budget)
