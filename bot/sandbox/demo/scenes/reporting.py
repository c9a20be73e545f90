"""The owner asks what the agent costs and how well it does; the answers are compared with the database."""

import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.cost_dimensions import NANO
from bot.sandbox.demo.scenes.checks import Json, check
from bot.sandbox.demo.scenes.stage import HELP, Stage
from bot.slack.mrkdwn import dollars
from bot.store.money import ledger
from bot.store.money.ledger import BudgetState
from bot.store.releases import comparisons, eval_runs
from bot.store.schema import EvalResult, EvalRun

OWNER, AGENT = "U0OLIVIA", "access"


def agent_cost(stage: Stage) -> Json:
    """Olivia asks what was spent today."""
    spent = stage.wait("all model calls to be settled", lambda: _settled(stage)).spent_nusd
    note, took = ask(stage, "/agent-cost", "day by user")
    told = re.search(r"\$([\d,]+\.\d+)", note["text"])
    shown = round(float(told[1].replace(",", "")) * NANO) if told else 0
    off = abs(shown - spent) * 2 * 10 ** len(told[1].partition(".")[2]) if told else NANO + 1
    check(off <= NANO, f"{dollars(spent)}, the sum of the ledger", note["text"])
    return {"cost_nusd": spent, "ms": took, "shown": note["text"].splitlines()[0]}


def agent_eval(stage: Stage) -> Json:
    """Olivia asks how the agent did in its last evaluation, what changed since the baseline, and about one case."""
    run = stage.read(lambda session: eval_runs.last_run(session, AGENT))
    if run is None:
        check(held=False, expected="an evaluation run", seen=None)
        return {}
    results = stage.read(lambda session: eval_runs.results(session, run.id))
    played = Counter(result.slice for result in results)
    passed = Counter(result.slice for result in results if result.passed)
    note, took = ask(stage, "/agent-eval", "")
    shown = json.dumps(note["blocks"])
    check(run.release in shown and f"Run {run.id}" in shown, f"run {run.id} of {run.release}", note["text"])
    for name in played:
        check(f"{passed[name]} of {played[name]}" in shown, f"{name}: {passed[name]} of {played[name]}", shown)
    _compared_with_the_baseline(stage, run)
    _one_case(stage, results)
    counted = {"passed": passed.total(), "played": played.total(), "slices": len(played)}
    return {"release": run.release, "verdict": run.verdict, **counted, "cost_nusd": run.cost_nusd, "ms": took}


def _compared_with_the_baseline(stage: Stage, run: EvalRun) -> None:
    """Olivia asks what changed since the promoted release."""
    found = stage.read(lambda session: comparisons.of_run(session, AGENT, run))
    note, _ = ask(stage, "/agent-eval", "diff")
    shown = json.dumps(note["blocks"])
    about = "the baseline itself" if found.is_baseline else found.baseline or "No release was promoted yet"
    check(run.release in shown and about in shown, f"{run.release} beside the baseline: {about}", note["text"])
    for one in (*found.worse[:1], *found.better[:1]):
        check(found.is_baseline or f"`{one.name}`: passed {one.now.words}" in shown, one.name, shown)
    check(("stand-in model" in shown) is found.model_is_standin, "a stand-in is named if one answered", note["text"])


def _one_case(stage: Stage, results: Sequence[EvalResult]) -> None:
    """Olivia looks at one case: a failing one, if there is one."""
    case = next((one for one in results if not one.passed), results[0]).case_id
    plays = [one for one in results if one.case_id == case]
    passed = f"passed {sum(one.passed for one in plays)} of {len(plays)}"
    note, _ = ask(stage, "/agent-eval", f"case {case}")
    check(f"*{case}*" in note["text"] and passed in note["text"], f"{case}, {passed}", note["text"])


def _settled(stage: Stage) -> BudgetState | None:
    """Return what the agent has spent today, once no call is under way."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = stage.read(lambda session: ledger.budget_state(session, "agent", AGENT, today, today + timedelta(days=1)))
    return None if found.under_way else found


def ask(stage: Stage, command: str, text: str) -> tuple[Json, int]:
    """Type a slash command and wait for the answer that only its sender sees; return it and the milliseconds."""
    known = {note["id"] for note in stage.sees(OWNER)["ephemeral"]}
    stage.say(f"  {stage.name(OWNER)} in #help-access: {command} {text}".rstrip())
    began = time.monotonic()
    stage.act("command", user=OWNER, channel=HELP, command=command, text=text)

    def look() -> Json | None:
        return next((note for note in stage.sees(OWNER)["ephemeral"] if note["id"] not in known), None)

    note = stage.wait(f"an answer to {command}", look)
    took = round((time.monotonic() - began) * 1000)
    stage.heard(f"only {stage.name(OWNER)} sees", note)
    return note, took
