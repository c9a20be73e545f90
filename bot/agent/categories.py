"""The categories that an agent's requests turn out to be, from its card; everything that names one reads them here.

A category has a name for the database, words for people, and says who may choose it: the agent when it resolves, people
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
"In an evaluation case, stands for no resolution."
RESERVED = frozenset({NONE, *NoRequest})


class Category(CardPart):
    """One thing that a request may turn out to be."""

    words: str = Field(min_length=1, max_length=75)
    "Its name for people; Slack shows at most 75 characters of an option."
    chosen_by: Literal["agent", "people", "both"] = "both"
    "Who may choose this category."
    in_scope: bool = False
    "Whether the agent is there for it: if people resolve a handoff as this, the agent could have done it."


def _nameable(categories: dict[str, Category]) -> dict[str, Category]:
    taken = sorted(RESERVED & categories.keys())
    if taken:
        raise ValueError(f"{', '.join(taken)}: reserved words, expected other names")
    if not chosen_by("people", categories):
        raise ValueError("none may be chosen by people, expected at least one: they resolve every handoff as one")
    return categories


def chosen_by(who: Chooser, categories: Mapping[str, Category]) -> dict[str, str]:
    """Return the categories that the agent or people may choose, in the card's order: names and words."""
    return {name: one.words for name, one in categories.items() if one.chosen_by in (who, "both")}


def in_scope(categories: Mapping[str, Category]) -> tuple[str, ...]:
    """Return the names of the categories in scope."""
    return tuple(name for name, one in categories.items() if one.in_scope)


Categories = Annotated[dict[CategoryName, Category], Field(min_length=1, max_length=100), AfterValidator(_nameable)]
"By name; a Slack menu holds at most a hundred options."
