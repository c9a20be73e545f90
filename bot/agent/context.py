"""What a person gets with a ticket, gathered from its rows without a model."""

from dataclasses import replace
from typing import Any

from bot.store.db import Session
from bot.store.handoffs import responses
from bot.store.money import spending
from bot.store.schema import Handoff, HandoffContext, HandoffState, StepKind, StepStatus
from bot.store.tickets import steps
from bot.store.tickets.steps import TakenStep


def context_of(
    session: Session, ticket_id: int, *, turn_id: int | None, last: Handoff | None, known: HandoffContext | None = None
) -> HandoffContext:
    """Gather what a person gets with a ticket: what was tried and returned, account state, cost so far.

    Args:
        session: the open transaction.
        ticket_id: the ticket.
        turn_id: the turn that the handoff ends, whose work the requester has not been told of; None if there is none.
        last: the previous handoff of the ticket.
        known: context that is in no row: the account's state now, where the requester writes, and the like.
    """
    taken, cost = steps.taken(session, ticket_id), spending.ticket_cost(session, ticket_id)
    known = known or HandoffContext()
    states = [
        s.response["content"]["status"] for s in taken if s.response and "status" in s.response.get("content", {})
    ]
    return replace(
        known,
        tried=tuple((step.name, _in_words(step)) for step in taken if step.kind is StepKind.TOOL),
        went_through=tuple(step.name for step in taken if _went_through(step) and step.turn_id == turn_id),
        account=known.account or (states[-1] if states else None),
        cost_nusd=cost.cost_nusd,
        calls=cost.calls,
        before=_previous_handoff(session, last),
    )


def _went_through(step: TakenStep) -> bool:
    return step.kind is StepKind.TOOL and step.status is StepStatus.OK


def _previous_handoff(session: Session, last: Handoff | None) -> tuple[str, str, str] | None:
    """Return how the previous handoff ended: its state, its holder, and what they wrote."""
    if last is None or last.claimed_by is None:
        return None
    if last.state is HandoffState.RETURNED:
        return HandoffState.RETURNED, last.claimed_by, responses.note(session, last.id)
    return HandoffState.RESOLVED, last.claimed_by, str((last.resolution or {}).get("done", ""))


def _in_words(step: TakenStep) -> str:
    if step.response is None or step.status == StepStatus.UNSEEN:
        return "no answer was seen"
    content: dict[str, Any] = step.response["content"]
    if "error" in content:
        return f"refused: {content['error']}"
    if "sign_ins" in content:
        failed = [entry for entry in content["sign_ins"] if not entry["ok"]]
        last = f", the last one because: {failed[0]['why']}" if failed else ""
        return f"{len(content['sign_ins'])} sign-ins, {len(failed)} failed{last}"
    shown = {key: value for key, value in content.items() if value is not None and value is not False}  # a 0 is shown
    text = ", ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in shown.items())
    return text or "done"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
