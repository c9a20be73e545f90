"""Is a log whole: every record follows from the one before, and every checkpoint agrees. It needs no database.

A chain alone shows a change between its ends, unless somebody has also recomputed every later hash. Only checkpoints
show that records were cut from the end, or that hashes were recomputed. Records that were cut from the beginning show
because a log begins with position 1, or after a seal. The report says which of these was proved.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.audit_chain import canonical
from bot.audit_chain.diagnosis import Irregular, diagnose
from bot.audit_chain.proofs import Checkpoint, Seal
from bot.audit_chain.tampering import ChainFinding, Link, Tampering

KEPT = 2_000
"The most irregular records that are looked at; further ones are only counted."


class Start(StrEnum):
    """What a log begins with."""

    EMPTY = "empty"
    "It has no record."
    FIRST = "first_record"
    "Record 1."
    SEAL = "seal"
    "The record after a seal."
    RANGE = "range"
    "The record that an export of a range says; nothing is proved of those before."
    CUT = "cut"
    "Another record, and nothing says why."


@dataclass(frozen=True, slots=True)
class LogHead:
    """What a log says of itself."""

    chain: str
    "Its id, random, made when it began."
    position: int
    "Of its last record; 0 for none."
    hash: bytes
    unused: int | None = None
    "How many row numbers the database has given out after that of its last row; None where it counts none."
    elsewhere: str | None = None
    "When the newest turn that its other tables hold ended, RFC 3339; None for none."
    first: int = 1
    "The position that it begins with, if it is an export of a range."
    prev: bytes = canonical.BEFORE_THE_FIRST
    "The hash of the record before that."


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification found, and what it proved."""

    chain: str
    records: int
    start: Start
    first: int | None
    "The position of the first record; None for an empty log."
    last: int | None
    findings: tuple[ChainFinding, ...]
    irregular: int
    "How many records do not follow from the one before."
    agreed: tuple[Checkpoint, ...]
    "The checkpoints that agree with the log, by position."
    foreign: int
    "How many checkpoints are of other logs."
    outside: int
    "How many checkpoints are of records before those that were looked at, or after them in an export of a range."

    @property
    def whole(self) -> bool:
        """Return whether nothing speaks against the log."""
        return not self.findings

    @property
    def uncovered(self) -> int:
        """Return how many records at the end no checkpoint covers yet."""
        last = self.last or 0
        return last - max((one.position for one in self.agreed), default=(self.first or 1) - 1)

    def as_json(self) -> dict[str, Any]:
        """Return it for a script."""
        covered = self.agreed[-1] if self.agreed else None
        return {
            "chain": self.chain,
            "whole": self.whole,
            "records": self.records,
            "start": str(self.start),
            "first": self.first,
            "last": self.last,
            "checkpoints": len(self.agreed),
            "checkpoints_of_other_logs": self.foreign,
            "checkpoints_outside": self.outside,
            "covered_until": None if covered is None else {"position": covered.position, "at": covered.at},
            "uncovered": self.uncovered,
            "irregular": self.irregular,
            "findings": [one.as_json() for one in self.findings],
        }


