"""What becomes of a message: `bot.store.tickets.tickets`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Barrier

from bot.principals import Reason
from bot.store import audit, members
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.schema import (
    HandoffContext,
    InboxEvent,
    Message,
    Ticket,
    TicketState,
    Turn,
    TurnOutcome,
    now,
)
from bot.store.tickets import rewriting, ticket_messages, tickets, turns, waiting_messages
from bot.store.tickets.tickets import Attachment, Heard
from bot.store.tickets.turns import Attempt
from tests.support import factories
from tests.support.beside import Beside
from tests.support.factories import FIRST, accept, at_once, begin, event, finish, heard, new_turn, rows, running
from tests.support.ticket_people import THEIR_FILES, answered_and_drafted, read_by_turn


def test_a_message_delivered_again_is_known(database: Database) -> None:
    """Three deliveries under one event id and one under another make one event, one ticket, one turn."""
    new_turn(database)
    for again in (FIRST, FIRST, replace(FIRST, event_id="EvOther")):
        assert accept(database, again) is None
    assert [found.event_id for found in rows(database, InboxEvent)] == ["Ev1"]
    assert len(rows(database, Ticket)) == len(rows(database, Turn)) == 1


def test_a_message_delivered_by_twenty_threads_is_one_turn(database: Database) -> None:
    """Of deliveries at once, half of them under other event ids, one is accepted."""
    accepted = at_once(20, lambda n: accept(database, replace(FIRST, event_id=f"Ev{max(0, n - 10)}")))
    assert len([one for one in accepted if one is not None]) == 1
    assert [len(rows(database, table)) for table in (InboxEvent, Ticket, Turn)] == [1, 1, 1]


def test_one_event_id_is_one_message(database: Database) -> None:
    """An event id that is known is not heard again, whatever it carries."""
    new_turn(database)
    assert accept(database, replace(FIRST, ts="1700000009.000009")) is None


def test_a_question_under_a_known_event_id_leaves_nothing(database: Database) -> None:
    """The ticket and the turn that are opened before the event is stored go with it."""
    new_turn(database)
    other = replace(FIRST, ts="1700000009.000009", thread_ts=None)
    assert accept(database, other) is None
    assert [len(rows(database, table)) for table in (InboxEvent, Ticket, Turn)] == [1, 1, 1]


def test_messages_of_a_thread_at_once_share_ticket_and_turn(database: Database) -> None:
    """Twenty messages that open a thread together are one ticket and one waiting turn."""
    accepted = at_once(20, lambda n: accept(database, heard(n + 1)))
    assert len({one.turn_id for one in accepted if one}) == len({one.ticket_id for one in accepted if one}) == 1
    [turn] = rows(database, Turn)
    assert len(read_by_turn(database, turn.id)) == 20


def test_messages_that_come_back_to_a_thread_at_once_share_a_turn(database: Database) -> None:
    """Twenty messages after the answer are one turn, and none of them fails."""
    finish(database, running(database, new_turn(database)))
    accepted = at_once(20, lambda n: accept(database, heard(n + 2)))
    assert len({one.turn_id for one in accepted if one}) == 1
    assert len(read_by_turn(database, max(turn.id for turn in rows(database, Turn)))) == 20


def test_messages_of_other_threads_are_other_tickets(database: Database) -> None:
    """A ticket is a thread of one channel of one team."""
    others = (
        replace(FIRST, event_id="a", ts="9.9"),
        replace(FIRST, event_id="b", channel="C0OTHER"),
        replace(FIRST, event_id="c", team="T2", channel="C0THIRD"),
    )
    assert len({new_turn(database, one) for one in (FIRST, *others)}) == len(rows(database, Ticket)) == 4


def test_a_thread_is_one_ticket_whichever_workspace_tells_of_it(database: Database) -> None:
    """In a shared channel each event may come from another workspace."""
    new_turn(database)
    joined = accept(database, heard(2, team="T2"))
    assert joined is not None
    assert [ticket.id for ticket in rows(database, Ticket)] == [joined.ticket_id]


def test_a_thread_is_one_requesters(database: Database) -> None:
    """Of two who are first at the same moment the second is a bystander, of whom nothing is kept."""
    new_turn(database)
    accepted = accept(database, heard(2, user="U0IVAN"))
    assert accepted is not None
    assert (accepted.bystander, accepted.turn_id) == (True, None)
    assert [one.event_id for one in rows(database, InboxEvent)] == ["Ev1"]


def test_a_message_before_its_turn_begins_joins_it(database: Database) -> None:
    """What is said while the turn waits is answered by it, in the order it was said."""
    turn_id = new_turn(database)
    assert [new_turn(database, heard(number)) for number in (9, 3)] == [turn_id, turn_id]
    with database.read() as session:
        assert [one.event_id for one in ticket_messages.messages_of(session, turn_id)] == ["Ev1", "Ev3", "Ev9"]


def test_a_message_during_a_turn_is_parked_and_folded_into_the_next(database: Database) -> None:
    """It starts no turn of its own; all that was parked is one turn after the reply."""
    attempt = running(database, new_turn(database))
    for number in (2, 3):
        accepted = accept(database, heard(number))
        assert accepted is not None
        assert (accepted.turn_id, accepted.handed_off, accepted.event.state) == (None, False, "parked")
    following = finish(database, attempt)
    assert following is not None
    assert read_by_turn(database, following) == {"Ev2", "Ev3"}
    assert read_by_turn(database, attempt.turn_id) == {"Ev1"}


def test_a_message_after_a_failed_attempt_waits_for_the_next_turn(database: Database) -> None:
    """A turn that was put back replays what it had read, so nothing joins it unread."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        turns.put_back(session, attempt, after=0)
    accept(database, heard(2))
    assert event(database, "Ev2").state == "parked"
    assert finish(database, running(database, attempt.turn_id)) == event(database, "Ev2").turn_id


