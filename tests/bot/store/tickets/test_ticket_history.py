from bot.store.db import Database
from bot.store.schema import AccountRow, DirectoryWrite, LedgerRow, Message, Step, now
from bot.store.tickets import ticket_history, tickets
from bot.store.tickets.tickets import Heard


def ask(database: Database, ts: str) -> tuple[int, int]:
    """Open a ticket with one turn; return the ids of both."""
    heard = Heard(
        event_id=f"Ev{ts}",
        team="T1",
        channel="C1",
        ts=ts,
        thread_ts=None,
        user="U1",
        text="locked",
        files=(),
        private=False,
    )
    with database.write() as session:
        accepted = tickets.accept(session, heard, agent="access")
    assert accepted is not None
    assert accepted.turn_id is not None
    return accepted.ticket_id, accepted.turn_id


def spend(ticket: int, turn: int, rid: str, cost: int) -> LedgerRow:
    """Return the settled row of one model call."""
    return LedgerRow(
        rid=rid,
        state="settled",
        team="T1",
        channel="C1",
        user="U1",
        agent="access",
        release="access@1",
        ticket_id=ticket,
        turn_id=turn,
        step=0,
        model="m",
        price_version="1",
        accounts=[],
        reserved_nusd=cost,
        cost_nusd=cost,
        lease_until=now(),
    )


def test_a_story_is_of_one_ticket(database: Database) -> None:
    """Turns, steps, messages, changes and cost of a thread are told, and nothing of another's."""
    (ticket, turn), (other, other_turn) = ask(database, "1.0"), ask(database, "2.0")
    with database.write() as session:
        session.add(AccountRow(id="a", email="a@x", name="A", status="active"))
        session.flush()
        session.add(Step(turn_id=turn, seq=0, attempt=1, kind="model", name="m", request={}))
        session.add(Message(key="k", kind="reply", lane="l", channel="C1", body={}, ticket_id=ticket))
        for number in (turn, other_turn):
            write = {"account_id": "a", "action": "unlock", "before": "locked", "after": "active"}
            session.add(DirectoryWrite(key=f"turn:{number}:2", **write))
        session.add_all(
            [spend(ticket, turn, "r1", 40), spend(ticket, turn, "r2", 2), spend(other, other_turn, "r3", 9)]
        )
    with database.read() as session:
        found = ticket_history.of_thread(session, "C1", "1.0")
    assert found is not None
    assert found.ticket.id == ticket
    assert [one.id for one in found.turns] == [turn]
    assert [one.seq for one in found.steps] == [0]
    assert [one.key for one in found.messages] == ["k"]
    assert [one.key for one in found.writes] == [f"turn:{turn}:2"]
    assert found.handoffs == ()
    assert found.cost_nusd == 42


def test_a_ticket_that_has_not_begun_has_an_empty_story(database: Database) -> None:
    """A ticket with nothing done yet costs nothing; a thread that is none has no story."""
    ask(database, "1.0")
    with database.read() as session:
        found = ticket_history.of_thread(session, "C1", "1.0")
        assert ticket_history.of_thread(session, "C1", "9.9") is None
    assert found is not None
    assert (found.cost_nusd, found.writes, found.steps) == (0, (), ())
