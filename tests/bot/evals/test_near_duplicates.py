"""No shipped case is a near-duplicate of another, and what counts as one: `bot.evals.near_duplicates`."""

from pathlib import Path

import pytest

from bot.agent import card
from bot.evals import cases, near_duplicates
from bot.evals.cases import Case
from tests.support.paths import CONFIG

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


def case_saying(said: str, *, name: str, expect: dict[str, object] | None = None) -> Case:
    """Return a case of a locked account that differs from others in little."""
    given = {"id": name, "slice": "locked", "hard": False, "accounts": LOCKED, "says": [said]}
    return Case.model_validate(given | {"expect": expect or UNLOCKED})


@pytest.mark.parametrize("folder", AGENTS, ids=lambda folder: folder.name)
def test_no_case_is_nearly_another(folder: Path) -> None:
    """In the suite of each agent that is shipped, no two cases stage, say and expect nearly the same."""
    assert list(near_duplicates.among(cases.load(card.load(folder)).cases)) == []


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
    assert [found[:2] for found in near_duplicates.among(pair)] == [("one", "other")]


def test_the_same_words_may_expect_something_else() -> None:
    """The same words are another case in another situation or with another right ending, and so are other words."""
    person: dict[str, object] = {"outcome": "handoff", "reasons": ["out_of_policy"]}
    elsewhere = case_saying(SAID, name="other").model_copy(update={"requester": "sam@northwind.example"})
    for other in (
        case_saying(SAID, name="other", expect=person),
        elsewhere,
        case_saying("five tries, wrong caps lock, and the portal says locked", name="other"),
    ):
        assert list(near_duplicates.among((case_saying(SAID, name="one"), other))) == []
