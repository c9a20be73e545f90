"""A drafted case becomes a file diff, or the loader says what is wrong with it: `bot.evals.proposals`."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.agent import card
from bot.agent.card import Agent
from bot.errors import ConfigError
from bot.evals import cases
from bot.evals.proposals import applying, checking, diffs
from bot.evals.proposals.checking import CheckedCase
from bot.store.schema import CaseDraft
from tests.support.paths import CONFIG

DRAFT = CaseDraft(
    id="locked-after-holidays",
    slice="locked",
    where="channel",
    says="Back from two weeks off: my badge works, my login does not, it says 'locked'.\n---\nyes, since this morning",
    accounts="kim: {status: locked, lock_reason: too many failed sign-ins}",
    outcome="reply",
    ticket="resolved",
    category="locked",
    ran=("unlock_my_account",),
    not_ran=("hand_off",),
    more="directory: {kim: active}\nwrites: {kim: [unlock]}",
    why="A person unlocked it.\nThe agent could have.",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that holds the configuration."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(CONFIG / "agents" / "access", root / "config" / "agents" / "access")
    git(root, "init", "-q")
    git(root, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.autocrlf=false", "add", "-A")
    return root


@pytest.fixture
def agent(checkout: Path) -> Agent:
    """Return the agent as the checkout has it."""
    return card.load(checkout / "config" / "agents" / "access")


def git(root: Path, *words: str, said: str = "") -> None:
    """Let git do something in a folder."""
    subprocess.run(["git", *words], cwd=root, input=said.encode(), check=True, capture_output=True)


def checked(agent: Agent, **changes: Any) -> CheckedCase:
    """Return the files with a draft that the suite can take."""
    found = checking.check(agent, replace(DRAFT, **changes), handoff=7)
    assert isinstance(found, CheckedCase), found
    return found


def test_an_accepted_case_is_a_diff_that_git_applies(checkout: Path, agent: Agent, tmp_path: Path) -> None:
    """The suite then has the case as it was drafted and one more in its manifest; until then nothing was written."""
    before = cases.load(agent)
    found = checked(agent)
    assert cases.load(agent).fingerprint == before.fingerprint
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy)
    git(copy, "apply", "--whitespace=error-all", "-", said=found.diff)
    applied = card.load(copy / "config" / "agents" / "access")
    [case] = [one for one in cases.load(applied).cases if one.id == DRAFT.id]
    assert (case.slice, case.where, [one.text for one in case.says]) == (
        "locked",
        "channel",
        DRAFT.says.split("\n---\n"),
    )
    [end] = case.expect
    assert (end.outcome, end.ran, end.not_ran) == ("reply", ("unlock_my_account",), ("hand_off",))
    assert (dict(end.writes), dict(end.directory)) == ({"kim": ("unlock",)}, {"kim": "active"})
    text = (applied.folder / "evals" / "locked.yaml").read_text("utf-8")
    assert (
        "  # Proposed from handoff 7.\n  # A person unlocked it.\n  # The agent could have.\n  - id: locked-af" in text
    )
    assert sorted(found.after) == ["coverage.yaml", "locked.yaml"]
    assert "-locked: 18\n+locked: 19\n" in found.diff
    assert {name: (applied.folder / "evals" / name).read_text("utf-8") for name in found.after} == found.after


def test_a_diff_says_where_a_file_has_no_last_line_feed() -> None:
    """As git does, so that it applies; a carriage return ends no line."""
    said = diffs.unified({"a.yaml": "one\ntwo"}, {"a.yaml": "one\r\ntwo\nthree\n"}, folder="config")
    assert said.startswith("--- a/config/a.yaml\n+++ b/config/a.yaml\n")
    assert "-two\n\\ No newline at end of file\n" in said
    assert "+one\r\n+two\n+three\n" in said


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"id": "Locked Again"}, "id", "expected lower-case letters and digits"),
        ({"id": "locked-impatient-but-polite"}, "id", "taken by the case at locked.yaml"),
        ({"slice": ""}, "slice", "choose one of always_human, "),
        ({"slice": "../../card"}, "slice", "choose one of always_human, "),
        ({"says": " \n---\n"}, "says", "there is no message in it"),
        ({"says": "colleague: he has called"}, "says", "the requester speaks first"),
        ({"accounts": "kim: {status: lost}"}, "accounts", "kim.status"),
        ({"accounts": "kim: ["}, "accounts", "this is not YAML"),
        ({"accounts": "- kim"}, "accounts", "expected names with values"),
        ({"more": "ran: [resolve]"}, "more", "ran has a field of its own"),
        ({"more": "writes: {eve: [unlock]}"}, "more", "the case has no account eve"),
        ({"more": "colour: red"}, "more", "is unknown"),
        ({"outcome": "handoff"}, "reasons", "a handoff names the reasons that are right"),
        ({"category": "secret"}, "category", "no such category: secret"),
        ({"ran": ("fly",)}, "ran", "no such tool: fly"),
        ({"not_ran": ("unlock_my_account",)}, "not_ran", "must have run, by `ran`, and must not have been called"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(agent: Agent, changes: dict[str, Any], field: str, reason: str) -> None:
    """By the loader that reads case files, in its words."""
    found = checking.check(agent, replace(DRAFT, **changes), handoff=7)
    assert isinstance(found, tuple)
    assert any(one.field == field and reason in one.reason for one in found), found


def test_a_case_that_is_nearly_another_is_refused(agent: Agent) -> None:
    """With the name of the other one: what is counted as one more case must try one more thing."""
    other = next(one for one in cases.load(agent).cases if one.slice == "locked" and len(one.says) == 1)
    first = checked(agent, says=f"{other.says[0].text} please", id="locked-one")
    applying.apply(agent, first)
    found = checking.check(agent, replace(DRAFT, says=f"Please! {other.says[0].text}", id="locked-two"), handoff=8)
    assert isinstance(found, tuple)
    assert [one.field for one in found] == ["says"]
    assert "it is nearly locked-one: the same is staged and expected, and" in found[0].reason
    with pytest.raises(ConfigError, match="has changed meanwhile"):
        applying.apply(agent, first)
    for name, text in first.before.items():
        (agent.folder / "evals" / name).write_text(text, "utf-8")


def test_a_command_that_was_killed_is_given_again(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it made the second file ready: no file is another one yet, or the case would be refused as its own twin."""
    case, real = checked(agent), os.fsync
    synced: list[int] = []

    def fsync(file: int) -> None:
        synced.append(file)
        if len(synced) == 2:
            raise KeyboardInterrupt
        real(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(KeyboardInterrupt):
            applying.apply(agent, case)
    assert len(case.after) > 1
    assert applying.apply(agent, checked(agent)) == tuple(sorted(case.after))
    for name, text in case.before.items():
        (agent.folder / "evals" / name).write_text(text, "utf-8")


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_case_is_indented_as_the_others_of_its_file(agent: Agent, indent: str) -> None:
    """A file that somebody or a program has written otherwise takes it, too."""
    file = agent.folder / "evals" / "suspended.yaml"
    text = file.read_text("utf-8")
    head, cases_ = text.split("cases:\n", 1)
    moved = "".join(f"{indent}{line.removeprefix('  ')}" for line in cases_.splitlines(keepends=True))
    file.write_text(f"{head}cases:\n\n{indent}# moved\n{moved}", "utf-8")
    try:
        found = checked(agent, slice="suspended")
    finally:
        file.write_text(text, "utf-8")
    assert f"\n{indent}- id: {DRAFT.id}\n" in found.after["suspended.yaml"]


def test_a_case_is_put_behind_the_others_wherever_they_are(agent: Agent) -> None:
    """A file whose cases come first keeps what follows them."""
    file = agent.folder / "evals" / "suspended.yaml"
    text = file.read_text("utf-8")
    head, _ = text.split("cases:\n", 1)
    below = head[head.index("fixtures:") :]
    flat = yaml.safe_load(text)
    del flat["fixtures"], flat["hard"]
    first = yaml.safe_dump(flat, sort_keys=False)
    file.write_text(f"{first}hard: false\n{below}", "utf-8")
    try:
        found = checked(agent, slice="suspended")
    finally:
        file.write_text(text, "utf-8")
    after = found.after["suspended.yaml"]
    assert f"\n- id: {DRAFT.id}\n" in after
    assert after.endswith(f"\nhard: false\n{below}")
