"""Who has left the workspace: `bot.store.members`."""

import pytest

from bot.store import members
from bot.store.db import Database
from bot.store.schema import AuditRow
from tests.support.factories import at_once, rows


def left(database: Database, user: str = "U0PRIYA") -> bool:
    """Note that somebody has left."""
    with database.write() as session:
        return members.note_departure(session, user)


def back(database: Database, user: str = "U0PRIYA") -> None:
    """Note that somebody is a member again."""
    with database.write() as session:
        members.note_return(session, user)


def trail(database: Database) -> list[tuple[str, str | None]]:
    """Return what was written down of whom."""
    return [(row.event, row.subject) for row in rows(database, AuditRow)]


@pytest.mark.parametrize("user", ["U0PRIYA", "U0BEN"])
def test_who_has_left_has_left_until_they_are_back(database: Database, user: str) -> None:
    """And nobody else has."""
    for has_left, change in ((False, back), (True, left), (False, back), (True, left)):
        change(database, "U0PRIYA")
        with database.read() as session:
            assert members.has_left(session, user) is (has_left and user == "U0PRIYA")


def test_of_many_it_is_told_who_has_left(database: Database) -> None:
    """Of those who are asked about, and of no one else."""
    left(database, "U0PRIYA")
    left(database, "U0CHEN")
    with database.read() as session:
        assert members.left_of(session, ("U0PRIYA", "U0BEN")) == {"U0PRIYA"}
        assert members.left_of(session, ()) == frozenset()


def test_leaving_is_news_once(database: Database) -> None:
    """However many threads are told of it at once; the same of coming back."""
    told = at_once(12, lambda _: left(database))
    assert sorted(told) == [False] * 11 + [True]
    assert trail(database) == [("member.left", "U0PRIYA")]
    at_once(12, lambda _: back(database))
    assert trail(database) == [("member.left", "U0PRIYA"), ("member.returned", "U0PRIYA")]
    assert left(database) is True


def test_some_of_those_who_have_left_are_asked_about(database: Database) -> None:
    """No more than asked for; all when there are fewer, and none who is back."""
    for user in ("U0PRIYA", "U0BEN", "U0CHEN"):
        left(database, user)
    back(database, "U0BEN")
    with database.read() as session:
        assert sorted(members.departed(session, most=5)) == ["U0CHEN", "U0PRIYA"]
        assert len(members.departed(session, most=1)) == 1


def test_those_who_have_left_are_told(database: Database) -> None:
    """At most so many at a time, and of more than that all in the end."""
    users = {f"U{number}" for number in range(5)}
    for user in users:
        left(database, user)
    back(database, "U0")
    with database.read() as session:
        assert set(members.departed(session, most=10)) == users - {"U0"}
        some = [members.departed(session, most=2) for _ in range(100)]
    assert {len(one) for one in some} == {2}
    assert {user for one in some for user in one} == users - {"U0"}


def test_the_language_of_a_person_is_kept(database: Database) -> None:
    """The last that was said of each; what says nothing changes nothing, and many who say it at once are no trouble."""

    def speaks(_number: int, user: str = "U0LENA", locale: str | None = "de-DE") -> None:
        with database.write() as session:
            members.store_locale(session, user, locale)

    at_once(12, speaks)
    speaks(0, "U0MAYA", "pt-BR")
    speaks(0, "U0MAYA", None)
    speaks(0, "U0MAYA", "en-GB")
    with database.read() as session:
        told = [members.locale_of(session, user) for user in ("U0LENA", "U0MAYA", "U0BEN")]
    assert told == ["de-DE", "en-GB", None]
