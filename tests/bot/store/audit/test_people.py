"""People in the audit log: `bot.store.audit.people`."""

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack, closing
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.store import audit, db
from bot.store.audit import people
from bot.store.db import Database
from bot.store.schema import AuditPerson, AuditRow
from tests.support.audit_rows import raw_records, recomputed
from tests.support.factories import at_once, rows

IDS = ("U0MAYA", "W012A3CDE", "U024BE7LH", "UHXYZABCD", "U0123456789")
PLACES: dict[str, Callable[[str], Any]] = {
    "a value": lambda user: user,
    "a key": lambda user: {user: 1},
    "deep": lambda user: [{"a": [user, {"b": user}]}],
    "a budget": lambda user: f"user:{user}:2026-12-01",
    "a claim": lambda user: f"slack:T1:{user}",
    "a mention": lambda user: f"Say so to <@{user}|maya>, please.",
    "a line": lambda user: f"why\n{user}\nbecause",
    "a path": lambda user: f"/team/{user}",
}


def append(database: Database, **values: Any) -> None:
    """Add one record of the clock."""
    with database.write() as session:
        audit.append(session, "test.happened", actor="clock", **values)


@pytest.mark.parametrize("place", PLACES)
def test_nobody_is_named_wherever_their_id_stands(database: Database, place: str) -> None:
    """The row has a reference for each id, and whoever reads it by the store's functions gets what was given."""
    for user in IDS:
        append(database, subject=user, given=PLACES[place](user))
    stored = json.dumps([[row.actor, row.subject, row.record] for row in raw_records(database)])
    assert [user for user in IDS if user in stored] == []
    assert [row.record["given"] for row in rows(database, AuditRow)] == [PLACES[place](user) for user in IDS]
    assert [row.subject for row in rows(database, AuditRow)] == list(IDS)
    assert len(rows(database, AuditPerson)) == len(IDS)


@pytest.mark.parametrize(
    "text",
    ["", "clock", "agent:access@1", "worker:w1", "C0HELP", "1764579600.000100", "a" * 64, "an Update", "UTC?", "T1"],
)
def test_what_is_no_person_stays_as_it_is(database: Database, text: str) -> None:
    """Nothing but a Slack user id has that form."""
    append(database, text=text)
    assert raw_records(database)[0].record == {"text": text}
    assert rows(database, AuditPerson) == []


def test_a_reference_is_a_salted_hash(database: Database) -> None:
    """By salt and id anybody can see that it is theirs; without the salt nobody finds the id by trying."""
    append(database, subject="U0MAYA")
    [person] = rows(database, AuditPerson)
    assert person.reference == "person:" + hashlib.sha256(person.salt + b"U0MAYA").hexdigest()
    assert len(person.salt) == people.SALT_BYTES
    assert raw_records(database)[0].subject == person.reference


def test_the_records_of_a_person_are_found_by_their_id(database: Database) -> None:
    """Also where two transactions that met them at the same time gave them two references."""
    with closing(db.connect(database.engine.url.render_as_string(hide_password=False))) as other:
        append(database, subject="U0MAYA", number=1)
        append(other, subject="U0MAYA", number=2)
    with database.write() as session:
        people.drop_kept(session)
        session.add(AuditPerson(reference="person:" + "0" * 64, salt=b"", slack_user="U0MAYA"))
    append(database, subject="U0MAYA", number=3)
    assert raw_records(database)[2].subject == "person:" + "0" * 64
    with database.read() as session:
        assert [row.record["number"] for row in audit.of_subject(session, "U0MAYA")] == [1, 2, 3]
        assert audit.of_subject(session, "U0LENA") == []


def test_a_forgotten_person_is_named_nowhere_and_the_chain_is_whole(database: Database) -> None:
    """What was recorded stays, and says that somebody did it; others are named as before."""
    append(database, subject="U0MAYA", by="U0LENA", why="<@U0MAYA> asked")
    before = raw_records(database)[0].record
    with database.write() as session:
        assert people.forget(session, "U0MAYA") == 1
    assert [row.slack_user for row in rows(database, AuditPerson)] == ["U0LENA"]
    [record] = rows(database, AuditRow)
    assert (record.subject, record.record) == (people.ERASED, {"by": "U0LENA", "why": f"<@{people.ERASED}> asked"})
    assert raw_records(database)[0].record == before
    assert recomputed(database) == 1


