"""The two tools with which an agent ends its part; the loop carries them out (see `bot.agent.loop`).

The agent's card says which categories it may resolve a request as, and what then counts as solved: `resolving` builds
the tool from them.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from bot.principals import Effect, Solved
from bot.tools.registry import REGISTRY, Args, Tool, add

RESOLVE = "resolve"
_SOLVED = {
    Solved.ACCOUNT_ACTIVE: " The directory must agree that the person can sign in; if it does not, you are told so.",
    Solved.AGENTS_WORD: "",
}
"What the description of the tool adds about when a ticket closes."


class HandOffArgs(Args):
    """Why the agent hands off, and what the person who takes over should know."""

    reason: Literal["requested", "out_of_policy", "low_confidence", "repeated_failure", "frustration"] = Field(
        description="requested: they asked for a person. out_of_policy: on the always-human list. "
        "low_confidence: you are not sure. repeated_failure: a tool keeps failing. frustration: they are upset."
    )
    summary: str = Field(
        min_length=1,
        description="One paragraph for the human: what the person wants, what you found and did, what is left.",
    )


class ResolveArgs(Args):
    """What was done, and the category."""

    done: str = Field(min_length=1, description="What was done, in one sentence.")
    category: str = Field(description="What kind of trouble it was.")
    "One of the categories of the card."


def resolving(categories: Iterable[str], solved: Solved) -> Tool:
    """Return the tool with which an agent resolves a request as one of its categories."""
    tool = REGISTRY[RESOLVE]
    choices = (("category", tuple(categories)),)
    return replace(tool, description=f"{tool.description}{_SOLVED[solved]}", choices=choices)


add(
    Tool(
        name="hand_off",
        description="Give this to a human colleague, with everything they need. Use it as soon as you know that "
        "this is not yours to do; it ends your part.",
        args=HandOffArgs,
        effect=Effect.CONTROL,
        scope="ticket:hand_off",
        needs_approval=False,
        run=None,
    )
)
add(
    Tool(
        name=RESOLVE,
        description="State what was done and close the ticket.",
        args=ResolveArgs,
        effect=Effect.CONTROL,
        scope="ticket:resolve",
        needs_approval=False,
        run=None,
    )
)
