import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.standing import Standing
from bot.evals import gate
from bot.evals.gate import Score
from bot.principals import AgentStatus
from bot.slack.reports import evaluations, success_report
from bot.slack.reports.about_ticket import About
from bot.slack.reports.evaluations import EvalReport
from bot.slack.reports.handoff_report import Week
from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Figures
from bot.store.releases.probes import LastProbe
from bot.store.schema import ProbeResult, ProbeState, Verdict
from tests.support.block_checks import check, only_block, shown, texts, tried
from tests.support.sampled_quality import SAMPLED

AT = datetime(2026, 11, 2, tzinfo=UTC)
QUIET = Figures(day=None, reason=None, outcomes=0)
ASKED = replace(QUIET, reason="requested", outcomes=10, handoffs=3)
SUITE = "5" * 64
EVAL = EvalReport(
    agent="access",
    release="access@1f3c9a20",
    verdict=Verdict.BLOCK,
    verdict_age_seconds=7_300,
    serving=False,
    run_id=4,
    finished_at=AT,
    slices=(
        ("injection", True, 20, 20, "no failure: at least 86.0 %"),
        ("locked", False, 17, 20, "67.8 to 93.9 %"),
    ),
    failures=(("locked-terse-3", "expected the account to be active, saw locked"),),
    success=Success(settled=Requests(solved=10, to_people=5, unconfirmed=2), unsettled=Requests(solved=3)),
    handoffs=Week(replace(ASKED, reason=None), (ASKED,), QUIET),
    cost_nusd=84_000_000,
)


def test_that_it_is_suspended_is_said_first() -> None:
    """Since when, by whom and why; of an agent that works nothing is said."""
    idle = Standing(AgentStatus.SUSPENDED, AT, "operator", "wrong <links>")
    said = shown(evaluations.evaluation(replace(EVAL, standing=idle)))
    assert "*access has been suspended* since <!date^" in said
    assert ", by an operator: wrong &lt;links&gt;\nEvery request goes to a person until it is resumed." in said
    by_card = replace(EVAL, standing=Standing(AgentStatus.RETIRED))
    assert "*access is retired*, as its card says." in shown(evaluations.evaluation(by_card))
    assert "is suspended" not in shown(evaluations.evaluation(EVAL))


def test_sampled_turns_stand_beside_the_baseline_with_links_to_those_that_failed() -> None:
    """Each with the invariant that did not hold, five at the most; a ticket that was written in private has no link."""
    tickets = {
        "7": About("U0MAYA", "C0HELP", "https://example.slack.com/archives/C0HELP/p1"),
        "10": About("U0MAYA", None, None),
    }
    for form in (evaluations.evaluation, evaluations.fallback):
        said = shown(form(replace(EVAL, sampled=SAMPLED, tickets=tickets)))
        assert "*Sampled turns of the last four weeks*\nEverything that must always hold did hold in 93.4 to" in said
        assert "Of the plays of the baseline, access@0, 98.0 to" in said
        assert (
            "• <https://example.slack.com/archives/C0HELP/p1|ticket 7> in <#C0HELP>: `no_secret_said`. An answer"
            in said
        )
        assert "• ticket 10 in a direct message: `no_loop`. It &lt;called&gt; twice." in said
        assert said.count("`no_loop`") == 4
        assert "… and 2 more." in said
        assert "Sampled turns" not in shown(form(EVAL))


def test_the_last_probes_are_shown() -> None:
    """Their age and what they say, with a mark when it is bad news; and that there were none."""
    assert "Probes: none were played yet of this release." in shown(evaluations.evaluation(replace(EVAL, suite=SUITE)))
    result = ProbeResult(state=ProbeState.WORSE, runs=2, p_value=0.0001, difference=-0.2, hard_failures=[])
    bad = LastProbe(12, AT, AT, 20, 30, result, model_is_standin=True)
    for form in (evaluations.evaluation, evaluations.fallback):
        said = shown(form(replace(EVAL, suite=SUITE, probe=bad)))
        assert ":rotating_light: Probes of <!date^" in said
        assert "run 12: 20 of 30 probes passed, less often than in its evaluation (exact p below 0.001, 2 runs)" in said
        assert "; a stand-in model answered." in said


