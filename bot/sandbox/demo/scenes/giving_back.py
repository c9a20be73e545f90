"""Maya asks for a person, and the person asks the agent."""

import time

from bot.sandbox.demo.scenes.checks import Json, change, check, facts, holding
from bot.sandbox.demo.scenes.stage import Stage, typed
from bot.store.schema import HandoffState, TurnOutcome

WISH = "Ich möchte bitte mit einem Menschen sprechen, ich komme nicht in mein Konto."
NOTE = "I called her, it is really Maya. Please unlock her account."


def give_back(stage: Stage) -> Json:
    """A person is called in without the model, looks, and gives the ticket back: the agent goes on by their note."""
    stage.lock("acc-maya")
    thread = stage.ask("U0MAYA", WISH)
    stage.answer(thread)
    history = stage.done(thread)
    check(history.handoffs[-1].reason == "requested", "the reason requested", history.handoffs[-1].reason)
    check(history.cost_nusd == 0 and not history.steps, "no model to be asked", history.cost_nusd)
    stage.claim("U0PRIYA", thread)
    began = time.monotonic()
    answer = stage.fill("U0PRIYA", thread, "give_back", note=typed(NOTE))
    check(answer["ok"], "the form to be taken", answer)
    stage.say(f"  {stage.name('U0PRIYA')} gives it back: {NOTE}")
    stage.wait("the agent to go on", lambda: len(stage.history(thread).turns) > 1)
    history = stage.done(thread)
    took = round((time.monotonic() - began) * 1000)
    for said in stage.replies(thread)[-2:]:
        stage.heard("deskhand", said)
    check(history.turns[-1].outcome is TurnOutcome.REPLY, "an answer of the agent", history.turns[-1].outcome)
    check(
        len(history.handoffs) == 1 and history.handoffs[0].state is HandoffState.RETURNED,
        "no second handoff",
        len(history.handoffs),
    )
    check(not holding(stage.replies(thread), "I called her"), "the note to stay among colleagues", None)
    changed = change(history, account="acc-maya", before="locked", after=stage.account("acc-maya"))
    expected = {"account": "acc-maya", "before": "locked", "after": "active", "writes": ["unlock"]}
    check(changed["directory"] == expected, "the account to be unlocked once", changed)
    return facts(history, ms=took, reason=history.handoffs[0].reason, by="U0PRIYA", **changed)
