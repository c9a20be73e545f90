"""The gate before production: what the scores of a run say about its release. Pure Python, without a database.

tallies     what was played, by slice, with bounds
absolute    what a release must reach whatever came before it
exact       the exact test of whether it passes less often than its baseline
sequential  the looks at a candidate: block, pass, or play on
pass_k      how often a case passes k times in a row
"""

from bot.evals.gate.absolute import ReleaseVerdict, decide
from bot.evals.gate.sequential import Baseline, GoOn, look
from bot.evals.gate.tallies import (
    CONFIDENCE,
    Score,
    SliceTally,
    by_case,
    exact_lower_bound,
    failure_bound,
    tally,
    total,
)

__all__ = [
    "CONFIDENCE",
    "Baseline",
    "GoOn",
    "ReleaseVerdict",
    "Score",
    "SliceTally",
    "by_case",
    "decide",
    "exact_lower_bound",
    "failure_bound",
    "look",
    "tally",
    "total",
]
