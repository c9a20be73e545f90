"""Eight ways to tamper with a copy of the audit log, as somebody would who has the file."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256

from bot.audit_chain import canonical
from bot.audit_chain.tampering import Link, Tampering
from bot.audit_chain.verification import LogHead

LEAST = 20
"Records that a copy needs."
Copy = tuple[list[Link], LogHead]


def edit(links: list[Link], head: LogHead) -> Copy:
    """Let a record say that something else happened."""
    links[9] = _saying(links[9], b"something.else")
    return links, head


def swap_in(links: list[Link], head: LogHead) -> Copy:
    """Put another record in the place of one, with its own right hash."""
    links[9] = _hashed(_saying(links[4], b"something.else")._replace(position=10, prev=links[9].prev))
    return links, head


def delete(links: list[Link], head: LogHead) -> Copy:
    """Remove a record."""
    del links[9]
    return links, head


def insert(links: list[Link], head: LogHead) -> Copy:
    """Put a record in behind another."""
    links.insert(9, _hashed(_saying(links[9], b"something.else")))
    return links, head


def swap(links: list[Link], head: LogHead) -> Copy:
    """Let two records change places."""
    links[9], links[14] = links[14], links[9]
    return links, head


def truncate(links: list[Link], head: LogHead) -> Copy:
    """Remove everything from a record on, and say that the log ends there."""
    return links[:9], replace(head, position=9, hash=links[8].hash, unused=None)


def rewrite(links: list[Link], head: LogHead) -> Copy:
    """Let a record say something else, and make every hash from there on anew."""
    links[9] = _saying(links[9], b"something.else")
    for at in range(9, len(links)):
        links[at] = _hashed(links[at]._replace(prev=links[at - 1].hash))
    return links, replace(head, hash=links[-1].hash)


def cut_the_head(links: list[Link], head: LogHead) -> Copy:
    """Remove everything before a record."""
    return links[9:], head


WAYS: Mapping[Callable[[list[Link], LogHead], Copy], tuple[Tampering, int]] = {
    edit: (Tampering.EDIT, 10),
    swap_in: (Tampering.REPLACE, 10),
    delete: (Tampering.DELETE, 10),
    insert: (Tampering.INSERT, 10),
    swap: (Tampering.SWAP, 10),
    truncate: (Tampering.TRUNCATE, 10),
    rewrite: (Tampering.REWRITE, 1),
    cut_the_head: (Tampering.CUT_HEAD, 1),
}
"What each must be found as, and the first record that must be named; a rewrite begins after the last checkpoint."


def _saying(link: Link, event: bytes) -> Link:
    """Return a record with another event, and the earlier hash."""
    before, _, rest = (link.text or b"").partition(b'"event":"')
    text = before + b'"event":"' + event + rest[rest.index(b'"') :]
    return link._replace(text=text, digest=sha256(text).digest())


def _hashed(link: Link) -> Link:
    return link._replace(hash=canonical.hash_of(link.position, link.prev, link.digest or b""))
