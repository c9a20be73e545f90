"""Tells people who have reached their limits: one private sentence an hour, however much they write."""

from datetime import datetime

from bot.slack.handoffs import linked_threads, queue_notes
from bot.slack.requesters import refusals
from bot.slack.sentences import Language, joined, say, spoken_by
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.schema import MessageKind, Ticket, now
from bot.store.tickets.shares import Excess, ShareBounds
from bot.store.tickets.tickets import Heard


def refused(session: Session, heard: Heard, ticket: Ticket | None, excess: Excess, bounds: ShareBounds) -> int:
    """Tell a person, and the responders of their ticket, that a message was not taken; return the ticket to deliver."""
    once(session, heard, f"excess:{excess}", _refusal(spoken_by(session, heard.user), excess, bounds), ticket)
    handoff = None if ticket is None else handoffs.active(session, ticket.id)
    if handoff is not None and ticket is not None:
        key = f"excess:handoff:{handoff.id}:{_hour(now())}"
        note = queue_notes.not_copied(ticket.requester, bounds.messages_an_hour)
        linked_threads.below(session, handoff, key=key, kind=MessageKind.MOVE, bodies=[note])
    return 0 if ticket is None else ticket.id


def held_back(session: Session, heard: Heard, ticket: Ticket, bounds: ShareBounds) -> int:
    """Tell a person that their request waits for other requests of theirs; return the ticket to deliver."""
    key = "excess.another" if bounds.turns == 1 else "excess.others"
    text = say(key, spoken_by(session, heard.user), count=bounds.turns)
    once(session, heard, "excess:turns", text, ticket)
    return ticket.id


def once(session: Session, heard: Heard, what: str, text: str, ticket: Ticket | None) -> None:
    """Tell one person something privately, at most once an hour, so that a flood does not cause another."""
    refusals.tell(
        session,
        key=f"{what}:{heard.team}:{heard.user}:{_hour(now())}",
        user=heard.user,
        channel=heard.channel,
        thread_ts=heard.thread_ts,
        private=heard.private,
        text=text,
        ticket_id=None if ticket is None else ticket.id,
    )


def _refusal(language: Language, excess: Excess, bounds: ShareBounds) -> str:
    match excess:
        case Excess.MESSAGES:
            key, count = "excess.messages", bounds.messages_an_hour
        case Excess.TICKETS_AN_HOUR:
            key, count = "excess.tickets_hour", bounds.tickets_an_hour
        case Excess.TICKETS_A_DAY:
            key, count = "excess.tickets_day", bounds.tickets_a_day
    parts = (say(key, language, count=count), say("excess.not_kept", language), say(f"{key}_later", language))
    return joined(language, parts)


def _hour(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H}"
