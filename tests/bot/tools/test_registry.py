"""The tools by name, and what the model is shown of them: `bot.tools.registry`."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import Field

from bot.agent import card
from bot.directory.local import LocalDirectory
from bot.errors import ConfigError
from bot.principals import Capability, Effect
from bot.sandbox.standin.rules import check
from bot.store.db import Database
from bot.tools import control, directory, registry  # noqa: F401 - their import registers the tools
from bot.tools.registry import REGISTRY, Args, NoArgs, ToolUse, chosen, tool
from tests.support.paths import CONFIG

IDENTITY = ("user", "account", "email", "person", "id", "requester", "target")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test register tools of its own, for itself."""
    monkeypatch.setattr(registry, "REGISTRY", dict(REGISTRY))
    monkeypatch.setattr(registry, "MISTAKES", [])


def test_the_products_tools_are_there() -> None:
    """Seven tools, each with the effect and the scope that the policy goes by."""
    assert {(entry.name, entry.effect, entry.scope, entry.needs_approval) for entry in REGISTRY.values()} == {
        ("look_up_my_account", Effect.READ, "account:read", False),
        ("recent_sign_ins", Effect.READ, "account:read", False),
        ("unlock_my_account", Effect.WRITE, "account:unlock", False),
        ("send_password_reset", Effect.WRITE, "account:reset_password", False),
        ("reset_second_factor", Effect.WRITE, "account:reset_factor", True),
        ("hand_off", Effect.CONTROL, "ticket:hand_off", False),
        ("resolve", Effect.CONTROL, "ticket:resolve", False),
    }


@pytest.mark.parametrize("name", list(REGISTRY))
def test_no_tool_takes_a_person_from_the_model(name: str) -> None:
    """No argument could name an account: the target is always the requester's own."""
    assert not set(REGISTRY[name].args.model_fields) & set(IDENTITY)


@pytest.mark.parametrize("name", list(REGISTRY))
def test_every_schema_is_strict(name: str) -> None:
    """All that is declared is required, nothing else is taken, and the API's rules are kept."""
    schema = REGISTRY[name].schema()
    shape = schema["input_schema"]
    assert schema["strict"] is True
    assert schema["description"]
    assert shape["additionalProperties"] is False
    assert shape["required"] == list(shape["properties"])
    message = {"role": "user", "content": "hi"}
    assert check({"model": "m", "max_tokens": 1, "tools": [schema], "messages": [message]}) is None


class Fruit(Args):
    """What to buy."""

    kind: Literal["apple", "pear"] = Field(description="Which one.")
    count: int = Field(ge=1)


def test_a_decorated_function_is_a_tool() -> None:
    """Its name and docstring are what the model reads, its `Args` model the schema."""

    @tool(effect=Effect.WRITE, scope="fruit:buy", args=Fruit, needs_approval=True, as_promised=lambda _written: True)
    def buy_fruit(_call: ToolUse, _args: Fruit) -> dict[str, Any]:
        """Buy fruit
        for the requester."""  # noqa: D205, D209 - read by the model
        return {}

    [entry] = chosen(["buy_fruit"])
    assert (entry.effect, entry.scope, entry.needs_approval, entry.run) == (Effect.WRITE, "fruit:buy", True, buy_fruit)
    assert entry.as_promised is not None
    assert entry.schema()["description"] == "Buy fruit for the requester."
    assert entry.schema()["input_schema"]["properties"] == {
        "kind": {"description": "Which one.", "enum": ["apple", "pear"], "type": "string"},
        "count": {"type": "integer"},
    }
    assert entry.parse({"kind": "pear", "count": 2}) == Fruit(kind="pear", count=2)


def test_a_tool_that_writes_says_how_it_is_read_back() -> None:
    """One that does not is registered nowhere, and no agent can be read; one that reads need not say it."""

    @tool(effect=Effect.WRITE, scope="fruit:sell")
    def sell_fruit(_call: ToolUse, _args: NoArgs) -> dict[str, Any]:
        """Sell fruit."""
        return {}

    assert "sell_fruit" not in registry.REGISTRY
    wrong = r"^tests/bot/tools/test_registry\.py: sell_fruit: it writes and has no `as_promised`; give its decorator "
    with pytest.raises(ConfigError, match=wrong):
        card.load(CONFIG / "agents/access")
    assert {tool.as_promised is not None for tool in REGISTRY.values() if tool.effect is Effect.WRITE} == {True}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "plum", "count": 1}, "wrong arguments for buy: kind: Input should be 'apple' or 'pear'"),
        ({"kind": "pear"}, "wrong arguments for buy: count: Field required"),
        ({"kind": "pear", "count": 0}, "wrong arguments for buy: count: Input should be greater than or equal to 1"),
        ({"kind": "pear", "count": 1, "user": "U1"}, "wrong arguments for buy: user: Extra inputs are not permitted"),
        ({}, "wrong arguments for buy: kind: Field required; count: Field required"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(arguments: dict[str, Any], said: str) -> None:
    """What a strict schema cannot express is checked all the same."""
    entry = replace(REGISTRY["resolve"], name="buy", args=Fruit)
    with pytest.raises(ValueError, match="wrong arguments") as wrong:
        entry.parse(arguments)
    assert str(wrong.value) == said


def test_two_tools_of_one_name_are_refused() -> None:
    """The second does not take the first one's place."""
    for name in ("resolve", "unlock_my_account"):
        registry.add(replace(REGISTRY[name], args=NoArgs))
        assert registry.REGISTRY[name].args is REGISTRY[name].args
    wrong = r"^bot/tools/control\.py: resolve: bot/tools/control\.py has .*; bot/tools/directory\.py: unlock_my_account"
    with pytest.raises(ConfigError, match=wrong):
        registry.refuse_mistakes()


def test_only_what_the_directory_can_do_is_offered(sqlite: Database) -> None:
    """A tool that needs more is left out; one that needs nothing is offered whatever the directory is."""

    class Poor(LocalDirectory):
        @property
        def can(self) -> frozenset[Capability]:
            return frozenset({Capability.UNLOCK, Capability.RESET_FACTOR})

    everything, names = tuple(REGISTRY.values()), set(REGISTRY)
    assert registry.offered(everything, LocalDirectory(sqlite)) == everything
    left = {entry.name for entry in registry.offered(everything, Poor(sqlite))}
    assert names - left == {"recent_sign_ins", "send_password_reset", "reset_second_factor"}


def test_a_card_chooses_in_its_order_and_only_what_is_there() -> None:
    """An unknown name is said, with those that are known."""
    assert [entry.name for entry in chosen(["resolve", "hand_off"])] == ["resolve", "hand_off"]
    with pytest.raises(ConfigError, match=r"no such tool: open_door; known: .*hand_off, look_up_my_account"):
        chosen(["resolve", "open_door"])
