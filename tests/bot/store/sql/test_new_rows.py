"""Rows that are inserted and not read again: `bot.store.sql.new_rows`."""

from sqlalchemy import event, inspect

from bot.store.db import Database
from bot.store.schema import InboxEvent, InboxKind, InboxState, Ticket, TicketState, now
from bot.store.sql import new_rows


def test_a_new_row_is_as_one_that_is_read_and_costs_no_statement_more(database: Database) -> None:
    """All that the caller gave, and every column that is empty; what is changed afterwards is stored."""
    ran: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: ran.append(call[2]))
    thread = {"team": "T1", "channel": "C1", "thread_ts": "1.1", "private": False, "requester": "U1"}
    with database.write() as session:
        ticket = new_rows.insert(session, Ticket, **thread, agent="access", state=TicketState.OPEN, created_at=now())
        assert ticket is not None
        made = {name: getattr(ticket, name) for name in (each.key for each in inspect(Ticket).column_attrs)}
        assert len(ran) == 1, ran
        assert new_rows.insert(session, Ticket, **thread, agent="other") is None, "a thread has one ticket"
    with database.write() as session:
        read = session.get_one(Ticket, ticket.id)
        assert {name: getattr(read, name) for name in made} == made
    with database.write() as session:
        heard = new_rows.insert(
            session, InboxEvent, event_id="E1", kind=InboxKind.MESSAGE, team="T1", channel="C1", user="U1", text="hi"
        )
        assert heard is not None
        heard.ticket_id, heard.state = ticket.id, InboxState.PARKED
    with database.read() as session:
        read_event = session.get_one(InboxEvent, heard.id)
        assert (read_event.ticket_id, read_event.state, read_event.detail) == (ticket.id, InboxState.PARKED, {})
