"""Each token is used once: `bot.store.accounts.used_tokens`."""

import time
from contextlib import suppress
from datetime import timedelta

from bot.store.accounts import used_tokens
from bot.store.db import Database
from bot.store.schema import UsedToken, now
from tests.support.factories import at_once, rows

SOON = int(time.time()) + 60


def test_of_eight_at_once_one_uses_a_token(database: Database) -> None:
    """The others wait for its transaction, and are told that it is used; nobody writes a second row."""

    def use(_number: int) -> bool:
        with database.write() as session:
            first = used_tokens.consume(session, "jti-1", expires=SOON)
            time.sleep(0.01 if first else 0)  # the others come meanwhile
            return first

    assert sorted(at_once(8, use)) == [False] * 7 + [True]
    assert [row.jti for row in rows(database, UsedToken)] == ["jti-1"]


def test_what_is_rolled_back_was_not_used(database: Database) -> None:
    """The token and the intent are written together, or neither is."""
    for _ in range(2):
        with suppress(InterruptedError), database.write() as session:
            assert used_tokens.consume(session, "jti-1", expires=SOON)
            raise InterruptedError
    assert rows(database, UsedToken) == []


def test_rows_are_kept_until_their_token_is_long_over(database: Database) -> None:
    """Its time alone refuses it then."""
    with database.write() as session:
        for name, ago in (("old", used_tokens.KEPT + timedelta(minutes=1)), ("over", timedelta(minutes=5))):
            assert used_tokens.consume(session, name, expires=int((now() - ago).timestamp()))
        assert used_tokens.any_to_forget(session)
        used_tokens.forget(session)
        assert not used_tokens.any_to_forget(session)
    assert [row.jti for row in rows(database, UsedToken)] == ["over"]
