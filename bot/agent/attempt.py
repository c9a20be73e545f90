"""One attempt at a turn, from its messages to its outcome; production and evaluation both play it.

Every model call is written down and paid for, and every tool call decided, audited and written down, before it leaves.
A later attempt replays what an earlier one finished. No transaction is open during a call.
"""

import time
from collections.abc import Callable

import structlog

from bot.agent import acts, answers, thinking
from bot.agent.answers import AnswerBasis
from bot.agent.loop import NeedsPerson, Outcome, Run, run_loop
from bot.agent.model import Completion, Prompt
from bot.agent.prompt import conversation, message_from
from bot.agent.redaction import redact
from bot.agent.room_under_budget import BUSY, EVALUATION_SECONDS, MOST_WAITS, TURN_SECONDS, Patience
from bot.agent.runtime import AgentRuntime
from bot.agent.standing_checks import StandingChecks
from bot.agent.thanks import ONLY_THANKS, QUESTION
from bot.agent.thinking import CUT_OFF, UNCHECKED
from bot.agent.turn_work import TurnWork
from bot.budget.metering import NoRoom, OverCap
from bot.errors import Refused
from bot.principals import AccountStatus, Reason, Subject
from bot.store.handoffs import responses
from bot.store.schema import InboxEvent, InboxKind, Purpose
from bot.store.tickets import steps, ticket_messages
from bot.store.tickets.turns import Attempt
from bot.telemetry import turn_record
from bot.tools.registry import offered

__all__ = ["CUT_OFF", "UNCHECKED", "only_thanks", "play", "why_given_back"]

log = structlog.get_logger()


def play(runtime: AgentRuntime, attempt: Attempt, subject: Subject, *, rebind: Callable[[], Subject]) -> Outcome:
    """Play an attempt to its outcome.

    Args:
        runtime: the agent and what it works with.
        attempt: the attempt, with all that was loaded for it.
        subject: on whose behalf it is played, as looked up at its beginning.
        rebind: looks the subject up again, right before an account is changed.

    Raises:
        Fenced: another attempt has taken the turn over.
        Transient: the database is down, or there is no room under a budget now; the turn is worth another try.
    """
    with runtime.database.look() as session:
        # Read now and not when the turn began: others may have written since, or an older thread may have been read in.
        # What this turn answers comes last, even if it was said before the agent's last answer.
        rows = ticket_messages.said(session, attempt.ticket.id, answered=not attempt.is_first)
        rows.sort(key=lambda row: isinstance(row, InboxEvent) and row.turn_id == attempt.turn_id)
    given_back_for = why_given_back(attempt)
    run = _run(_work(runtime, attempt, subject, rebind), given_back_for)
    try:
        return run_loop(run, conversation(map(message_from, rows), private=attempt.ticket.private))
    except OverCap as over:
        return NeedsPerson(
            Reason.BUDGET, "The budget is used up; nothing more was asked of the model.", over.cap.resets_at
        )
    except NoRoom:
        if attempt.waits < MOST_WAITS:
            raise
        return BUSY
    except Refused as refusal:
        return NeedsPerson(Reason(refusal.reason), str(refusal))


def _run(work: TurnWork, given_back_for: Reason | None) -> Run:
    """Return the loop's run of a turn: the agent, its limits and the functions through which it acts."""
    runtime = work.runtime
    return Run(
        model=runtime.model,
        system=runtime.agent.system,
        tools=offered(runtime.agent.tools, runtime.directory),
        limits=runtime.agent.card.limits,
        think=lambda step, prompt: _think(work, step, prompt),
        act=lambda step, call, tool: acts.act(work, step, call, tool),
        look_up=lambda: _status(work, given_back_for),
        solved=runtime.agent.card.solved,
        spent=lambda: sum(work.costs.values()),
        clock=lambda: time.monotonic() - work.patience.waited,
        given_back_for=given_back_for,
        object_to=lambda answer: answers.objection(answer, _answer_basis(work, given_back_for)),
    )


def only_thanks(runtime: AgentRuntime, attempt: Attempt, subject: Subject) -> bool:
    """Ask the model whether words that code cannot judge are only thanks; without a clear answer they are not.

    Raises:
        Fenced: another attempt has taken the turn over.
        Transient: the database is down; the turn is worth another try.
    """
    work = _work(runtime, attempt, subject, lambda: subject)
    words = conversation(map(message_from, attempt.heard), private=attempt.ticket.private)
    prompt = Prompt(runtime.model, QUESTION, (), tuple(words), runtime.agent.card.limits.answer_tokens)
    try:
        return _think(work, 0, prompt).text.strip().strip(".").upper() == ONLY_THANKS
    except (OverCap, NoRoom, Refused) as error:
        log.warning("thanks_check.failed", why=str(error))
        return False


def why_given_back(attempt: Attempt) -> Reason | None:
    """Return why the ticket was with the colleague whose note this turn answers, or None if it answers none."""
    given_back = {responses.returned_from(event) for event in attempt.heard if event.kind is InboxKind.NOTE}
    return next((Reason(one.reason) for one in attempt.handoffs if one.id in given_back), None)


def _work(runtime: AgentRuntime, attempt: Attempt, subject: Subject, rebind: Callable[[], Subject]) -> TurnWork:
    costs = {seq: step.cost_nusd for seq, step in attempt.journal.items()}
    patience = Patience(TURN_SECONDS if runtime.purpose is Purpose.TURN else EVALUATION_SECONDS, runtime.sleep)
    until = time.monotonic() + runtime.agent.card.limits.seconds
    return TurnWork(runtime, attempt, subject, costs, rebind, patience, until, StandingChecks(runtime))


def _think(work: TurnWork, step: int, prompt: Prompt) -> Completion:
    """Make one model call, or replay it."""
    turn_record.model_called()
    done = acts.finished(work, step)
    if done is not None:
        return Completion.from_json(done)
    completion, work.costs[step] = thinking.ask(work, step, prompt)
    return completion


def _answer_basis(work: TurnWork, given_back_for: Reason | None) -> AnswerBasis:
    """Return what an answer is checked against, as it is now."""
    ticket, card = work.attempt.ticket, work.runtime.agent.card
    with work.runtime.database.look_together():
        with work.runtime.database.look() as session:
            calls = steps.done_calls(session, ticket.id)
        _, sign_ins = (None, ()) if ticket.private else acts.seen(work)
    given = [call.response["content"] for call in calls if call.turn_id == work.attempt.turn_id and call.response]
    for_a_person = given_back_for is None and any(content.get("for_a_person") for content in given)
    values: tuple[str, ...] = ()
    if not ticket.private:
        listed = (*card.accounts.may_unlock, *card.accounts.may_lift)
        values = tuple(value for one in work.seen for value in answers.withheld(one, sign_ins, listed)) or listed
    return AnswerBasis(
        ticket.private, card.links, values, frozenset(call.tool for call in calls), for_a_person=for_a_person
    )


def _status(work: TurnWork, given_back_for: Reason | None) -> AccountStatus | None:
    """Return the state of the requester's account now, or None unless exactly one account is bound.

    Raises:
        Refused: the account is left to a person, and no person has just given it back for that reason.
    """
    account, sign_ins = acts.seen(work)
    if account is None:
        return None
    denied = acts.barred(work, account, sign_ins)
    if denied is not None and denied.reason is not given_back_for:
        raise Refused(redact(denied.explanation), reason=denied.reason)
    return account.status
