"""Text as Slack sends it, and as it is read."""

from bot import markup


def typed_text(text: str) -> str:
    """Return typed text as Slack sends it: everything that could be markup escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def named(name: str) -> str:
    """Return how the mention of a person with this name is read."""
    return f"@{markup.FIRST}{name}{markup.LAST}"
