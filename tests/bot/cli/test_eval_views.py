"""`deskhand eval status`, `diff` and `case`: the last evaluation on the terminal and for programs."""

import json
from pathlib import Path

import pytest

from bot.agent import card
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store.db import Database
from tests.support.agent_folders import copied_agent
from tests.support.command_line import deskhand
from tests.support.release_rows import add_play, end_run, judged, open_run, probed

pytestmark = pytest.mark.usefixtures("quiet_logs")


def test_the_last_evaluation_is_shown_as_in_slack(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is served, its run beside the baseline, and one case; in words, and the same as JSON."""
    folder = copied_agent(tmp_path / "config")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    assert deskhand("migrate") == 0
    pair = pair_of(Settings.from_environment(), card.load(folder))
    capsys.readouterr()
    assert deskhand("eval", "status") == 0
    assert "was never evaluated with these cases" in (said := capsys.readouterr().out)
    assert "Nothing was evaluated yet" in said
    for words in (("diff",), ("case", "one")):
        assert deskhand("eval", *words) == 2
        assert "no evaluation of access has ended yet" in capsys.readouterr().err
    with sqlite.write() as session:
        judged(session, "access@before", pair.suite)
        judged(session, *pair)
    before, last = open_run(sqlite, "access@before"), open_run(sqlite, pair.release)
    for repeat in (1, 2):
        add_play(sqlite, before, "one", repeat=repeat)
        add_play(sqlite, last, "one", repeat=repeat, passed=repeat == 1)
        add_play(sqlite, last, "new", repeat=repeat)
    end_run(sqlite, before)
    end_run(sqlite, last, verdict="block")
    open_run(sqlite, pair.release)
    probe = probed(sqlite, pair)

    assert deskhand("eval", "status") == 0
    said = capsys.readouterr().out
    for fact in (
        f"{pair.release} against suite {pair.suite[:12]} has passed its evaluation. It answers people.",
        "The baseline is access@before, promoted",
        f"Last run: {last} of {pair.release}",
        "Failing cases: one",
        "Sampled turns\n  No turn of this release has been sampled in these weeks.",
        f" UTC (run {probe}): 1 of 1 probes passed, as often as in its evaluation (exact p 0.400, 1 run).",
        "pass^1 75.0 % (",
        f"Under way: run {last + 1}, 0 of 2 plays until the next look, begun by operator.",
    ):
        assert fact in said
    assert deskhand("eval", "status", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["verdict"], facts["serves"], facts["is_baseline"]) == ("pass", True, False)
    assert (facts["samples"]["turns"], facts["samples"]["good"]) == (0, None)
    assert facts["samples"]["baseline"]["release"] == "access@before"
    assert (facts["probe"]["run"], facts["probe"]["state"], facts["probe"]["p_value"]) == (probe, "as_before", 0.4)
    assert (facts["run"]["run"], facts["run"]["failures"], facts["under_way"][0]["total"]) == (last, ["one"], 2)

    assert deskhand("eval", "diff") == 0
    said = capsys.readouterr().out
    for fact in (
        "beside the baseline access@before",
        "worse:",
        "1 of 2",
        "2 of 2",
        "not play the same: 1",
        "BLOCK",
    ):
        assert fact in said
    assert deskhand("eval", "diff", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["now"], one["baseline"]) for one in facts["worse"]] == [("one", [1, 2], [2, 2])]
    assert (facts["better"], facts["not_compared"], facts["model_is_standin"]) == ([], 1, False)

    assert deskhand("eval", "case", "one") == 0
    said = capsys.readouterr().out
    assert f"one (core), run {last} of {pair.release}" in said
    assert "repeat 2: failed\n  - expected unlock" in said
    assert deskhand("eval", "case", "one", "--json") == 0
    assert [play["failures"] for play in json.loads(capsys.readouterr().out)["plays"]] == [[], ["expected unlock"]]
    assert deskhand("eval", "case", "onne") == 1
    assert (
        f"Run {last}, the last evaluation of all cases, has no case onne. Did you mean one" in capsys.readouterr().err
    )


def test_a_case_of_another_run_is_shown_by_its_number(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after `deskhand eval run --slice`, which plays a part, and while a suite has more than one agent."""
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    with sqlite.write() as session:
        judged(session, "access@before", "s1")
    run = open_run(sqlite, "access@before")
    add_play(sqlite, run, "one")
    end_run(sqlite, run)
    assert deskhand("eval", "case", "one", "--run", str(run)) == 0
    assert f"one (core), run {run} of access@before" in capsys.readouterr().out
    assert deskhand("eval", "case", "onne", "--run", str(run)) == 1
    assert f"Run {run} has no case onne. Did you mean one? --run names another run." in capsys.readouterr().err
    assert deskhand("eval", "case", "one", "--run", "999") == 2
    assert "no run 999; `deskhand eval runs` lists them" in capsys.readouterr().err
