"""What was expected where a value in a file of ours is wrong, in words; pydantic says it in those of Python. Pure."""

from collections.abc import Iterable, Iterator

from pydantic_core import ErrorDetails

from bot.principals import CHANNEL_ID, GROUP_ID, USER_ID

PATTERNS = {
    f"^{USER_ID}$": "the Slack id of a person such as U0123ABCD",
    f"^(?:{USER_ID}|{GROUP_ID})$": "the Slack id of a person or a group such as U0123ABCD or S0123ABCD",
    f"^{CHANNEL_ID}$": "the Slack id of a channel such as C0123ABCD, and not its name",
    f"^(?:dm|{CHANNEL_ID})$": "dm or the Slack id of a channel such as C0123ABCD",
    r"\S": "words",
    r"^\S+$": "a name without blanks",
    r"\S@\S": "an e-mail address such as maya@example.com",
    r"^[a-z][a-z0-9-]*$": "lower-case letters, digits and hyphens, as in software",
    r"^[a-z][a-z0-9_]{0,74}$": "lower-case letters, digits and underscores, as in known_product",
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "lower-case letters and digits with single hyphens between, as in wrong-caps",
    r"^[A-Z][A-Z0-9_]*$": "the name of a variable such as ANTHROPIC_API_KEY",
    r"^[a-z0-9_/-]+\.md$": "a file such as judge/prompt.md",
}
"What each pattern of our files stands for."
_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "tuple_type": "expected a list such as [one, another]",
    "list_type": "expected a list such as [one, another]",
    "dict_type": "expected names with their values",
    "model_type": "expected names with their values",
    "string_type": "expected a text",
}
"By the kinds of errors that pydantic has."
_FAMILIES = {
    "date": "expected a day such as 2026-12-31",
    "int": "expected a whole number",
    "float": "expected a number",
    "decimal": "expected a number",
    "finite": "expected a number",
    "bool": "expected true or false",
}
"By the first word of such a kind."


def expected(found: ErrorDetails) -> str:
    """Return what was expected, as a part of a sentence; the wrong value is not in it."""
    kind, context, message = found["type"], found.get("ctx", {}), found["msg"]
    match kind:
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return f"expected {PATTERNS.get(pattern, f'a text that matches {pattern}')}"
        case "too_short":
            return f"expected at least {context['min_length']}"
        case "enum" | "literal_error":
            return f"expected {context['expected']}"
        case _ if kind.startswith(("greater_", "less_")):
            return message.replace("Input should be", "expected a number")
        case _:
            return _KINDS.get(kind) or _FAMILIES.get(kind.partition("_")[0]) or message


def distinct(errors: Iterable[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield errors without those of a list that is too short only since something in it is wrong."""
    known = list(errors)
    for found in known:
        place = found["loc"]
        if found["type"] != "too_short" or not any(
            len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in known
        ):
            yield found
