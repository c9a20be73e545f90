"""The two tools by which an agent ends its part; the loop carries them out (see `bot.agent.loop`)."""

from typing import Literal

from pydantic import Field

from bot.principals import Effect
from bot.tools.registry import Args, Tool, add


class HandOffArgs(Args):
    """Why, and what the person who takes over should know."""

    reason: Literal["requested", "out_of_policy", "low_confidence", "repeated_failure", "frustration"] = Field(
        description="requested: they asked for a person. out_of_policy: on the always-human list. "
        "low_confidence: you are not sure. repeated_failure: a tool keeps failing. frustration: they are upset."
    )
    summary: str = Field(
        min_length=1,
        description="One paragraph for the human: what the person wants, what you found and did, what is left.",
    )


class ResolveArgs(Args):
    """What was done."""

    done: str = Field(min_length=1, description="What was done, in one sentence.")
    category: Literal["locked", "password", "suspended", "explained", "nothing_wrong"] = Field(
        description="What kind of trouble it was."
    )


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
        name="resolve",
        description="State what was done and close the ticket. The directory must agree that the person can sign "
        "in; if it does not, you are told so.",
        args=ResolveArgs,
        effect=Effect.CONTROL,
        scope="ticket:resolve",
        needs_approval=False,
        run=None,
    )
)
