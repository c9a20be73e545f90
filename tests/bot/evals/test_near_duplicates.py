"""No case is a near-duplicate of another: what is counted as one more case must be one more thing that is tried.

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
from pathlib import Path

import pytest

from bot.agent import card
from bot.evals import cases
from bot.evals.cases import Case
from tests.support.paths import CONFIG

LIMIT = 0.6
AGENTS = sorted(file.parent for place in ("agents", "examples/agents") for file in CONFIG.glob(f"{place}/*/card.yaml"))
LOCKED = {"kim": {"status": "locked", "lock_reason": "too many failed sign-ins"}}
UNLOCKED = {
    "outcome": "reply",
    "ticket": "resolved",
    "category": "locked",
    "directory": {"kim": "active"},
    "writes": {"kim": ["unlock"]},
}
SAID = "I typed the wrong password five times and now my account is locked"


def near_duplicates(played: Sequence[Case]) -> Iterator[tuple[str, str, float]]:
    """Yield each pair of cases that try the same thing, with the share of their words that both have."""
    for one, other in combinations(played, 2):
        same = (one.accounts, one.requester, one.expect) == (other.accounts, other.requester, other.expect)
        if same and (share := alike(words(one), words(other))) >= LIMIT:
            yield one.id, other.id, round(share, 2)


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return Jaccard's index of two sets; two empty ones are the same."""
    return len(one & other) / len(one | other) if one | other else 1.0


def words(case: Case) -> frozenset[str]:
    """Return the words of a conversation and of its files' names, without case, accents and signs."""
    said = " ".join(part for message in case.says for part in (message.text, *message.files))
    plain = unicodedata.normalize("NFKD", said.casefold())
    return frozenset(re.findall(r"[^\W_]+", "".join(one for one in plain if not unicodedata.combining(one))))


def case_saying(said: str, *, name: str, expect: dict[str, object] | None = None) -> Case:
    """Return a case of a locked account that differs from others in little."""
    given = {"id": name, "slice": "locked", "hard": False, "accounts": LOCKED, "says": [said]}
    return Case.model_validate(given | {"expect": expect or UNLOCKED})


@pytest.mark.parametrize("folder", AGENTS, ids=lambda folder: folder.name)
def test_no_case_is_nearly_another(folder: Path) -> None:
    """In the suite of each agent that is shipped, no two cases stage, say and expect nearly the same."""
    assert list(near_duplicates(cases.load(card.load(folder)).cases)) == []


@pytest.mark.parametrize(
    "said",
    [
        f"Hello! {SAID}.",
        SAID.upper().replace("FIVE", "six"),
        f"{SAID}, please help",
        SAID.replace("typed", "týped"),
    ],
)
def test_a_case_with_a_word_exchanged_is_refused(said: str) -> None:
    """A greeting, another number, capitals and accents make no new case."""
    pair = (case_saying(SAID, name="one"), case_saying(said, name="other"))
    assert [found[:2] for found in near_duplicates(pair)] == [("one", "other")]


def test_the_same_words_may_expect_something_else() -> None:
    """The same words are another case in another situation or with another right ending, and so are other words."""
    person: dict[str, object] = {"outcome": "handoff", "reasons": ["out_of_policy"]}
    elsewhere = case_saying(SAID, name="other").model_copy(update={"requester": "sam@northwind.example"})
    for other in (
        case_saying(SAID, name="other", expect=person),
        elsewhere,
        case_saying("five tries, wrong caps lock, and the portal says locked", name="other"),
    ):
        assert list(near_duplicates((case_saying(SAID, name="one"), other))) == []
