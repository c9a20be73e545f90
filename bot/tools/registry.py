"""The tools by name.

A tool is a function with an `Args` model, a docstring that the model reads, an effect and a scope. A card names the
tools that its agent may use. `docs/how-to/add-a-tool.md` says how one is added.

No tool takes a person or an account from the model: the target is always the account bound to the verified requester,
which `ToolUse` holds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.directory.protocol import Directory
from bot.errors import ConfigError
from bot.principals import Account, Capability, Effect, SignIn

ACCOUNT_SCOPES = "account:"
"Prefix of the scopes of tools that act on the requester's account."


class Args(BaseModel):
    """The arguments of a tool; undeclared ones are refused."""

    model_config = ConfigDict(extra="forbid")


class NoArgs(Args):
    """The arguments of a tool that takes none from the model."""


class UntrustedSource(StrEnum):
    """Where a value comes from that nobody has verified."""

    MODEL = "model"
    "The model wrote it, after it had read what people and tools say."


@dataclass(frozen=True, slots=True)
class Taint:
    """An argument that holds free text, and the untrusted source of it."""

    argument: str
    source: UntrustedSource

    def __str__(self) -> str:
        """Return it as `source:argument`, as tokens and the audit log hold it."""
        return f"{self.source}:{self.argument}"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool, on the account that the policy bound."""

    directory: Directory
    bound: Account | None
    "The account as the policy saw it right before the call; None for a tool that needs no account."
    key: str
    "The idempotency key, the same for every attempt at this step."
    private: bool = False
    "True if only the requester reads the answer; otherwise facts of the account are withheld."
    barred: bool = True
    "True if every write to the account is left to a person; that person decides what to tell of the reasons."
    sign_ins: tuple[SignIn, ...] = ()
    "The sign-ins as the policy saw them, newest first."

    @property
    def account(self) -> Account:
        """Return the requester's one account, which the policy binds for every tool that acts on one."""
        if self.bound is None:
            raise TypeError("no account is bound: the card must list this tool in needs_account")
        return self.bound


Run = Callable[[ToolUse, Any], dict[str, Any]]
PlanOf = Callable[[Any, Account], tuple[str, ...]]
"Says in sentences what a call with these arguments would do to an account; empty when it would do nothing."


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A write that was made or may have been, as the directory is read back for it."""

    directory: Directory
    account: str
    "Id of the account."
    key: str
    "The idempotency key of the call."
    arguments: Any
    since: datetime
    "When the write was allowed, before it was made."


AsPromised = Callable[[WrittenCall], bool]
"Reads the directory and says whether it is as a write should have left it; it changes nothing."


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what the model reads of it, and what the policy asks about it."""

    name: str
    description: str
    args: type[Args]
    effect: Effect
    scope: str
    "The permission that the tool needs, such as `account:read`."
    needs_approval: bool
    run: Run | None
    "None for a control tool, which the loop itself carries out."
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    "The allowed values of arguments whose choices a card sets."
    needs: frozenset[Capability] = frozenset()
    "What the directory must be able to do; otherwise the tool is not offered to the model."
    plan_of: PlanOf | None = None
    "What a person reads who approves a call; None for a tool that always does the same."
    as_promised: AsPromised | None = None
    "How the effect of a write is read back; None for a tool that writes nothing."

    @property
    def acts_on_account(self) -> bool:
        """Return whether the tool's scope covers the requester's account."""
        return self.scope.startswith(ACCOUNT_SCOPES)

    @cache  # noqa: B019 - tools live as long as the process
    def schema(self) -> dict[str, Any]:
        """Return the strict tool definition that the model is given; callers must not change it."""
        shape, choices = self.args.model_json_schema(), dict(self.choices)
        fields = {name: _plain(field) for name, field in shape.get("properties", {}).items()}
        for name in choices.keys() & fields.keys():
            fields[name] = {**fields[name], "enum": list(choices[name])}
        return {
            "name": self.name,
            "description": self.description,
            "strict": True,
            "input_schema": {
                "type": "object",
                "properties": fields,
                "required": list(fields),
                "additionalProperties": False,
            },
        }

    def parse(self, arguments: dict[str, Any]) -> Args:
        """Check what the model gave.

        Raises:
            ValueError: an argument is wrong; the message is one sentence that tells the model which.
        """
        try:
            return self._chosen(self.args.model_validate(arguments))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors())
            raise ValueError(f"wrong arguments for {self.name}: {wrong}") from error

    @property
    def tainted(self) -> tuple[Taint, ...]:
        """Return the arguments whose values the model may choose freely, ordered by name.

        A boolean, a literal, an enum, or a choice of the card is no free text: whatever the model has read, it can only
        pick one of the values that we have written down.
        """
        closed = dict(self.choices)
        free = (name for name, field in self.args.model_fields.items() if not _is_closed(field.annotation))
        return tuple(Taint(name, UntrustedSource.MODEL) for name in sorted(free) if name not in closed)

    def _chosen(self, given: Args) -> Args:
        for name, known in self.choices:
            if getattr(given, name) not in known:
                raise ValueError(f"wrong arguments for {self.name}: {name}: expected one of {', '.join(known)}")
        return given


