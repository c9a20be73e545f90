"""`deskhand eval run`: what its exit code says to a program, and what it leaves untouched."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.agent import card
from bot.cli import root
from bot.errors import ConfigError, Transient
from bot.evals import cases, runner, runs
from bot.evals.plays import Play, PlayedCase
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store import db
from bot.store.releases import verdicts
from bot.store.schema import EvalRun, RunKind, RunState, Verdict
from jobs import evaluation
from jobs.eval_command import EvalCommand
from tests.support.command_line import deskhand
from tests.support.paths import CONFIG, ROOT
from tests.support.release_rows import judged

AWAY = "127.0.0.1:1"
"Where nothing listens."


@pytest.fixture
def evaluate(
    sqlite_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    quiet_logs: None,
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Return what runs the command in an environment, and looks that the verdict is the one of before."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the tests' own process is interrupted as ever
    given = {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": redis_url,
        "ANTHROPIC_API_KEY": "k",
        "DESKHAND_MODEL": "stand-in-1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    release, suite = pair_of(Settings.from_environment(), card.load(CONFIG / "agents/access"))
    with closing(db.connect(sqlite_url)) as database:
        with database.write() as session:
            judged(session, release, suite)

        def play(*options: str, agent: str | None = "access", **environment: str) -> tuple[int, str, str]:
            named = [] if agent is None else [f"--agent={agent}"]
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                evaluation.main([*named, "--workers=1", *options], standalone_mode=False)
            with database.read() as session:
                assert verdicts.standing(session, release, suite).verdict == "pass"
                finished = (EvalRun.state == RunState.FINISHED, EvalRun.kind == RunKind.EVALUATION)
                assert session.scalars(select(func.count()).where(*finished)).one() == 1
            return (int(ended.value.code or 0), *capsys.readouterr())

        yield play


Evaluate = Callable[..., tuple[int, str, str]]
"Runs the command in an environment; returns its exit code, and what it has said on stdout and stderr."


def test_a_redis_that_is_away_is_no_verdict(evaluate: Evaluate) -> None:
    """Found before the first case is played, and told in one sentence; with --json as an object, too."""
    code, out, err = evaluate("--json", REDIS_URL=f"redis://{AWAY}/0")
    assert code == 2
    assert "NOT RUN: the evaluation did not end: redis: " in err
    assert "The release keeps the verdict that it had." in err
    assert "played" not in err
    said = json.loads(out.splitlines()[-1])
    assert (said["run"], said["verdict"], said["why"][0][:29]) == (None, "not_run", "the evaluation did not end: r")


def test_a_database_that_is_away_is_no_verdict(evaluate: Evaluate) -> None:
    """There is nowhere to write one down."""
    code, _, err = evaluate(DATABASE_URL=f"postgresql://u:p@{AWAY}/d")
    assert (code, "the evaluation did not end: database: " in err) == (2, True)


def test_a_model_that_is_away_is_no_verdict(evaluate: Evaluate) -> None:
    """It is asked first whether it is a stand-in: then no case is begun."""
    code, _, err = evaluate(ANTHROPIC_BASE_URL=f"http://{AWAY}")
    assert (code, "the model's endpoint does not answer: no connection: ConnectError" in err) == (2, True)


@pytest.mark.parametrize("broken", [KeyboardInterrupt(), Transient("database: gone"), ZeroDivisionError("a secret")])
def test_a_run_that_breaks_off_is_no_verdict(
    evaluate: Evaluate, broken: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads `block` where nothing was judged, and nobody reads a traceback's words."""

    def break_off(_desk: object) -> None:
        raise broken

    monkeypatch.setattr(EvalCommand, "see_to_the_end", break_off)
    code, out, err = evaluate()
    assert (code, "NOT RUN: " in err, "secret" in out + err) == (2, True, False)


