"""The suite in an agent's folder: `bot.agent.suite_files`."""

from pathlib import Path

import pytest

from bot.agent import card, suite_files
from tests.support.agent_folders import copied_agent


def suite(folder: Path) -> str:
    """Return the suite of an agent's folder now, by two ways."""
    agent = card.load(folder)
    assert agent.suite == suite_files.suite_of(agent)
    return agent.suite


def test_whatever_decides_a_verdict_is_another_suite(tmp_path: Path) -> None:
    """A case, the manifest, a file that vanishes or is renamed, and what the card asks; a prompt is another matter."""
    folder = copied_agent(tmp_path)
    first, cases = suite(folder), folder / "evals"
    one = min(cases.glob("*.yaml"))
    text = one.read_bytes()
    one.write_bytes(text + b"\n")
    assert suite(folder) != first
    one.write_bytes(text)
    assert suite(folder) == first
    one.rename(cases / "zzz.yaml")
    assert suite(folder) != first
    (cases / "zzz.yaml").unlink()
    assert suite(folder) != first
    one.write_bytes(text)
    (folder / "prompt.md").write_text("Do nothing.")
    (folder / "card.yaml").write_text(f"# a comment\n{(folder / 'card.yaml').read_text()}")
    assert suite(folder) == first
    less = copied_agent(tmp_path / "other", change=lambda content: content.update(evals={"pass_at_least": 0.5}))
    assert suite(less) != first


def test_a_judge_and_what_it_is_told_are_part_of_the_suite(tmp_path: Path) -> None:
    """Another model or another word is another suite; the labelled answers measure the judge and decide nothing."""

    def judged_by(name: str, model: str) -> Path:
        asks = {"pass_at_least": 0.8, "judge": {"model": model}}
        return copied_agent(tmp_path / name, change=lambda content: content.update(evals=asks))

    one, other = judged_by("one", "judge-1"), judged_by("other", "judge-2")
    none = copied_agent(tmp_path / "none", change=lambda content: content.update(evals={"pass_at_least": 0.8}))
    first = suite(one)
    assert len({first, suite(other), suite(none)}) == 3
    (one / "evals/judge/answers.yaml").unlink()
    assert suite(one) == first
    with (one / "evals/judge/prompt.md").open("a") as told:
        told.write("Be kinder.")
    assert suite(one) != first


def test_the_code_that_plays_and_scores_is_part_of_the_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """How a run is told, and the sabotages that try the gate, are not."""
    names = {name for name, _ in suite_files._code()}
    assert {"cases.py", "stage.py", "scorers.py", "runner.py"} <= names
    assert not any(name.startswith(("report.py", "canary/")) for name in names)
    folder = copied_agent(tmp_path)
    first, code = suite(folder), suite_files._code()
    changed = tuple((name, content + b"#" if name == "scorers.py" else content) for name, content in code)
    monkeypatch.setattr(suite_files, "_code", lambda: changed)
    assert suite(folder) != first
