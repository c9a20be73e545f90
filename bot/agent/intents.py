"""What the audit log keeps of a tool call before its effect: its delegation, its decision, and the rule of that."""

import structlog

from bot.agent.door import Passage
from bot.agent.turn_work import TurnWork
from bot.delegation.tokens import TokenRefused
from bot.policy import Decision
from bot.store import audit
from bot.store.db import Session
from bot.tools.registry import Tool

log = structlog.get_logger()


def write(
    session: Session, work: TurnWork, step: int, passage: Passage, decision: Decision, earlier: int | None
) -> int:
    """Add the intent of a call to the audit log and return its number.

    An intent has one outcome, so a call that an earlier attempt began keeps its number: the delegation and the decision
    of this attempt are added as `tool.taken_over`.

    Args:
        session: the open write transaction, in which the token is used up.
        work: the attempt that makes the call.
        step: the number of the call within the turn.
        passage: what the tool's door gave.
        decision: the policy's decision.
        earlier: the intent of the attempt that died during this call; None without one.
    """
    attempt, tool = work.attempt, passage.tool
    added = audit.append(
        session,
        "tool.intended" if earlier is None else "tool.taken_over",
        actor=work.actor,
        subject=work.subject.user,
        ticket_id=attempt.ticket.id,
        tool=tool.name,
        scope=tool.scope,
        turn=attempt.turn_id,
        step=step,
        attempt=attempt.number,
        worker=attempt.worker,
        account=work.subject.account,
        decision=type(decision).__name__,
        rule=str(decision.rule),
        why=decision.why,
        policy=passage.claims["policy"],
        in_answer_to=[attempt.ticket.channel, attempt.ticket.thread_ts],
        delegation=passage.claims,
        intent=earlier,
    )
    return added if earlier is None else earlier


def refuse(work: TurnWork, step: int, tool: Tool, refused: TokenRefused) -> None:
    """Record that a tool's door did not accept a token; the transaction in which it was shown has changed nothing."""
    fault, claim = str(refused.fault), refused.claim
    with work.runtime.database.write() as session:
        audit.append(
            session,
            "delegation.refused",
            actor=work.actor,
            subject=work.subject.user,
            ticket_id=work.attempt.ticket.id,
            tool=tool.name,
            turn=work.attempt.turn_id,
            step=step,
            fault=fault,
            claim=claim,
        )
    log.error("delegation.refused", tool=tool.name, turn=work.attempt.turn_id, step=step, fault=fault, claim=claim)
