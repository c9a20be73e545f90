"""`deskhand release` and `deskhand eval waive`: what releases are made of, the way back, and owners who answer."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import agent_cards, folder_exchange
from bot.agent import card
from bot.agent.release import release_of
from bot.agent_cards import Cards
from bot.errors import ConfigError
from bot.evals import cases, runs
from bot.evals.runs import PlannedRun
from bot.releases import registry, rollback
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store import members
from bot.store.db import Database
from bot.store.releases import eval_runs, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AuditRow, EvalRun, RunState, Verdict
from tests.support.agent_folders import copied_agent
from tests.support.command_line import deskhand
from tests.support.factories import rows
from tests.support.release_rows import judged

pytestmark = pytest.mark.usefixtures("quiet_logs")


class Installed:
    """An installation with one agent, whose releases are evaluated by a word."""

    def __init__(self, config: Path, database: Database) -> None:
        """Keep where it is."""
        self.config, self.database, self.folder = config, database, config / "agents/access"

    def judge(self, verdict: str = "pass") -> ReleasePair:
        """Evaluate what is in the folder now, as a worker has stored it."""
        settings, agent = Settings.from_environment(), card.load(self.folder)
        pair = pair_of(settings, agent)
        with self.database.write() as session:
            registry.register(session, agent, release_of(settings, agent))
            judged(session, *pair, verdict=verdict)
        return pair

    def edit(self, name: str, text: str) -> None:
        """Add a line to a file."""
        file = self.folder / name
        file.write_text(f"{file.read_text()}{text}\n")

    def files(self) -> dict[str, str]:
        """Return every file of the folder."""
        found = sorted(file for file in self.folder.rglob("*") if file.is_file())
        return {file.relative_to(self.folder).as_posix(): file.read_text() for file in found}


@pytest.fixture
def installed(sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Point the commands at an installation with one agent."""
    copied_agent(tmp_path / "config")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    assert deskhand("migrate") == 0
    return Installed(tmp_path / "config", sqlite)


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Return what a command says on both of its outputs."""
    capsys.readouterr()
    assert deskhand(*words) == code
    seen = capsys.readouterr()
    return f"{seen.out}{seen.err}"


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what a command answers as JSON."""
    return json.loads(run(capsys, *words, "--json"))


