"""Say what is owed, in Slack; and where a message can never be said, say it where it can.

What the queue channel cannot take goes to the one who has the ticket, else to an owner; what the
requester's thread cannot take goes to their direct messages. It says so itself. What a responder wrote
and nobody can be shown is told to the responders: they must not believe that it was read.
"""

from dataclasses import dataclass
from typing import Any

import structlog

from bot.agent import card
from bot.agent.card import Agent
from bot.slack import linked_threads, outbox, queue_notes
from bot.store import handoffs
from bot.store.errands import Errand
from bot.store.schema import Handoff, Ticket
from jobs import process
from jobs.process import Process

log = structlog.get_logger()

STANDS = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"Slack refuses the change of one message; its channel is as open as before."


@dataclass(frozen=True, slots=True)
class _About:
    """What a message is about."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent | None
    "None for one that is gone and has no heir."


def deliver(ticket_id: int) -> None:
    """Say everything that is owed in one ticket; with 0, anywhere."""
    house = process.current()
    _deliver(house, ticket_id or None)


def deliver_all(house: Process) -> int:
    """Say everything that is owed anywhere; return how many messages went out."""
    return _deliver(house, None)


def _deliver(house: Process, ticket_id: int | None) -> int:
    return outbox.deliver(
        house.database, house.slack, ticket_id=ticket_id, elsewhere=_elsewhere(house), keep=house.leases.sending
    )


def _elsewhere(house: Process) -> outbox.Elsewhere:
    def elsewhere(errand: Errand, code: str) -> tuple[str, dict[str, Any]] | None:
        about = _about(house, errand)
        if about is None or errand.body.get("deleted"):
            return None
        if errand.kind in linked_threads.QUEUE_SIDE:
            return _to_a_person(house, errand, about, code)
        if errand.kind in linked_threads.REQUESTER_SIDE:
            return _to_requester(house, errand, about, code)
        return None

    return elsewhere


def _about(house: Process, errand: Errand) -> _About | None:
    if errand.handoff_id is None:
        return None
    with house.database.read() as session:
        found = handoffs.find(session, errand.handoff_id)
    return None if found is None else _About(*found, card.answering(house.agents, found[1].agent))


def _to_a_person(house: Process, errand: Errand, about: _About, code: str) -> tuple[str, dict[str, Any]] | None:
    """Send what belongs in the queue channel to the holder, or to the agent's first owner."""
    if errand.channel != about.handoff.queue_channel:
        return None  # it was on its way to a person already
    if errand.kind == "card":
        with house.database.write() as session:
            handoffs.fell_back(session, about.handoff.id)
    note = f":warning: I could not post this in <#{errand.channel}> ({code}), so it comes to you."
    to = about.handoff.claimed_by if about.handoff.state == "claimed" and errand.kind != "card" else None
    owner = about.agent.card.owners[0] if about.agent else None
    return None if (to or owner) is None else (str(to or owner), _headed(errand, note))


def _to_requester(house: Process, errand: Errand, about: _About, code: str) -> tuple[str, dict[str, Any]] | None:
    """Send what belongs in the requester's thread to them directly; failing that, tell who wrote it."""
    if errand.channel == about.ticket.channel and not about.ticket.private and code not in STANDS:
        note = f"About your request in <#{errand.channel}>, where I cannot write any more:"
        return about.ticket.requester, _headed(errand, note)
    if errand.kind == "human_reply":
        missed = queue_notes.not_delivered(about.ticket.requester, code)
        with house.database.write() as session:
            key = f"undelivered:{errand.key}"
            linked_threads.below(session, about.handoff, key=key, kind="move", bodies=[missed])
    return None


def _headed(errand: Errand, note: str) -> dict[str, Any]:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": note}}, *errand.body.get("blocks", [])]
    return {**errand.body, "text": f"{note}\n{errand.body['text']}", "blocks": blocks}
