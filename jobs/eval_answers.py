"""The answer to `/agent-eval`: how the command is parsed, who may ask, and what of the last evaluation is shown.

Invariant: owners and responders of an agent read how it does; only its owners run, promote or waive. Who they are is
looked up for each command, and again when they confirm one.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import assert_never

from bot import rights
from bot.agent.card import Agent
from bot.evals import case_views
from bot.rights import Forbidden
from bot.slack import mrkdwn
from bot.slack.handoffs.denials import in_words
from bot.slack.mrkdwn import Body
from bot.slack.reports import eval_case, eval_diff, evaluations
from bot.slack.requesters import replies
from bot.store.releases import comparisons, eval_runs
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import InboxEvent
from bot.store.tickets import inbox_commands
from jobs import eval_acts, eval_questions, eval_status
from jobs.process import WorkerContext

NOT_SHOWN = "Only the owners and responders of an agent can see how it does. Ask one of its owners."
OWNERS_ONLY = "Only the owners of an agent can do that. Ask one of them."
NOTHING_PLAYED = "No evaluation of {agent} has ended yet. An owner begins one with `/agent-eval run`."


class EvalVerb(StrEnum):
    """What may be asked of `/agent-eval`."""

    STATUS = "status"
    "How the agent does."
    DIFF = "diff"
    "The last evaluation beside the baseline."
    CASE = "case"
    "The plays of one case."
    RUN = "run"
    "Begin an evaluation."
    PROMOTE = "promote"
    "Make what is served the baseline."
    WAIVE = "waive"
    "Answer for what is served though it did not pass, or end such a waiver."


ACTS = (EvalVerb.RUN, EvalVerb.PROMOTE, EvalVerb.WAIVE)
"What only owners may do."
REVOKE = "revoke"
"The word after `waive` that ends a waiver."


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """What was asked of `/agent-eval`."""

    verb: EvalVerb
    agent: Agent
    words: tuple[str, ...] = ()
    "The id of a case; or the days and the reason of a waiver, or `revoke`."


def answer(ctx: WorkerContext, event: InboxEvent) -> tuple[Body, Body | None] | str:
    """Return the answer, and a plainer one in case Slack rejects its charts; or what is wrong with the question."""
    asked = parse(ctx, event)
    if isinstance(asked, str):
        return asked
    if (refused := _refused(ctx, event.user, asked)) is not None:
        return replies.only_you(refused), None
    match asked.verb:
        case EvalVerb.STATUS:
            found = eval_status.report(ctx, asked.agent)
            return evaluations.evaluation(found), evaluations.fallback(found)
        case EvalVerb.DIFF:
            return _diff(ctx, asked.agent)
        case EvalVerb.CASE:
            return _case(ctx, asked.agent, asked.words[0])
        case EvalVerb.RUN:
            return eval_acts.run(ctx, asked.agent, event.user), None
        case EvalVerb.PROMOTE | EvalVerb.WAIVE:
            return _act(ctx, event, asked), None
        case _:
            assert_never(asked.verb)


def _act(ctx: WorkerContext, event: InboxEvent, asked: EvalQuestion) -> Body:
    """Promote, waive or revoke what an owner has seen, or ask whether they are sure."""
    agent, user, about = asked.agent, event.user, inbox_commands.confirmed(event)
    seen = None if about is None else ReleasePair(*about)
    if asked.verb is EvalVerb.PROMOTE:
        if seen is None:
            return eval_questions.before_promoting(ctx, agent, event)
        return eval_acts.promote(ctx, agent, user, seen)
    if asked.words == (REVOKE,):
        return (
            eval_questions.before_revoking(ctx, agent, event)
            if seen is None
            else eval_acts.revoke(ctx, agent, user, seen)
        )
    days, reason = int(asked.words[0]), " ".join(asked.words[1:])
    if seen is None:
        return eval_questions.before_waiving(ctx, agent, event, days=days, reason=reason)
    return eval_acts.waive(ctx, agent, user, seen, days=days, reason=reason)


def parse(ctx: WorkerContext, event: InboxEvent) -> EvalQuestion | str:
    """Parse the words of `/agent-eval`; return what is wrong with them, with the nearest known word."""
    verb, agent, rest = None, None, event.text.split()
    for _ in range(2):  # what is asked and the agent's name, in either order
        word = rest[0].lower() if rest else ""
        if verb is None and word in list(EvalVerb):
            verb, rest = EvalVerb(word), rest[1:]
        elif agent is None and word in ctx.agents:
            agent, rest = ctx.agents[word], rest[1:]
    verb = verb or EvalVerb.STATUS
    if verb is EvalVerb.CASE and agent is None and len(rest) == 2 and rest[1].lower() in ctx.agents:  # noqa: PLR2004 - an id and a name
        agent, rest = ctx.agents[rest[1].lower()], rest[:1]
    return _wrong(ctx, verb, rest) or EvalQuestion(verb, agent or _agent_for(ctx, event), tuple(rest))


def _wrong(ctx: WorkerContext, verb: EvalVerb, rest: list[str]) -> str | None:
    """Return what is wrong with the words after what is asked for, or None."""
    match verb:
        case EvalVerb.CASE:
            return None if len(rest) == 1 else "After `case` comes the id of one case."
        case EvalVerb.WAIVE:
            if [word.lower() for word in rest] == [REVOKE]:
                rest[0] = REVOKE
                return None
            is_right = len(rest) > 1 and rest[0].isascii() and rest[0].isdigit()
            return None if is_right else "After `waive` come a number of days and the reason, or `revoke`."
        case EvalVerb.STATUS | EvalVerb.DIFF | EvalVerb.RUN | EvalVerb.PROMOTE:
            if not rest:
                return None
            near = get_close_matches(rest[0].lower(), [*EvalVerb, *ctx.agents], n=1)
            meant = f" Did you mean `{near[0]}`?" if near else ""
            return f"I do not know `{mrkdwn.line(' '.join(rest), 40).replace('`', '')}`.{meant}"
        case _:
            assert_never(verb)


def _refused(ctx: WorkerContext, user: str, asked: EvalQuestion) -> str | None:
    """Return why somebody may not ask that, or None."""
    actor = ctx.actor(user)
    if (why := rights.barred_from(asked.agent, actor)) is not None:
        return NOT_SHOWN if why is Forbidden.NO_ROLE else in_words(why)
    if asked.verb in ACTS and rights.barred(actor, asked.agent.card.owners) is not None:
        return OWNERS_ONLY
    return None


def _agent_for(ctx: WorkerContext, event: InboxEvent) -> Agent:
    """Return the agent of a channel; elsewhere an agent that the person serves, or else the first one."""
    agents = list(ctx.agents.values())
    for agent in agents:
        if event.channel in (*agent.card.channels, agent.card.handoff.queue_channel):
            return agent
    return next((agent for agent in agents if event.user in rights.people(agent)), agents[0])


def _diff(ctx: WorkerContext, agent: Agent) -> tuple[Body, Body | None]:
    name = agent.card.name
    with ctx.database.read() as session:
        run = eval_runs.last_run(session, name)
        found = None if run is None else comparisons.of_run(session, name, run)
    if found is None:
        return replies.only_you(NOTHING_PLAYED.format(agent=mrkdwn.line(name, 80))), None
    return eval_diff.report(found), eval_diff.fallback(found)


def _case(ctx: WorkerContext, agent: Agent, case: str) -> tuple[Body, Body | None]:
    with ctx.database.read() as session:
        run = eval_runs.last_run(session, agent.card.name)
        found = None if run is None else case_views.of_run(session, run, case)
        near = () if run is None else case_views.nearest(session, run, case)
    if run is None:
        return replies.only_you(NOTHING_PLAYED.format(agent=mrkdwn.line(agent.card.name, 80))), None
    if found is None:
        asked = mrkdwn.line(case, 80).replace("`", "")
        names = ", ".join(f"`{mrkdwn.line(one, 80)}`" for one in near)
        meant = f" Did you mean {names}?" if near else ""
        return replies.only_you(f"Run {run.id}, the last evaluation, has no case `{asked}`.{meant}"), None
    return eval_case.report(found), None