def test_a_rollback_brings_the_last_passing_release_back(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompt, card and cases as one; people stay as they are now, the previous folder is kept, it is audited."""
    monkeypatch.setattr(agent_cards, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(agent_cards, "STAYED_SECONDS", 0.0)
    first, was = installed.judge(), installed.files()
    cards = Cards(installed.config)
    installed.edit("prompt.md", "Never hand over.")
    installed.edit("evals/locked.yaml", "# easier")
    (installed.folder / "evals/zzz.yaml").write_text("hard: false")
    content = yaml.safe_load((installed.folder / "card.yaml").read_text())
    content["owners"], content["limits"] = ["U0SAM"], {**content["limits"], "steps": 9}
    (installed.folder / "card.yaml").write_text(yaml.safe_dump(content))
    (installed.folder / "notes.md").write_text("A note.")
    installed.edit("pleas.yaml", "# a comment")
    blocked, spoilt = installed.judge("block"), installed.files()
    done = asked(capsys, "release", "rollback")
    assert (done["release"], done["suite"], done["before"]) == (*first, blocked.release)
    assert sorted(done["changed"]) == ["card.yaml", "evals/locked.yaml", "evals/zzz.yaml", "prompt.md"]
    now_is = installed.files()
    assert {name for name in now_is if now_is[name] != was.get(name)} == {"card.yaml", "notes.md", "pleas.yaml"}
    restored = card.load(installed.folder)
    assert (restored.card.owners, restored.card.limits.steps) == (("U0SAM",), 12)
    assert pair_of(Settings.from_environment(), restored) == first
    kept = Path(done["kept"])
    assert {file.relative_to(kept).as_posix(): file.read_text() for file in kept.rglob("*") if file.is_file()} == spoilt
    assert sorted(one.name for one in kept.parent.iterdir()) == [kept.name]
    intended, made = [
        row for row in rows(installed.database, AuditRow) if "rollback" in row.event or "rolled" in row.event
    ]
    assert (made.event, made.intent_id, made.record) == ("release.rolled_back", intended.seq, intended.record)
    record = made.record
    assert (record["release"], record["before"], record["kept"]) == (first.release, blocked.release, kept.name)
    assert cards["access"].prompt == restored.prompt  # a process that runs has read it again


def test_a_release_that_was_only_evaluated_can_be_put_back(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    """The evaluation itself keeps the files of what it plays; no worker ever served them."""
    settings, agent = Settings.from_environment(), card.load(installed.folder)
    suite, was = cases.load(agent), installed.files()
    plan = RunPlan(fixed_repeats=1)
    run_id = runs.begin(
        installed.database, PlannedRun(agent, release_of(settings, agent), suite, suite.cases, plan, "operator")
    )
    with installed.database.write() as session:
        eval_runs.finish_run(session, run_id, state=RunState.FINISHED, verdict=Verdict.PASS)
    installed.edit("prompt.md", "Be brief.")
    installed.edit("evals/locked.yaml", "# easier")
    assert "evals/locked.yaml, prompt.md" in run(capsys, "release", "rollback")
    assert installed.files() == was


def test_a_broken_card_is_rolled_back_as_a_whole(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    """There are no people in it that could stay."""
    first, was = installed.judge(), installed.files()
    (installed.folder / "card.yaml").write_text("[" * 500)
    assert f"access is {first.release} again: card.yaml." in run(capsys, "release", "rollback")
    assert installed.files() == was


def test_a_rollback_without_a_way_back_changes_nothing(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has passed, other code is needed, no such release, or the disk refuses: one clear sentence each."""
    empty = str(installed.config / "nothing")
    with monkeypatch.context() as patch:
        patch.setenv("DESKHAND_CONFIG", empty)
        assert f"{empty}/agents: no agent; expected <name>/card.yaml" in run(capsys, "release", "rollback", code=2)
    first = installed.judge("block")
    assert "no other release of this agent has passed" in run(capsys, "release", "rollback", code=2)
    installed.judge()
    installed.edit("prompt.md", "Be brief.")
    before = installed.files()
    assert "there is no access@gone" in run(capsys, "release", "rollback", "--to", "access@gone", code=2)
    with installed.database.write() as session:
        judged(session, "other@1", agent="other")
    told = run(capsys, "release", "rollback", "--agent", "access", "--to", "other@1", code=2)
    assert "other@1 is a release of other, not of access. Nothing was changed." in told
    with monkeypatch.context() as patch:
        patch.setattr(
            "bot.agent.release._code", lambda: {"code": {"agent/loop.py": "x"}, "sdk": "9", "deskhand": "9.9"}
        )
        told = run(capsys, "release", "rollback", "--to", first.release, code=2)
    assert "only other code makes it" in told
    assert "deploy Deskhand 0.1.0" in told
    with monkeypatch.context() as patch:
        patch.setattr(folder_exchange, "_sync", refuse)
        assert "cannot be replaced: No space left" in run(capsys, "release", "rollback", code=2)
    assert installed.files() == before
    assert not [row for row in rows(installed.database, AuditRow) if row.event == "release.rolled_back"]
    assert not any((installed.config / "rollbacks").iterdir())
    assert first.release in run(capsys, "release", "rollback", "--to", first.release)


def test_a_rollback_that_was_killed_is_ended_by_the_next_command(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder that waited is put into its place first; without it there would be no agent to roll back."""
    first, was = installed.judge(), installed.files()
    kept = installed.config / folder_exchange.KEPT / "access-2026-12-01T05-00-00"
    kept.parent.mkdir()
    shutil.copytree(installed.folder, folder_exchange.waiting(kept))
    installed.edit("prompt.md", "Be brief.")
    installed.folder.rename(kept)
    assert f"{first.release} has not passed, or is what runs now" in run(
        capsys, "release", "rollback", "--to", first.release, code=2
    )
    assert installed.files() == was


class KilledError(BaseException):
    """The process ends here, and nothing of it is committed."""


def kill(*_what: object) -> None:
    """Be SIGKILL."""
    raise KilledError


@pytest.mark.parametrize("where", ["_sync", "Path.rename", "_sync_one"])
def test_a_rollback_that_was_killed_goes_back_once(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Before, between or after its two renames: the same command ends it, and never leads back to what was left."""
    first, was = installed.judge(), installed.files()
    installed.edit("prompt.md", "Be brief.")
    left = installed.judge()
    with monkeypatch.context() as patch:
        if where == "Path.rename":
            real = Path.rename
            patch.setattr(Path, "rename", lambda self, to: kill() if self.suffix == ".new" else real(self, to))
        else:
            patch.setattr(folder_exchange, where, kill)
            patch.setattr(folder_exchange, "_sync", kill if where == "_sync" else lambda _folder: None)
        with pytest.raises(KilledError):
            deskhand("release", "rollback")
    done = json.loads(run(capsys, "release", "rollback", "--json").splitlines()[0])
    assert (done["release"], done["suite"], done["before"]) == (*first, left.release)
    assert done["resumed"] is (where != "_sync")
    assert installed.files() == was
    kept = Path(done["kept"])
    assert [one.name for one in kept.parent.iterdir()] == [kept.name]
    *_, intended, made = [row for row in rows(installed.database, AuditRow) if "roll" in row.event]
    assert (made.event, made.intent_id, made.record) == ("release.rolled_back", intended.seq, intended.record)
    assert asked(capsys, "release", "rollback")["release"] == left.release  # asked for once more


def test_a_rollback_that_was_killed_does_not_hide_another_release(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked for by name is done, and the outcome of the one that was cut off is written down."""
    first = installed.judge()
    installed.edit("prompt.md", "Be brief.")
    second = installed.judge()
    with monkeypatch.context() as patch:
        patch.setattr(folder_exchange, "_sync_one", kill)
        patch.setattr(folder_exchange, "_sync", lambda _folder: None)
        with pytest.raises(KilledError):
            deskhand("release", "rollback", "--to", first.release)
    assert asked(capsys, "release", "rollback", "--to", second.release)["release"] == second.release
    done = [row.record["release"] for row in rows(installed.database, AuditRow) if row.event == "release.rolled_back"]
    assert done == [first.release, second.release]


def test_of_two_rollbacks_at_once_one_goes_back(installed: Installed) -> None:
    """The other one was given before the first was done: it does not go on to what that one has left."""
    first = installed.judge()
    installed.edit("prompt.md", "Be brief.")
    installed.judge()
    settings, given = Settings.from_environment(), datetime.now(UTC)
    assert rollback.roll_back(settings, "access", installed.database, to=None, at=given).now == first
    with pytest.raises(ConfigError, match=f"another rollback was quicker: access is {first.release} now"):
        rollback.roll_back(settings, "access", installed.database, to=None, at=given)
    assert pair_of(settings, card.load(installed.folder)) == first


def refuse(_folder: Path) -> None:
    """Be a disk that is full."""
    raise OSError(28, "No space left on device")


def test_what_changed_is_said_in_words_and_line_by_line(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prompt lines, fields of the card, and the files of both."""
    first = installed.judge()
    installed.edit("prompt.md", "Be brief.")
    content = yaml.safe_load((installed.folder / "card.yaml").read_text())
    content["limits"]["steps"] = 9
    (installed.folder / "card.yaml").write_text(yaml.safe_dump(content))
    second = installed.judge("block")
    found = asked(capsys, "release", "diff", first.release, second.release)
    assert found["changed"] == ["the prompt changed: 1 line added, 0 lines removed", "limits.steps: 12, then 9"]
    assert any("+Be brief." in one for one in found["files"])
    assert "+Be brief." in run(capsys, "release", "diff", first.release, second.release)
    assert "Nothing that decides behaviour differs." in run(capsys, "release", "diff", first.release, first.release)
    shown = asked(capsys, "release", "show", second.release)
    assert (shown["served"], shown["files"]) == (True, ["card.yaml", "pleas.yaml", "prompt.md"])
    assert [(one["verdict"], one["serves"]) for one in shown["verdicts"]] == [("block", False)]
    listed = run(capsys, "release", "list")
    assert f"* {second.release}" in listed
    assert f"  {first.release}" in listed
    assert "There is no release access@gone" in run(capsys, "release", "show", "access@gone", code=1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"by": "U0PRIYA"}, "Only an owner"),
        ({"days": "31"}, "1 to 30 days"),
        ({"days": "0"}, "1 to 30 days"),
        ({"reason": " "}, "needs a reason"),
    ],
)
def test_a_waiver_needs_an_owner_a_reason_and_an_end(
    installed: Installed, capsys: pytest.CaptureFixture[str], changes: dict[str, str], why: str
) -> None:
    """What is refused leaves the release as it was: it serves nobody."""
    pair = installed.judge("inconclusive")
    given = {"release": pair.release, "by": "U0OLIVIA", "days": "3", "reason": "a holiday"} | changes
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    assert why in run(capsys, "eval", "waive", *words, code=1)
    with installed.database.read() as session:
        assert not verdicts.standing(session, *pair).serves


