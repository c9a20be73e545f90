"""One model call: money is reserved, the call is written down, made with its tries, and its answer is written down.

A step and the money for it are written in one transaction, before the call leaves and after it has answered: neither is
there without the other. An evaluation keeps its steps in a database of its own, so there they are written one after the
other.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import structlog

from bot.agent import intents
from bot.agent.loop import NeedsPerson
from bot.agent.model import Completion, Prompt, check_cancelled
from bot.agent.performing import times
from bot.agent.retries import TRIES
from bot.agent.runtime import AgentRuntime
from bot.agent.turn_work import TurnWork
from bot.budget.metering import NoRoom
from bot.budget.reservation import Charge, Reservation
from bot.errors import DirectoryDown, OutcomeUnknown, Refused, Transient
from bot.principals import Reason
from bot.store.db import Session
from bot.store.schema import Purpose, StepKind, StepStatus
from bot.store.tickets import steps, surges
from bot.telemetry import attributes as named
from bot.telemetry import spans
from bot.telemetry.turn_record import Value

log = structlog.get_logger()

UNCHECKED = NeedsPerson(Reason.ERROR, "Budgets could not be checked; nothing more was asked of the model.")
"How a turn ends while Redis or the ledger is down: neither the agent nor the model is at fault."
CUT_OFF = NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its time limit: the model had not answered by then.")
"How a turn ends whose time runs out during a model call or between its tries."


def ask(work: TurnWork, step: int, prompt: Prompt) -> tuple[Completion, int]:
    """Make one model call; return its answer and what it cost, in nano-USD."""
    if _is_apart(work):
        with work.runtime.database.write() as session:
            _start(session, work, step, prompt)
    completion, reservation = _call(work, step, prompt)
    return completion, _end(work, step, completion, reservation)


def _is_apart(work: TurnWork) -> bool:
    """Return whether the journal and the ledger are in different databases."""
    return work.runtime.meter.database is not work.runtime.database


def _start(session: Session, work: TurnWork, step: int, prompt: Prompt) -> None:
    """Write a call down, if the attempt may still make it."""
    work.standing.before_step(session)
    _check_directory(session, work)
    request = {"model": prompt.model, "messages": list(prompt.messages), "release": str(work.runtime.release)}
    steps.start(session, work.attempt, seq=step, kind=StepKind.MODEL, name=prompt.model, request=request)


def _end(work: TurnWork, step: int, completion: Completion, reservation: Reservation) -> int:
    """Settle a call and write its answer down; return what it cost, in nano-USD."""
    meter, usage = work.runtime.meter, completion.usage
    tool = completion.tool_calls[0].name if completion.tool_calls else None
    if not _is_apart(work):
        return meter.end(
            reservation, usage, tool=tool, also=lambda session, cost: _finish(session, work, step, completion, cost)
        )
    cost = meter.end(reservation, usage, tool=tool)
    with work.runtime.database.write() as session:
        _finish(session, work, step, completion, cost)
    return cost


def _finish(session: Session, work: TurnWork, step: int, completion: Completion, cost: int) -> None:
    """Write an answer down, with those of its tool calls that come before no door."""
    usage = completion.usage
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


def _call(work: TurnWork, step: int, prompt: Prompt) -> tuple[Completion, Reservation]:
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
            reservation = _reserve(work, step, charge, prompt, count)
            work.standing.before_call()
            with spans.model_call(prompt.model, max_tokens=prompt.max_tokens) as span:
                completion = runtime.call_model(replace(prompt, seconds=work.seconds_left))
                span.set(_answered(completion))
        except OutcomeUnknown as error:  # it may be billed: its row stays `sent` and is charged when its lease ends
            again = work.tries_again(number, error)
        except (NoRoom, DirectoryDown):
            raise
        except Transient as error:
            _void(runtime, reservation)
            again = work.tries_again(number, error)
        except Refused:
            _void(runtime, reservation)
            raise
        else:
            return completion, reservation
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


def _reserve(work: TurnWork, step: int, charge: Charge, prompt: Prompt, count: Callable[[], int | None]) -> Reservation:
    """Reserve money for one try at a model call, and write it down; wait while calls under way leave no room."""
    beside: dict[str, Any] = {} if _is_apart(work) else {"also": lambda session: _start(session, work, step, prompt)}
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
                **beside,
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
