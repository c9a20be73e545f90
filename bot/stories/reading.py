"""Reads everything that is known of a thing, and makes its page.

Names of people come from Slack, so they are looked up between the two, with no transaction open.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.store import audit
from bot.store.audit import AuditRecord
from bot.store.audit.things import Thing
from bot.store.db import Session
from bot.store.money import ledger
from bot.store.schema import LedgerRow
from bot.store.tickets import ticket_history
from bot.store.tickets.ticket_history import TicketHistory
from bot.stories import explaining
from bot.stories.explanation import Explanation
from bot.stories.ticket_story import TicketStory, ids_in


@dataclass(frozen=True, slots=True)
class ReadThing:
    """A thing with all that is stored of it."""

    thing: Thing
    history: TicketHistory | None
    "That of its ticket; None: it belongs to none."
    record: AuditRecord | None
    "The audit record that was named, if it belongs to no tool call."
    model_call: LedgerRow | None
    "The model call that was named, if it belongs to no ticket."

    @property
    def ids(self) -> list[str]:
        """Return the ids of the people and places that its page names."""
        record = () if self.record is None else (self.record.actor, self.record.subject)
        ids = [] if self.history is None else ids_in(self.history)
        return list(dict.fromkeys([*ids, *(one for one in record if one)]))


def read(session: Session, thing: Thing) -> ReadThing:
    """Read all that is stored of a thing."""
    history = None if thing.ticket_id is None else ticket_history.of_ticket(session, thing.ticket_id)
    alone = thing.record if thing.step is None else None
    return ReadThing(
        thing,
        history,
        None if alone is None else audit.find(session, alone),
        None if thing.model_call is None or history is not None else ledger.find(session, thing.model_call),
    )


def page(known: ReadThing, names: Mapping[str, str]) -> Explanation:
    """Return the page of a thing.

    Args:
        known: the thing.
        names: names of people and places by their Slack ids.
    """
    story = None if known.history is None else TicketStory(known.history, names)
    if known.record is not None:
        return explaining.explain_record(known.record, story, names=names)
    if known.model_call is not None:
        return explaining.explain_model_call(known.model_call)
    if story is None:
        raise LookupError(f"{known.thing.name} is gone")
    return explaining.explain(known.thing, story)