REGISTRY: dict[str, Tool] = {}
MISTAKES: list[str] = []
"What is wrong with tools that were declared and therefore are not registered: file, tool, and what to do."


def tool(
    *,
    effect: Effect,
    scope: str,
    args: type[Args] = NoArgs,
    needs_approval: bool = False,
    needs: Iterable[Capability] = (),
    plan_of: PlanOf | None = None,
    as_promised: AsPromised | None = None,
) -> Callable[[Run], Run]:
    """Declare a function as a tool: the model reads its name and its docstring."""

    def declare(run: Run) -> Run:
        described = " ".join((run.__doc__ or "").split())
        entry = Tool(run.__name__, described, args, effect, scope, needs_approval, run)
        add(replace(entry, needs=frozenset(needs), plan_of=plan_of, as_promised=as_promised))
        return run

    return declare


def add(entry: Tool) -> None:
    """Register a tool; a mistake in its declaration is kept for `refuse_mistakes`.

    Tools are declared while modules are imported, when no process can say yet in a sentence what is wrong.
    """
    wrong = None
    if entry.name in REGISTRY:
        wrong = f"{_file_of(REGISTRY[entry.name])} has a tool of this name, too; rename one of them"
    elif entry.effect is Effect.WRITE and entry.as_promised is None:
        wrong = "it writes and has no `as_promised`; give its decorator the function that reads its effect back"
    if wrong is None:
        REGISTRY[entry.name] = entry
    else:
        MISTAKES.append(f"{_file_of(entry)}: {entry.name}: {wrong} (docs/how-to/add-a-tool.md)")


def refuse_mistakes() -> None:
    """Refuse to go on with a tool that is declared wrong.

    Raises:
        ConfigError: another tool has the name of one, or one writes and does not say how its effect is read back.
    """
    if MISTAKES:
        raise ConfigError("; ".join(MISTAKES))


def _file_of(entry: Tool) -> str:
    """Return the file that declares a tool; those without a function are the loop's own."""
    return "bot/tools/control.py" if entry.run is None else f"{entry.run.__module__.replace('.', '/')}.py"


def offered(tools: Iterable[Tool], directory: Directory) -> tuple[Tool, ...]:
    """Return the tools for which a directory can do what they need; only these are offered to the model."""
    return tuple(one for one in tools if not one.needs or one.needs <= directory.can)


def chosen(names: Iterable[str]) -> tuple[Tool, ...]:
    """Return the tools that a card names, in its order.

    Raises:
        ConfigError: no tool has one of the names.
    """
    names = tuple(names)
    unknown = sorted(set(names) - set(REGISTRY))
    if unknown:
        raise ConfigError(f"no such tool: {', '.join(unknown)}; known: {', '.join(sorted(REGISTRY))}")
    return tuple(REGISTRY[name] for name in names)


def _is_closed(kind: Any) -> bool:
    """Return whether a type has only values that its declaration lists."""
    return kind is bool or get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Drop the keywords that strict schemas do not allow, such as titles and lengths."""
    return {key: value for key, value in field.items() if key in ("type", "enum", "description", "items")}
