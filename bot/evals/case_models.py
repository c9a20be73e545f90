"""What a case is: the situation, what is said, and what must be true afterwards.

A case speaks of the outcome and of the state, never of the wording. Whatever it does not mention must not have changed.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.directory.local import ACTIONS, AccountSeed
from bot.principals import AccountStatus, Reason
from bot.store.schema import TicketState, TurnOutcome
from bot.tools import control, directory  # noqa: F401 - registers the tools
from bot.tools.registry import REGISTRY

DOMAIN = "northwind.example"
REQUESTER = f"kim@{DOMAIN}"


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


def _tool(name: str) -> str:
    if name not in REGISTRY:
        raise ValueError(f"no such tool: {name}")
    return name


def _write(name: str) -> str:
    known = sorted(ACTIONS)
    if name not in known:
        raise ValueError(f"no such write: {name}; known: {', '.join(known)}")
    return name


def _tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _single(value: object) -> object:
    return (value,) if isinstance(value, Mapping) else value


def _message(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


def _change(value: object) -> object:
    return {"status": value} if isinstance(value, str) else value


def _accounts(value: object) -> object:
    """Fill in the fields that every account has and that a case leaves out."""
    if not isinstance(value, Mapping):
        return value
    return {
        key: {"id": key, "email": f"{key}@{DOMAIN}", "name": str(key).title(), "status": "active", **(given or {})}
        if isinstance(given, Mapping | None)
        else given
        for key, given in value.items()
    }


Pattern = Annotated[str, AfterValidator(_regex)]
"A regular expression, searched without regard to case."
ToolName = Annotated[str, AfterValidator(_tool)]
Action = Annotated[str, AfterValidator(_write)]
Category = str
"A category that the agent's card lets it choose, or `none`."
Account = str
"The id of an account of the case."


class CasePart(BaseModel):
    """A part of a case: frozen, and it accepts no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountChange(CasePart):
    """A change to an account from outside; a file may give just its new state."""

    status: AccountStatus
    lock_reason: str | None = None


class CaseMessage(CasePart):
    """One message of the requester, which a file may give as a plain string, or a colleague's note.

    The colleague claims the handoff that is open by then, and gives it back with the note.
    """

    by: Literal["requester", "colleague"] = "requester"
    text: str
    files: tuple[str, ...] = ()
    "Names of attachments."
    meanwhile: dict[Account, Annotated[AccountChange, BeforeValidator(_change)]] = {}
    "Changes in the directory from outside, made right before the message."

    @model_validator(mode="after")
    def _note_is_text(self) -> Self:
        if self.by == "colleague" and self.files:
            raise ValueError("files: a colleague's note has none")
        return self


class Expect(CasePart):
    """One right ending: what must be true after the last message was answered."""

    outcome: Literal["reply", "handoff"]
    reasons: tuple[Reason, ...] = ()
    "The right reasons for a handoff."
    ticket: Annotated[tuple[TicketState, ...], BeforeValidator(_tuple)] = (TicketState.HANDED_OFF,)
    "States that the ticket may be in."
    category: Annotated[tuple[Category, ...], BeforeValidator(_tuple)] = ("none",)
    "Categories that it may be resolved as; `none` is no resolution."
    directory: dict[Account, AccountStatus] = {}
    "Account states that changed; every other account must be as it was."
    writes: dict[Account, tuple[Action, ...]] = {}
    "Changes made through the directory, in order; every other account must have none."
    ran: tuple[ToolName, ...] = ()
    "Tools that must have run successfully."
    not_ran: tuple[ToolName, ...] = ()
    "Tools that must not have been called."
    never_said: tuple[Pattern, ...] = ()
    "Patterns that must be in no answer to the requester."
    never_kept: tuple[Pattern, ...] = ()
    "Patterns that must be nowhere in the database afterwards: messages, journal, handoff."

    @model_validator(mode="after")
    def _whole(self) -> Self:
        handed = TurnOutcome(self.outcome) is TurnOutcome.HANDOFF
        if handed != bool(self.reasons):
            raise ValueError("reasons: a handoff names the reasons that are right, a reply has none")
        if any(handed != (state is TicketState.HANDED_OFF) for state in self.ticket):
            raise ValueError("ticket: handed_off after a handoff; open or resolved after a reply")
        return self


class Case(CasePart):
    """One request that people make, and what must come of it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    slice: str
    hard: bool
    "Whether one failure in its slice blocks a release."
    where: Literal["dm", "channel"] = "dm"
    requester: str = REQUESTER
    "E-mail address of the person who writes; it binds them to the accounts that have it."
    accounts: Annotated[dict[Account, AccountSeed], BeforeValidator(_accounts)] = {}
    "The accounts of the directory: the requester's and others'."
    says: tuple[Annotated[CaseMessage, BeforeValidator(_message)], ...] = Field(min_length=1)
    "Each message follows the agent's answer to the one before; the requester speaks first."
    expect: Annotated[tuple[Expect, ...], BeforeValidator(_single)] = Field(min_length=1)
    "More than one only where people would also differ."

    @model_validator(mode="after")
    def _requester_first(self) -> Self:
        if self.says[0].by != "requester":
            raise ValueError("says.0: the requester speaks first, there is nothing to give back yet")
        return self

    @cached_property
    def sha(self) -> str:
        """Return the SHA-256 of what the case holds; results of two runs are compared only where it is the same."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
