"""A run as files: a line a play, and a log for inspect-ai (whose own reader opens it in `make check-inspect`)."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from bot.evals import export, runner, runs
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import PlannedRun
from bot.store.db import Database
from bot.store.releases import run_plays
from bot.store.releases.eval_runs import RunPlan
from tests.support.command_line import deskhand
from tests.support.paths import ROOT
from tests.support.planned_runs import RUN_AGENT, RUN_CASES, RUN_RELEASE, RUN_SUITE

READER = ROOT / ".venv/inspect/bin/python"
"An environment with inspect-ai, which wants other versions of what we use."
SAID = (
    {"by": "requester", "text": "locked out"},
    {"by": "tool", "name": "look_up_my_account", "status": "ok", "gave": {"status": "locked"}},
    {"by": "agent", "text": "Done."},
)


@pytest.fixture
def run_id(sqlite: Database) -> int:
    """Return a run of two cases, played twice by a stand-in, with one failure and one play that met an outage."""
    plan = RunPlan(fixed_repeats=2, width=9, model_is_standin=True)
    number = runs.begin(sqlite, PlannedRun(RUN_AGENT, RUN_RELEASE, RUN_SUITE, RUN_CASES[:2], plan, "operator"))
    for case in RUN_CASES[:2]:
        for repeat in (1, 2):
            failed = ("expected a, saw b",) if (case, repeat) == (RUN_CASES[0], 2) else ()
            met = ("away",) if repeat == 1 else ()
            one = Play(PlayedCase.of(case), repeat, failed, SAID, 5, 300, met, played=True)
            runs.keep(sqlite, number, one, agent=RUN_AGENT, cases=RUN_CASES[:2])
    return number


def test_every_play_is_a_line(run_id: int, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its case, its failures, its outages and its transcript; and that a stand-in answered."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert deskhand("eval", "export", str(run_id), "--to", str(tmp_path / "logs")) == 0
    [file] = (tmp_path / "logs").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(one["case"], one["repeat"], one["passed"]) for one in lines] == [
        ("case-00", 1, True),
        ("case-00", 2, False),
        ("case-01", 1, True),
        ("case-01", 2, True),
    ]
    assert all(one["model_is_standin"] and one["transcript"] == list(SAID) for one in lines)
    assert (lines[0]["outages"], lines[1]["failures"]) == (["away"], ["expected a, saw b"])
    assert deskhand("eval", "export", "99") == 2


def test_a_folder_that_cannot_be_written_is_one_sentence(
    run_id: int, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here a file has the name of the folder's parent."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    (tmp_path / "taken").touch()
    assert deskhand("eval", "export", str(run_id), "--to", str(tmp_path / "taken" / "logs")) == 2
    assert "the export cannot be written: " in capsys.readouterr().err


def test_a_log_for_inspect_has_a_score_in_every_epoch(run_id: int, sqlite: Database) -> None:
    """And all else without which its reader would leave something out, as the room says."""
    with sqlite.read() as session:
        run = run_plays.get(session, run_id)
        assert run is not None
        log = export.as_inspect(runner.report_of(session, run_id), run, model="claude-sonnet-5")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d", export.file_name(run))
    assert {"plan", "results", "stats", "samples"} < set(log)
    assert (log["eval"]["model"], log["eval"]["config"]) == ("stand-in (not Claude)", {"epochs": 2})
    scores = {(one["id"], one["epoch"]): one["scores"]["outcome_and_state"]["value"] for one in log["samples"]}
    assert scores == {("case-00", 1): "C", ("case-00", 2): "I", ("case-01", 1): "C", ("case-01", 2): "C"}
    calls = [call for one in log["samples"] for said in one["messages"] for call in said.get("tool_calls", ())]
    assert len(calls) == 4
    assert all(call["arguments"] == {} for call in calls)
    assert json.loads(json.dumps(log)) == log


@pytest.mark.skipif(not (READER.parents[1] / ".ready").exists(), reason="`make check-inspect` installs inspect-ai")
def test_inspect_reads_every_play(
    run_id: int, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its own reader opens the log and sums up each play; without a verdict the log is cancelled."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    logs = tmp_path / "logs"
    assert deskhand("eval", "export", str(run_id), "--format", "inspect", "--to", str(logs)) == 0
    program = ROOT / "tests/benchmarks/peers/inspect_reader.py"
    read = subprocess.run([str(READER), str(program), str(logs)], capture_output=True, text=True, check=True)
    assert json.loads(read.stdout.splitlines()[-1]) == {
        "status": "cancelled",
        "model": "stand-in (not Claude)",
        "samples": 4,
        "accuracy": 0.75,
        "listed": 1,
        "summaries": 4,
    }
