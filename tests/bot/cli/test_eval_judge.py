"""`deskhand eval calibrate`: the judge is measured by the answers that people have labelled."""

import json
import re
import shutil
from pathlib import Path

import pytest

from bot.agent import card, model
from bot.agent.card import Agent
from bot.agent.model import Completion, Prompt
from bot.errors import Transient
from bot.evals.judge import labels
from bot.store.db import Database
from bot.store.releases import judge_calibrations
from bot.store.schema import AuditRow, JudgeCalibration, LedgerRow
from tests.support.agent_folders import copied_agent
from tests.support.command_line import deskhand
from tests.support.factories import rows
from tests.support.fixed_model import completion_of
from tests.support.paths import CONFIG

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.fixture
def agent(sqlite: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Point the command at an agent with a judge, and return the agent."""
    asks = {"pass_at_least": 0.8, "judge": {"model": "stand-in-1"}}
    folder = copied_agent(tmp_path / "config", change=lambda content: content.update(evals=asks))
    for name in ("budgets.yaml", "pricing.yaml", "prices.json"):
        shutil.copy(CONFIG / name, tmp_path / "config")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    assert deskhand("migrate") == 0
    return card.load(folder)


def judged_well(agent: Agent, monkeypatch: pytest.MonkeyPatch, *, wrong: int = 0, down: bool = False) -> None:
    """Let a model judge as people do, save for the first answers of the file."""
    known = {one.sample: one for one in labels.load(agent)}

    def call(prompt: Prompt) -> Completion:
        if down:
            raise Transient("overloaded")
        text = str(prompt.messages[0]["content"])
        found = re.match(r"DATA (\w+)\n(.*)\nEND OF DATA", text, re.DOTALL)
        assert found is not None
        data = json.loads(found.group(2))
        [one] = [
            one
            for sample, one in known.items()
            if [list(sample.said), list(sample.facts), [sample.answer]] == list(data.values())
        ]
        good = one.good is not (one.number <= wrong)
        said = {"mark": found.group(1), "tone": "good", "grounded": "yes" if good else "no", "because": "so"}
        return completion_of(prompt, json.dumps(said))

    monkeypatch.setattr(model, "connect", lambda **_given: call)
    monkeypatch.setattr("bot.agent.retries.FIRST_PAUSE", 0.0)


def test_a_judge_is_measured_and_its_agreement_is_kept(
    sqlite: Database, agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """120 judgements, paid for; six of them differ from people. It counts for exactly this judge."""
    judged_well(agent, monkeypatch, wrong=6)
    assert deskhand("eval", "calibrate", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sensitivity"], said["specificity"], said["informs"]) == (0.9, 1.0, True)
    assert [one["answer"] for one in said["disputed"]] == [1, 2, 3, 4, 5, 6]
    [row] = rows(sqlite, JudgeCalibration)
    assert (row.good, row.good_found, row.bad, row.bad_found, row.by) == (60, 54, 60, 60, "operator")
    paid = rows(sqlite, LedgerRow)
    assert (len(paid), {one.channel for one in paid}) == (120, {"eval"})
    assert sum(one.cost_nusd for one in paid) == row.cost_nusd == said["cost_nusd"]
    with sqlite.read() as session:
        kept = judge_calibrations.valid(session, "access", row.judge)
        assert kept is not None
        assert judge_calibrations.valid(session, "access", "another prompt") is None
        assert judge_calibrations.valid(session, "other", row.judge) is None
    assert [one.event for one in rows(sqlite, AuditRow)] == ["judge.calibrated"]


def test_a_judge_that_tells_nothing_and_one_that_is_down(
    sqlite: Database, agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first has exit code 1, and no share can be corrected by it; the second measures nothing, with exit code 2."""
    judged_well(agent, monkeypatch, wrong=60)
    assert deskhand("eval", "calibrate") == 1
    assert "It tells good from bad no better than a coin" in capsys.readouterr().out
    judged_well(agent, monkeypatch, down=True)
    assert deskhand("eval", "calibrate") == 2
    assert "nothing was measured: the judge gave no judgement in 3 tries: overloaded" in capsys.readouterr().err
    assert len(rows(sqlite, JudgeCalibration)) == 1


def test_a_judge_that_is_off_says_why(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a key, with a model that has no price, or without a judge in the card."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert deskhand("eval", "calibrate") == 1
    assert "The judge is off: ANTHROPIC_API_KEY is not set." in capsys.readouterr().err
    file = agent.folder / "card.yaml"
    file.write_text(file.read_text("utf-8").replace("model: stand-in-1", "model: nobodys-model-9"), "utf-8")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    assert deskhand("eval", "calibrate") == 1
    assert "The judge is off: nobodys-model-9 has no price." in capsys.readouterr().err
    shutil.rmtree(agent.folder)
    copied_agent(agent.folder.parent.parent)
    assert deskhand("eval", "calibrate") == 1
    assert "The judge is off: the card names no judge, by `evals.judge`." in capsys.readouterr().err
