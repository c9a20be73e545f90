"""What can be done to an audit log behind the product's back, and what a verification says when it finds it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Tampering(StrEnum):
    """A way in which a log was changed."""

    EDIT = "edit"
    "A value of a record, or of its place in the chain, was changed."
    REPLACE = "replace"
    "Another record is in the place of one, with a hash of its own."
    DELETE = "delete"
    "Records are missing between others."
    INSERT = "insert"
    "Records were put in that the product did not write."
    SWAP = "swap"
    "Records are in each other's places."
    TRUNCATE = "truncate"
    "The last records are missing."
    CUT_HEAD = "cut_head"
    "The first records are missing, and no seal says so."
    REWRITE = "rewrite"
    "Records were changed, and all hashes after them recomputed."
    RESTORED = "restored_backup"
    "An older state of the whole database was put back."
    MERGED = "merged_chains"
    "Records of another log are in this one."
    EVIDENCE = "altered_evidence"
    "A checkpoint or seal was changed after it was signed, or two contradict each other."


class Link(NamedTuple):
    """One record at its position, as a log has it now."""

    position: int
    prev: bytes
    "The hash of the record before, as it is stored here."
    hash: bytes
    "The stored hash."
    digest: bytes | None
    "SHA-256 of the record as it is now; None: there is no record, or it cannot be read."
    text: bytes | None
    "The record's canonical bytes; None: see `digest`."
    row: int | None = None
    "`audit.seq`; None in an export."


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """One thing that is wrong with a log."""

    position: int
    "The first record that is bad, or missing."
    last: int
    "The last one that may be; the same as `position` where exactly one is meant."
    fits: tuple[Tampering, ...]
    "What may have been done, the likeliest first."
    says: str
    row: int | None = None
    "`audit.seq` of the first bad record, where it is known."

    def as_json(self) -> dict[str, object]:
        """Return it for a script."""
        return {
            "position": self.position,
            "last": self.last,
            "row": self.row,
            "fits": [str(one) for one in self.fits],
            "says": self.says,
        }
