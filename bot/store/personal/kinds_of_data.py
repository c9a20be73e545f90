"""What the inventory says of a table: which columns hold what of people, and how long. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kept(StrEnum):
    """How long a table keeps personal data."""

    CARD = "by the card"
    "Words go when their ticket has been at rest for the days of its agent's card; ids stay until the person is erased."
    ERASED = "until erased"
    "Until the person is erased."
    SHORT = "for a short time"
    "Upkeep deletes its rows within hours or days."
    DIRECTORY = "by the organisation"
    "The local directory is the organisation's own; what Deskhand adds to it is the Slack id of an account's owner."
    AUDIT = "for ever, without a name"
    "Rows name a person by a reference that means nothing once they are erased."
    NOTHING = "nothing"
    "It holds nothing of any person."


class DataKind(StrEnum):
    """What a column holds of a person."""

    PERSON = "person"
    "Slack user ids, alone or with something around them."
    ACCOUNT = "account"
    "The id or the address of an account in the directory."
    PLACE = "place"
    "What leads to a conversation or a message in Slack."
    WORDS = "words"
    "What people wrote, or what was written about them."
    MENTION = "mention"
    "Ids that may be a person's among others that are none: channels, budget keys, names of messages."
    PROOF = "proof"
    "It proves who somebody is; it is never exported."
    DIRECTORY = "directory"
    "The organisation's record of an account."
    REFERENCE = "reference"
    "What names a person only together with a row of their own, which erasing deletes."


@dataclass(frozen=True, slots=True)
class TableData:
    """The inventory's entry of one table. The columns of each kind are one text, with blanks between."""

    kept: Kept = Kept.NOTHING
    free: str = ""
    "Columns without personal data."
    person: str = ""
    account: str = ""
    place: str = ""
    words: str = ""
    mention: str = ""
    proof: str = ""
    directory: str = ""
    reference: str = ""
    of: str = ""
    "The column by which a row belongs to a ticket: `ticket_id`, `turn_id`, `handoff_id`, `approval_id`, or its `id`."
    owner: str = ""
    "The column with the one person whom a row is about; erasing them deletes the row."
    authors: Mapping[str, str] = field(default_factory=dict)
    "Columns by the column with their author: they are emptied in whoever's ticket they are."
    keeps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    "Keys of JSON that are no words, by column; a key with `=` at its end stays, but loses its value."
    unique: str = ""
    "Columns of which no two rows may have the same value."

    def columns(self) -> dict[str, DataKind | None]:
        """Return what each column holds; None: nothing of a person."""
        held: dict[str, DataKind | None] = dict.fromkeys(self.free.split())
        for kind in DataKind:
            held |= dict.fromkeys(str(getattr(self, kind)).split(), kind)
        return held

    def of_kind(self, *kinds: DataKind) -> tuple[str, ...]:
        """Return the columns that hold one of these."""
        return tuple(name for name, kind in self.columns().items() if kind in kinds)