def test_a_message_while_a_person_has_the_ticket_is_theirs(database: Database) -> None:
    """It starts no turn, and says that it goes to the person."""
    factories.handed_off(database)
    accepted = accept(database, heard(2))
    assert accepted is not None
    assert (accepted.turn_id, accepted.handed_off, accepted.event.state) == (None, True, "relayed")
    assert len(rows(database, Turn)) == 1


def test_a_message_opens_a_resolved_ticket_again(database: Database) -> None:
    """The ticket of a thread is one, however often its requester comes back."""
    attempt = running(database, new_turn(database))
    finish(database, attempt)
    with database.write() as session:
        tickets.close(session, attempt.ticket.id, by="agent:access@1")
    assert new_turn(database, heard(2)) != attempt.turn_id
    assert factories.ticket(database).state == "open"


def test_a_message_waits_for_one_that_is_opening_a_turn(database: Database, beside: Beside) -> None:
    """Two that come back to an answered thread in the same moment share the turn that the first one opens."""
    finish(database, running(database, new_turn(database)))
    with database.write() as session:
        first = tickets.accept(session, heard(2), agent="access")
        session.flush()
        second = beside(lambda: new_turn(database, heard(3)))
    assert first is not None
    assert second.result() == first.turn_id


def test_a_turn_cannot_begin_without_a_message_that_joins_it(database: Database, beside: Beside) -> None:
    """A worker waits for a message that is being accepted into its turn, and then reads it."""
    turn_id = new_turn(database)

    def begin_and_read() -> set[str]:
        running(database, turn_id)
        return read_by_turn(database, turn_id)

    with database.write() as session:
        tickets.accept(session, heard(2), agent="access")
        session.flush()
        seen = beside(begin_and_read)
    assert seen.result() == {"Ev1", "Ev2"}


