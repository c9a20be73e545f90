"""Signs of life: `bot.store.installation.heartbeats`."""

from datetime import UTC, datetime

import pytest

from bot.store.db import Database
from bot.store.installation import heartbeats
from tests.support.factories import Clock, at_once


def test_a_kind_has_one_sign_the_last(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many processes of a kind there are and have been, one row says who was heard last, and when."""
    clock = Clock().rule(monkeypatch)
    with database.write() as session:
        assert heartbeats.last(session, "clock") is None
        heartbeats.give(session, "clock", who="a:1")
        heartbeats.give(session, "web", who="b:2")
    clock.passes(seconds=5)
    with database.write() as session:
        heartbeats.give(session, "clock", who="c:3")
    with database.read() as session:
        assert heartbeats.last(session, "clock") == ("c:3", datetime(2026, 11, 23, 9, 0, 5, tzinfo=UTC))
        assert heartbeats.last(session, "web") == ("b:2", datetime(2026, 11, 23, 9, tzinfo=UTC))


def test_signs_may_be_given_at_once(database: Database) -> None:
    """Two that give the first sign of a kind in the same moment do not break each other."""

    def give(number: int) -> None:
        with database.write() as session:
            heartbeats.give(session, "web", who=f"w:{number}")

    at_once(6, give)
    with database.read() as session:
        last = heartbeats.last(session, "web")
    assert last is not None
    assert last[0].startswith("w:")
