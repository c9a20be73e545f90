"""Copies of an audit log in memory, as somebody would tamper with them who can write wherever the log is kept.

Each way of tampering takes a whole copy and says what a verification must find: the kind, and the first bad record.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from bot.audit_chain import canonical
from bot.audit_chain.proofs import Checkpoint, Seal
from bot.audit_chain.tampering import Link, Tampering
from bot.audit_chain.verification import ChainReport, ChainVerifier, LogHead

CHAIN = "chain-of-tests"
BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
_LONGEST_LOG = 400
_EVENTS = ("tool.intended", "tool.finished", "handoff.claimed", "approval.granted", "alert.opened")


@dataclass(frozen=True, slots=True)
class LogCopy:
    """A log in memory."""

    links: tuple[Link, ...]
    head: LogHead
    checkpoints: tuple[Checkpoint, ...]
    seals: tuple[Seal, ...] = ()

    def verified(self) -> ChainReport:
        """Return what a verification finds."""
        verifier = ChainVerifier(self.head, self.checkpoints, self.seals)
        verifier.feed(self.links)
        return verifier.report()

    def with_links(self, links: Sequence[Link], *, ends_there: bool = False) -> "LogCopy":
        """Return it with other records; `ends_there`: it says, too, that it ends with the last of them."""
        head = replace(self.head, position=links[-1].position, hash=links[-1].hash) if ends_there else self.head
        return replace(self, links=tuple(links), head=head)


@dataclass(frozen=True, slots=True)
class TamperedCopy:
    """A log after somebody was at it, and what must be found."""

    copy: LogCopy
    kind: Tampering
    first: int
    "The record that must be named."
    bad: int | None = None
    "The first record that is bad, where only a range of records can be named; it must lie in that range."


def log_record(number: int, salt: str = "", at: datetime | None = None) -> dict[str, Any]:
    """Return a record, as the product would write it."""
    return canonical.record_of(
        at=at or BEGAN + timedelta(seconds=10 * number),
        event=_EVENTS[number % len(_EVENTS)],
        actor=f"agent:access@{number % 7:07x}{salt}",
        subject=f"person:{number % 50:064x}",
        ticket_id=number // 3 + 1,
        intent_id=None if number % 2 else number + 1_000_000 * len(salt),
        record={"tool": "unlock_my_account", "args": f"{number:064x}", "policy": "e" * 64, "why": f"émile {salt}"},
    )


def chained_links(records: Sequence[dict[str, Any]], *, after: Link | None = None) -> list[Link]:
    """Return records as a chain, from the first position on or after a record."""
    links, position = [], 0 if after is None else after.position
    prev = canonical.BEFORE_THE_FIRST if after is None else after.hash
    for record in records:
        position += 1
        links.append(link_of(position, prev, record))
        prev = links[-1].hash
    return links


def link_of(position: int, prev: bytes, record: dict[str, Any]) -> Link:
    """Return a record at a position with its right hash."""
    text = canonical.bytes_of(record)
    digest = canonical.digest_of(record)
    return Link(position, prev, canonical.hash_of(position, prev, digest), digest, text)


def record_in(link: Link) -> dict[str, Any]:
    """Return what a record says."""
    found: dict[str, Any] = json.loads(link.text or b"{}")
    return found


@cache
def _longest(salt: str = "") -> tuple[Link, ...]:
    return tuple(chained_links([log_record(number, salt) for number in range(1, _LONGEST_LOG + 1)]))


def log_copy(random: Random, *, least: int = 12, most: int = _LONGEST_LOG, salt: str = "") -> LogCopy:
    """Return a whole log of random length, with a few checkpoints, one of them at its end."""
    links = _longest(salt)[: random.randint(least, most)]
    positions = {len(links), *random.sample(range(1, len(links)), random.randint(1, 5))}
    seen = [_checkpoint(links[position - 1]) for position in sorted(positions)]
    return LogCopy(links, LogHead(CHAIN, len(links), links[-1].hash, unused=0), tuple(seen))


def _checkpoint(link: Link) -> Checkpoint:
    return Checkpoint(link.position, link.hash, str(record_in(link)["at"]), CHAIN)


def _rehashed(link: Link, **changes: Any) -> Link:
    """Return a record with other values and the hash that it then has."""
    return link_of(link.position, link.prev, record_in(link) | changes)


def _with_text(link: Link, record: dict[str, Any]) -> Link:
    """Return a record with other contents and the hash of before."""
    return link._replace(text=canonical.bytes_of(record), digest=canonical.digest_of(record))


def edit(log: LogCopy, random: Random) -> TamperedCopy:
    """Change one value of a record, or of its place in the chain."""
    links, at = list(log.links), random.randrange(len(log.links))
    record = record_in(links[at])
    match random.choice([*record, "inside", "prev", "hash", "position", "unreadable"]):
        case "prev":
            links[at] = links[at]._replace(prev=random.randbytes(32))
        case "hash":
            links[at] = links[at]._replace(hash=random.randbytes(32))
        case "position":
            links[at] = links[at]._replace(position=len(links) + random.randint(2, 1000))
        case "unreadable":
            links[at] = links[at]._replace(digest=b"", text=None)
        case "inside" | "record":
            links[at] = _with_text(links[at], record | {"record": record["record"] | {"tool": "send_password_reset"}})
        case "ticket_id" | "intent_id" as name:
            links[at] = _with_text(links[at], record | {name: 987_654})
        case name:
            links[at] = _with_text(links[at], record | {name: f"{record[name]}?"})
    return TamperedCopy(log.with_links(links), Tampering.EDIT, at + 1)


def replaced(log: LogCopy, random: Random) -> TamperedCopy:
    """Put another record in the place of one, with a hash of its own."""
    links, at = list(log.links), random.randrange(len(log.links))
    links[at] = link_of(at + 1, links[at].prev, log_record(random.randint(1, 10_000), salt="other"))
    return TamperedCopy(log.with_links(links), Tampering.REPLACE, at + 1)


def delete(log: LogCopy, random: Random) -> TamperedCopy:
    """Remove records between others: with their places, without them, or so that the rest is numbered anew."""
    links, how_many = list(log.links), random.randint(1, 5)
    at = random.randrange(1, len(links) - how_many)
    match random.choice(["rows", "records", "renumbered"]):
        case "rows":
            del links[at : at + how_many]
        case "records":
            links[at] = links[at]._replace(digest=None, text=None)
        case _:
            later = [one._replace(position=one.position - how_many) for one in links[at + how_many :]]
            links[at:] = later
            return TamperedCopy(log.with_links(links, ends_there=random.random() < 0.5), Tampering.DELETE, at + 1)
    return TamperedCopy(log.with_links(links), Tampering.DELETE, at + 1)


def insert(log: LogCopy, random: Random) -> TamperedCopy:
    """Put a record in: beside another of its number, under a number of its own, or so that the rest has new numbers."""
    links, at = list(log.links), random.randrange(1, len(log.links))
    record = log_record(random.randint(1, 10_000), salt="new")
    new = link_of(at + 1, links[at - 1].hash if random.random() < 0.5 else random.randbytes(32), record)
    if random.random() < 0.3:
        new = new._replace(hash=random.randbytes(32))
    match random.choice(["beside", "number", "renumbered"]):
        case "beside":
            links.insert(at, new)
        case "number":
            links.insert(at, new._replace(position=len(links) + random.randint(2, 1000)))
        case _:
            links[at:] = [new, *(one._replace(position=one.position + 1) for one in links[at:])]
            return TamperedCopy(log.with_links(links, ends_there=random.random() < 0.5), Tampering.INSERT, at + 1)
    return TamperedCopy(log.with_links(links), Tampering.INSERT, at + 1)


def swap(log: LogCopy, random: Random) -> TamperedCopy:
    """Let two records change places: their contents, their whole rows, or their lines."""
    links = list(log.links)
    first, last = sorted(random.sample(range(len(links)), 2))
    one, other = links[first], links[last]
    match random.choice(["contents", "rows", "lines"]):
        case "contents":
            links[first] = one._replace(text=other.text, digest=other.digest)
            links[last] = other._replace(text=one.text, digest=one.digest)
        case "rows":
            links[first] = other._replace(position=one.position)
            links[last] = one._replace(position=other.position)
        case _:
            links[first], links[last] = other, one
    return TamperedCopy(log.with_links(links), Tampering.SWAP, first + 1)


def truncate(log: LogCopy, random: Random) -> TamperedCopy:
    """Remove the last records, and perhaps change the head, so that only a checkpoint knows of them."""
    left = random.randint(1, len(log.links) - 1)
    gone = len(log.links) - left
    cut = log.with_links(log.links[:left], ends_there=random.random() < 0.7)
    unused = gone + random.randint(0, 3) if random.random() < 0.6 else None
    later = str(record_in(log.links[-1])["at"])
    head = replace(cut.head, unused=unused, elsewhere=later if unused is None else None)
    return TamperedCopy(replace(cut, head=head), Tampering.TRUNCATE, left + 1)


def rewrite(log: LogCopy, random: Random) -> TamperedCopy:
    """Change or remove a record and make all hashes after it anew, those of the head, too."""
    at = random.randrange(len(log.links))
    records = [record_in(one) for one in log.links]
    records[at] |= {"actor": "operator", "event": "waiver.granted"}
    after = log.links[at - 1] if at else None
    links = [*log.links[:at], *chained_links(records[at:], after=after)]
    agreed = max((one.position for one in log.checkpoints if one.position <= at), default=0)
    return TamperedCopy(log.with_links(links, ends_there=True), Tampering.REWRITE, agreed + 1, bad=at + 1)


def cut_the_head(log: LogCopy, random: Random) -> TamperedCopy:
    """Remove the first records, and perhaps number the rest from 1."""
    gone = random.randint(1, min(60, len(log.links) - 1))
    links = list(log.links[gone:])
    if random.random() < 0.5:
        links = [one._replace(position=one.position - gone) for one in links]
        return TamperedCopy(log.with_links(links, ends_there=random.random() < 0.5), Tampering.CUT_HEAD, 1)
    return TamperedCopy(log.with_links(links), Tampering.CUT_HEAD, 1)


def restored(log: LogCopy, random: Random) -> TamperedCopy:
    """Put an older state of the whole database back, and perhaps write on for a while."""
    left = random.randint(1, len(log.links) - 1)
    back = log.with_links(log.links[:left], ends_there=True)
    if random.random() < 0.5:
        return TamperedCopy(back, Tampering.RESTORED, left + 1)
    later = BEGAN + timedelta(days=30)
    how_many = random.randint(1, 2 * (len(log.links) - left))
    more = chained_links([log_record(one, "later", at=later) for one in range(how_many)], after=log.links[left - 1])
    agreed = max((one.position for one in log.checkpoints if one.position <= left), default=0)
    on = back.with_links([*back.links, *more], ends_there=True)
    covered = any(left < one.position <= left + how_many for one in log.checkpoints)
    return TamperedCopy(on, Tampering.RESTORED, agreed + 1 if covered else left + how_many + 1, bad=None)


def merged(log: LogCopy, random: Random) -> TamperedCopy:
    """Put the records of another log in: behind, or among the others."""
    other = log_copy(random, salt="another")
    links, places = list(log.links), len(log.links)
    if random.random() < 0.5:
        links += [one._replace(position=one.position + places) for one in other.links]
        return TamperedCopy(log.with_links(links, ends_there=random.random() < 0.5), Tampering.MERGED, places + 1)
    first = random.randrange(1, places)
    places_of_others = sorted({first, *random.sample(range(first, places + len(other.links)), len(other.links) - 1)})
    mixed: list[Link] = []
    ours, theirs = iter(links), iter(other.links)
    for place in range(places + len(other.links)):
        one = next(theirs if place in places_of_others else ours, None)
        mixed += [] if one is None else [one._replace(position=len(mixed) + 1)]
    return TamperedCopy(log.with_links(mixed, ends_there=True), Tampering.MERGED, first + 1)


Tamper = Callable[[LogCopy, Random], TamperedCopy]

EIGHT: tuple[Tamper, ...] = (edit, delete, insert, swap, truncate, rewrite, cut_the_head, replaced)
BESIDE: tuple[Tamper, ...] = (restored, merged)
