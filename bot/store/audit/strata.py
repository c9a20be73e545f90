"""The acts of the audit log, by what an auditor looks at: writes, approvals, handoffs and refusals. Reads only."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bot.store.schema import AuditRow


class ActKind(StrEnum):
    """A kind of acts, in the order in which a sample takes them."""

    WRITES = "writes"
    "Calls of tools that write, which were allowed."
    APPROVALS = "approvals"
    "Ends of approvals: given, denied, expired or withdrawn."
    HANDOFFS = "handoffs"
    "Tickets that went to a person."
    REFUSALS = "refusals"
    "What was asked of the agent or of us, and denied."


_ENDED = ("approval.approved", "approval.denied", "approval.expired", "approval.withdrawn")
_DECIDED = ("tool.intended", "tool.taken_over")


def all_acts(session: Session, writes: Collection[str]) -> Mapping[ActKind, list[int]]:
    """Return the number of the record of each act, by stratum, in order; one call of a tool is one act.

    Args:
        session: an open transaction.
        writes: the names of the tools that write.
    """
    return {stratum: _numbers(session, stratum, writes) for stratum in ActKind}


def _numbers(session: Session, stratum: ActKind, writes: Collection[str]) -> list[int]:
    call = (AuditRow.record["turn"].as_integer(), AuditRow.record["step"].as_integer())
    query = select(AuditRow.seq, *call).where(_of(stratum, writes)).order_by(AuditRow.seq)
    first: dict[tuple[int, ...], int] = {}
    for seq, turn, step in session.execute(query):
        first.setdefault((seq,) if turn is None or step is None else (turn, step), seq)
    return list(first.values())


def _of(stratum: ActKind, writes: Collection[str]) -> ColumnElement[bool]:
    decision, tool = AuditRow.record["decision"].as_string(), AuditRow.record["tool"].as_string()
    decided = AuditRow.event.in_(_DECIDED)
    match stratum:
        case ActKind.WRITES:
            return and_(decided, decision == "Allowed", tool.in_(writes))
        case ActKind.APPROVALS:
            return AuditRow.event.in_(_ENDED)
        case ActKind.HANDOFFS:
            return AuditRow.event == "handoff.opened"
        case ActKind.REFUSALS:
            refused = and_(AuditRow.event.endswith(".refused"), AuditRow.event != "tool.refused")
            return or_(refused, and_(decided, decision == "Denied"))
