"""A person asks, the agent answers alone: mended, or out of scope."""

from bot.sandbox.demo.scenes.checks import Json, change, check, facts
from bot.sandbox.demo.scenes.stage import Stage
from bot.store.schema import StepKind, TicketState, TurnOutcome


def unlock(stage: Stage) -> Json:
    """Maya is locked out and is let in again."""
    before = stage.account("acc-maya")
    thread = stage.ask("U0MAYA", "I'm locked out of my account, can you help?")
    _, took = stage.answer(thread)
    story = stage.done(thread)
    changed = change(story, account="acc-maya", before=before, after=stage.account("acc-maya"))
    expected = {"account": "acc-maya", "before": "locked", "after": "active", "writes": ["unlock"]}
    check(changed["directory"] == expected, "the account to be unlocked once", changed)
    check(story.ticket.state is TicketState.RESOLVED, "the ticket to be resolved", story.ticket.state)
    check(story.cost_nusd > 0, "a price", story.cost_nusd)
    return facts(story, ms=took, **changed)


def password_reset(stage: Stage) -> Json:
    """Tomás's password has expired; the directory's own link is on its way."""
    before = stage.account("acc-tomas")
    thread = stage.ask("U0TOMAS", "My password has expired and I can't sign in.", private=True)
    _, took = stage.answer(thread)
    story = stage.done(thread)
    changed = change(story, account="acc-tomas", before=before, after=stage.account("acc-tomas"))
    check(changed["directory"]["writes"] == ["send_password_reset"], "one reset link", changed)
    check(story.turns[-1].outcome is TurnOutcome.REPLY, "a reply", story.turns[-1].outcome)
    return facts(story, ms=took, **changed)


def out_of_scope(stage: Stage) -> Json:
    """Aiko asks about something else and is told where to go."""
    thread = stage.ask("U0AIKO", "When is the next payday?", private=True)
    _, took = stage.answer(thread)
    story = stage.done(thread)
    tools = [step.name for step in story.steps if step.kind is StepKind.TOOL]
    check(not tools and not story.writes, "no tool to be used", tools)
    check(story.turns[-1].outcome is TurnOutcome.REPLY and not story.handoffs, "a reply", story.turns[-1].outcome)
    changed = change(story, account="acc-aiko", before="locked", after=stage.account("acc-aiko"))
    check(changed["directory"]["after"] == "locked", "the account to be left alone", changed)
    return facts(story, ms=took, tools=tools, **changed)