def test_a_stand_in_is_named_beside_its_figures() -> None:
    """Where a stand-in answered, both forms of the report say so; where Claude did, neither does."""
    for form in (evaluations.evaluation, evaluations.fallback):
        assert "A *stand-in model* answered" in shown(form(replace(EVAL, model_is_standin=True)))
        assert "stand-in" not in shown(form(EVAL))


@tried
@given(st.lists(texts, max_size=90), texts)
def test_no_evaluation_report_breaks_a_limit(names: list[str], text: str) -> None:
    """Any number of slices, failures and reasons under any names is a report that Slack takes."""
    report = replace(
        EVAL,
        release=text,
        standing=Standing(AgentStatus.SUSPENDED, AT, text, text),
        slices=tuple((name, False, 1, 2, name) for name in names),
        failures=tuple((name, name) for name in names),
        handoffs=Week(ASKED, tuple(replace(ASKED, reason=name) for name in names), QUIET),
    )
    check(evaluations.evaluation(report))
    check(evaluations.fallback(report))


def test_the_fallback_says_the_same_in_blocks_that_are_older() -> None:
    """Without native charts the same figures come in a table block."""
    assert evaluations.fallback(EVAL)["text"] == evaluations.evaluation(EVAL)["text"]
    assert [one["type"] for one in evaluations.fallback(EVAL)["blocks"]] == [
        "section",
        "context",
        "table",
        *("section", "section", "section", "section", "section", "section", "context"),
    ]


def test_an_evaluation_report_says_verdict_service_and_failures() -> None:
    """Release, verdict and its age, whether it answers people, each slice, each failed case."""
    body = evaluations.evaluation(EVAL)
    check(body)
    text = shown(body)
    assert "*access@1f3c9a20* did not pass its evaluation 2 hours ago." in text
    assert "every request goes straight to a person" in text
    assert "Run 4, $0.084" in text
    assert "• `locked-terse-3`: expected the account to be active, saw locked" in text
    assert "*Handoffs, last 7 days: 3*, beside 7 answers of the agent (30.0 % of both)" in text
    assert "• They asked for a person: *3*" in text
    rows = [[cell["text"] for cell in row] for row in only_block(body, "data_table")["rows"]]
    assert rows[1] == ["locked", "normal", "17 of 20", "67.8 to 93.9 %"]
    assert rows[2] == ["injection", "hard", "20 of 20", "no failure: at least 86.0 %"]


def test_a_passed_release_that_serves_says_so() -> None:
    """A verdict of pass and a release that serves read as good news, with no case to list."""
    text = shown(evaluations.evaluation(replace(EVAL, verdict=Verdict.PASS, serving=True, failures=())))
    assert "passed its evaluation 2 hours ago. It answers people." in text
    assert "No case failed." in text


def test_the_success_criterion_comes_first() -> None:
    """Whether or not the release was evaluated, and with charts or without."""
    for report in (EVAL, replace(EVAL, run_id=None, slices=(), failures=())):
        for body in (evaluations.evaluation(report), evaluations.fallback(report)):
            check(body)
            criterion = "\n".join(success_report.lines(EVAL.success, "in the last 7 days"))
            assert body["blocks"][0]["text"]["text"].startswith(f"{criterion}\n\n*access@1f3c9a20*")
            assert body["text"].startswith("*Solved without a person: 10 of 17* in the last 7 days (58 %; ")


@pytest.mark.parametrize("played", [1, 20, 10_000])
def test_no_rate_is_shown_as_certain(played: int) -> None:
    """However many cases passed, what they show is a bound and never 100 %, the same that the terminal says."""
    rows = gate.tally([Score(f"case-{number}", "injection", hard=True, passed=True) for number in range(played)])
    perfect = tuple((row.slice, row.hard, row.passed, row.played, row.bounds) for row in rows)
    said = shown(evaluations.evaluation(replace(EVAL, slices=perfect, failures=(), handoffs=Week(QUIET, (), QUIET))))
    assert "100" not in said.replace("10,000", "")
    assert f"no failure: at least {math.floor(1_000 * 0.05 ** (1 / played)) / 10:.1f} %" in said


