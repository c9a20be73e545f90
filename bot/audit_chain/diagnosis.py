"""What was done to a log, by the records that do not follow from the one before: every rule names its evidence.

A record's hash covers its position, the hash of the record before, and the record. So each record that was moved still
tells where it belongs, and each that was changed still tells what its hash was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.audit_chain import canonical
from bot.audit_chain.tampering import ChainFinding, Link, Tampering

COMPARED = 100
"The most irregular records that are compared with each other."
SHIFTED = 64
"A record that was renumbered is recognised if its number was changed by at most this."


def follows(link: Link, position: int, prev: bytes, digest: bytes | None = None) -> bool:
    """Return whether a record's stored hash is that of a position, a predecessor and a digest (its own by default)."""
    digest = link.digest if digest is None else digest
    try:
        return digest is not None and canonical.hash_of(position, prev, digest) == link.hash
    except ValueError:  # no chain has such a position or hash
        return False


@dataclass(frozen=True, slots=True)
class Irregular:
    """A record that does not follow from the one before it."""

    link: Link
    expected: int
    "The position after the one before."
    before: bytes
    "The stored hash of the one before."
    begins: bool = False
    "Whether it is the first record of the log."

    @property
    def own(self) -> bool:
        """Return whether its hash fits all that it says of itself."""
        return follows(self.link, self.link.position, self.link.prev)

    @property
    def linked(self) -> bool:
        """Return whether it names the record before it."""
        return self.link.prev == self.before

    def shift(self) -> int:
        """Return by how much its position was changed after its hash was made; 0 if it was not."""
        if self.link.digest is None or self.own:
            return 0
        by = (one for step in range(1, SHIFTED + 1) for one in (step, -step))
        return next((one for one in by if follows(self.link, self.link.position + one, self.link.prev)), 0)


def diagnose(found: Sequence[Irregular]) -> list[ChainFinding]:
    """Return what explains the irregular records of a log, by position; each record is explained once."""
    if merged := _merged(found):
        return [merged]
    case = _Case(found)
    case.look_for_swaps()
    case.look_one_by_one()
    return sorted(case.findings, key=lambda one: one.position)


def _merged(found: Sequence[Irregular]) -> ChainFinding | None:
    """Return the finding that a second chain begins within the log, if a second record is the first of its chain."""
    if found and found[0].begins:
        return None  # what is the first of its chain further on may be the first of this one, moved
    for one in found:
        zero = canonical.BEFORE_THE_FIRST
        if one.link.prev == zero and follows(one.link, 1, zero):
            first = found[0]
            says = f"record {one.link.position} is the first of another log, which was put into this one"
            return _finding(first, min(first.expected, first.link.position), one.link.position, says, Tampering.MERGED)
    return None


