"""A person asks, and the agent answers alone: it helps, or the request is out of scope."""

from bot.sandbox.demo.scenes.checks import Json, change, check, facts
from bot.sandbox.demo.scenes.stage import Stage
from bot.store.schema import StepKind, TicketState, TurnOutcome


def unlock(stage: Stage) -> Json:
    """Maya is locked out, and the agent unlocks her account."""
    before = stage.account("acc-maya")
    thread = stage.ask("U0MAYA", "I'm locked out of my account, can you help?")
    _, took = stage.answer(thread)
    history = stage.done(thread)
    changed = change(history, account="acc-maya", before=before, after=stage.account("acc-maya"))
    expected = {"account": "acc-maya", "before": "locked", "after": "active", "writes": ["unlock"]}
    check(changed["directory"] == expected, "the account to be unlocked once", changed)
    check(history.ticket.state is TicketState.RESOLVED, "the ticket to be resolved", history.ticket.state)
    check(history.cost_nusd > 0, "a price", history.cost_nusd)
    return facts(history, ms=took, **changed)


def password_reset(stage: Stage) -> Json:
    """Tomás's password has expired, and the agent sends the directory's own link."""
    before = stage.account("acc-tomas")
    thread = stage.ask("U0TOMAS", "My password has expired and I can't sign in.", private=True)
    _, took = stage.answer(thread)
    history = stage.done(thread)
    changed = change(history, account="acc-tomas", before=before, after=stage.account("acc-tomas"))
    check(changed["directory"]["writes"] == ["send_password_reset"], "one reset link", changed)
    check(history.turns[-1].outcome is TurnOutcome.REPLY, "a reply", history.turns[-1].outcome)
    return facts(history, ms=took, **changed)


def out_of_scope(stage: Stage) -> Json:
    """Aiko asks about something else, and the agent tells her where to go."""
    thread = stage.ask("U0AIKO", "When is the next payday?", private=True)
    _, took = stage.answer(thread)
    history = stage.done(thread)
    tools = [step.name for step in history.steps if step.kind is StepKind.TOOL]
    check(not tools and not history.writes, "no tool to be used", tools)
    check(history.turns[-1].outcome is TurnOutcome.REPLY and not history.handoffs, "a reply", history.turns[-1].outcome)
    changed = change(history, account="acc-aiko", before="locked", after=stage.account("acc-aiko"))
    check(changed["directory"]["after"] == "locked", "the account to be left alone", changed)
    return facts(history, ms=took, tools=tools, **changed)
