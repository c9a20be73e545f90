"""A release gets worse: its evaluation blocks it, people answer meanwhile, and a rollback serves the previous one.

The commands are those of an operator, each in a process of its own; nobody restarts a worker.
"""

from collections.abc import Collection
from pathlib import Path

from bot.agent import card
from bot.evals import cases
from bot.evals.canary import canary_file
from bot.evals.canary.canary_file import CanaryEnd
from bot.principals import Reason
from bot.sandbox.demo import folder
from bot.sandbox.demo.scenes.checks import Json, check, facts, holding
from bot.sandbox.demo.scenes.releasing import LOCKED_OUT, told_of_releases
from bot.sandbox.demo.scenes.reporting import AGENT
from bot.sandbox.demo.scenes.stage import QUEUE, Stage
from bot.store.schema import TurnOutcome
from bot.store.tickets.ticket_history import TicketHistory

BLOCKED = 1
"What `deskhand eval run` ends with when the gate blocks a release."
LEFT_TO_PEOPLE = "U0PRIYA"
"Who asks while the release is blocked."
ASKS = (("U0FINN", "acc-finn"), ("U0IVAN", "acc-ivan"), ("U0TOMAS", "acc-tomas"))
"Who asks after the rollback, with their accounts, until a worker that has read the folder again answers."


def regression_blocked(stage: Stage) -> Json:
    """A paragraph vanishes from the prompt: the evaluation blocks it, people answer, and a rollback serves again."""
    config = Path(stage.running_demo.environment["DESKHAND_CONFIG"])
    check((config.parent / folder.MARK).exists(), "a copy of the configuration that is the demo's own", str(config))
    agent = card.load(config / "agents" / AGENT)
    prompt, earlier = agent.folder / card.PROMPT, {one["ts"] for one in told_of_releases(stage)}
    end = canary_file.read(agent, frozenset(case.slice for case in cases.load(agent).cases)).paragraph_deleted
    gone = canary_file.paragraph(agent.prompt, end.begins) or ""
    stage.say(f"  (somebody deletes from the prompt: {' '.join(gone.split())[:60]}...)")
    try:
        prompt.write_text(agent.prompt.replace(gone, ""), encoding="utf-8")
        told = _blocked(stage, end, earlier)
        rolled = stage.deskhand("release", "rollback", "--agent", AGENT, "--json")
        check(gone in prompt.read_text(encoding="utf-8"), "the paragraph in the prompt again", rolled["changed"])
        again = stage.wait(
            "responders to be told again", lambda: holding(told_of_releases(stage, earlier), rolled["release"])
        )
        stage.heard(f"deskhand in {QUEUE}", again)
        history = _served_again(stage, rolled["release"])
    finally:
        prompt.write_text(agent.prompt, encoding="utf-8")
    return facts(history, blocked=told["release"], why=told["why"], release=rolled["release"])


def _blocked(stage: Stage, end: CanaryEnd, earlier: Collection[str]) -> Json:
    """Let the evaluation block what is left of the agent, and check that people get the requests."""
    told = stage.deskhand("eval", "run", "--agent", AGENT, "--repeats", "1", "--json", ends_with=BLOCKED)
    check(told["verdict"] == "block", "a block", told["verdict"])
    check(any(end.slice in reason for reason in told["why"]), f"a block for {end.slice}", told["why"])
    notice = stage.wait("responders to be told", lambda: holding(told_of_releases(stage, earlier), told["release"]))
    stage.heard(f"deskhand in {QUEUE}", notice)
    waiting = stage.ask(LEFT_TO_PEOPLE, LOCKED_OUT)
    stage.answer(waiting)
    turn = stage.done(waiting).turns[-1]
    check(turn.reason == Reason.NOT_RELEASED, "a handoff because the release may not answer", turn.reason)
    return told


def _served_again(stage: Stage, release: str) -> TicketHistory:
    """Let people ask until a worker has read the folder again and answers one of them."""
    histories = []
    for user, account in ASKS:
        stage.lock(account)
        thread = stage.ask(user, LOCKED_OUT)
        stage.answer(thread)
        histories.append(stage.done(thread))
        if histories[-1].turns[-1].outcome is TurnOutcome.REPLY:
            break
    turn = histories[-1].turns[-1]
    check(turn.outcome is TurnOutcome.REPLY, "a reply after the rollback", (turn.outcome, turn.reason))
    check(turn.release == release, f"an answer of {release}", turn.release)
    return histories[-1]
