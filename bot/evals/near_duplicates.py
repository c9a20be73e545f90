"""Which cases try nearly the same: what is counted as one more case must be one more thing that is tried. Pure.

Two cases are near-duplicates if they stage the same accounts, expect the same, and say nearly the same words. Alike
are the words when at least `LIMIT` of all words that occur in either occur in both (Jaccard's index). At the limit a
message of ten words may change two of them (8 of 12 are in both). The closest shipped pairs that are different things
to try lie below it ("hey there / my account is locked" and "so / my account / is locked": 4 of 7), and any case with
a greeting added or a name exchanged lies above it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations

from bot.evals.case_models import Case

LIMIT = 0.6


def among(played: Sequence[Case]) -> Iterator[tuple[str, str, float]]:
    """Yield each pair of cases that try the same thing, with the share of their words that both have."""
    for one, other in combinations(played, 2):
        if (share := _share(one, other)) >= LIMIT:
            yield one.id, other.id, share


def of(case: Case, others: Sequence[Case]) -> Iterator[tuple[str, float]]:
    """Yield each of the other cases that tries the same thing, with the share of their words that both have."""
    for other in others:
        if other.id != case.id and (share := _share(case, other)) >= LIMIT:
            yield other.id, share


def _share(one: Case, other: Case) -> float:
    """Return the share of words that two cases have in common; 0 if they stage or expect different things."""
    if (one.accounts, one.requester, one.expect) != (other.accounts, other.requester, other.expect):
        return 0.0
    return round(_alike(_words(one), _words(other)), 2)


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return Jaccard's index of two sets; two empty ones are the same."""
    return len(one & other) / len(one | other) if one | other else 1.0


def _words(case: Case) -> frozenset[str]:
    """Return the words of a conversation and of its files' names, without case, accents and signs."""
    said = " ".join(part for message in case.says for part in (message.text, *message.files))
    plain = unicodedata.normalize("NFKD", said.casefold())
    return frozenset(re.findall(r"[^\W_]+", "".join(one for one in plain if not unicodedata.combining(one))))
