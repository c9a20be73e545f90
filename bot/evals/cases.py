"""The cases of a suite: `config/agents/<name>/evals/*.yaml`, one slice per file.

A case says what the situation is, what is said, and what must be true afterwards: of the outcome and of the state,
never of the wording. Whatever it does not mention must not have changed. A wrong file is refused, with its name, the
case and the field. `coverage.yaml` says how many cases a verdict needs of each slice.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from bot import yaml_text
from bot.agent.card import Agent, Card
from bot.agent.categories import NONE, chosen_by
from bot.directory.local import ACTIONS, AccountSeed
from bot.errors import ConfigError
from bot.principals import AccountStatus, Reason
from bot.store.schema import TicketState, TurnOutcome
from bot.tools import control, directory  # noqa: F401 - registers the tools
from bot.tools.registry import REGISTRY

CODE = ("cases.py", "stage.py", "scorers.py", "gate.py", "runner.py")
"The code that decides a verdict, besides the cases."
COVERAGE = "coverage.yaml"
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

    @model_validator(mode="after")
    def _known_accounts(self) -> Self:
        named = {key for message in self.says for key in message.meanwhile}
        named.update(key for end in self.expect for key in (*end.directory, *end.writes))
        strangers = sorted(named - set(self.accounts))
        if strangers:
            raise ValueError(f"expect, says: no such account: {', '.join(strangers)}")
        return self


class _File(CasePart):
    hard: bool
    fixtures: dict[str, Any] = {}
    "Holds YAML anchors that cases use."
    cases: tuple[dict[str, Any], ...] = Field(min_length=1)


_Coverage = TypeAdapter(Annotated[dict[str, Annotated[int, Field(strict=True, ge=1)]], Field(min_length=1)])
"The least number of cases, by slice."


@dataclass(frozen=True, slots=True)
class Suite:
    """All cases of an agent."""

    cases: tuple[Case, ...]
    fingerprint: str
    "SHA-256 of the case files and the code that plays and scores them; a verdict is valid only for it."


def load(agent: Agent) -> Suite:
    """Read the suite of an agent from `evals/` in its folder.

    Raises:
        ConfigError: a file is wrong, two cases share an id, there is no case, a slice has too few, or a case expects
                something that the agent's card does not have.
    """
    folder = agent.folder
    manifest = folder / "evals" / COVERAGE
    files = sorted(set((folder / "evals").glob("*.yaml")) - {manifest})
    if not files:
        raise ConfigError(f"{folder / 'evals'}: no case; expected <slice>.yaml")
    cases: dict[str, Case] = {}
    for file in files:
        for case in _read(file):
            if case.id in cases:
                raise ConfigError(f"{file}: {case.id}: id: taken by a case of {cases[case.id].slice}.yaml")
            for field, why in _unknown_to(agent.card, case):
                raise ConfigError(f"{file}: {case.id}: {field}: {why}")
            cases[case.id] = case
    played = Counter(case.slice for case in cases.values())
    for name, wanted in _manifest(manifest).items():
        if played[name] < wanted:
            raise ConfigError(f"{manifest}: {name}: {played[name]} of at least {wanted} cases are there")
    return Suite(tuple(cases.values()), _fingerprint([*files, manifest]))


def _unknown_to(agent: Card, case: Case) -> Iterator[tuple[str, str]]:
    """Yield each expectation of a case that the agent can never meet: field and reason."""
    categories = (*chosen_by("agent", agent.categories), NONE)
    for number, end in enumerate(case.expect):
        if unknown := sorted(set(end.category) - set(categories)):
            yield f"expect.{number}.category", f"no such category: {unknown[0]}; known: {', '.join(categories)}"
        if unknown := sorted(set(end.ran) - set(agent.tools)):
            yield f"expect.{number}.ran", f"{unknown[0]} is no tool of this agent; it has {', '.join(agent.tools)}"


def _manifest(file: Path) -> dict[str, int]:
    if not file.exists():
        raise ConfigError(f"{file}: is missing; it says how many cases each slice has at the least")
    try:
        return _Coverage.validate_python(_yaml(file))
    except ValidationError as error:
        raise ConfigError(_wrong(str(file), error)) from error


def _read(file: Path) -> Iterator[Case]:
    try:
        content = _File.model_validate(_yaml(file))
    except ValidationError as error:
        raise ConfigError(_wrong(str(file), error)) from error
    for number, given in enumerate(content.cases, start=1):
        try:
            yield Case.model_validate({**given, "slice": file.stem, "hard": content.hard})
        except ValidationError as error:
            raise ConfigError(_wrong(f"{file}: {given.get('id', f'case {number}')}", error)) from error


def _yaml(file: Path) -> object:
    try:
        return yaml_text.load(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:  # an impossible date is a ValueError
        raise ConfigError(f"{file}: not YAML: {error}") from error


def _wrong(where: str, error: ValidationError) -> str:
    told = ((".".join(str(part) for part in one["loc"]) or "case", one["msg"]) for one in error.errors())
    return "\n".join(f"{where}: {field}: {message}" for field, message in told)


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in (*files, *(Path(__file__).parent / name for name in CODE)):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
