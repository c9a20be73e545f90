"""What requests of an agent turn out to be, by its card: `bot.agent.categories`, and how a wrong list is refused."""

from pathlib import Path
from typing import Any

import pytest

from bot.agent import card, categories
from tests.support.agent_folders import CardChange, assert_card_refused, copied_agent
from tests.support.paths import CONFIG

ACCESS = card.load(CONFIG / "agents/access")


def category(name: str, **fields: Any) -> CardChange:
    """Add a category, or change one."""
    return lambda content: content["categories"].setdefault(name, {"words": "Words"}).update(fields)


def only(chooser: str) -> CardChange:
    """Leave the categories that one side alone may choose."""
    return lambda content: content.update(categories={"one": {"words": "One", "chosen_by": chooser}})


def with_tools(*names: str, needing: tuple[str, ...] = ()) -> CardChange:
    """Give the agent other tools, of which some need an account."""
    return lambda content: content.update(tools=[*names], needs_account=[*needing], tools_in={}, approvals={})


WRONG: tuple[tuple[str, CardChange, str, str], ...] = (
    ("no categories", lambda c: c.pop("categories"), "categories", "is missing"),
    ("an empty list", lambda c: c.update(categories={}), "categories", "at least 1"),
    (
        "a category of no name",
        category("Not a name"),
        "categories.Not a name",
        "lower-case letters, digits and underscores",
    ),
    ("a category without words", category("locked", words=""), "categories.locked.words", "at least 1"),
    ("words that no menu shows", category("locked", words="x" * 76), "categories.locked.words", "at most 75"),
    ("chosen by nobody", category("locked", chosen_by="nobody"), "categories.locked.chosen_by", "'agent', 'people'"),
    ("an unknown field of one", category("locked", scope=True), "categories.locked.scope", "did you mean in_scope?"),
    ("a name of the house", category("withdrawn"), "categories", "withdrawn: reserved words"),
    ("no resolution by name", category("none"), "categories", "none: reserved words"),
    ("none for people", only("agent"), "categories", "expected at least one: they resolve every handoff"),
    ("none for the agent", only("people"), "categories", "it has the tool resolve"),
    ("no word on what is solved", lambda c: c.pop("solved"), "solved", "is missing"),
    ("an unknown word on it", lambda c: c.update(solved="agent_word"), "solved", "'account_active' or 'agents_word'"),
    (
        "a tool on accounts without one",
        lambda c: c["needs_account"].remove("unlock_my_account"),
        "needs_account",
        "unlock_my_account missing",
    ),
    (
        "a tool that needs no account",
        lambda c: c["needs_account"].append("hand_off"),
        "needs_account",
        "hand_off: expected names of tools",
    ),
    (
        "a tool of nobody",
        lambda c: c["needs_account"].append("open_door"),
        "needs_account",
        "open_door: expected names",
    ),
    ("solved by no account", with_tools("hand_off", "resolve"), "solved", "expected agents_word"),
)


@pytest.mark.parametrize(("change", "field", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_list_names_its_file_and_field(tmp_path: Path, change: CardChange, field: str, said: str) -> None:
    """Categories, what counts as solved and which tools need an account: the message says where and what is right."""
    assert_card_refused(tmp_path, change, field, said)


def test_the_access_card_says_what_access_requests_are() -> None:
    """The agent's part, the people's part and the scope, in the card's order; people read words and not names."""
    known = ACCESS.card.categories
    its = ["locked", "password", "suspended", "explained", "second_factor", "nothing_wrong"]
    assert [*categories.chosen_by("agent", known)] == its
    what = ["locked", "password", "second_factor", "other_account", "access", "compromise"]
    assert [*categories.chosen_by("people", known)] == [*what, "nothing_wrong", "not_ours", "other"]
    assert categories.chosen_by("people", known)["second_factor"] == "Second factor or new phone"
    assert categories.in_scope(known) == ("locked", "password")


def test_an_agent_without_accounts_is_a_card(tmp_path: Path) -> None:
    """It has no tool of the directory, says so, and is offered its own categories alone."""
    plain = with_tools("hand_off", "resolve")

    def change(content: dict[str, Any]) -> None:
        plain(content)
        content.update(solved="agents_word", categories={"licence": {"words": "A licence", "in_scope": True}})

    agent = card.load(copied_agent(tmp_path, change=change))
    assert agent.tools[1].schema()["input_schema"]["properties"]["category"]["enum"] == ["licence"]
    assert card.in_scope({"access": agent}) == {"access": ("licence",)}


def test_tickets_that_were_inherited_have_their_heirs_scope(tmp_path: Path) -> None:
    """A ticket keeps the name of the agent that is gone."""
    agent = card.load(copied_agent(tmp_path, change=lambda content: content.update(inherits=["old"])))
    assert card.in_scope({"access": agent}) == dict.fromkeys(("access", "old"), ("locked", "password"))
