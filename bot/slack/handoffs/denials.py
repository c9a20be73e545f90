"""Why somebody may not act, in a sentence for themselves alone."""

from bot.rights import Forbidden
from bot.slack.sentences import Language, say


def in_words(why: Forbidden, language: Language = "en") -> str:
    """Say to somebody why they may not act: responders in English, a requester in their language."""
    return say(f"denied.{why.name.lower()}", language)
