"""What is drafted of an evaluation case, as a person edits it in a form: texts, kept as JSON on its proposal.

Invariant: what an earlier build has stored can be read; a field that it did not know has its default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A case as a form shows it: nothing in it is known to be right."""

    id: str = ""
    slice: str = ""
    "The name of the file that it belongs into; empty: nobody has chosen one yet."
    where: str = "dm"
    "`dm` or `channel`."
    says: str = ""
    "The messages, with a line `---` between two; one that begins with `colleague:` is a colleague's note."
    accounts: str = ""
    "The directory, as YAML."
    outcome: str = "handoff"
    "`reply` or `handoff`."
    reasons: tuple[str, ...] = ()
    "The right reasons for a handoff."
    ticket: str = "handed_off"
    "The state that the ticket must be in."
    category: str = "none"
    ran: tuple[str, ...] = ()
    "Tools that must have run."
    not_ran: tuple[str, ...] = ()
    "Tools that must not have been called."
    more: str = ""
    "What else must hold (`writes`, `directory`, `never_said`, `never_kept`), as YAML."
    why: str = ""
    "Why it is a case, for whoever reads the file."

    def to_json(self) -> dict[str, Any]:
        """Return the draft as its row stores it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return what a row holds, whichever build wrote it."""
        known: dict[str, Any] = {one.name: stored[one.name] for one in fields(cls) if stored.get(one.name) is not None}
        read: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in known.items()}
        return cls(**read)


class CaseDraftJson(TypeDecorator[CaseDraft]):
    """Stores a draft as JSON."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: CaseDraft | None, _dialect: Dialect) -> dict[str, Any] | None:
        """Return the JSON that is stored."""
        return None if value is None else value.to_json()

    def process_result_value(self, value: dict[str, Any] | None, _dialect: Dialect) -> CaseDraft | None:
        """Return the draft that was stored."""
        return None if value is None else CaseDraft.from_json(value)
