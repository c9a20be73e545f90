"""What responders write: `bot.store.handoffs.responses`."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.store.db import Database
from bot.store.handoffs import responses
from bot.store.schema import InboxEvent, InboxState, Ticket, Turn, now
from bot.store.tickets import rewriting, ticket_messages, tickets
from bot.store.tickets.tickets import Attachment, Heard
from tests.support.factories import FIRST, at_once, everything, handed_off, heard, new_turn, rows, ticket

SAID = heard(7, user="U0PRIYA", text="> Which phone?", files=(Attachment("a.png", "https://x.example/a"),))


def answered(database: Database, said: Heard) -> InboxEvent | None:
    """Keep what a responder wrote in the requester's thread."""
    with database.write() as session:
        return responses.answered(session, tickets.lock(session, 1), said)


def drafted(database: Database, said: Heard, state: str = "asked") -> InboxEvent | None:
    """Keep what a responder wrote for the requester."""
    with database.write() as session:
        return responses.drafted(session, tickets.lock(session, 1), said, handoff_id=1, state=InboxState(state))


def decide(database: Database, event_id: int, user: str = "U0PRIYA", *, state: str = "sent") -> InboxEvent | None:
    """Try to decide a draft."""
    with database.write() as session:
        return responses.decide(session, event_id, user, state=InboxState(state))


def asked(database: Database) -> int:
    """Return a draft that its author is asked about."""
    handed_off(database)
    draft = drafted(database, SAID)
    assert draft is not None
    return draft.id


KEEPING: dict[str, Callable[[Database, Heard], InboxEvent | None]] = {"answer": answered, "draft": drafted}


@pytest.mark.parametrize("kind", KEEPING)
def test_what_a_responder_writes_is_kept_once(database: Database, kind: str) -> None:
    """Of twelve deliveries one is new, with its words and files; under another event id it is known too."""
    handed_off(database)
    new = [one for one in at_once(12, lambda _: KEEPING[kind](database, SAID)) if one is not None]
    assert KEEPING[kind](database, heard(7, event_id="EvOther", user="U0PRIYA")) is None
    [event] = new
    assert (event.kind, event.user, event.text, event.ts) == (kind, "U0PRIYA", "> Which phone?", SAID.ts)
    assert event.files == [{"name": "a.png", "link": "https://x.example/a"}]
    assert (event.ticket_id, event.turn_id, event.channel) == (ticket(database).id, None, "C0HELP")
    assert (event.state, event.detail) == (("relayed", {}) if kind == "answer" else ("asked", {"handoff": 1}))
    assert len(rows(database, InboxEvent)) == 2


def test_only_a_draft_is_one(database: Database) -> None:
    """No message of a requester, nothing unknown, nothing unnamed."""
    draft = asked(database)
    with database.read() as session:
        found = responses.draft(session, draft)
        assert found is not None
        assert found.text == SAID.text
        for other in (1, 4711, None):
            assert responses.draft(session, other) is None


@pytest.mark.parametrize("state", ["sent", "kept"])
def test_a_draft_is_decided_once_by_who_wrote_it(database: Database, state: str) -> None:
    """Of twenty presses of both buttons one decides; nobody else does, and what is no draft is not decided."""
    draft = asked(database)
    before = everything(database)
    assert decide(database, draft, "U0BEN", state=InboxState(state)) is None
    assert decide(database, 1, FIRST.user, state=InboxState(state)) is None
    assert decide(database, 4711, state=InboxState(state)) is None
    assert everything(database) == before
    other = {"sent": "kept", "kept": "sent"}[state]
    decided = at_once(20, lambda n: decide(database, draft, state=InboxState(state) if n % 2 else other))
    [event] = [one for one in decided if one is not None]
    assert event.state in ("sent", "kept")
    assert [row.state for row in rows(database, InboxEvent) if row.id == draft] == [event.state]


def test_what_was_sent_or_taken_back_is_not_asked_about(database: Database) -> None:
    """A draft that went out at once, and one that was deleted, are decided by nobody any more."""
    draft = asked(database)
    at_once_sent = drafted(database, heard(8, user="U0PRIYA"), "sent")
    assert at_once_sent is not None
    with database.write() as session:
        rewriting.rewrite(session, SAID.channel, SAID.ts, None)
    assert [decide(database, one) for one in (draft, at_once_sent.id)] == [None, None]
    assert [row.state for row in rows(database, InboxEvent)[1:]] == ["withdrawn", "sent"]


def test_a_note_to_the_agent_is_part_of_its_turn(database: Database) -> None:
    """One for each handoff; nothing was noted where nothing was given back."""
    turn_id = new_turn(database)
    with database.write() as session:
        ticket, turn = session.get_one(Ticket, 1), session.get_one(Turn, turn_id)
        responses.noted(session, ticket, turn, user="U0PRIYA", text="Look at the factors.", handoff_id=7)
    with database.read() as session:
        assert [responses.note(session, handoff_id) for handoff_id in (7, 8)] == ["Look at the factors.", ""]
        said = [(one.kind, one.user) for one in ticket_messages.messages_of(session, turn_id)]
    assert said == [("note", "U0PRIYA"), ("message", FIRST.user)]


def test_only_words_that_may_not_be_kept_run_out(database: Database) -> None:
    """Asked about since before a moment, not decided and not let go of; what may be kept waits without end."""
    handed_off(database)
    with database.write() as session:
        kept = [
            responses.drafted(
                session, tickets.lock(session, 1), heard(number), handoff_id=1, state=InboxState(state), words=words
            )
            for number, state, words in (
                (7, "asked", "it is hunter2"),
                (8, "asked", None),
                (9, "sent", "it is hunter2"),
                (10, "asked", "it is hunter2"),
            )
        ]
        last = kept[-1]
        assert last is not None
        responses.hold(last, None)
    with database.read() as session:
        due = responses.undecided(session, before=now() + timedelta(hours=1))
        assert [session.get_one(InboxEvent, one).event_id for one in due] == ["Ev7"]
        assert responses.undecided(session, before=now() - timedelta(hours=1)) == []