@pytest.mark.parametrize(
    ("verdict", "code"), [("pass", 0), ("block", 1), ("inconclusive", 3), ("not_run", 2), (None, 2)]
)
def test_each_verdict_has_a_code(
    evaluate: Evaluate, verdict: str | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a pipeline stops at."""
    ended = runner.RunReport(
        1, "r", "s", RunState.FINISHED, Verdict(verdict) if verdict else None, ("why",), 1, (), 0.1, 0
    )
    monkeypatch.setattr(EvalCommand, "see_to_the_end", lambda _: ended)
    assert evaluate()[0] == code


@pytest.mark.parametrize(
    ("failed", "code", "state", "said"),
    [
        (0, 0, "unclear", "PROBES, the verdict stays as it is: 30 of 30 probes passed; nothing to compare with"),
        (1, 1, "worse", "29 of 30 probes passed; a hard case failed: "),
    ],
)
def test_probes_say_whether_a_release_is_worse(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch, failed: int, code: int, state: str, said: str
) -> None:
    """By the exit code, in words and as JSON; the verdict stays as it was."""
    agent = card.load(CONFIG / "agents/access")
    suite = cases.load(agent)

    def play(command: EvalCommand) -> runner.RunReport:
        desk, run_id = command._desk, command._run_id
        for number, case in enumerate(sorted(suite.probes, key=lambda case: not case.hard)):
            failures = ("wrong",) if number < failed else ()
            one = Play(PlayedCase.of(case), 1, failures, (), 5, 300, (), played=True)
            runs.keep(desk.database, run_id, one, agent=agent, cases=suite.probes)
        with desk.database.read() as session:
            return runner.report_of(session, run_id)

    monkeypatch.setattr(EvalCommand, "see_to_the_end", play)
    assert evaluate("--probes")[0] == code
    ended, out, _ = evaluate("--probes")
    assert (ended, said in out) == (code, True), out
    ended, out, _ = evaluate("--probes", "--json")
    facts = json.loads(out.splitlines()[-1])
    assert (ended, facts["kind"], facts["verdict"], facts["probe"]["state"]) == (code, "probe", None, state)
    assert (facts["probe"]["passed"], facts["probe"]["played"]) == (30 - failed, 30)


def _renamed(evals: Path) -> None:
    (evals / "locked.yaml").rename(evals / "looked.yaml")


def _short_by_one(evals: Path) -> None:
    text = (evals / "locked.yaml").read_text()
    (evals / "locked.yaml").write_text(text[: text.rindex("  - id: ")])


def _empty(evals: Path) -> None:
    for file in evals.glob("*.yaml"):
        file.unlink()


def _contradictory(evals: Path) -> None:
    text = (evals / "locked.yaml").read_text()
    (evals / "locked.yaml").write_text(text.replace("not_ran: [", "not_ran: [unlock_my_account, ", 1))


@pytest.mark.parametrize(
    ("spoil", "options", "said"),
    [
        (_empty, (), "no case; expected <slice>.yaml"),
        (_renamed, (), "looked.yaml:1: unknown slice"),
        (_short_by_one, (), "cases are there"),
        (_contradictory, (), "unlock_my_account must have run, by `ran`, and must not have been called"),
        (lambda _: None, ("--slice=gone",), "no case matches --slice gone; the slices are always_human, "),
        (lambda _: None, ("--case=gone",), "no case matches --case gone"),
    ],
)
def test_what_is_not_there_to_be_played_is_no_verdict(
    evaluate: Evaluate, tmp_path: Path, spoil: Callable[[Path], None], options: tuple[str, ...], said: str
) -> None:
    """An empty folder, a renamed slice, a case too few, a broken case, a choice without a match: NOT RUN, no BLOCK."""
    shutil.copytree(CONFIG, tmp_path / "config")
    spoil(tmp_path / "config/agents/access/evals")
    code, out, err = evaluate("--json", *options, DESKHAND_CONFIG=str(tmp_path / "config"))
    assert (code, "NOT RUN: " in err, said in err) == (2, True, True), err
    assert json.loads(out.splitlines()[-1])["verdict"] == "not_run"


def test_the_command_hands_over_its_options(monkeypatch: pytest.MonkeyPatch, quiet_logs: None) -> None:
    """It becomes the process that plays, with every option, and reads nothing that this process reads itself."""
    became = list[tuple[str, ...]]()
    monkeypatch.setattr(root, "become", lambda *what: became.append(what))
    options = ("--agent=access", "--repeats=2", "--slice=locked", "--case=one", "--case=two", "--fresh", "--json")
    assert deskhand("eval", "run", *options, "--workers=3") == 0
    assert deskhand("eval", "probe", "--json") == 0
    (module, *given), probe = became
    assert (module, set(given)) == ("jobs.evaluate", {"--workers=3", *options})
    assert probe == ("jobs.evaluate", "--workers=1", "--probes", "--json")


@pytest.mark.parametrize("what", [(), ("--probes",)])
def test_an_agent_or_a_database_that_is_not_there_is_no_verdict(
    evaluate: Evaluate, tmp_path: Path, what: tuple[str, ...]
) -> None:
    """Both are looked for first, and no database is made; a program that reads the exit code sees no BLOCK."""
    code, out, err = evaluate("--json", *what, agent="nobody")
    assert (code, "NOT RUN: config: no agent is called nobody; known: access" in err) == (2, True)
    assert json.loads(out.splitlines()[-1])["verdict"] == "not_run"
    code, _, err = evaluate(*what, DATABASE_URL=f"sqlite:///{tmp_path / 'none.db'}")
    assert (code, "NOT RUN: database: there is no file at DATABASE_URL: run `deskhand migrate`" in err) == (2, True)
    assert not (tmp_path / "none.db").exists()


def test_the_only_agent_need_not_be_named(evaluate: Evaluate) -> None:
    """Its cases are the ones that are looked for."""
    code, _, err = evaluate("--slice=gone", agent=None)
    assert (code, "no case matches --slice gone; the slices are always_human, " in err) == (2, True)


def test_of_several_agents_none_is_evaluated_by_accident(tmp_path: Path) -> None:
    """The only one need not be named; of several the command wants a name, and says which there are."""
    shutil.copytree(CONFIG / "agents", tmp_path / "agents")
    settings = Settings(deskhand_config=tmp_path)
    assert root.known(settings, None).card.name == "access"
    shutil.copytree(CONFIG / "examples/agents/software", tmp_path / "agents/software")
    with pytest.raises(ConfigError, match="name one with --agent: access, software"):
        root.known(settings, None)
    assert root.known(settings, "software").card.name == "software"