class _Case:
    """The irregular records of one log, and which of them are explained by now."""

    def __init__(self, found: Sequence[Irregular]) -> None:
        self.found = found
        self.explained: set[int] = set()
        self.findings: list[ChainFinding] = []

    def look_for_swaps(self) -> None:
        """Find records that are in each other's places: their contents, their whole rows, or their lines."""
        some = list(enumerate(self.found[:COMPARED]))
        for index, one in some:
            for other_index, other in some[index + 1 :]:
                if {index, other_index} & self.explained:
                    continue
                if _contents_swapped(one.link, other.link) or _rows_swapped(one.link, other.link):
                    first, last = sorted((one.link.position, other.link.position))
                    says = f"records {first} and {last} are in each other's places"
                    self._explain(_finding(one, first, last, says, Tampering.SWAP), {index, other_index})
                    self._explain_followers({first + 1, last + 1})
                elif self._lines_swapped(one, other):
                    says = f"records {one.expected} and {one.link.position} are in each other's places"
                    self._explain(
                        _finding(one, one.expected, one.link.position, says, Tampering.SWAP),
                        set(range(index, other_index + 1)),
                    )
                    self._explain_followers({one.link.position + 1})

    def look_one_by_one(self) -> None:
        """Explain what is left, in the order of the log."""
        for index, one in enumerate(self.found):
            if index in self.explained:
                continue
            finding, explained = self._one(index, one)
            self._explain(finding, {index, *explained})

    def _one(self, index: int, one: Irregular) -> tuple[ChainFinding, set[int]]:
        link = one.link
        if link.digest is None:
            says = f"record {link.position} is missing, and its place in the chain is still there"
            return _finding(one, link.position, link.position, says, Tampering.DELETE), set()
        if beside := self._beside(index, one):
            return beside
        if link.position != one.expected and follows(link, one.expected, link.prev):
            says = f"record {one.expected} has the number {link.position}"
            return _finding(one, one.expected, one.expected, says, Tampering.EDIT), {index + 1}
        if shift := one.shift():
            return self._renumbered(one, shift), self._shifted(index, shift)
        if inserted := self._inserted(index, one):
            return inserted
        return self._unlinked(one) if one.own else self._edited(index, one)

    def _unlinked(self, one: Irregular) -> tuple[ChainFinding, set[int]]:
        """Explain a record whose hash fits it, and that names another one before it."""
        link = one.link
        if link.position > one.expected:
            last = link.position - 1
            if one.begins:
                says = f"the log begins with record {link.position}, and no seal says that those before were removed"
                return _finding(one, one.expected, last, says, Tampering.CUT_HEAD), set()
            says = f"{_records(one.expected, last)} missing between {one.expected - 1} and {link.position}"
            return _finding(one, one.expected, last, says, Tampering.DELETE), set()
        says = (
            f"record {link.position} names another record before it than the one at {one.expected - 1}, whose own hash "
            "fits it"
        )
        return _finding(one, one.expected - 1, one.expected - 1, says, Tampering.REPLACE, Tampering.EDIT), set()

    def _edited(self, index: int, one: Irregular) -> tuple[ChainFinding, set[int]]:
        """Explain a record whose hash does not fit it."""
        link, position = one.link, one.link.position
        if not one.linked and follows(link, position, one.before):
            says = f"record {position} names another record before it than it did"
            return _finding(one, position, position, says, Tampering.EDIT), set()
        after = self.found[index + 1] if index + 1 < len(self.found) else None
        if after is not None and after.expected == position + 1 and after.own and not after.linked:
            if link.digest and len(link.prev) == len(link.digest) == canonical.HASH_BYTES:
                hash_of_it = canonical.hash_of(position, link.prev, link.digest) if position > 0 else b""
                if after.link.prev == hash_of_it:
                    says = f"record {position} has another hash than it had, by the record after it"
                    return _finding(one, position, position, says, Tampering.EDIT), {index + 1}
            says = f"neither record {position} nor its hash is what it was, by the record after it"
            return _finding(one, position, position, says, Tampering.REPLACE, Tampering.EDIT), {index + 1}
        says = f"record {position} is not what its hash says"
        return _finding(one, position, position, says, Tampering.EDIT, Tampering.REPLACE), set()

    def _renumbered(self, one: Irregular, shift: int) -> ChainFinding:
        position = one.link.position
        if shift < 0:
            first, last = position + shift, position - 1
            says = f"{_records(first, last, 'was', 'were')} put in, and those after it have other numbers than they had"
            return _finding(one, first, last, says, Tampering.INSERT)
        first, last = position, position + shift - 1
        kind = Tampering.CUT_HEAD if one.begins else Tampering.DELETE
        says = f"{_records(first, last)} missing, and those after have other numbers than they had"
        return _finding(one, first, last, says, kind)

    def _beside(self, index: int, one: Irregular) -> tuple[ChainFinding, set[int]] | None:
        """Explain a record that comes before the one in whose place it is."""
        for offset, other in enumerate(self.found[index + 1 : index + 1 + SHIFTED], start=index + 1):
            if other.link.digest is not None and other.link.position == one.expected and other.expected != one.expected:
                says = f"between {one.expected - 1} and {one.expected} there is a record that nothing names"
                return _finding(one, one.expected, one.expected, says, Tampering.INSERT), set(range(index, offset + 1))
        return None

    def _inserted(self, index: int, one: Irregular) -> tuple[ChainFinding, set[int]] | None:
        """Explain a record that has the number of another, or that only renumbering made room for."""
        position = one.link.position
        for offset, other in enumerate(self.found[index + 1 : index + 1 + SHIFTED], start=index + 1):
            shift = other.shift()
            if shift < 0 and other.link.position + shift == position:
                return self._renumbered(other, shift), set(range(index, offset)) | self._shifted(offset, shift)
        if position < one.expected:
            says = f"record {position} is there twice"
            return _finding(one, position, position, says, Tampering.INSERT), set()
        return None

    def _lines_swapped(self, one: Irregular, other: Irregular) -> bool:
        if not (one.link.position > one.expected and other.link.position == one.expected and one.own and other.own):
            return False
        return one.link.prev == other.before or any(later.link.prev == one.link.hash for later in self.found)

    def _shifted(self, index: int, shift: int) -> set[int]:
        """Return the indices of the records from one on that were renumbered alike."""
        rest = range(index, len(self.found))
        links = [(at, self.found[at].link) for at in rest]
        return {at for at, link in links if follows(link, link.position + shift, link.prev)}

    def _explain_followers(self, positions: set[int]) -> None:
        """Mark the records that only name another one before them, because that one was moved."""
        self.explained |= {index for index, one in enumerate(self.found) if one.link.position in positions and one.own}

    def _explain(self, finding: ChainFinding, explained: set[int]) -> None:
        self.findings.append(finding)
        self.explained |= explained


def _contents_swapped(one: Link, other: Link) -> bool:
    if one.digest is None or other.digest is None or one.digest == other.digest:
        return False
    return follows(one, one.position, one.prev, other.digest) and follows(other, other.position, other.prev, one.digest)


def _rows_swapped(one: Link, other: Link) -> bool:
    if one.position == other.position:
        return False
    return follows(one, other.position, one.prev) and follows(other, one.position, other.prev)


def _records(first: int, last: int, one: str = "is", several: str = "are") -> str:
    return f"record {first} {one}" if first == last else f"records {first} to {last} {several}"


def _finding(one: Irregular, first: int, last: int, says: str, *fits: Tampering) -> ChainFinding:
    row = one.link.row if one.link.position == first else None
    return ChainFinding(first, last, fits, says, row)
