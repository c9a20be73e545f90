"""What the seals of a trial let pass: `tests.e2e.chaos.immutability`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import text

from bot.store.db import Database
from bot.store.personal import deleted_words
from bot.store.schema import StepKind, StepStatus
from bot.store.tickets import rewriting, steps
from tests.e2e.chaos.immutability import SEALS
from tests.support.factories import FIRST, finish, new_turn, running

WORDS = 'I said "no" (twice) and mean it!'
OTHER = replace(FIRST, event_id="Ev9", ts="1700000009.000100")
ANSWER = {"content": [{"type": "text", "text": f"You say: {WORDS.lower()} And again: {WORDS[:-1]}, I see."}]}


def breaches(database: Database) -> Sequence[str]:
    """Return which seals were broken."""
    with database.read() as session:
        return session.execute(text("SELECT seal FROM chaos.breaches")).scalars().all()


@pytest.fixture
def journal(postgres: Database) -> Iterator[Database]:
    """Return a sealed database with two tickets, whose steps all quote the same words."""
    with postgres.write() as session:
        for statement in SEALS:
            session.execute(text(statement))
    for message in (FIRST, OTHER):
        attempt = running(postgres, new_turn(postgres, replace(message, text=WORDS)))
        with postgres.write() as session:
            prompt = {"model": "m", "messages": [{"role": "user", "content": WORDS}]}
            steps.start(session, attempt, seq=0, kind=StepKind.MODEL, name="m", request=prompt)
            steps.finish(session, attempt, seq=0, status=StepStatus.OK, response=ANSWER)
            steps.start(session, attempt, seq=1, kind=StepKind.TOOL, name="hand_off", request={"arguments": ANSWER})
            steps.finish(
                session, attempt, seq=1, status=StepStatus.OK, response={"content": {}, "ok": True, "ends": None}
            )
        finish(postgres, attempt)
    yield postgres
    with postgres.write() as session:
        session.execute(text("DROP SCHEMA chaos CASCADE"))


def test_words_that_are_deleted_leave_the_steps_of_their_ticket(journal: Database) -> None:
    """That is decision 23 and no breach; done to the steps of another ticket it is one."""
    with journal.write() as session:
        rewriting.rewrite(session, FIRST.channel, FIRST.ts, None)
        quoting = session.execute(text("SELECT turn_id FROM steps WHERE request::text LIKE '%mean it%'")).scalars()
        assert list(quoting) == [2, 2]
    assert breaches(journal) == []
    with journal.write() as session:
        steps.forget(session, 2, [WORDS], rewriting.DELETED)
    assert breaches(journal) == ["step_finished", "step_finished"]


def test_words_that_are_edited_leave_the_steps_of_their_ticket(journal: Database) -> None:
    """The journal then says that they were edited; were the new words put there, it would be a breach."""
    with journal.write() as session:
        rewriting.rewrite(session, FIRST.channel, FIRST.ts, "something else")
        deleted_words.forget(session, 1, [WORDS], "something else")
        kept = session.execute(text("SELECT request::text FROM steps WHERE turn_id = 1")).scalars().all()
        assert [("(edited)" in one, "something else" in one) for one in kept] == [(True, False)] * 2
    assert breaches(journal) == []
    with journal.write() as session:
        session.execute(text("UPDATE steps SET request = replace(request::text, '(edited)', 'something else')::json"))
    assert set(breaches(journal)) == {"step_finished"}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE steps SET status = CASE status WHEN 'ok' THEN 'refused' ELSE 'ok' END WHERE id = 1",
        "UPDATE steps SET cost_nusd = cost_nusd + 1 WHERE id = 1",
        "UPDATE steps SET response = json_build_object('was', response) WHERE id = 1",
        "UPDATE steps SET request = json_build_object('messages', json_build_array(), 'was', request) WHERE id = 1",
    ],
)
def test_nothing_else_of_a_finished_step_changes(journal: Database, change: str) -> None:
    """Neither before words of its ticket are deleted nor after that."""
    with journal.write() as session:
        session.execute(text(change))
        rewriting.rewrite(session, FIRST.channel, FIRST.ts, None)
        session.execute(text(change))
    assert breaches(journal) == ["step_finished"] * 2
