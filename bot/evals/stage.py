"""Plays one case on a directory of its own, with the code that production runs.

Only the agent's surroundings are staged: the accounts, the messages, the clock of a conversation. From the acceptance
of a message to the written outcome, the path is the worker's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self, TypeGuard

import structlog

from bot import admission
from bot.admission import Admitted, Installation, NotAdmitted, Rules
from bot.agent import binding, redaction
from bot.agent.attempt import CUT_OFF, UNCHECKED, play
from bot.agent.conclusion import conclude
from bot.agent.linked import Linked
from bot.agent.loop import NeedsPerson, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Usage
from bot.budget.reservation import Charge, Reservation
from bot.casework import beforehand
from bot.casework import handoffs as casework
from bot.directory.local import LocalDirectory
from bot.errors import DeskhandError, Transient
from bot.evals.cases import Case, CaseMessage
from bot.principals import EVALUATION_TEAM, EVALUATION_USER, EVALUATIONS, Reason, Subject
from bot.store.db import Database, Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.installation import scratch_database
from bot.store.outbox import messages
from bot.store.schema import MessageKind, Purpose, StepKind, StepStatus, TurnOutcome
from bot.store.tickets import steps, threads, tickets, turns
from bot.store.tickets.steps import TakenStep
from bot.store.tickets.tickets import Attachment, Heard
from bot.store.tickets.turns import Attempt

CHANNEL, TEAM, USER = EVALUATIONS, EVALUATION_TEAM, EVALUATION_USER
"Whose budget pays: evaluations have one of their own."
COLLEAGUE = "U0COLLEAGUE"
FIRST = "1.000000"
"Timestamp of a case's first message, and so of its thread."
LEASE_SECONDS = 3600.0
OUTAGES = frozenset({Reason.MODEL_UNAVAILABLE, Reason.BUDGET, Reason.BUSY, Reason.OUTAGE})
"Reasons for a handoff that say nothing about the agent, since it could not answer. Every other reason is its own."

RuntimeFor = Callable[[Database], AgentRuntime]
"Puts the agent to work on a scratch database, with `Purpose.EVAL` and the real meter."

log = structlog.get_logger()


@dataclass(slots=True)
class CaseOutcome:
    """What came of a case: everything that a scorer may check."""

    outcome: str = ""
    "The last one: reply, handoff or refused."
    reason: str | None = None
    category: str | None = None
    ticket: str = ""
    replies: list[str] = field(default_factory=list)
    summary: str = ""
    called: list[str] = field(default_factory=list)
    "Tools that the model called, in order."
    ran: list[str] = field(default_factory=list)
    "Tools that ran successfully."
    directory: dict[str, str] = field(default_factory=dict)
    "State of each account."
    writes: dict[str, list[str]] = field(default_factory=dict)
    kept: str = ""
    "Everything in the database, as text; empty for a case that asks nothing of it."
    undelivered_notes: list[str] = field(default_factory=list)
    "Notes of a colleague for which no handoff was open."
    transcript: list[dict[str, Any]] = field(default_factory=list)
    cost_nusd: int = 0
    models: list[tuple[str, str]] = field(default_factory=list)
    "Each call of the model: the id that was asked for, and the one that the response named."
    outage: str | None = None
    "Why the case could not be played to its end, through no fault of the agent; else None."


class _EvalMeter(Meter):
    """The real meter, where any failure counts as an outage and so says nothing about the agent."""

    @classmethod
    def of(cls, meter: Meter) -> Self:
        """Return the meter in this form."""
        return cls(**{one.name: getattr(meter, one.name) for one in fields(Meter)})

    def begin(self, charge: Charge, **call: Any) -> Reservation:
        """Reserve as the real meter does."""
        with _as_outage():
            return super().begin(charge, **call)

    def end(self, reservation: Reservation, usage: Usage, *, tool: str | None, **also: Any) -> int:
        """Settle as the real meter does."""
        with _as_outage():
            return super().end(reservation, usage, tool=tool, **also)

    def void(self, reservation: Reservation) -> None:
        """Settle at zero as the real meter does."""
        with _as_outage():
            super().void(reservation)


@contextmanager
def _as_outage() -> Iterator[None]:
    """Raise any error that is not ours as Transient."""
    try:
        yield
    except DeskhandError:
        raise
    except Exception as error:
        log.error("meter.failed", error=type(error).__name__)  # noqa: TRY400 its text is not ours
        raise Transient(f"the budget could not be asked: {type(error).__name__}") from error


def on_scratch_database(runtime: AgentRuntime) -> RuntimeFor:
    """Return what puts an agent to work on a scratch database and its accounts, with the agent's own model and meter.

    A case is played on a local directory, whichever directory the installation has.
    """
    return lambda own: replace(runtime, database=own, directory=LocalDirectory(own), purpose=Purpose.EVAL)


def play_case(case: Case, runtime_for: RuntimeFor, *, hear: Callable[[str], str] = redaction.redact) -> CaseOutcome:
    """Play a case once, on a fresh scratch database; `hear` takes secrets out of each message before it is stored."""
    seen = CaseOutcome()
    with scratch_database.database() as database:
        LocalDirectory(database).seed(case.accounts.values())
        runtime = runtime_for(database)
        runtime = replace(runtime, meter=_EvalMeter.of(runtime.meter))
        try:
            for number, message in enumerate(case.says, start=1):
                heard = {"text": hear(message.text), "files": tuple(map(redaction.redact_name, message.files))}
                _play_message(case, runtime, seen, message.model_copy(update=heard), number)
        except Transient as error:
            seen.outage = str(error)
        _record_state(case, database, seen)
    return seen


def is_outage(outcome: Outcome | NotAdmitted) -> TypeGuard[NeedsPerson]:
    """Return whether an outcome says nothing about the agent: the model or the budget was down or answered too late."""
    return isinstance(outcome, NeedsPerson) and (outcome.reason in OUTAGES or outcome in (UNCHECKED, CUT_OFF))


def _play_message(case: Case, runtime: AgentRuntime, seen: CaseOutcome, message: CaseMessage, number: int) -> None:
    """Say one message and let the agent answer it, unless a person has the ticket."""
    for account, change in message.meanwhile.items():
        LocalDirectory(runtime.database).set_status(account, change.status, lock_reason=change.lock_reason)
    seen.transcript.append({"by": message.by, "text": message.text})
    with runtime.database.write() as session:
        if message.by == "colleague":
            turn_id = _give_back(session, seen, message.text)
        else:
            accepted = tickets.accept(session, _heard(case, message, number), agent=runtime.agent.card.name)
            turn_id = None if accepted is None else accepted.turn_id
    if turn_id is not None:
        _answer(case, runtime, seen, turn_id)


def _give_back(session: Session, seen: CaseOutcome, note: str) -> int | None:
    """Let a colleague claim the open handoff and give it back; return the turn with which the agent goes on."""
    ticket = threads.ticket_at(session, CHANNEL, FIRST)
    handoff = None if ticket is None else handoffs.active(session, ticket.id)
    if handoff is None:
        seen.undelivered_notes.append(note)
        return None
    casework.claim(session, handoff.id, COLLEAGUE, lease_minutes=LEASE_SECONDS / 60)
    moved = casework.give_back(session, handoff.id, COLLEAGUE, note=note)
    return moved.turn_id if isinstance(moved, Moved) else None


def _answer(case: Case, runtime: AgentRuntime, seen: CaseOutcome, turn_id: int) -> None:
    """Let the agent play a turn to its outcome."""
    with runtime.database.write() as session:
        attempt = turns.begin(session, turn_id, worker="eval", lease=LEASE_SECONDS)
    if attempt is None:
        raise RuntimeError("a turn on a scratch database was taken by another attempt")
    who = _admitted(case)
    needs = bool(runtime.agent.card.needs_account)
    subject = binding.subject(runtime.directory, who, team=TEAM, user=USER, needs_account=needs)
    outcome = _outcome(runtime, attempt, who, subject)
    _finish(runtime, attempt, subject, outcome)
    _record_turn(runtime, attempt, seen, outcome)
    if is_outage(outcome):
        until = f" It is free again at {outcome.until:%Y-%m-%d %H:%M} UTC." if outcome.until else ""
        raise Transient(f"{outcome.reason}: {outcome.summary}{until}")


def _admitted(case: Case) -> Admitted | NotAdmitted:
    """Admit the requester of a case as production does, by what Slack says of a full member with that address."""
    flags = dict.fromkeys(admission.ALWAYS_SAID, False)
    card = {"id": USER, "team_id": TEAM, **flags, "profile": {"email": case.requester, "team": TEAM}}
    ours = Installation(TEAM, None)
    return admission.admit(admission.read(card), user=USER, ours=ours, rules=Rules())


def _outcome(
    runtime: AgentRuntime, attempt: Attempt, who: Admitted | NotAdmitted, subject: Subject
) -> Outcome | NotAdmitted:
    """Play the attempt; a bug becomes a handoff as in production, with a reason that no case expects."""
    try:
        first = beforehand.outcome(runtime, attempt, who, subject, catch_up=lambda: None)
        if isinstance(first, Linked):
            return NeedsPerson(Reason.ERROR, "a bug: an evaluation met a surge")
        return first or play(runtime, attempt, subject, rebind=lambda: subject)
    except Transient:
        raise
    except Exception as error:
        log.exception("turn.failed", turn=attempt.turn_id)
        return NeedsPerson(Reason.ERROR, f"a bug: {type(error).__name__}")


def _finish(runtime: AgentRuntime, attempt: Attempt, subject: Subject, outcome: Outcome | NotAdmitted) -> None:
    """Write the outcome down as the worker does, with the reply that the next turn will see."""
    with runtime.database.write() as session:
        conclude(session, runtime, attempt, subject, outcome)
        if isinstance(outcome, Reply):
            messages.add(
                session,
                key=f"reply:turn:{attempt.turn_id}",
                kind=MessageKind.REPLY,
                lane=f"ticket:{attempt.ticket.id}",
                channel=CHANNEL,
                body={"text": outcome.text},
                ticket_id=attempt.ticket.id,
                turn_id=attempt.turn_id,
            )


def _heard(case: Case, message: CaseMessage, number: int) -> Heard:
    return Heard(
        event_id=f"Ev{number}",
        team=TEAM,
        channel=CHANNEL,
        ts=f"{number}.000000",
        thread_ts=None if number == 1 else FIRST,
        user=USER,
        text=message.text,
        files=tuple(Attachment(name, None) for name in message.files),
        private=case.where == "dm",
    )


def _record_turn(runtime: AgentRuntime, attempt: Attempt, seen: CaseOutcome, outcome: Outcome | NotAdmitted) -> None:
    with runtime.database.read() as session:
        taken = steps.taken(session, attempt.ticket.id)
    for step in taken:
        if step.turn_id == attempt.turn_id:
            _record_step(step, seen)
    seen.cost_nusd = sum(step.cost_nusd for step in taken)
    match outcome:
        case Reply():
            seen.outcome, seen.reason = TurnOutcome.REPLY, None
            seen.category = None if outcome.resolution is None else outcome.resolution.category
            seen.replies.append(outcome.text)
            seen.transcript.append({"by": "agent", "text": outcome.text})
        case NeedsPerson():
            seen.outcome, seen.reason, seen.category = TurnOutcome.HANDOFF, outcome.reason, None
            seen.summary = outcome.summary
            seen.transcript.append({"by": "handoff", "reason": outcome.reason, "text": outcome.summary})
        case NotAdmitted():
            seen.outcome, seen.reason, seen.category = TurnOutcome.REFUSED, outcome.why, None


def _record_step(step: TakenStep, seen: CaseOutcome) -> None:
    response = step.response or {}
    if step.kind is StepKind.TOOL:
        if step.status is StepStatus.OK:
            seen.ran.append(step.name)
        entry = {"by": "tool", "name": step.name, "status": step.status, "gave": response.get("content", {})}
        seen.transcript.append(entry)
        return
    if (answered := response.get("usage", {}).get("model")) is not None:
        seen.models.append((step.name, str(answered)))
    for block in response.get("content", ()):
        if block["type"] == "tool_use":
            seen.called.append(block["name"])


def _record_state(case: Case, database: Database, seen: CaseOutcome) -> None:
    """Record the state that is left, from the directory itself and not from what a tool says of it."""
    directory = LocalDirectory(database)
    for key in case.accounts:
        account = directory.account(key)
        seen.directory[key] = "gone" if account is None else account.status
    for account_id, action in directory.written():
        seen.writes.setdefault(account_id, []).append(action)
    with database.read() as session:
        ticket = threads.ticket_at(session, CHANNEL, FIRST)
        seen.ticket = "" if ticket is None else ticket.state
    if any(end.never_kept for end in case.expect):  # writing all of it down takes as long as a tenth of the play
        seen.kept = scratch_database.everything(database)