@dataclass(slots=True)
class ChainVerifier:
    """Takes the records of one log in order, and says in the end what was found."""

    head: LogHead
    checkpoints: Sequence[Checkpoint] = ()
    "Signed by a trusted key; those of other logs are counted only."
    seals: Sequence[Seal] = ()
    records: int = 0
    _start: Start = Start.EMPTY
    _first: int | None = None
    _position: int = 0
    _hash: bytes = canonical.BEFORE_THE_FIRST
    _last: Link | None = None
    _irregular: list[Irregular] = field(default_factory=list)
    _irregulars: int = 0
    _met: dict[int, Link] = field(default_factory=dict)

    def feed(self, links: Iterable[Link]) -> None:
        """Take the next records."""
        wanted = {one.position for one in self.checkpoints} - self._met.keys()
        position, last, hash_of = self._position, self._hash, canonical.hash_of
        for link in links:
            if self._first is None:
                position, last = self._begin(link)
            self.records += 1
            at, prev, stated, digest, _, _ = link
            position += 1
            try:
                fits = at == position and prev == last and digest is not None and hash_of(at, prev, digest) == stated
            except ValueError:
                fits = False
            if not fits:
                self._note(Irregular(link, position, last, begins=self.records == 1))
                position = at
            last = stated
            if at in wanted:
                self._met[at] = link
            self._last = link
        self._position, self._hash = position, last

    def report(self, *, also: Sequence[ChainFinding] = ()) -> ChainReport:
        """Return what was found; `also` is what was found elsewhere, such as in the table of people."""
        broken = diagnose(self._irregular)
        ours = [one for one in self.checkpoints if one.chain == self.head.chain]
        renumbered = any(one.fits[0] in _RENUMBERS for one in broken)
        ends = [] if renumbered else self._at_the_end()
        agreed, against, outside = self._held_against(ours, truncated=any(map(_is_truncation, ends)))
        if broken:
            against = []
        elif ends and against and ends[0].fits[0] is Tampering.REPLACE:
            ends, against = (ends, []) if against[0].last == self._position else ([], against)
        return ChainReport(
            chain=self.head.chain,
            records=self.records,
            start=self._start,
            first=self._first,
            last=self._position if self._first is not None else None,
            findings=tuple(
                sorted([*broken, *ends, *against, *also], key=lambda one: (one.position == 0, one.position))
            ),
            irregular=self._irregulars,
            agreed=tuple(agreed),
            foreign=len(self.checkpoints) - len(ours),
            outside=outside,
        )

    def _begin(self, link: Link) -> tuple[int, bytes]:
        """Look at how the log begins; return the position and hash that its first record must follow."""
        self._first = link.position
        head = self.head
        start = head.first - 1, head.prev
        before = link.position - 1, link.prev
        if link.position <= head.first or start == before:
            self._start = Start.FIRST if head.first == 1 else Start.RANGE
            return start
        if any((one.position, one.hash, one.chain) == (*before, head.chain) for one in self.seals):
            self._start = Start.SEAL
            return before
        self._start = Start.CUT
        return start

    def _note(self, irregular: Irregular) -> None:
        self._irregulars += 1
        if len(self._irregular) < KEPT:
            self._irregular.append(irregular)

    def _at_the_end(self) -> list[ChainFinding]:
        """Hold the last record against what the log says of its own end."""
        head, position = self.head, self._position
        if self._first is None:
            position, self._hash = head.first - 1, head.prev
        if head.position > position:
            says = f"the log says that it ends with record {head.position}, but {_ends(position)}"
            return [ChainFinding(position + 1, head.position, (Tampering.TRUNCATE,), says)]
        if head.position < position:
            says = f"the log says that it ends with record {head.position}, but it goes on to {position}"
            return [ChainFinding(head.position + 1, position, (Tampering.INSERT,), says)]
        if position and head.hash != self._hash:
            says = f"the log says that its last record, {position}, has another hash"
            return [ChainFinding(position, position, (Tampering.REPLACE, Tampering.EDIT, Tampering.REWRITE), says)]
        return []

    def _held_against(
        self, checkpoints: Sequence[Checkpoint], *, truncated: bool
    ) -> tuple[list[Checkpoint], list[ChainFinding], int]:
        """Return the checkpoints that agree, what the others find, and how many lie outside what was looked at."""
        agreed: list[Checkpoint] = []
        against: list[ChainFinding] = []
        outside = 0
        is_range = self._start is Start.RANGE or self.head.first > 1
        for one in sorted(checkpoints, key=lambda one: (one.position, one.at)):
            if self._first is not None and one.position < self._first:
                outside += 1
            elif one.position > self._position:
                outside += is_range
                if not (is_range or truncated or against):
                    against.append(self._beyond(one))
            elif one.position in self._met and self._met[one.position].hash == one.hash:
                agreed.append(one)
            elif not against:
                against.append(self._contradicted(one, agreed))
        return agreed, against, outside

    def _beyond(self, one: Checkpoint) -> ChainFinding:
        """Explain that the log ends before a checkpoint of it."""
        head, missing = self.head, one.position - self._position
        says = f"a checkpoint of {one.at} saw record {one.position}, but {_ends(self._position)}"
        fits: tuple[Tampering, ...] = (Tampering.RESTORED, Tampering.TRUNCATE)
        if head.unused is not None and head.unused >= missing:
            fits = (Tampering.TRUNCATE,)
            says += f"; the database has given out {head.unused} more row numbers than it has rows for"
        elif head.elsewhere is not None and head.elsewhere > (_time(self._last) if self._last else ""):
            fits = (Tampering.TRUNCATE, Tampering.RESTORED)
            says += f"; its other tables hold a turn that ended later, at {head.elsewhere}"
        else:
            says += "; nothing else in the database is newer"
        return ChainFinding(self._position + 1, one.position, fits, says)

    def _contradicted(self, one: Checkpoint, agreed: Sequence[Checkpoint]) -> ChainFinding:
        """Explain that a record has another hash than a checkpoint of it."""
        first = agreed[-1].position + 1 if agreed else self._first or 1
        says = f"record {one.position} has another hash than a checkpoint of {one.at} saw"
        says += f"; the checkpoint of record {agreed[-1].position} still agrees" if agreed else ""
        met = self._met.get(one.position)
        if met is not None and _time(met) > one.at:
            says += f"; the record is of {_time(met)}, after that checkpoint, so the log was set back and written on"
            return ChainFinding(first, one.position, (Tampering.RESTORED, Tampering.TRUNCATE), says)
        return ChainFinding(first, one.position, (Tampering.REWRITE,), says)


_RENUMBERS = frozenset({Tampering.MERGED, Tampering.INSERT, Tampering.DELETE, Tampering.CUT_HEAD})
"What changes the number of the last record, so that it says nothing more."


def _is_truncation(finding: ChainFinding) -> bool:
    return Tampering.TRUNCATE in finding.fits


def _ends(position: int) -> str:
    return f"it ends with {position}" if position else "it is empty"


def _time(link: Link) -> str:
    """Return the time that a record says, RFC 3339 in UTC; empty if it says none."""
    try:
        said = json.loads(link.text or b"{}").get("at")
    except (ValueError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""


def verify(verifier: ChainVerifier, batches: Iterable[Iterable[Link]]) -> ChainReport:
    """Feed batches of records to a verifier, and return its report."""
    for batch in batches:
        verifier.feed(batch)
    return verifier.report()
