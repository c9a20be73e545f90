"""What a person gets with a handoff beside its rows: one value, kept as JSON on the handoff.

It is made when a handoff is opened, and replaced (`dataclasses.replace`) when something is learned later. Invariant:
what an earlier build has stored can be read: a field that it did not know has its default, and a field that this build
does not know is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator


@dataclass(frozen=True, slots=True)
class EndingRaise:
    """The raise of a budget after which the agent went on with an unclaimed handoff."""

    by: str
    "Slack user id of the budget's owner."
    review: int
    "Id of the review in which they raised it."


@dataclass(frozen=True, slots=True)
class SurgeFacts:
    """The surge whose parent a handoff is, as its card shows it."""

    id: int
    cause: str
    "A `SurgeCause`."
    people: int
    "How many people are affected."


@dataclass(frozen=True, slots=True)
class HandoffContext:
    """What is known when a handoff is opened, and what has been shown of it."""

    tried: tuple[tuple[str, str], ...] = ()
    "Each tool that was called for the ticket, with what it returned in words; in order."
    went_through: tuple[str, ...] = ()
    "Tools that succeeded in the turn that ended with this handoff: the requester has not been told."
    account: str | None = None
    "Status of the requester's account in the directory."
    account_reason: str | None = None
    "Why the account has that status, in the directory's words."
    barred: str | None = None
    "Why only a person may change the account; None: the agent may."
    accounts: int | None = None
    "Number of directory accounts that match the requester; None: they were not looked up."
    of_account: bool = True
    "The agent works on accounts, so the account's status is of use to a person."
    cost_nusd: int = 0
    "What the ticket had cost when the handoff was opened."
    calls: int = 0
    "Number of model calls that were paid for."
    before: tuple[str, str, str] | None = None
    "How the handoff before this one ended: resolved or returned, by whom, and in their words."
    zone: str | None = None
    "Name of the requester's time zone."
    link: str | None = None
    "Permanent link to the requester's thread."
    withheld: bool = False
    "The request was made in private and others can read the queue channel, so its words are not shown there."
    notice: str | None = None
    "What the requester was told; it is updated, with its button or without, when the handoff moves."
    footers: tuple[str, ...] = ()
    "What the requester reads in small print below the notice."
    transcript: tuple[tuple[str, int], ...] = ()
    "The rows of the transcript: each its table (`InboxEvent` or `Message`) and its id."
    raised: EndingRaise | None = None
    "Set when the handoff ended because a budget was raised."
    surge: SurgeFacts | None = None
    "Set on the parent of a surge."
    proposed_by: str | None = None
    "Slack user id of who has proposed it as an evaluation case."
    fell_back: bool = False
    "Its card could not be posted in the queue channel and went to the agent's owner instead."

    def to_json(self) -> dict[str, Any]:
        """Return the context as its row stores it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return what a row holds, whichever build wrote it."""
        known = {one.name: stored[one.name] for one in fields(cls) if stored.get(one.name) is not None}
        read: dict[str, Any] = {name: _READ[name](value) for name, value in known.items() if name in _READ}
        return cls(**(known | read))


class HandoffContextJson(TypeDecorator[HandoffContext]):
    """Stores a context as JSON."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: HandoffContext | None, _dialect: Dialect) -> dict[str, Any] | None:
        """Return the JSON that is stored."""
        return None if value is None else value.to_json()

    def process_result_value(self, value: dict[str, Any] | None, _dialect: Dialect) -> HandoffContext | None:
        """Return the context that was stored."""
        return None if value is None else HandoffContext.from_json(value)


def _pairs(value: Any) -> tuple[tuple[Any, Any], ...]:
    return tuple((first, second) for first, second in value)


_READ: dict[str, Callable[[Any], Any]] = {
    "tried": _pairs,
    "went_through": tuple,
    "before": tuple,
    "withheld": bool,  # "yes" in rows of the first builds
    "footers": tuple,
    "transcript": _pairs,
    "raised": lambda kept: EndingRaise(kept["by"], kept["review"]),
    "surge": lambda kept: SurgeFacts(kept["id"], kept["cause"], kept["people"]),
}
"How the JSON of a field becomes its value; a field that is not listed is stored as it is."
