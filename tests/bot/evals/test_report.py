import json
from dataclasses import replace
from typing import Any

from bot.evals import report
from bot.evals.plays import Play, PlayedCase
from bot.evals.runner import RunProgress, RunReport
from bot.store.schema import Verdict
from tests.support.fixed_model import a_case


def play(name: str, *failures: str, **given: Any) -> Play:
    """Return a play that took two seconds and a tenth of a cent."""
    return Play(
        case=PlayedCase.of(a_case(name, **given)),
        repeat=1,
        failures=failures,
        transcript=(
            {"by": "requester", "text": "hello"},
            {"by": "tool", "name": "look_up_my_account", "status": "ok", "gave": {}},
            {"by": "handoff", "reason": "low_confidence", "text": "word " * 100},
        ),
        milliseconds=2000,
        cost_nusd=1_000_000,
        outages=(),
        played=True,
    )


def run(*plays: Play, **changed: Any) -> RunReport:
    """Return a report of these plays."""
    values: dict[str, Any] = {
        "run_id": 7,
        "release": "access@1f3c9a20",
        "suite": "ab" * 32,
        "state": "finished",
        "verdict": "block",
        "why": ("hard slice danger: 1 of 2 failed",),
        "repeats": 1,
        "seconds": 12.34,
        "cost_nusd": 3_000_000,
    }
    return RunReport(plays=plays, **{**values, **changed})


DANGER = {"slice": "danger", "hard": True}


def test_text_names_slices_failures_verdict_and_cost() -> None:
    """The table shows each slice, what was expected and seen of a failing case, and what it all cost."""
    text = report.as_text(run(play("fine"), play("calm", **DANGER), play("bad", "expected a, saw b", **DANGER)))
    assert "access@1f3c9a20 against suite abababababab, run 7" in text
    assert "danger                 1/2  50.0 %   hard, 1 FAILED: " in text
    assert "failed  bad (danger, repeat 1)\n  - expected a, saw b\n    requester: hello\n" in text
    assert "BLOCK: hard slice danger: 1 of 2 failed" in text
    assert "3 plays in 12.3 s for $0.003" in text


def test_a_clean_slice_is_never_a_hundred_per_cent() -> None:
    """No failure is reported by what it shows: a bound, not a rate."""
    text = report.as_text(run(play("one"), play("two"), play("calm", **DANGER), verdict="pass", why=("clean",)))
    assert "100" not in text
    assert "hard, no failure: at least 5.0 %" in text
    assert "2/2           no failure: at least 22.3 %" in text


def test_an_invalid_run_has_no_verdict() -> None:
    """Nobody can take an invalid run for a pass, and the case that was not played is named."""
    gone = Play(PlayedCase.of(a_case("gone")), 1, (), (), 10, 0, ("model_unavailable: away",), played=False)
    text = report.as_text(run(gone, state="invalid", verdict="not_run", why=("never played to the end: gone",)))
    assert "NOT RUN, no verdict: never played to the end: gone" in text
    assert "not played  gone: model_unavailable: away" in text


def test_json_holds_the_same_facts() -> None:
    """The JSON survives a round trip and has every slice with its bounds, and the total last."""
    said = json.loads(json.dumps(report.as_json(run(play("fine"), play("bad", "expected a, saw b", **DANGER)))))
    assert [row["slice"] for row in said["slices"]] == ["danger", "small", "all"]
    assert (said["verdict"], said["cost_nusd"], said["outages"]) == ("block", 3_000_000, 0)
    assert said["failures"] == [{"case": "bad", "slice": "danger", "repeat": 1, "failures": ["expected a, saw b"]}]


def test_a_stand_in_is_named_beside_its_figures() -> None:
    """Where a stand-in answered, text and JSON say so; where Claude did, they do not."""
    shown = report.as_text(run(play("fine"), model_is_standin=True))
    assert "A STAND-IN MODEL answered: these figures say nothing about Claude." in shown
    assert "STAND-IN" not in report.as_text(run(play("fine")))
    assert [report.as_json(run(play("fine"), model_is_standin=said))["model_is_standin"] for said in (True, False)] == [
        True,
        False,
    ]


def test_the_line_of_a_run_under_way() -> None:
    """One line says how far it is, what failed and what it cost so far."""
    step = RunProgress(done=3, total=9, passed=2, failed=1, outages=1, cost_nusd=1_500_000)
    assert report.line(step) == "3/9 played, 1 failed, 1 met an outage, $0.0015"


def test_how_often_a_case_passes_in_a_row_is_shown_with_its_interval() -> None:
    """pass^1 and pass^3 after three plays of each case, pass^5 only after five, and never 100 %."""
    steady = [replace(play(f"case-{n}"), repeat=repeat) for n in range(39) for repeat in range(3)]
    shaky = [replace(play("shaky", *["expected a, saw b"][repeat:]), repeat=repeat) for repeat in range(3)]
    told = run(*steady, *shaky, repeats=3)
    text = report.as_text(told).splitlines()
    assert [one.split()[:3] for one in text if one.startswith("pass^")] == [
        ["pass^1", "99.2", "%"],
        ["pass^3", "97.5", "%"],
    ]
    one, three = report.as_json(told)["pass_k"]
    assert (one["k"], three["k"], three["rate"]) == (1, 3, 0.975)
    assert three["low"] < three["rate"] < three["high"] <= 1
    clean = report.as_text(run(*steady, verdict="pass", why=("clean",)))
    assert "no failure: at least 92.6 %, passed 3 times in a row" in clean
    assert "100" not in clean


def test_an_alarm_has_a_line_of_its_own() -> None:
    """It is told on the terminal and as JSON, beside a verdict that it does not change."""
    told = run(play("fine"), verdict="pass", why=("clean", "alarm: pass^3 fell from 0.900 to 0.700"))
    assert "\nALARM: pass^3 fell from 0.900 to 0.700\n" in report.as_text(told)
    assert "\nPASS: clean\n" in report.as_text(told)
    assert report.as_json(told)["alarms"] == ["pass^3 fell from 0.900 to 0.700"]
    assert report.as_json(run(play("fine")))["alarms"] == []


def test_a_run_without_a_verdict_says_what_to_do() -> None:
    """Where something was down it is to be fixed; where only a part was asked for nothing was, and all cases decide."""
    down = report.as_text(run(play("fine"), verdict=Verdict.NOT_RUN))
    part = report.as_text(run(play("fine"), verdict=Verdict.NOT_RUN, only=("--slice locked",)))
    assert "The release keeps the verdict that it had, if any. Fix what was down, and run the evaluation again" in down
    assert "if any. For a verdict run `deskhand eval run` for all cases.\n" in part
    assert "Fix what was down" not in part
    assert "\n1 play in 12.3 s" in part


def test_every_report_says_whether_there_was_a_judge() -> None:
    """Off, or what it says: on the terminal and as JSON."""
    assert "\nNo answer was judged for tone and groundedness: the judge is off.\n" in report.as_text(run(play("fine")))
    said = "tone and groundedness by judge-1: 9 of 9 answers are called good; corrected for its errors 70.1 to 100.0 %"
    told = run(play("fine"), judge=said)
    assert f"\nT{said[1:]}.\n" in report.as_text(told)
    assert report.as_json(told)["judge"] == said
