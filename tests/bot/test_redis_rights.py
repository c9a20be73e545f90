"""What a user of Redis must be allowed: `bot.redis_rights`. The houses of `tests/e2e` run as a user with just that."""

import re
from pathlib import Path

import pytest
import redis

from bot import redis_rights
from bot.errors import ConfigError, Transient
from tests.support.paths import ROOT
from tests.support.redis_servers import start_redis
from tests.support.redis_users import EVERYTHING, redis_user

OF_SCRIPTS = ["SCRIPT LOAD", "SCRIPT FLUSH"]
KEYS_ASIDE = EVERYTHING.replace("allkeys", "")


@pytest.mark.parametrize(
    ("rights", "lacking"),
    [
        (EVERYTHING, []),
        (f"{EVERYTHING} -@dangerous", ["INFO"]),
        (f"{EVERYTHING} -script", OF_SCRIPTS),
        (f"{EVERYTHING} -@scripting", ["EVALSHA", *OF_SCRIPTS]),
        (f"{KEYS_ASIDE} ~rq:*", ["keys deskhand:*"]),
        (f"{KEYS_ASIDE} ~deskhand:* -blmove", ["keys rq:*", "BLMOVE"]),
        (f"{EVERYTHING} resetchannels &other:*", ["channels rq:pubsub:*"]),
    ],
)
def test_what_a_user_lacks_is_named(redis_url: str, rights: str, lacking: list[str]) -> None:
    """As operators write it: commands, with their subcommands where those have rights, and patterns."""
    with redis_user(redis_url, rights) as url:
        assert sorted(redis_rights.missing(url)) == sorted(lacking)


def test_each_right_that_is_documented_is_looked_for(redis_url: str) -> None:
    """A user with all but one lacks that one; a user with exactly them lacks nothing, and can do nothing else."""
    rule, lacking = redis_rights.rule().split(), {}
    commands = [one for one in rule if one.startswith("+")]
    for command in commands:
        with redis_user(redis_url, *(one for one in rule if one != command)) as url:
            lacking[command] = redis_rights.missing(f"{url[:-1]}1")
    assert lacking == {command: [command[1:].upper().replace("|", " ")] for command in commands}
    with redis_user(redis_url, *rule) as url, redis.Redis.from_url(url) as client:
        assert redis_rights.missing(url) == []
        for other in ("FLUSHALL", "KEYS *", "CONFIG GET *", "CLIENT LIST", "ACL WHOAMI", "GET other:key"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*other.split())


def test_a_trial_leaves_nothing(redis_url: str) -> None:
    """Neither a key nor a script; the accounts of budgets, which go with the scripts, stay as they are."""
    with redis.Redis.from_url(redis_url) as client:
        kept = client.script_load("return 7")
        assert redis_rights.missing(redis_url) == []
        assert client.dbsize() == 0
        assert client.script_exists(kept) == [True]


def test_a_command_that_a_service_has_removed_is_lacking(tmp_path: Path) -> None:
    """Whoever asks, and whatever rights they have."""
    server = start_redis(tmp_path, None, "--rename-command", "INFO", "")
    try:
        assert redis_rights.missing(server.url) == ["INFO"]
    finally:
        server.kill()


def test_a_wrong_password_is_no_outage(tmp_path: Path) -> None:
    """Waiting does not mend it, so a process ends, with a line that repeats neither name nor password."""
    server = start_redis(tmp_path, None, "--user", "deskhand", "on", ">right", "allkeys", "+@all")
    try:
        for who in ("deskhand:wrong-word", "nobody:right"):
            with pytest.raises(ConfigError) as caught:
                redis_rights.check(server.url.replace("//", f"//{who}@"))
            assert str(caught.value) == "redis: the user name or the password in REDIS_URL is missing or wrong"
    finally:
        server.kill()


def test_who_lacks_a_right_does_not_begin(redis_url: str) -> None:
    """The sentence names it; a Redis that is away is another matter."""
    named = r"may not use INFO, SCRIPT LOAD, SCRIPT FLUSH; docs/how-to/install\.md"
    with redis_user(redis_url, f"{EVERYTHING} -@dangerous -script") as url, pytest.raises(ConfigError, match=named):
        redis_rights.check(url)
    with redis_user(redis_url, EVERYTHING) as url:  # of the address itself the tests do not ask: see `shortcuts`
        redis_rights.check(url)
    with pytest.raises(Transient):
        redis_rights.check("redis://127.0.0.1:9/0")


def test_the_documentation_lists_the_rights() -> None:
    """An operator copies the rule from `install.md`."""
    text = (ROOT / "docs/how-to/install.md").read_text()
    assert redis_rights.rule() in re.sub(r"\s*\\?\n\s*", " ", text)