def test_a_turn_cannot_end_without_a_message_that_is_being_parked(database: Database, beside: Beside) -> None:
    """A turn that ends while a message is parked behind it takes that message into the next."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        tickets.accept(session, heard(2), agent="access")
        session.flush()
        following = beside(lambda: finish(database, attempt))
    assert following.result() == event(database, "Ev2").turn_id is not None


def test_a_message_waits_for_a_handoff_that_is_being_written(database: Database, beside: Beside) -> None:
    """Said in the same moment as the turn ends in a handoff, it goes to the person and starts no turn."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        turns.finish(session, attempt, outcome=TurnOutcome.HANDOFF, reason=None, category=None, release="access@1")
        handoffs.open_for(
            session,
            attempt.ticket.id,
            turn_id=attempt.turn_id,
            reason=Reason.REQUESTED,
            summary="s",
            context=HandoffContext(),
            queue_channel="C0QUEUE",
            actor="agent:access@1",
        )
        session.flush()
        accepted = beside(lambda: accept(database, heard(2)))
    accepted.result()
    assert event(database, "Ev2").state == "relayed"
    assert len(rows(database, Turn)) == 1


@dataclass
class Worker:
    """Plays turns as a worker does, and keeps which turns read which message."""

    database: Database
    seen: dict[str, list[int]] = field(default_factory=dict)

    def play(self, turn_id: int | None, *, to_person: bool) -> None:
        """Play a turn and those that follow it."""
        while turn_id is not None:
            attempt = begin(self.database, turn_id)
            if attempt is None:
                return
            for event_id in read_by_turn(self.database, turn_id):
                self.seen.setdefault(event_id, []).append(turn_id)
            if to_person:
                self._hand_off(attempt)
                return
            turn_id = finish(self.database, attempt)

    def _hand_off(self, attempt: Attempt) -> None:
        with self.database.write() as session:
            ticket = tickets.lock(session, attempt.ticket.id)
            turns.finish(session, attempt, outcome=TurnOutcome.HANDOFF, reason=None, category=None, release="access@1")
            ticket.state = TicketState.HANDED_OFF
            waiting_messages.parked_for_people(session, ticket.id)


RACES = 100
"Without the lock on the turn that is active one race in twelve loses a message."


def test_every_message_ends_in_one_turn_or_with_a_person(postgres: Database) -> None:
    """In 100 races of messages against a turn that begins and ends, none is lost and none is answered twice."""
    worker, gate = Worker(postgres), Barrier(4)

    def race(number: int, turn_id: int, thread: Heard) -> None:
        gate.wait(timeout=300)
        if number == 0:
            worker.play(turn_id, to_person=turn_id % 3 == 0)
            return
        later = replace(thread, event_id=f"{thread.event_id}:{number}", ts=f"{thread.ts}{number}")
        accept(postgres, replace(later, thread_ts=thread.ts))

    with ThreadPoolExecutor(4) as pool:
        for number in range(RACES):
            thread = replace(FIRST, event_id=f"Ev{number}", ts=f"1700000001.{number:05d}")
            list(pool.map(race, range(4), [new_turn(postgres, thread)] * 4, [thread] * 4))
    for turn in rows(postgres, Turn):
        worker.play(turn.id, to_person=False)  # what came after the worker had gone

    found = rows(postgres, InboxEvent)
    assert len(found) == 4 * RACES
    for one in found:
        ends = [one.turn_id] if one.state == "accepted" else []
        assert (worker.seen.get(one.event_id, []), one.state in ("accepted", "relayed")) == (ends, True), one.event_id


