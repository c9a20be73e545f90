"""What a person gets with a ticket beside its rows: one value, kept as JSON on the handoff.

It is made whole where a handoff is opened, and another takes its place (`dataclasses.replace`) where something is
learned later. Invariant: what an earlier build has kept is read for good: a field that it did not know has its default,
and one that this build does not know is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator


@dataclass(frozen=True, slots=True)
class EndingRaise:
    """The raise of a budget by which the agent went on with what no one had claimed."""

    by: str
    "Slack user id of the budget's owner."
    review: int
    "The review in which they have raised it."


@dataclass(frozen=True, slots=True)
class HandoffContext:
    """What is known of a handoff when it is opened, and what of it has been shown."""

    tried: tuple[tuple[str, str], ...] = ()
    "Each tool that was called for the ticket and what it returned, in words; in order."
    went_through: tuple[str, ...] = ()
    "Tools that did their work in the turn that ended so: the requester has not been told of them."
    account: str | None = None
    "State of the requester's account, as the directory has it."
    account_reason: str | None = None
    "Why it is so, in the directory's words."
    barred: str | None = None
    "Why every change to the account is a person's work."
    accounts: int | None = None
    "How many directory accounts match the requester; None: nobody looked."
    of_account: bool = True
    "The agent works on accounts, so that the state of one tells a person something."
    cost_nusd: int = 0
    "What the ticket had cost by then."
    calls: int = 0
    "Model calls that were paid for."
    before: tuple[str, str, str] | None = None
    "What became of the handoff before this one: resolved or returned, by whom, and in their words."
    zone: str | None = None
    "Name of the requester's time zone."
    link: str | None = None
    "Permanent link to the requester's thread."
    withheld: bool = False
    "It was said in private and others read the queue channel, which shows none of it."
    notice: str | None = None
    "What the requester was told; it is told anew, with its button or without, when the handoff moves."
    footers: tuple[str, ...] = ()
    "What the requester reads in small print below the notice."
    transcript: tuple[tuple[str, int], ...] = ()
    "What the transcript is made of: the kind of row (`InboxEvent` or `Message`) and its number."
    raised: EndingRaise | None = None
    "Set when it ended by the raise of a budget."
    fell_back: bool = False
    "Its card could not be posted in the queue channel, and went to the agent's owner instead."

    def to_json(self) -> dict[str, Any]:
        """Return it as its row keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return what a row keeps, whichever build has written it."""
        known = {one.name: kept[one.name] for one in fields(cls) if kept.get(one.name) is not None}
        read: dict[str, Any] = {name: _READ[name](value) for name, value in known.items() if name in _READ}
        return cls(**(known | read))


class HandoffContextJson(TypeDecorator[HandoffContext]):
    """Keeps a context as JSON."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: HandoffContext | None, _dialect: Dialect) -> dict[str, Any] | None:
        """Return what goes in."""
        return None if value is None else value.to_json()

    def process_result_value(self, value: dict[str, Any] | None, _dialect: Dialect) -> HandoffContext | None:
        """Return what comes out."""
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
}
"How JSON becomes a value, where it is not one already."
