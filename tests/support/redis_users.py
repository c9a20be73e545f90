"""A user of the tests' Redis with fewer rights than the one that tests have, as managed services give them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis

EVERYTHING = "+@all allkeys allchannels"


@contextmanager
def redis_user(redis_url: str, *rights: str) -> Iterator[str]:
    """Make a user, and yield the address of the Redis for them.

    Args:
        redis_url: the address for a user who may make others.
        rights: of the new user, in the words of `ACL SETUSER`; each may be several words.
    """
    place = urlsplit(redis_url)
    with redis.Redis.from_url(redis_url) as admin:
        try:
            admin.execute_command("ACL", "SETUSER", "fewer", "reset", "on", ">secret", *" ".join(rights).split())
            yield f"redis://fewer:secret@{place.hostname}:{place.port}{place.path}"
        finally:
            admin.execute_command("ACL", "DELUSER", "fewer")
