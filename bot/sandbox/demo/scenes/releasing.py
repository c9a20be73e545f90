"""A prompt is edited while everything runs: the agent answers nobody until exactly that has passed its evaluation.

The scene edits the demo's own copy of the configuration, as an operator would, and puts it back.
"""

from collections.abc import Collection
from pathlib import Path

from bot.principals import Reason
from bot.sandbox.demo import folder
from bot.sandbox.demo.scenes.checks import Json, check, facts, holding
from bot.sandbox.demo.scenes.reporting import AGENT
from bot.sandbox.demo.scenes.stage import QUEUE, Stage
from bot.store.releases import verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import TurnOutcome

LOCKED_OUT = "I'm locked out of my account."
EDIT = "\nWrite as you would to a colleague whom you like.\n"


def not_released(stage: Stage) -> Json:
    """A prompt is edited: the running worker hands over, the cases are played, it passes, and it serves again."""
    config = Path(stage.running_demo.environment["DESKHAND_CONFIG"])
    check((config.parent / folder.MARK).exists(), "a copy of the configuration that is the demo's own", str(config))
    prompt = config / "agents" / AGENT / "prompt.md"
    before, earlier = prompt.read_text("utf-8"), {one["ts"] for one in told_of_releases(stage)}
    stage.say(f"  an operator adds a line to {AGENT}'s prompt.md")
    try:
        prompt.write_text(f"{before.rstrip()}\n{EDIT}", "utf-8")
        told = stage.wait("responders to be told", lambda: holding(told_of_releases(stage, earlier), "has no verdict"))
        stage.heard(f"deskhand in {QUEUE}", told)
        refused = stage.ask("U0BEN", LOCKED_OUT)
        stage.answer(refused)
        turn = stage.done(refused).turns[-1]
        check(turn.outcome is TurnOutcome.HANDOFF, "a handoff", turn.outcome)
        check(turn.reason == Reason.NOT_RELEASED, "a handoff because the release has no verdict", turn.reason)
        run = stage.deskhand("eval", "run", "--agent", AGENT, "--repeats", "1", "--json")
        check(run["verdict"] == "pass", "a verdict that lets it serve", run["why"])
        again = stage.wait("responders to be told again", lambda: holding(told_of_releases(stage, earlier), "answers"))
        stage.heard(f"deskhand in {QUEUE}", again)
        check(run["release"] in again["text"], f"{run['release']}, which was evaluated", again["text"])
        stage.lock("acc-grace")
        served = stage.ask("U0GRACE", LOCKED_OUT)
        stage.answer(served)
        history = stage.done(served)
        answered = history.turns[-1]
        check(answered.outcome is TurnOutcome.REPLY, "a reply", answered.outcome)
        check(answered.release == run["release"], f"a reply of {run['release']}", answered.release)
    finally:
        prompt.write_text(before, "utf-8")
    pair = ReleasePair(run["release"], run["suite"])
    said = stage.read(lambda session: verdicts.standing(session, *pair))
    return facts(history, release=pair.release, verdict=said.verdict, told=len(told_of_releases(stage, earlier)))


def told_of_releases(stage: Stage, earlier: Collection[str] = ()) -> list[Json]:
    """Return what the queue channel was told of releases, but for the messages of earlier."""
    messages = stage.sees("U0PRIYA")["messages"][QUEUE]
    return [one for one in messages if str(one["text"]).startswith("Release ") and one["ts"] not in earlier]
