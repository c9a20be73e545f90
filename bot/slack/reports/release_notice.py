"""What responders are told of a release: that every request goes to them, and that the agent answers again. Pure."""

from typing import assert_never

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.store.releases.verdicts import ReleaseStanding
from bot.store.schema import Verdict


def not_serving(agent: str, release: str, said: ReleaseStanding, *, waiver_ended: bool) -> Body:
    """Return the message that a release does not answer.

    Args:
        agent: the agent's name.
        release: the release.
        said: what its evaluation says of it.
        waiver_ended: whether it has answered by a waiver until now.
    """
    name = mrkdwn.line(release, 120)
    if waiver_ended:
        text = f"The waiver of release {name} has ended: every request goes to you until a release passes."
    else:
        text = f"Release {name} {_why(said)}"
    folder = mrkdwn.line(agent, 80)
    do = f"To evaluate it: `deskhand eval run --agent {folder}`. To go back to the last release that passed: "
    do += f"`deskhand release rollback --agent {folder}`."
    return {"text": text, "blocks": [mrkdwn.section(f":warning: {text}"), mrkdwn.context(do)]}


def serving(release: str, said: ReleaseStanding) -> Body:
    """Return the message that the agent answers again."""
    waiver = said.waiver
    why = "it has passed its evaluation" if waiver is None else f"by a waiver, {mrkdwn.line(waiver.words, 400)}"
    text = f"Release {mrkdwn.line(release, 120)} answers requests now: {why}."
    return {"text": text, "blocks": [mrkdwn.section(f":white_check_mark: {text}")]}


def _why(said: ReleaseStanding) -> str:
    match said.verdict:
        case Verdict.BLOCK:
            return "did not pass its evaluation: every request goes to you until a release passes."
        case Verdict.INCONCLUSIVE:
            return "has an evaluation that decided nothing: every request goes to you until a release passes."
        case Verdict.PASS | Verdict.NOT_RUN | None:
            return "has no verdict: every request goes to you until it is evaluated."
        case _:
            assert_never(said.verdict)