def test_what_was_said_is_told_in_order_and_without_what_nobody_has_heard(database: Database) -> None:
    """Requests and answers are one story; parked, withdrawn and unsaid words and other tickets are none of it."""
    attempt = running(database, new_turn(database))
    ticket_id = attempt.ticket.id
    for number in (2, 3):
        accept(database, heard(number))
    with database.write() as session:
        rewriting.rewrite(session, FIRST.channel, heard(2).ts, None)
    new_turn(database, replace(FIRST, event_id="EvOther", ts="9.9"))
    for kind, state in (("reply", "posted"), ("human_reply", "stored"), ("notice", "posted"), ("reply", "withdrawn")):
        factories.store(database, f"{kind}:{state}", kind=kind, state=state, ticket_id=ticket_id)

    def told() -> list[str]:
        with database.read() as session:
            said = ticket_messages.said(session, ticket_id)
        return [one.key if isinstance(one, Message) else one.event_id for one in said]

    assert told() == ["Ev1", "reply:posted", "human_reply:stored"]
    finish(database, attempt)
    assert told() == ["Ev1", "Ev3", "reply:posted", "human_reply:stored"]


def test_what_people_said_is_told_too(database: Database) -> None:
    """Answers, notes and what was sent are part of the story; a draft is not, nor what was taken back."""
    answered_and_drafted(database)
    factories.store(database, "sent", kind="human_reply", ticket_id=1)
    factories.store(
        database, "gone", kind="human_reply", ticket_id=1, state="posted", body={"text": "", "deleted": True}
    )
    with database.write() as session:
        handoffs.claim(session, 1, "U0PRIYA", lease_minutes=30)
        handoffs.give_back(session, 1, "U0PRIYA", note="n")
    with database.read() as session:
        story = ticket_messages.said(session, 1)
    told = [one.key if isinstance(one, Message) else one.event_id for one in story]
    assert told == ["Ev1", "Ev2", "Ev3", "Ev21", "sent", "returned:handoff:1"]
    assert [ticket_messages.said_at(one) for one in story] == sorted(ticket_messages.said_at(one) for one in story)


def test_files_are_kept_with_a_message(database: Database) -> None:
    """By name, and by link where Slack gave one."""
    new_turn(database, replace(FIRST, files=(*THEIR_FILES, Attachment("b.txt", None))))
    kept = [{"name": "a.png", "link": "https://x.example/a"}, {"name": "b.txt", "link": None}]
    assert event(database, "Ev1").files == kept


def test_only_answered_open_tickets_wait_for_the_directory(database: Database) -> None:
    """One without answer or account, asked again, resolved, handed off, too old or of a leaver is left alone."""
    account: dict[str, object] = {"account": "acc-maya"}
    done: dict[str, object] = {"state": "done", "category": "locked"}
    cases: dict[str, tuple[dict[str, object], dict[str, object]]] = {
        "waits": (account, done),
        "no answer": (account, {"state": "done"}),
        "asked again": (account, {"category": "locked"}),
        "no account": ({"account": None}, done),
        "resolved": ({**account, "state": "resolved"}, done),
        "a person's": ({**account, "state": "handed_off"}, done),
        "old": ({**account, "created_at": now() - timedelta(days=8)}, done),
        "left": ({**account, "requester": "U0GONE"}, done),
    }
    for number, (name, (of_ticket, of_turn)) in enumerate(cases.items(), 1):
        turn_id = new_turn(database, replace(FIRST, event_id=name, ts=f"{number}.0"))
        factories.put(database, Ticket, number, **of_ticket)
        factories.put(database, Turn, turn_id, **of_turn)
    with database.write() as session:
        members.note_departure(session, "U0GONE")
    with database.read() as session:
        assert [found.thread_ts for found in tickets.awaiting_confirmation(session)] == ["1.0"]


def test_a_ticket_is_closed_once_and_never_under_a_person(database: Database) -> None:
    """Closing twice is one audit record; a ticket that a person has stays theirs."""
    first, second = (new_turn(database, replace(FIRST, event_id=ts, ts=ts)) for ts in ("1.0", "2.0"))
    factories.hand_off(database, second)
    for ticket_id in (first, first, second):
        with database.write() as session:
            tickets.close(session, ticket_id, by="agent:access@1")
    with database.read() as session:
        assert [row.event for row in audit.of_ticket(session, first)] == ["ticket.resolved"]
    assert [found.state for found in rows(database, Ticket)] == ["resolved", "handed_off"]