def test_a_process_that_was_not_told_of_it_gives_a_new_reference(database: Database) -> None:
    """A person who was forgotten by another process and comes back is somebody new, in every process."""
    append(database, subject="U0MAYA", by="U0LENA")
    with (
        closing(db.connect(database.engine.url.render_as_string(hide_password=False))) as other,
        other.write() as session,
    ):
        people.forget(session, "U0MAYA")
    append(database, subject="U0MAYA", by="U0LENA")
    assert [row.subject for row in rows(database, AuditRow)] == [people.ERASED, "U0MAYA"]
    assert [row.record["by"] for row in rows(database, AuditRow)] == ["U0LENA", "U0LENA"]
    assert len(rows(database, AuditPerson)) == 2
    assert recomputed(database) == 2


def test_a_reference_that_was_rolled_back_is_not_used(database: Database) -> None:
    """The process had kept it, but the database has no such person."""
    with database.engine.connect() as connection, db.Session(connection) as session:
        audit.append(session, "test.happened", actor="U0MAYA")
        session.rollback()
    append(database, subject="U0MAYA")
    assert [row.subject for row in rows(database, AuditRow)] == ["U0MAYA"]


def test_an_append_is_one_round_trip(database: Database) -> None:
    """As soon as this process knows the people whom a record names."""
    sent: list[str] = []
    event.listen(database.writing, "before_cursor_execute", lambda *given: sent.append(given[2]))
    given: dict[str, Any] = {"subject": "U0MAYA", "by": "U0TOMAS", "text": "for <@U0PRIYA>"}
    append(database, **given)
    with database.write() as session:
        sent.clear()
        audit.append(session, "test.happened", actor="clock", **given)
        assert len(sent) == 1


def test_transactions_that_meet_the_same_people_do_not_wait_for_each_other(postgres: Database) -> None:
    """In whichever order: 8 of them, each with four people whom nobody knew."""

    def meet(number: int) -> None:
        order = list(IDS[:4])
        Random(number).shuffle(order)
        with postgres.write() as session:
            for user in order:
                audit.append(session, "test.happened", actor=user)

    at_once(8, meet)
    assert recomputed(postgres) == 32
    assert [row.actor for row in rows(postgres, AuditRow)].count("U0MAYA") == 8


def test_what_is_not_committed_is_used_by_no_other_transaction(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three first turns at once that name one person: none has to look again, and none ends in an error."""
    monkeypatch.setattr(people, "drop_kept", lambda session: pytest.fail("a reference was used that nobody sees"))
    with ExitStack() as open_at_once:
        for _ in range(3):
            audit.append(open_at_once.enter_context(postgres.write()), "test.happened", actor="U0MAYA")
    append(postgres, subject="U0MAYA")
    assert recomputed(postgres) == 4
    assert [row.actor for row in rows(postgres, AuditRow)] == ["U0MAYA"] * 3 + ["clock"]
    assert len({row.actor for row in raw_records(postgres)}) == 4


def test_what_a_process_keeps_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins anew when it is full, and everybody has the reference that they had."""
    monkeypatch.setattr(people, "MOST_KEPT", 2)
    for _ in range(2):
        for user in IDS:
            append(database, subject=user)
    with database.read() as session:
        assert len(session.execute(select(AuditPerson.reference)).all()) == len(IDS)
    assert [row.subject for row in rows(database, AuditRow)] == [*IDS, *IDS]


def test_what_else_names_a_person_gets_a_reference_too(database: Database) -> None:
    """The id of their account where it is marked so, and a direct conversation by its form."""
    about = {
        "account": people.of_person("maya.o@example.com"),
        "place": ["D0MAYA", "D024BE7LH"],
        "none": people.of_person(None),
    }
    append(database, **about, decision="DENIED")
    stored = raw_records(database)[0].record
    assert [part for part in ("maya.o", "D0MAYA", "D024BE7LH") if part in json.dumps(stored)] == []
    assert (stored["none"], stored["decision"]) == (None, "DENIED")
    assert [row.record for row in rows(database, AuditRow)] == [{**about, "decision": "DENIED"}]
