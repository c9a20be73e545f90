"""The gate's own proof: the shipped agent passes its suite, and each of the eight sabotaged ones is blocked."""

import json

import httpx
import pytest
from sqlalchemy import text

from bot.agent.card import Agent
from bot.agent.release import fingerprint
from bot.cli import main as command_line
from bot.evals import cases, pacing, report
from bot.evals.canary.canary_file import SabotageKind
from bot.evals.runner import run_suite
from bot.store.db import Database
from tests.support.eval_runtimes import MODEL, RuntimesOf
from tests.support.paths import ROOT

VERDICTS = ("releases", "eval_runs", "eval_results", "release_verdicts", "promotions")
"Tables in which the runs and verdicts of releases are."


def test_the_real_agent_passes(runtimes_of: RuntimesOf, main: Database, agent: Agent) -> None:
    """The agent that is shipped, with the stand-in for its model, passes every case."""
    result = run_suite(
        agent=agent,
        release_id=fingerprint(agent, model=MODEL, endpoint="http://stand-in"),
        runtime_for=runtimes_of(agent),
        suite=cases.load(agent),
        main=main,
        started_by="operator",
    )
    assert result.verdict == "pass", report.as_text(result)
    assert not [play.case.id for play in result.plays if play.failures]


@pytest.fixture
def installation(standin: str, sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of an installation with the stand-in for its model."""
    monkeypatch.chdir(ROOT)
    given = {"DATABASE_URL": sqlite_url, "REDIS_URL": redis_url, "ANTHROPIC_API_KEY": "k", "DESKHAND_MODEL": MODEL}
    for name, value in {**given, "ANTHROPIC_BASE_URL": standin}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("installation", "quiet_logs")
def test_the_canary_blocks_all_eight(
    standin: str, main: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each sabotage is blocked by the cases of its slice alone, and they say why; no release gets a verdict by it.

    A model that asks to wait, more often than a turn tries it again, is waited for.
    """
    monkeypatch.setattr(pacing, "FIRST_WAIT", 0.0)
    limit = [{"kind": "429", "times": 15, "seconds": 0}]
    httpx.put(f"{standin}/faults", json=limit, headers={"x-api-key": "k"}).raise_for_status()
    monkeypatch.setattr("sys.argv", ["deskhand", "eval", "canary", "--json", "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        command_line()
    out, _ = capsys.readouterr()
    told = json.loads(out.splitlines()[-1])
    rows = {row["name"]: row for row in told["sabotages"]}
    assert [*rows] == [*SabotageKind], out
    assert {name: (row["verdict"], row["slice"], row["caught"]) for name, row in rows.items()} == {
        name: ("block", row["expected_slice"], True) for name, row in rows.items()
    }, out
    assert {row["whole"] for row in rows.values()} == {False}
    assert (ended.value.code, told["model_is_standin"]) == (0, True)
    with main.read() as session:
        kept = {table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in VERDICTS}  # noqa: S608
        assert kept == dict.fromkeys(VERDICTS, 0)
        spent = session.execute(text("SELECT count(*), count(DISTINCT release) FROM ledger WHERE purpose = 'eval'"))
        calls, releases = spent.one()
    assert calls > sum(row["played"] for row in rows.values())
    assert releases == 1 + 5  # two tools, two prompts and a model make releases of their own
