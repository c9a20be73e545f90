"""The answer to `/agent-cost`: who may see which spending, and how the command is parsed.

Invariant: owners of every agent see everything; owners of some agents see what those spent; an owner of a budget sees
that budget's channel, user, team or agent; everybody sees the channel they ask in or, in a direct message, themselves.
Nobody else sees another channel's figures. What each person spent is shown to owners and responders; everybody else
sees their own spending and the sum of all others, unless the card shows people in its channels (`show_people`).
`bot.rights` decides who has which role, with a look-up made now.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bot import agent_cards, rights
from bot.budget.caps import Budgets
from bot.budget.reports import statement
from bot.budget.reports.statement import Question, Statement
from bot.cost_dimensions import DIMENSIONS, WINDOWS, Dimension, Window
from bot.principals import CHANNEL_ID
from bot.rights import Forbidden
from bot.slack import charts, mrkdwn
from bot.slack.handoffs.denials import in_words
from bot.slack.money import cost_report, holders
from bot.slack.money.cost_report import Reader
from bot.slack.mrkdwn import Body
from bot.store.money.spending import BudgetHolder
from bot.store.schema import InboxEvent, now
from jobs.process import WorkerContext

_AS_PEOPLE_SAY = re.compile(r"\b(?:today|this (day|week|month))\b")
NAMED_WRONG = 5


@dataclass(frozen=True, slots=True)
class CostQuestion:
    """What was asked of `/agent-cost`."""

    window: Window = "day"
    by: Dimension = "user"


def answer(ctx: WorkerContext, event: InboxEvent) -> tuple[Body, Body] | str:
    """Return the answer, and a plainer one in case Slack rejects its charts; or what is wrong with the question."""
    asked = parse(event.text)
    if isinstance(asked, str):
        return asked
    entitled = _entitled(ctx, event.user)
    if entitled is Forbidden.UNCHECKED:
        return in_words(entitled)
    budgets = ctx.meter.budgets
    seen = seen_by(ctx, event) if entitled is None else (_here(event),)
    apart = _open_to_all(ctx, seen) or (entitled is None and _answers_for(ctx, event, seen))
    alone = None if apart else event.user
    question = Question(asked.window, asked.by, now(), seen, _budgets_shown(ctx, event, seen), alone=alone)
    with ctx.database.read() as session:
        found = statement.draw_up(session, budgets, question, now=now(), rates=agent_cards.rates(ctx.agents))
    reader = Reader(event.user, event.channel, _names(ctx, found))
    return cost_report.report(found, reader), cost_report.fallback(found, reader)


def parse(text: str) -> CostQuestion | str:
    """Parse the words of `/agent-cost`; return what is wrong with them, with the nearest known words."""
    windows, dimensions, wrong = list[str](), list[str](), list[tuple[str, str | None]]()
    asked = _AS_PEOPLE_SAY.sub(lambda found: found[1] or "day", text.lower())
    words = iter(word for word in (given.strip(".,;") for given in asked.split()) if word)
    for word in words:
        if word in WINDOWS:
            windows.append(word)
        elif word != "by":
            wrong.append((word, _near(word)))
        elif (dimension := next(words, None)) is None:
            return f"After `by` comes one of {', '.join(f'`{known}`' for known in DIMENSIONS)}."
        elif dimension in DIMENSIONS:
            dimensions.append(dimension)
        else:
            near = get_close_matches(dimension, DIMENSIONS, n=1, cutoff=0.5)
            wrong.append((dimension, near[0] if near else None))
    if wrong:
        return _unknown(wrong)
    for given in (windows, dimensions):
        if len(set(given)) > 1:
            return f"I take one of {' and '.join(f'`{word}`' for word in dict.fromkeys(given))} at a time."
    return CostQuestion(*(windows[:1] or ["day"]), *(dimensions[:1] or ["user"]))  # type: ignore[arg-type]  # looked up above


def _entitled(ctx: WorkerContext, user: str) -> Forbidden | None:
    """Return why a person's roles do not count, so that they see what anybody may; None: they count."""
    agents, budgets = ctx.agents, ctx.meter.budgets
    if not (rights.served_by(agents, user) or _owns_a_default(budgets, user) or any(_owned(budgets, user))):
        return Forbidden.NO_ROLE
    return rights.barred(ctx.actor(user), (user,))


