"""What the audit log keeps of a tool call before its effect: its delegation, its decision, and the rule of that.

A call that is of no tool of the agent, or has wrong arguments, is in the log as refused.
"""

from collections.abc import Sequence
from enum import StrEnum

import structlog

from bot.agent.door import Passage
from bot.agent.model import ToolCall
from bot.agent.turn_work import TurnWork
from bot.delegation import hashing
from bot.delegation.tokens import TokenRefused
from bot.policy import Decision
from bot.store import audit
from bot.store.audit import people
from bot.store.db import Session
from bot.tools.registry import Tool

log = structlog.get_logger()


class CallFault(StrEnum):
    """Why a call comes before no door: a value of the audit log."""

    NO_SUCH_TOOL = "no_such_tool"
    "The agent has no tool of this name."
    WRONG_ARGUMENTS = "wrong_arguments"
    "The arguments are not those that the tool takes."


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
        account=people.of_person(work.subject.account),
        decision=type(decision).__name__,
        rule=str(decision.rule),
        why=decision.why,
        policy=passage.claims["policy"],
        in_answer_to=[attempt.ticket.channel, attempt.ticket.thread_ts],
        delegation=passage.claims,
        intent=earlier,
    )
    return added if earlier is None else earlier


def refuse_misfits(session: Session, work: TurnWork, step: int, calls: Sequence[ToolCall]) -> None:
    """Record the calls of an answer that come before no door; the model's own words are not kept.

    Args:
        session: the open write transaction, which stores the answer.
        work: the attempt.
        step: the number of the model call within the turn.
        calls: the tool calls of its answer.
    """
    tools = {tool.name: tool for tool in work.runtime.agent.tools}
    for call in calls:
        tool = tools.get(call.name)
        fault = CallFault.NO_SUCH_TOOL if tool is None else _misfit(tool, call)
        if fault is not None:
            audit.append(
                session,
                "call.refused",
                actor=work.actor,
                subject=work.subject.user,
                ticket_id=work.attempt.ticket.id,
                tool=None if tool is None else tool.name,
                turn=work.attempt.turn_id,
                step=step,
                fault=str(fault),
            )


def _misfit(tool: Tool, call: ToolCall) -> CallFault | None:
    try:
        hashing.of_arguments(tool.parse(call.arguments))
    except ValueError:
        return CallFault.WRONG_ARGUMENTS
    return None


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
