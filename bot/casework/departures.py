"""A person leaves the workspace: that is stored, and the responders of their open requests are told.

Invariant: both are one transaction. That they are back changes nothing that was said; the clock ends the claims that
they held (`jobs.handoff`).
"""

from bot.slack.handoffs import requester_left
from bot.store import members
from bot.store.db import Session
from bot.store.handoffs import handoffs_due


def note(session: Session, user: str) -> None:
    """Store that somebody has left, and say so below the cards of their requests; do nothing if that is known."""
    if members.note_departure(session, user):
        for handoff in handoffs_due.of_requester(session, user):
            requester_left.tell(session, handoff, user)
