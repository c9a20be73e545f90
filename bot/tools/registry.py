"""The tools by name. A tool is a function with an `Args` model, a docstring that the model reads, an
effect and a scope; a card names those that its agent may use.

No tool takes a person or an account from the model: the target is always the account bound to the
verified requester, handed over in `ToolUse`.
"""  # noqa: D205 - the first paragraph is one thought

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.directory.protocol import Directory
from bot.errors import ConfigError
from bot.principals import Account, Effect, SignIn

ACCOUNT_SCOPES = "account:"
"How the scopes of the tools begin that act on the requester's account."


class Args(BaseModel):
    """Arguments of a tool: nothing that is not declared is taken."""

    model_config = ConfigDict(extra="forbid")


class NoArgs(Args):
    """A tool that takes nothing from the model."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool, on the account that the policy bound."""

    directory: Directory
    bound: Account | None
    "As the policy saw it right before the call; None for a tool that needs none."
    key: str
    "Idempotency key: the same for every attempt at this step."
    private: bool = False
    "Nobody but the requester reads what is answered; where others do, facts of the account are withheld."
    barred: bool = True
    "Every write to the account is a person's work: what the directory holds against it is theirs to tell."
    sign_ins: tuple[SignIn, ...] = ()
    "Newest first, as the policy saw them."

    @property
    def account(self) -> Account:
        """Return the requester's one account, which the policy has bound for every tool that acts on one."""
        if self.bound is None:
            raise TypeError("no account is bound: the card must list this tool in needs_account")
        return self.bound


Run = Callable[[ToolUse, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the house knows it."""

    name: str
    description: str
    args: type[Args]
    effect: Effect
    scope: str
    "The permission it needs: `account:read`."
    needs_approval: bool
    run: Run | None
    "None for a control tool, which the loop itself carries out."
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    "Arguments for which a card says what they may be."

    @property
    def acts_on_account(self) -> bool:
        """Say if it reads or writes the requester's account, by its scope."""
        return self.scope.startswith(ACCOUNT_SCOPES)

    @cache  # noqa: B019 - tools live as long as the process
    def schema(self) -> dict[str, Any]:
        """Return the strict tool definition that the model is given; nobody changes it."""
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
            ValueError: with one sentence that tells the model what is wrong.
        """
        try:
            return self._chosen(self.args.model_validate(arguments))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors())
            raise ValueError(f"wrong arguments for {self.name}: {wrong}") from error

    def _chosen(self, given: Args) -> Args:
        for name, known in self.choices:
            if getattr(given, name) not in known:
                raise ValueError(f"wrong arguments for {self.name}: {name}: expected one of {', '.join(known)}")
        return given


REGISTRY: dict[str, Tool] = {}


def tool(
    *, effect: Effect, scope: str, args: type[Args] = NoArgs, needs_approval: bool = False
) -> Callable[[Run], Run]:
    """Declare a function as a tool: its name and docstring are what the model reads."""

    def declare(run: Run) -> Run:
        add(_described(run, effect=effect, scope=scope, args=args, needs_approval=needs_approval))
        return run

    return declare


def add(entry: Tool) -> None:
    """Register a tool.

    Raises:
        ConfigError: the name is taken.
    """
    if entry.name in REGISTRY:
        raise ConfigError(f"two tools are called {entry.name}")
    REGISTRY[entry.name] = entry


def chosen(names: Iterable[str]) -> tuple[Tool, ...]:
    """Return the tools of a card, in its order.

    Raises:
        ConfigError: a name that no tool has.
    """
    names = tuple(names)
    unknown = sorted(set(names) - set(REGISTRY))
    if unknown:
        raise ConfigError(f"no such tool: {', '.join(unknown)}; known: {', '.join(sorted(REGISTRY))}")
    return tuple(REGISTRY[name] for name in names)


def _described(run: Run, *, effect: Effect, scope: str, args: type[Args], needs_approval: bool) -> Tool:
    name = run.__name__
    description = " ".join((run.__doc__ or "").split())
    return Tool(name, description, args, effect, scope, needs_approval, run)


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Drop what strict schemas do not know: titles, lengths."""
    return {key: value for key, value in field.items() if key in ("type", "enum", "description", "items")}
