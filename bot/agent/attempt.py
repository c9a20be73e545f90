"""One attempt at a turn, from its messages to its outcome; production and evaluation both play it.

Every model call is written down and paid for, and every tool call decided, audited and written down, before it leaves.
A later attempt replays what an earlier one finished. No transaction is open during a call.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import structlog

from bot.agent import acts, answers, intents
from bot.agent.acts import times
from bot.agent.answers import AnswerBasis
from bot.agent.loop import NeedsPerson, Outcome, Run, run_loop
from bot.agent.model import Completion, Prompt, check_cancelled
from bot.agent.prompt import conversation, message_from
from bot.agent.redaction import redact
from bot.agent.retries import TRIES
from bot.agent.room_under_budget import BUSY, EVALUATION_SECONDS, MOST_WAITS, TURN_SECONDS, Patience
from bot.agent.runtime import AgentRuntime
from bot.agent.standing_checks import StandingChecks
from bot.agent.thanks import ONLY_THANKS, QUESTION
from bot.agent.turn_work import TurnWork
from bot.budget.metering import NoRoom, OverCap
from bot.budget.reservation import Charge, Reservation
from bot.errors import DirectoryDown, OutcomeUnknown, Refused, Transient
from bot.principals import AccountStatus, Reason, Subject
from bot.store.db import Session
from bot.store.handoffs import responses
from bot.store.schema import InboxEvent, InboxKind, Purpose, StepKind, StepStatus
from bot.store.tickets import steps, surges, ticket_messages
from bot.store.tickets.turns import Attempt
from bot.telemetry import attributes as named
from bot.telemetry import spans, turn_record
from bot.telemetry.turn_record import Value
from bot.tools.registry import offered

log = structlog.get_logger()

UNCHECKED = NeedsPerson(Reason.ERROR, "Budgets could not be checked; nothing more was asked of the model.")
"How a turn ends while Redis or the ledger is down: neither the agent nor the model is at fault."
CUT_OFF = NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its time limit: the model had not answered by then.")
"How a turn ends whose time runs out during a model call or between its tries."


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
    with runtime.database.read() as session:
        # Read now and not when the turn began: others may have written since, or an older thread may have been read in.
        # What this turn answers comes last, even if it was said before the agent's last answer.
        rows = ticket_messages.said(session, attempt.ticket.id)
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
    request = {"model": prompt.model, "messages": list(prompt.messages), "release": str(work.runtime.release)}
    with work.runtime.database.write() as session:
        work.standing.before_step(session)
        _check_directory(session, work)
        steps.start(session, work.attempt, seq=step, kind=StepKind.MODEL, name=prompt.model, request=request)
    completion, cost = _call(work, step, prompt)
    usage = completion.usage
    with work.runtime.database.write() as session:
        steps.finish(
            session,
            work.attempt,
            seq=step,
            status=StepStatus.OK,
            response=completion.to_json(),
            tokens=(usage.prompt_tokens, usage.output_tokens),
            cost_nusd=cost,
        )
        intents.refuse_misfits(session, work, step, completion.tool_calls)
    work.costs[step] = cost
    return completion


def _check_directory(session: Session, work: TurnWork) -> None:
    """Check that the directory is not known to be down for many people: the model would be asked in vain.

    Raises:
        DirectoryDown: it is.
    """
    runtime, ticket = work.runtime, work.attempt.ticket
    if runtime.purpose is Purpose.TURN and runtime.agent.card.needs_account:
        surge = surges.of_directory(session, runtime.agent.card.name, ticket.id)
        if surge is not None:
            raise DirectoryDown(f"the directory is down: surge {surge.id}")


def _call(work: TurnWork, step: int, prompt: Prompt) -> tuple[Completion, int]:
    """Reserve money for one model call and make it, with its tries; every try has a reservation of its own."""
    runtime, ticket = work.runtime, work.attempt.ticket
    charge = Charge(
        team=ticket.team,
        channel=ticket.channel,
        user=ticket.requester,
        agent=runtime.agent.card.name,
        release=str(runtime.release),
        ticket_id=ticket.id if runtime.purpose is Purpose.TURN else None,
        turn_id=work.attempt.turn_id if runtime.purpose is Purpose.TURN else None,
        step=step,
        purpose=runtime.purpose,
    )
    count = cache(lambda: _count(runtime, prompt))
    for number in range(TRIES):
        reservation: Reservation | None = None
        try:
            reservation = _reserve(work, charge, prompt, count)
            work.standing.before_call()
            with spans.model_call(prompt.model, max_tokens=prompt.max_tokens) as span:
                completion = runtime.call_model(replace(prompt, seconds=work.seconds_left))
                span.set(_answered(completion))
        except OutcomeUnknown as error:  # it may be billed: its row stays `sent` and is charged when its lease ends
            again = work.tries_again(number, error)
        except NoRoom:
            raise
        except Transient as error:
            _void(runtime, reservation)
            again = work.tries_again(number, error)
        except Refused:
            _void(runtime, reservation)
            raise
        else:
            tool = completion.tool_calls[0].name if completion.tool_calls else None
            return completion, runtime.meter.end(reservation, completion.usage, tool=tool)
        if not again:
            break
    if work.seconds_left <= 0:
        raise Refused(CUT_OFF.summary, reason=CUT_OFF.reason)
    if reservation is None:
        raise Refused(UNCHECKED.summary, reason=UNCHECKED.reason)
    raise Refused(f"the model was asked {times(number + 1)} and did not answer", reason=Reason.MODEL_UNAVAILABLE)


def _answered(completion: Completion) -> dict[str, Value]:
    """Return what a trace tells of an answer; nothing that is in it."""
    usage = completion.usage
    return {
        named.RESPONSE_MODEL: usage.model,
        named.FINISH_REASONS: (completion.stop_reason,),
        named.INPUT_TOKENS: usage.prompt_tokens,
        named.CACHE_READ_TOKENS: usage.cache_read_tokens,
        named.CACHE_WRITTEN_TOKENS: usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        named.OUTPUT_TOKENS: usage.output_tokens,
    }


def _reserve(work: TurnWork, charge: Charge, prompt: Prompt, count: Callable[[], int | None]) -> Reservation:
    """Reserve money for one try at a model call; wait while calls under way leave no room."""
    while True:
        check_cancelled()
        try:
            return work.runtime.meter.begin(
                charge,
                model=prompt.model,
                prompt_bytes=prompt.size,
                max_tokens=prompt.max_tokens,
                cache="5m",
                count=count,
            )
        except NoRoom as full:
            work.patience.wait(full)


def _count(runtime: AgentRuntime, prompt: Prompt) -> int | None:
    """Ask the vendor how many tokens a prompt has; without an answer, each of its bytes counts as a token."""
    try:
        return runtime.count_tokens(prompt)
    except (Refused, Transient) as error:
        log.warning("token_count.failed", why=str(error))
        return None


def _void(runtime: AgentRuntime, reservation: Reservation | None) -> None:
    if reservation is not None:
        runtime.meter.void(reservation)


def _answer_basis(work: TurnWork, given_back_for: Reason | None) -> AnswerBasis:
    """Return what an answer is checked against, as it is now."""
    ticket, card = work.attempt.ticket, work.runtime.agent.card
    with work.runtime.database.read() as session:
        calls = steps.done_calls(session, ticket.id)
    given = [call.response["content"] for call in calls if call.turn_id == work.attempt.turn_id and call.response]
    for_a_person = given_back_for is None and any(content.get("for_a_person") for content in given)
    values: tuple[str, ...] = ()
    if not ticket.private:
        acts.account_of(work)
        sign_ins, listed = acts.sign_ins_of(work), (*card.accounts.may_unlock, *card.accounts.may_lift)
        values = tuple(value for one in work.seen for value in answers.withheld(one, sign_ins, listed)) or listed
    return AnswerBasis(
        ticket.private, card.links, values, frozenset(call.tool for call in calls), for_a_person=for_a_person
    )


def _status(work: TurnWork, given_back_for: Reason | None) -> AccountStatus | None:
    """Return the state of the requester's account now, or None unless exactly one account is bound.

    Raises:
        Refused: the account is left to a person, and no person has just given it back for that reason.
    """
    account = acts.account_of(work)
    if account is None:
        return None
    denied = acts.barred(work, account, acts.sign_ins_of(work))
    if denied is not None and denied.reason is not given_back_for:
        raise Refused(redact(denied.explanation), reason=denied.reason)
    return account.status