def _open_to_all(ctx: WorkerContext, seen: tuple[BudgetHolder, ...] | None) -> bool:
    """Return whether the cards of all that is shown let the channel see what each person spent."""
    if seen is None:
        return False
    cards = [agent.card for agent in ctx.agents.values() if agent.card.show_people == "channel"]
    return {("channel", channel) for card in cards for channel in card.channels}.issuperset(seen)


def _answers_for(ctx: WorkerContext, event: InboxEvent, seen: tuple[BudgetHolder, ...] | None) -> bool:
    """Return whether all that is shown belongs to the person, or to agents and budgets that they answer for."""
    if seen is None:
        return True
    serving = [agent.card for agent in ctx.agents.values() if event.user in rights.people(agent)]
    own = {("user", event.user), *_owned(ctx.meter.budgets, event.user)}
    own |= {("agent", card.name) for card in serving if event.user in card.owners}
    own |= {("channel", channel) for card in serving for channel in (*card.channels, card.handoff.queue_channel)}
    return own.issuperset(seen)


def _here(event: InboxEvent) -> BudgetHolder:
    is_channel = event.channel and not event.channel.startswith("D")  # Slack does not always say where they asked
    return ("channel", event.channel) if is_channel else ("user", event.user)


def seen_by(ctx: WorkerContext, event: InboxEvent) -> tuple[BudgetHolder, ...] | None:
    """Return the holders whose spending a person may see here; None: everybody's."""
    mine = [agent.card.name for agent in ctx.agents.values() if event.user in agent.card.owners]
    budgets = ctx.meter.budgets
    if len(mine) == len(ctx.agents) or _owns_a_default(budgets, event.user):
        return None
    return tuple(dict.fromkeys([_here(event), *(("agent", name) for name in mine), *_owned(budgets, event.user)]))


def _budgets_shown(
    ctx: WorkerContext, event: InboxEvent, seen: tuple[BudgetHolder, ...] | None
) -> tuple[BudgetHolder, ...]:
    """Return the holders whose budgets are shown: of this channel, their own, and others that they may see."""
    here = [*([("channel", event.channel)] if event.channel else []), ("user", event.user)]
    if seen is not None:
        return tuple(dict.fromkeys([*here, *seen]))
    return (*here, ("team", event.team), *(("agent", agent.card.name) for agent in ctx.agents.values()))


def _owned(budgets: Budgets, user: str) -> Iterator[BudgetHolder]:
    for scope, limits in _limits(budgets):
        yield from ((scope, holder) for holder, limit in limits.named.items() if limit.owner == user)


def _owns_a_default(budgets: Budgets, user: str) -> bool:
    """Return whether a person owns the default budget of a scope."""
    return any(limits.default is not None and limits.default.owner == user for _, limits in _limits(budgets))


def _limits(budgets: Budgets) -> tuple[tuple[str, Any], ...]:
    return (
        ("channel", budgets.channel),
        ("user", budgets.user),
        ("team", budgets.team),
        ("agent", budgets.agent),
    )


def _near(word: str) -> str | None:
    known = {name: name for name in (*WINDOWS, "by")} | {dimension: f"by {dimension}" for dimension in DIMENSIONS}
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return known[near[0]] if near else None


def _unknown(wrong: list[tuple[str, str | None]]) -> str:
    named = [f"`{mrkdwn.line(word, 40)}`" for word, _ in wrong[:NAMED_WRONG]]
    more = [f"{len(wrong) - NAMED_WRONG} more"] if len(wrong) > NAMED_WRONG else []
    *first, last = [*named, *more]
    near = list(dict.fromkeys(near for _, near in wrong[:NAMED_WRONG] if near is not None))
    meant = f" Did you mean {' and '.join(f'`{word}`' for word in near)}?" if near else ""
    return f"I do not know {', '.join(first)}{' and ' if first else ''}{last}.{meant}"


def _names(ctx: WorkerContext, found: Statement) -> dict[str, str]:
    """Return the names of the people and channels in the chart; people without a known name keep their id."""
    if found.question.by not in {"user", "channel"}:
        return {}
    ids = [line.key for line in found.lines[: charts.POINTS] if line.key and line.key != statement.OTHERS]
    unnamed = {one: holders.SOME_CHANNEL for one in ids if re.fullmatch(CHANNEL_ID, one)}
    return {**unnamed, **holders.known(ids, ctx.slack, ctx.database)}