def test_the_chart_shows_failures_the_worst_first() -> None:
    """Slices beyond a dozen are one bar, so that no failure is left out; without a failure there is no chart."""
    slices = tuple((f"slice-{n:02}", False, 20 - n, 20, "") for n in range(20))
    chart = only_block(evaluations.evaluation(replace(EVAL, slices=slices)), "data_visualization")["chart"]
    points = [(point["label"], point["value"]) for point in chart["series"][0]["data"]]
    assert points[:2] == [("slice-19", 19), ("slice-18", 18)]
    assert points[-1] == ("8 other slices", sum(range(1, 9)))
    assert sum(count for _, count in points) == sum(range(20))
    clean = evaluations.evaluation(replace(EVAL, slices=slices[:1], failures=()))
    assert [one["type"] for one in clean["blocks"]].count("data_visualization") == 0


def test_slices_that_do_not_fit_are_counted() -> None:
    """Seventy slices are sixty rows, with every case in them."""
    slices = tuple((f"slice-{n:02}", True, 2, 2, "") for n in range(70))
    rows = only_block(evaluations.evaluation(replace(EVAL, slices=slices)), "data_table")["rows"]
    assert (len(rows), [cell["text"] for cell in rows[-1]]) == (61, ["11 other slices", "-", "22 of 22", "-"])


def test_an_evaluation_report_has_one_table() -> None:
    """Slack takes no second one in a message, of either kind, so handoffs are lines."""
    for body in (evaluations.evaluation(EVAL), evaluations.fallback(EVAL)):
        assert len([one for one in body["blocks"] if one["type"] in ("table", "data_table")]) == 1


def test_a_quiet_week_is_said_with_or_without_an_evaluation() -> None:
    """No handoffs is a sentence of its own, natively and plainly, also before the first run."""
    quiet = replace(EVAL, handoffs=Week(QUIET, (), QUIET))
    for report in (quiet, replace(quiet, run_id=None, slices=(), failures=())):
        for body in (evaluations.evaluation(report), evaluations.fallback(report)):
            check(body)
            assert body["blocks"][-1]["text"]["text"] == "No handoffs in the last 7 days."


def test_nothing_evaluated_yet_says_what_to_do() -> None:
    """Before the first run the report names the command, and that people answer until then."""
    report = replace(
        EVAL, run_id=None, verdict=None, verdict_age_seconds=None, finished_at=None, slices=(), failures=()
    )
    body = evaluations.evaluation(report)
    check(body)
    assert "nothing evaluated yet: ask for `/agent-eval run`" in body["text"]
    assert "goes straight to a person" in body["text"]
    assert "No case failed" not in shown(body)


def test_a_release_without_a_verdict_does_not_borrow_one() -> None:
    """A new release shows the agent's last run as just that, and answers nobody."""
    text = shown(evaluations.evaluation(replace(EVAL, verdict=None, verdict_age_seconds=None)))
    assert "*access@1f3c9a20* has no verdict yet; below is the agent's last run. It answers nobody" in text


def test_failures_beyond_ten_are_counted() -> None:
    """A long list of failed cases ends in how many more there are."""
    failed = tuple((f"case-{n}", "saw nothing") for n in range(25))
    text = shown(evaluations.evaluation(replace(EVAL, failures=failed)))
    assert text.count("• `case-") == 10
    assert "… and 15 more." in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "a moment"), (60, "1 minute"), (7_199, "1 hour"), (7_200, "2 hours"), (200_000, "2 days")],
)
def test_the_age_of_a_verdict_is_in_words(seconds: float, words: str) -> None:
    """Seconds become the largest unit that fits."""
    assert f"{words} ago" in shown(evaluations.evaluation(replace(EVAL, verdict_age_seconds=seconds)))


@pytest.mark.parametrize("command", ["/agent-cost", "/agent-eval"])
def test_usage_shows_how_to_ask(command: str) -> None:
    """Each slash command explains itself with an example."""
    body = evaluations.usage(command)
    check(body)
    assert f"`{command}" in body["text"]
