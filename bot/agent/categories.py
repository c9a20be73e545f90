"""What an agent's requests turn out to be: the categories of its card, read by everything that names one.

A category has a name for the rows, words for people, and says who may choose it: the agent when it resolves, people
when they do, or both. Those in scope are what the agent is there for.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.policy.rules import CardPart
from bot.principals import NoRequest

Chooser = Literal["agent", "people"]
CategoryName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,74}$")]
NONE = "none"
"In a case of an evaluation: no resolution."
RESERVED = frozenset({NONE, *NoRequest})


class Category(CardPart):
    """One thing that a request may turn out to be."""

    words: str = Field(min_length=1, max_length=75)
    "For people; Slack shows no more characters of an option."
    chosen_by: Literal["agent", "people", "both"] = "both"
    "Who may say that a request was this."
    in_scope: bool = False
    "What the agent is there for: where a person was asked for and resolves it as this, the agent was passed over."


def _nameable(categories: dict[str, Category]) -> dict[str, Category]:
    taken = sorted(RESERVED & categories.keys())
    if taken:
        raise ValueError(f"{', '.join(taken)}: the house's own words, expected other names")
    if not chosen_by("people", categories):
        raise ValueError("none may be chosen by people, expected at least one: they resolve every handoff as one")
    return categories


def chosen_by(who: Chooser, categories: Mapping[str, Category]) -> dict[str, str]:
    """Return the categories that the agent or people may choose, in the card's order: names and words."""
    return {name: one.words for name, one in categories.items() if one.chosen_by in (who, "both")}


def in_scope(categories: Mapping[str, Category]) -> tuple[str, ...]:
    """Return the names of what the agent is there for."""
    return tuple(name for name, one in categories.items() if one.in_scope)


Categories = Annotated[dict[CategoryName, Category], Field(min_length=1, max_length=100), AfterValidator(_nameable)]
"By name; Slack's menus hold a hundred."
