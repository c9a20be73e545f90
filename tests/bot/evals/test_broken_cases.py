"""Broken case files are refused with file, line and reason, all at once, and nothing is played."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent import card
from bot.evals import cases
from bot.evals.case_text import BrokenFiles
from tests.support.eval_runtimes import without_probes
from tests.support.paths import CONFIG

AGENT = without_probes(card.load(CONFIG / "agents" / "access"))
FILE = """hard: false
fixtures:
  locked: &locked
    status: locked
  unlocked: &unlocked
    outcome: reply
    ticket: resolved
    category: locked
    directory: {kim: active}
    writes: {kim: [unlock]}
cases:
  - id: one
    accounts: {kim: *locked}
    says: [help]
    expect: *unlocked
  - id: two
    accounts: {kim: *locked, dan: {}}
    says: [locked out]
    expect:
      <<: *unlocked
      ran: [unlock_my_account]
      not_ran: [send_password_reset]
"""


def problems(folder: Path, files: dict[str, str]) -> list[str]:
    """Return what is said of a suite, a line for each problem, without the folder."""
    (folder / "evals").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "evals" / name).write_text(text)
    with pytest.raises(BrokenFiles) as caught:
        cases.load(replace(AGENT, folder=folder))
    return str(caught.value).replace(f"{folder}/evals/", "").split("\n")


def changed(old: str, new: str) -> dict[str, str]:
    """Return the files of a suite in which one place is otherwise."""
    assert old in FILE
    return {"locked.yaml": FILE.replace(old, new, 1), "coverage.yaml": "locked: 2\n"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kim: *locked, dan", "kim: *looked, dan", "17: there is no fixture looked"),
        ("writes: {kim", "writes: {eve", "10: one: expect.0.writes.eve: the case has no account eve"),
        (
            "not_ran: [send",
            "not_ran: [unlock_my_account, send",
            "22: two: expect.0.not_ran: unlock_my_account must have run, by `ran`, and must not have been called",
        ),
        (
            "ran: [unlock_my_account]\n      not_ran: [send_password_reset]",
            "not_ran:\n        - unlock_my_account",
            "10: two: expect.0.writes.kim: unlock is expected, and unlock_my_account must not have been called",
        ),
        (
            "      <<: *unlocked\n",
            "      <<: *unlocked\n      directory: {}\n",
            (
                "10: two: expect.0.writes.kim: unlock makes kim active, and it is expected to be locked "
                "(it must be unchanged, as `directory` does not name it)"
            ),
        ),
        (
            "      <<: *unlocked\n",
            "      <<: *unlocked\n      writes: {}\n",
            "9: two: expect.0.directory.kim: kim is expected to become active, and nothing is written that does it",
        ),
        (
            "      ran: [unlock_my_account]",
            "      reasons: [budget]",
            "19: two: expect.0: reasons: a handoff names the reasons that are right, a reply has none",
        ),
        (
            "ran: [unlock_my_account]",
            "ran: [hand_off]",
            "21: two: expect.0.ran: hand_off must have run, and the outcome is a reply",
        ),
        (
            "      <<: *unlocked\n",
            "      <<: *unlocked\n      category: none\n",
            "21: two: expect.0.category: the ticket is to be resolved, and as no category",
        ),
        ("- id: two", "- id: one", "16: one: id: taken by the case at locked.yaml, line 12"),
        ("    says: [locked out]", "    says: [locked out]\n    says: [again]", "19: says is given twice"),
        ("    says: [help]", "    says: [help", "15: not YAML: did not find expected ',' or ']'"),
        (
            "- id: two",
            "- id: Two",
            "16: Two: id: expected lower-case letters and digits with single hyphens between, as in wrong-caps",
        ),
    ],
)
def test_a_broken_case_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    """The line is that of the mistake, also where it is in a fixture that the case uses."""
    assert f"locked.yaml:{said}" in problems(tmp_path, changed(old, new))


def test_the_file_that_the_broken_ones_are_made_from_is_right(tmp_path: Path) -> None:
    """Nothing but the change is wrong with them."""
    (tmp_path / "evals").mkdir()
    for name, text in changed("help", "help me").items():
        (tmp_path / "evals" / name).write_text(text)
    assert [case.id for case in cases.load(replace(AGENT, folder=tmp_path)).cases] == ["one", "two"]


def test_a_renamed_slice_is_unknown_and_missed(tmp_path: Path) -> None:
    """Both files are named: the one that the manifest does not know, and the manifest, which misses a slice."""
    files = {"looked.yaml": FILE, "coverage.yaml": "# of each slice\nlocked: 2\n"}
    assert problems(tmp_path, files) == [
        "coverage.yaml:2: locked: 0 of at least 2 cases are there",
        "looked.yaml:1: unknown slice: coverage.yaml does not say how many cases looked must have",
    ]


def test_a_suite_that_is_short_by_one_is_refused(tmp_path: Path) -> None:
    """A case that was deleted makes no smaller suite."""
    files = {"locked.yaml": FILE[: FILE.index("  - id: two")], "coverage.yaml": "locked: 2\n"}
    assert problems(tmp_path, files) == ["coverage.yaml:1: locked: 1 of at least 2 cases are there"]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Of several files, each once; a file that cannot be read is not said to lack cases, too."""
    files = changed("- id: two", "- id: one") | {"more.yaml": "hard: [", "coverage.yaml": "{locked: 2, more: 3}"}
    assert problems(tmp_path, files) == [
        "more.yaml:2: not YAML: did not find expected node content",
        "locked.yaml:16: one: id: taken by the case at locked.yaml, line 12",
    ]