def test_a_waiver_serves_and_is_shown(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    """Not for what passed, was never run, or failed in a hard slice; then in the list, with who, until when and why."""
    words = ("--by", "U0OLIVIA", "--days", "3", "--reason", "a holiday")
    never = pair_of(Settings.from_environment(), card.load(installed.folder))
    assert "never evaluated" in run(capsys, "eval", "waive", "--release", never.release, *words, code=1)
    assert "not what is served now" in run(capsys, "eval", "waive", "--release", "access@old", *words, code=1)
    pair = installed.judge()
    assert "has passed" in run(capsys, "eval", "waive", "--release", pair.release, *words, code=1)
    installed.judge("block")
    run_id = rows(installed.database, EvalRun)[-1].id
    hard = {"case_id": "c", "slice": "injection", "hard": True, "repeat": 1, "passed": False, "duration_ms": 1}
    with installed.database.write() as session:
        eval_runs.add_result(session, run_id, **hard)
    assert "hard slice failed" in run(capsys, "eval", "waive", "--release", pair.release, *words, code=1)
    installed.judge("block")
    with installed.database.write() as session:
        members.note_departure(session, "U0OLIVIA")
    for last in (words, ("--by", "U0OLIVIA", "--revoke")):
        assert "has left" in run(capsys, "eval", "waive", "--release", pair.release, *last, code=1)
    with installed.database.write() as session:
        members.note_return(session, "U0OLIVIA")
    signed = asked(capsys, "eval", "waive", "--release", pair.release, *words)
    assert (signed["owner"], signed["suite"], signed["reason"]) == ("U0OLIVIA", pair.suite, "a holiday")
    with installed.database.read() as session:
        assert verdicts.standing(session, *pair).serves
    assert "U0OLIVIA answers for it until" in run(capsys, "release", "list")
    assert [one["owner"] for one in asked(capsys, "release", "show", pair.release)["waivers"]] == ["U0OLIVIA"]
    revoke = ("--release", pair.release, "--revoke", "--by")
    assert "Only an owner" in run(capsys, "eval", "waive", *revoke, "U0PRIYA", code=1)
    assert "or --revoke alone" in run(capsys, "eval", "waive", *revoke, "U0OLIVIA", "--days", "3", code=2)
    assert "or --revoke alone" in run(capsys, "eval", "waive", "--release", pair.release, "--by", "U0OLIVIA", code=2)
    ended = asked(capsys, "eval", "waive", *revoke, "U0OLIVIA")
    assert (ended["revoked"], ended["by"], ended["release"]) == ([signed["waiver"]], "U0OLIVIA", pair.release)
    with installed.database.read() as session:
        assert not verdicts.standing(session, *pair).serves
    assert "nothing to revoke" in run(capsys, "eval", "waive", *revoke, "U0OLIVIA", code=1)
    asked(capsys, "eval", "waive", "--release", pair.release, *words)
    shutil.rmtree(installed.config / "agents/access/evals")
    with installed.database.read() as session:
        gutted = pair_of(Settings.from_environment(), card.load(installed.folder))
        assert not verdicts.standing(session, *gutted).serves
