"""The probes of a suite are ids of its cases, as many as the card says: `bot.evals.probe_ids`."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent import card, suite_files
from bot.evals import cases
from bot.evals.case_text import BrokenFiles
from tests.support.paths import CONFIG

AGENT = card.load(CONFIG / "agents" / "access")
SLICE = "hard: false\ncases:\n" + "".join(
    f'  - {{id: SLICE-{number}, says: ["{number}"], expect: {{outcome: reply, ticket: open}} }}\n'
    for number in range(3)
)
GOOD = "[locked-0, locked-2, password-1]"


def folder_with(folder: Path, probes: str | None) -> Path:
    """Write a suite of two slices with a list of probes."""
    (folder / "evals").mkdir(exist_ok=True)
    for name in ("locked", "password"):
        (folder / "evals" / f"{name}.yaml").write_text(SLICE.replace("SLICE", name))
    (folder / "evals/coverage.yaml").write_text("{locked: 3, password: 3}\n")
    if probes is not None:
        (folder / "evals/probes.yaml").write_text(probes)
    return folder


def load(folder: Path, count: int = 3) -> cases.Suite:
    """Load the suite for a card with a number of probes."""
    terms = AGENT.card.evals.model_copy(update={"probes": count})
    return cases.load(replace(AGENT, folder=folder, card=AGENT.card.model_copy(update={"evals": terms})))


def test_the_shipped_probes() -> None:
    """There are thirty, spread over every slice, about half of them in hard ones."""
    suite = cases.load(AGENT)
    assert len({case.id for case in suite.probes}) == AGENT.card.evals.probes == 30
    assert {case.slice for case in suite.probes} == {case.slice for case in suite.cases}
    assert 10 <= sum(case.hard for case in suite.probes) <= 20


def test_probes_are_cases_of_the_suite(tmp_path: Path) -> None:
    """In its order; their list is part of the suite, and no case of it."""
    folder = folder_with(tmp_path, GOOD)
    loaded = load(folder)
    assert [case.id for case in loaded.probes] == ["locked-0", "locked-2", "password-1"]
    assert len(loaded.cases) == 6
    (folder / "evals/probes.yaml").write_text(GOOD.replace("locked-0", "locked-1"))
    assert suite_files.of_folder(folder, AGENT.card.evals) != loaded.fingerprint


def test_an_agent_need_have_none(tmp_path: Path) -> None:
    """Neither a list nor a number of them."""
    assert load(folder_with(tmp_path, None), count=0).probes == ()


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        ("[locked-0, locked-9, password-1]", ["1: locked-9: no case has this id"]),
        ("- locked-0\n- password-1\n- locked-0\n", ["3: locked-0: is listed twice"]),
        ("[locked-0, password-1]", ["1: 2 probes are listed, and the card says 3"]),
        ("[locked-0, locked-1, locked-2]", ["1: no probe is of the slice password"]),
        ("{locked: 3}", ["1: probes: expected a list such as [one, another]"]),
        ("[1, 2, 3]", ["1: probes: expected a text"] * 3),
        ("[", ["2: not YAML"]),
        (None, ["1: is missing; the card says that there are 3 probes"]),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, probes: str | None, said: list[str]) -> None:
    """With file, line and reason, as a wrong case is: nothing is played then."""
    with pytest.raises(BrokenFiles) as caught:
        load(folder_with(tmp_path, probes))
    lines = str(caught.value).replace(f"{tmp_path}/evals/probes.yaml:", "").split("\n")
    assert [line[: len(start)] for line, start in zip(lines, said, strict=True)] == said


def test_a_broken_case_is_told_alone(tmp_path: Path) -> None:
    """Its probe is not called unknown: whether it has the case is not known before the file is mended."""
    folder = folder_with(tmp_path, GOOD)
    (folder / "evals/locked.yaml").write_text("hard: [")
    with pytest.raises(BrokenFiles) as caught:
        load(folder)
    assert ["probes.yaml" in str(one) for one in caught.value.problems] == [False]
