"""An operator suspends the agent while it works, and lets it go on.

The scene runs the `deskhand` command as an operator would, in a process of its own. The model is slowed down, so that a
turn is under way when it ends.
"""

import json

from bot.principals import Reason
from bot.sandbox.demo.scenes.checks import Json, check, facts
from bot.sandbox.demo.scenes.reporting import AGENT, ask
from bot.sandbox.demo.scenes.stage import Stage, Thread
from bot.store.installation import agents
from bot.store.schema import StepKind, TurnOutcome
from bot.store.tickets.ticket_history import TicketHistory

MODEL_SECONDS = 12.0
"Seconds that each model call takes until the agent is suspended: the command needs seconds to start on a busy machine."
MOST_SECONDS = 1.0
"A step may begin this many seconds after the suspension at most."
CAUSE = "Its answers point to the wrong page."
LOCKED_OUT = "I'm locked out of my account."


def suspended(stage: Stage) -> Json:
    """An operator suspends the agent: no step begins, everybody gets a person, and after that it goes on."""
    stage.model_faults({"kind": "slow", "seconds": MODEL_SECONDS, "times": -1})
    try:
        running = stage.ask("U0OLIVIA", LOCKED_OUT, private=True)
        stage.wait("a model call under way", lambda: _thinks(stage, running))
        told = stage.deskhand("agents", "suspend", AGENT, "--reason", CAUSE, "--json")
    finally:
        stage.model_faults()
    check(told["cause"] == CAUSE, f"a suspension because of {CAUSE!r}", told)
    waiting = stage.ask("U0AIKO", LOCKED_OUT)
    histories = [_with_people(stage, thread) for thread in (running, waiting)]
    suspension = stage.read(lambda session: agents.suspension(session, AGENT))
    check(suspension is not None, "a suspension that lasts", suspension)
    late = (
        []
        if suspension is None
        else [(step.started_at - suspension.at).total_seconds() for history in histories for step in history.steps]
    )
    check(late and max(late) <= MOST_SECONDS, f"no step later than {MOST_SECONDS:g} s after it", late)
    report, _ = ask(stage, "/agent-eval", "")
    check("has been suspended" in json.dumps(report["blocks"]), "a report that it is suspended", report["text"])
    stage.deskhand("agents", "resume", AGENT, "--json")
    after = stage.ask("U0GRACE", LOCKED_OUT)
    stage.answer(after)
    history = stage.done(after)
    check(history.turns[-1].outcome is TurnOutcome.REPLY, "a reply after it was resumed", history.turns[-1].outcome)
    return facts(
        history,
        suspended=len(histories),
        handed_off=sum(bool(one.handoffs) for one in histories),
        last_step_seconds=round(max(late), 3),
        cause=CAUSE,
    )


def _thinks(stage: Stage, thread: Thread) -> TicketHistory | None:
    history = stage.history_so_far(thread)
    if history is None or not history.steps:
        return None
    last = history.steps[-1]
    return history if last.kind is StepKind.MODEL and last.response is None else None


def _with_people(stage: Stage, thread: Thread) -> TicketHistory:
    """Wait until a request is with people, and check why."""
    stage.answer(thread)
    history = stage.done(thread)
    turn = history.turns[-1]
    check(turn.outcome is TurnOutcome.HANDOFF, "a handoff", turn.outcome)
    check(turn.reason == Reason.AGENT_SUSPENDED, "a handoff because it is suspended", turn.reason)
    return history
