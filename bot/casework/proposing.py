"""Evaluation cases from resolved handoffs: proposed, edited, accepted or dismissed by people, with what is said of it.

Invariant: only a person makes a case of it, and accepting it makes a file diff; no file of an agent is written. While
a request is open again, nothing is proposed or accepted of it, since its end is not known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.agent.card import Agent
from bot.casework import case_drafts
from bot.slack import mrkdwn
from bot.slack.handoffs import handoff_messages
from bot.slack.outbox import enclosures
from bot.store import audit
from bot.store.db import Session
from bot.store.handoffs import handoffs, shown
from bot.store.outbox import messages
from bot.store.releases import case_proposals
from bot.store.schema import (
    CaseDraft,
    CaseProposal,
    Handoff,
    HandoffState,
    MessageKind,
    ProposalState,
    Ticket,
    TicketState,
)
from bot.store.tickets import ticket_messages, tickets

NOT_RESOLVED = "A case can be proposed once the handoff is resolved."
OPEN_AGAIN = "The request is open again, so its end is not known yet. Propose the handoff that resolves it."
CHANGED = "It has changed since you saw it: {by} Your words are still here to copy."
DIFF_SAYS = (
    "You accepted the case *{case}* from ticket {ticket}. The file is the change to the suite: `git apply` it in your "
    "checkout, where `{folder}` is, or run `deskhand eval proposals apply {id} --to {folder}` there. Nothing was added "
    "by itself: with one more case the suite has no verdict, and people get every request, until `deskhand eval run` "
    "has passed it."
)


@dataclass(frozen=True, slots=True)
class CaseWrong:
    """What is wrong with a field of a draft."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """What is asked of the suites of agents; `bot.evals` answers it."""

    slices: Callable[[Agent], tuple[str, ...]] = lambda _agent: ()
    "(agent) -> the names of its slices."
    check: Callable[[Agent, CaseDraft, int], str | tuple[CaseWrong, ...]] = lambda _agent, _draft, _handoff: (
        CaseWrong("slice", "This process cannot read the suite."),
    )
    "(agent, draft, handoff id) -> the file diff that adds the case, or what is wrong with it."


class ProposalEnd(StrEnum):
    """What a decision about a proposal came to."""

    DONE = "done"
    LATE = "late"
    "It had changed since its author saw it."
    OPEN_AGAIN = "open_again"
    "The request is open again."


def propose(session: Session, handoff: Handoff, ticket: Ticket, agent: Agent, *, by: str, names: list[str]) -> str:
    """Propose a case from a resolved handoff, once; return the sentence for who asked.

    Args:
        session: an open write transaction.
        handoff: the handoff.
        ticket: its ticket.
        agent: the agent that answers for it.
        by: the responder.
        names: the names of the people in it, the requester's first; empty if they are not known.
    """
    ticket = tickets.lock(session, ticket.id)
    known = case_proposals.of_handoff(session, handoff.id)
    if known is not None:
        return f"It is proposed already, by {mrkdwn.mention(known.proposed_by)}."
    if handoff.state is not HandoffState.RESOLVED:
        return _refused(session, handoff, by, NOT_RESOLVED)
    if _is_open_again(session, handoff.id, ticket):
        return _refused(session, handoff, by, OPEN_AGAIN)
    draft = case_drafts.draft_of(handoff, ticket, ticket_messages.said(session, ticket.id), agent, names)
    about: dict[str, Any] = {"agent": agent.card.name, "handoff_id": handoff.id, "ticket_id": ticket.id}
    if case_proposals.propose(session, **about, by=by, draft=draft) is None:
        return "It is proposed already."
    shown.proposed(handoff, by)
    handoff_messages.show_card(session, handoff, ticket)
    return (
        "It is proposed as a case, and yours to edit: open my Home tab. Read the draft for names and other details of "
        "real people first."
    )


def keep(
    session: Session, proposal: CaseProposal, revision: int, *, by: str, draft: CaseDraft, assignee: str
) -> ProposalEnd:
    """Store an edited draft, and who goes on with it; somebody else is told."""
    before = proposal.assignee
    changed = case_proposals.edit(session, proposal.id, revision, by=by, draft=draft, assignee=assignee)
    if changed is not None and assignee != before:
        says = f"{mrkdwn.mention(by)} has given you a proposed case, from ticket {changed.ticket_id}: open my Home tab."
        _tell(session, f"case:{changed.id}:{changed.revision}", assignee, mrkdwn.message(says))
    return _end(session, proposal, by, changed)


def accept(
    session: Session, proposal: CaseProposal, revision: int, *, by: str, draft: CaseDraft, diff: str, folder: str
) -> ProposalEnd:
    """Accept a case that the suite can take, and hand its diff over as a file in a direct message."""
    ticket = tickets.lock(session, proposal.ticket_id)
    if _is_open_again(session, proposal.handoff_id, ticket):
        case_proposals.refuse(session, proposal, by, why="the request is open again")
        return ProposalEnd.OPEN_AGAIN
    state = ProposalState.ACCEPTED
    changed = case_proposals.decide(session, proposal.id, revision, by=by, state=state, draft=draft)
    if changed is not None:
        says = DIFF_SAYS.format(
            case=mrkdwn.line(draft.id, 80), ticket=proposal.ticket_id, id=proposal.id, folder=folder
        )
        file = {"name": f"case-{draft.id}.diff", "content": diff}
        text = f"The case {mrkdwn.line(draft.id, 80)}, as a file diff."
        _tell(
            session, f"case:{proposal.id}", by, {"text": text, "blocks": [mrkdwn.section(says)], enclosures.FILE: file}
        )
    return _end(session, proposal, by, changed)


def dismiss(session: Session, proposal: CaseProposal, revision: int, *, by: str) -> ProposalEnd:
    """Make no case of it."""
    changed = case_proposals.decide(session, proposal.id, revision, by=by, state=ProposalState.DISMISSED)
    return _end(session, proposal, by, changed)


def changed_since(session: Session, proposal_id: int) -> str:
    """Return why a proposal is not as somebody saw it, as the form says it."""
    now_is = case_proposals.get(session, proposal_id)
    if now_is is None or now_is.state is ProposalState.PROPOSED:
        return CHANGED.format(by="somebody has edited it.")
    return CHANGED.format(by=f"it is {now_is.state} by now.")


def _tell(session: Session, key: str, user: str, body: dict[str, Any]) -> None:
    messages.add(session, key=key, kind=MessageKind.CASE, lane=key, channel=user, body=body)


def _end(session: Session, proposal: CaseProposal, by: str, changed: CaseProposal | None) -> ProposalEnd:
    if changed is None:
        case_proposals.refuse(session, proposal, by, why="it has changed")
    return ProposalEnd.LATE if changed is None else ProposalEnd.DONE


def _is_open_again(session: Session, handoff_id: int, ticket: Ticket) -> bool:
    """Return whether a request is under way again after a handoff was resolved, or was handed off once more."""
    last = handoffs.last(session, ticket.id)
    return ticket.state is not TicketState.RESOLVED or last is None or last.id != handoff_id


def _refused(session: Session, handoff: Handoff, by: str, why: str) -> str:
    audit.append(session, "case.refused", actor=by, ticket_id=handoff.ticket_id, handoff=handoff.id, why=why)
    return why
