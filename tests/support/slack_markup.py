"""Text as Slack sends it."""


def typed_text(text: str) -> str:
    """Return typed text as Slack sends it: everything that could be markup escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
