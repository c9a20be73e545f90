"""The direct message that shows how far an evaluation is, changed in place until it says the verdict. Pure."""

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body, dollars
from bot.slack.reports.evaluations import STANDIN
from bot.store.releases.run_progress import RunSoFar
from bot.store.schema import RunState, Verdict

BAR = 20
"How many signs long the bar is."
ENDS = {
    Verdict.PASS: ":white_check_mark: {release} *passed its evaluation*.",
    Verdict.BLOCK: ":no_entry: {release} *did not pass its evaluation*.",
    Verdict.INCONCLUSIVE: ":grey_question: The evaluation of {release} *decided nothing*.",
    Verdict.NOT_RUN: ":warning: {release} *was not evaluated*: this run says nothing about it.",
}
_WHY_CHARACTERS = 1_500


def message(far: RunSoFar, agent: str) -> Body:
    """Return the message as it is now: a bar while the run is under way, and the verdict once it has ended."""
    return _under_way(far) if far.run.state is RunState.RUNNING else _ended(far, agent)


def _under_way(far: RunSoFar) -> Body:
    share = far.played / far.total if far.total else 0.0
    full = int(share * BAR)
    bar = "\N{BLACK PARALLELOGRAM}" * full + "\N{WHITE PARALLELOGRAM}" * (BAR - full)
    text = f"Run {far.run.id} evaluates {mrkdwn.line(far.run.release, 120)}: {far.played:,} of {far.total:,} plays"
    plays = f":hourglass_flowing_sand: {text}\n{bar} {share:.0%}"
    small = [f"{far.passed:,} passed, {far.played - far.passed:,} did not", dollars(far.cost_nusd)]
    if not far.run.fixed_repeats:
        small.append("the gate asks for more plays while the result is open")
    return {
        "text": f"{text}.",
        "blocks": [mrkdwn.section(plays + _failing(far)), mrkdwn.context(f"{' · '.join(small)}.{_standin(far)}")],
    }


def _ended(far: RunSoFar, agent: str) -> Body:
    run = far.run
    text = ENDS[run.verdict or Verdict.NOT_RUN].format(release=mrkdwn.line(run.release, 120))
    why = mrkdwn.clamp("\n".join(f"• {mrkdwn.line(str(one), 400)}" for one in run.why), _WHY_CHARACTERS)
    name = mrkdwn.line(agent, 80)
    small = f"Run {run.id}: {far.passed:,} of {far.played:,} plays passed, {dollars(run.cost_nusd)}.{_standin(far)} "
    small += f"`/agent-eval {name}` shows all of it, `/agent-eval diff {name}` what changed."
    said = "\n".join(filter(None, (text, why)))
    return {"text": text, "blocks": [mrkdwn.section(said + _failing(far)), mrkdwn.context(small)]}


def _failing(far: RunSoFar) -> str:
    if not far.failing:
        return ""
    names = ", ".join(f"`{mrkdwn.line(one, 60).replace('`', '')}`" for one in far.failing)
    more = far.failing_count - len(far.failing)
    return f"\nFailing: {names}{f' and {more:,} more' if more else ''}"


def _standin(far: RunSoFar) -> str:
    return STANDIN if far.run.model_is_standin else ""
