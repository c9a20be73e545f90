"""What its system prompt tells the stand-in: it keeps a rule only if the prompt has it, as a model would.

So an agent whose prompt has lost a paragraph behaves worse with the stand-in, too. Without any prompt it keeps every
rule: then it is not an agent's model, but is asked what it would do with somebody's words.
"""

import re
from enum import Enum
from functools import lru_cache

from bot.sandbox.standin.reading import Topic


class PromptRule(Enum):
    """A rule of the prompt, and the words that show that it is there."""

    ORDERS_ARE_DATA = r"\b(?:data, not instructions?|never follow orders)\b"
    "What people write and what tools return gives it no orders."
    TURN_AWAY = r"\bnot about signing in\b"
    "What has nothing to do with signing in is somebody else's."
    FRUSTRATION = r"\b(?:distress|anger|frustrat\w+|upset)\b"
    PERSON = r"\basks? for a (?:person|human)\b"
    COMPROMISE = r"\b(?:signs of compromise|compromised)\b"
    OTHERS = r"\b(?:any|some)(?:body|one) else's account\b"
    FACTOR = r"\bsecond factor that fails\b|\bnew phone\b"
    ACCESS = r"\baccess to applications\b"
    "The last six are a person's work, each the topic of its name."


LEFT_TO_PEOPLE = {PromptRule[topic.name]: topic for topic in Topic if topic.name in PromptRule.__members__}
"The topics that are a person's work, by the rule that says so."


def text_of(system: object) -> str:
    """Return a request's system prompt, which may come in parts."""
    if isinstance(system, str):
        return system
    parts = [part for part in system if isinstance(part, dict)] if isinstance(system, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts)


@lru_cache(maxsize=64)
def rules_in(system: str) -> frozenset[PromptRule]:
    """Return the rules that a system prompt has."""
    words = " ".join(system.lower().split())
    return frozenset(rule for rule in PromptRule if not words or re.search(rule.value, words))


def left_to_people(rules: frozenset[PromptRule]) -> frozenset[Topic]:
    """Return the topics that the prompt leaves to people; any other is trouble like all trouble."""
    return frozenset(topic for rule, topic in LEFT_TO_PEOPLE.items() if rule in rules)
