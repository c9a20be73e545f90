"""All that is stored of one ended turn, for whoever checks it again: what was said, done, allowed and claimed.

Reads only. Many turns are read together, with a statement for each kind of row.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.figures import finished_turns
from bot.store.figures.finished_turns import FinishedTurn
from bot.store.handoffs import claims
from bot.store.schema import (
    AccountWrite,
    Approval,
    ApprovalState,
    Handoff,
    HandoffContext,
    HandoffMove,
    InboxEvent,
    InboxKind,
    Message,
    MessageKind,
    MessageState,
    Step,
    StepKind,
    StepStatus,
    Ticket,
    Turn,
    TurnOutcome,
    WriteState,
)
from bot.store.sql import prebuilt

INTENDED = frozenset({"tool.intended", "tool.taken_over"})
FINISHED = frozenset({"tool.finished", "tool.refused", "tool.unseen"})

_TURNS: BindParameter[int] = bindparam("turns", expanding=True)
_TICKETS: BindParameter[int] = bindparam("tickets", expanding=True)
_ENDED = (
    select(Turn.id, Turn.ticket_id, Turn.outcome, Ticket.requester)
    .join(Ticket, Ticket.id == Turn.ticket_id)
    .where(Turn.id.in_(_TURNS), Turn.outcome.is_not(None))
)
_CALLS = (
    select(Step.turn_id, Step.seq, Step.name, Step.status, Step.response["content"])
    .where(Step.turn_id.in_(_TURNS), Step.kind == StepKind.TOOL)
    .order_by(Step.turn_id, Step.seq)
)
_DONE = (
    select(Turn.ticket_id, Turn.id, Step.name)
    .join(Turn, Turn.id == Step.turn_id)
    .where(Turn.ticket_id.in_(_TICKETS), Step.kind == StepKind.TOOL, Step.status == StepStatus.OK)
)
_WRITES = (
    select(AccountWrite.turn_id, AccountWrite.step, AccountWrite.tool, AccountWrite.state)
    .where(AccountWrite.turn_id.in_(_TURNS))
    .order_by(AccountWrite.step)
)
_USED = select(Approval.turn_id, Approval.step, Approval.decided_by).where(
    Approval.turn_id.in_(_TURNS), Approval.state == ApprovalState.USED
)
_HANDED_OFF = (
    select(Handoff.ticket_id, Handoff.turn_id, Handoff.summary, Handoff.context)
    .where(Handoff.ticket_id.in_(_TICKETS), Handoff.turn_id.in_(_TURNS))
    .order_by(Handoff.id)
)
_HEARD = (
    select(InboxEvent.text)
    .where(
        InboxEvent.ticket_id == bindparam("ticket"),
        InboxEvent.kind.in_((InboxKind.MESSAGE, InboxKind.NOTE)),
        InboxEvent.received_at <= bindparam("until"),
    )
    .order_by(InboxEvent.id)
)
_ANSWERS = (
    select(Message.ticket_id, Message.turn_id, Message.body, Message.state, Message.ts, Message.posted_at)
    .where(Message.ticket_id.in_(_TICKETS), Message.turn_id.in_(_TURNS), Message.kind == MessageKind.REPLY)
    .order_by(Message.id)
)
_CLAIMS = (
    select(Handoff.ticket_id, HandoffMove.move, HandoffMove.at)
    .join(Handoff, Handoff.id == HandoffMove.handoff_id)
    .where(Handoff.ticket_id.in_(_TICKETS), HandoffMove.move.in_({*claims.BEGIN, *claims.END}))
    .order_by(HandoffMove.id)
)
_Pair = tuple[int | None, int | None]
"A ticket and a turn: a row that names both is evidence of the turn only if it names its ticket."


@dataclass(frozen=True, slots=True)
class SaidAnswer:
    """One answer of the agent to a turn, as it was stored for Slack."""

    text: str
    "Escaped for Slack; empty if it was taken back."
    state: MessageState
    at: datetime | None
    "When Slack had it, by its clock or by ours, whichever was earlier; None: Slack does not have it."


@dataclass(frozen=True, slots=True)
class ToolStep:
    """One tool call of the turn."""

    step: int
    tool: str
    status: StepStatus
    gave: Mapping[str, Any]
    "What it returned, redacted."


@dataclass(frozen=True, slots=True)
class IntentRow:
    """What the audit log has of a call before its effect."""

    number: int
    "The number that its outcome names."
    step: int
    tool: str
    decision: str
    subject: str | None
    "Slack user id of the human on whose behalf it was."
    has_outcome: bool


@dataclass(frozen=True, slots=True)
class TurnEvidence:
    """What is stored of an ended turn."""

    turn: FinishedTurn
    outcome: TurnOutcome
    requester: str
    answers: tuple[SaidAnswer, ...]
    calls: tuple[ToolStep, ...]
    done: frozenset[str]
    "Tools that had succeeded in the ticket by the end of the turn."
    writes: tuple[tuple[int, str, WriteState], ...]
    "Each write to an account: its step, its tool, and what is known of it."
    intents: tuple[IntentRow, ...]
    approved_by: Mapping[int, str | None]
    "By step, who approved a call that an approval was used for."
    claims: tuple[tuple[datetime, datetime | None], ...]
    "Each span in which a person had the ticket; None: until now."
    handoff: tuple[str, HandoffContext] | None
    "The summary and the context of the handoff that it ended in."


def read(session: Session, turn_id: int) -> TurnEvidence | None:
    """Return what is stored of a turn; None: it has not ended, or has no outcome."""
    return of(session, [turn_id]).get(turn_id)


def of(session: Session, turn_ids: Collection[int]) -> Mapping[int, TurnEvidence]:
    """Return what is stored of those of these turns that have ended with an outcome, by their ids.

    Each kind of row is read once for all of them, and all are in memory at the same time.
    """
    turns = {turn.turn_id: turn for turn in finished_turns.of(session, turn_ids)}
    ended = prebuilt.rows(session, _ENDED, turns=list(turns)).all() if turns else []
    if not ended:
        return {}
    ids, tickets = [one.id for one in ended], list({one.ticket_id for one in ended})
    calls, done = _calls(session, ids), _done(session, tickets)
    writes, approved = _writes(session, ids), _approved(session, ids)
    intents, spans = _intents(session, tickets, ids), _claims(session, tickets)
    answers, handoffs = _answers(session, tickets, ids), _handoffs(session, tickets, ids)
    return {
        turn_id: TurnEvidence(
            turn=turns[turn_id],
            outcome=outcome,
            requester=requester,
            answers=tuple(answers[ticket_id, turn_id]),
            calls=tuple(calls[turn_id]),
            done=frozenset(tool for by_turn, tool in done[ticket_id] if by_turn <= turn_id),
            writes=tuple(writes[turn_id]),
            intents=tuple(intents[ticket_id, turn_id]),
            approved_by=approved[turn_id],
            claims=tuple(spans[ticket_id]),
            handoff=handoffs.get((ticket_id, turn_id)),
        )
        for turn_id, ticket_id, outcome, requester in ended
        if outcome is not None
    }


def heard(session: Session, turn: FinishedTurn) -> Sequence[str]:
    """Return what requesters and colleagues wrote in the ticket until the end of a turn, redacted, in order."""
    return prebuilt.rows(session, _HEARD, ticket=turn.ticket_id, until=turn.finished_at).scalars().all()


def _calls(session: Session, turns: Sequence[int]) -> Mapping[int, list[ToolStep]]:
    calls: dict[int, list[ToolStep]] = defaultdict(list)
    for turn_id, seq, tool, status, gave in prebuilt.rows(session, _CALLS, turns=turns):
        calls[turn_id].append(ToolStep(seq, tool, status, gave if isinstance(gave, dict) else {}))
    return calls


def _done(session: Session, tickets: Sequence[int]) -> Mapping[int, list[tuple[int, str]]]:
    """Return the tool calls that succeeded, by ticket: each with its turn."""
    done: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for ticket_id, turn_id, tool in prebuilt.rows(session, _DONE, tickets=tickets):
        done[ticket_id].append((turn_id, tool))
    return done


def _writes(session: Session, turns: Sequence[int]) -> Mapping[int, list[tuple[int, str, WriteState]]]:
    writes: dict[int, list[tuple[int, str, WriteState]]] = defaultdict(list)
    for turn_id, step, tool, state in prebuilt.rows(session, _WRITES, turns=turns):
        writes[turn_id].append((step, tool, state))
    return writes


def _approved(session: Session, turns: Sequence[int]) -> Mapping[int, dict[int, str | None]]:
    approved: dict[int, dict[int, str | None]] = defaultdict(dict)
    for turn_id, step, decided_by in prebuilt.rows(session, _USED, turns=turns):
        approved[turn_id][step] = decided_by
    return approved


def _handoffs(
    session: Session, tickets: Sequence[int], turns: Sequence[int]
) -> Mapping[_Pair, tuple[str, HandoffContext]]:
    """Return the first handoff of each turn that opened one."""
    handoffs: dict[_Pair, tuple[str, HandoffContext]] = {}
    for ticket_id, turn_id, summary, context in prebuilt.rows(session, _HANDED_OFF, tickets=tickets, turns=turns):
        handoffs.setdefault((ticket_id, turn_id), (summary, context))
    return handoffs


def _answers(session: Session, tickets: Sequence[int], turns: Sequence[int]) -> Mapping[_Pair, list[SaidAnswer]]:
    answers: dict[_Pair, list[SaidAnswer]] = defaultdict(list)
    for ticket_id, turn_id, body, state, ts, posted_at in prebuilt.rows(
        session, _ANSWERS, tickets=tickets, turns=turns
    ):
        answers[ticket_id, turn_id].append(SaidAnswer(str(body.get("text", "")), state, _said_at(ts, posted_at)))
    return answers


def _said_at(ts: str | None, posted_at: datetime | None) -> datetime | None:
    """Return when Slack had a message: our note of it may be late, as when it was looked up after a crash."""
    if ts is None or posted_at is None:
        return None
    return min(posted_at, datetime.fromtimestamp(float(ts), tz=posted_at.tzinfo))


def _intents(session: Session, tickets: Sequence[int], turns: Collection[int]) -> Mapping[_Pair, list[IntentRow]]:
    intents: dict[_Pair, list[IntentRow]] = defaultdict(list)
    rows = audit.of_tickets(session, tickets, events=INTENDED | FINISHED)
    ended = {(row.ticket_id, row.intent_id) for row in rows if row.event in FINISHED}
    for row in rows:
        turn_id = row.record.get("turn")
        if row.event in INTENDED and turn_id in turns:
            number = row.record.get("intent") or row.seq
            said = (int(row.record["step"]), str(row.record["tool"]), str(row.record["decision"]))
            one = IntentRow(number, *said, row.subject, (row.ticket_id, number) in ended)
            intents[row.ticket_id, turn_id].append(one)
    return intents


def _claims(session: Session, tickets: Sequence[int]) -> Mapping[int, list[tuple[datetime, datetime | None]]]:
    spans: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    since: dict[int, datetime] = {}
    for ticket_id, move, at in prebuilt.rows(session, _CLAIMS, tickets=tickets):
        if ticket_id in since and move in claims.END:
            spans[ticket_id].append((since.pop(ticket_id), at))
        if move in claims.BEGIN:
            since[ticket_id] = at
    for ticket_id, at in since.items():
        spans[ticket_id].append((at, None))
    return spans
