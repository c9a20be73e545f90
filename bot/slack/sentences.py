"""The bot's own sentences to requesters, in the language that they have set in Slack.

Every sentence is in `sentences.yaml` in every language. Requesters with another or an unknown language get English, and
so do responders, owners and operators.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from bot import yaml_text
from bot.slack import mrkdwn
from bot.store import members
from bot.store.db import Session

Language = Literal["en", "de", "es", "fr", "pt", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
SPACELESS = frozenset[Language]({"ja"})
"Languages without a space between sentences."


def language_of(locale: str | None) -> Language:
    """Return the language of a locale in Slack's spelling or another (`de-AT`, `pt_BR`); English for all others."""
    spoken = (locale or "").replace("_", "-").partition("-")[0].lower()
    return next((language for language in LANGUAGES if language == spoken), "en")


def spoken_by(session: Session, user: str) -> Language:
    """Return the language for messages to a person."""
    return language_of(members.locale_of(session, user))


def say(key: str, language: Language, **values: str | int) -> str:
    """Return a sentence.

    Args:
        key: its key in `sentences.yaml`.
        language: its language.
        values: the values of its placeholders, as safe mrkdwn.
    """
    return catalogue()[key][language].format(**values)


def joined(language: Language, sentences: Iterable[str]) -> str:
    """Return sentences as one text; empty ones are left out."""
    return ("" if language in SPACELESS else " ").join(filter(None, sentences))


def date(language: Language, at: datetime) -> str:
    """Return a moment that every reader sees in their own time zone."""
    return mrkdwn.date(at, catalogue()["date"][language])


def duration(language: Language, minutes: int) -> str:
    """Return a duration in words: in minutes, or from an hour on in hours, rounded up."""
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return say("duration.minute" if minutes <= 1 else "duration.minutes", language, count=minutes)
    hours = -(-minutes // 60)
    return say("duration.hour" if hours == 1 else "duration.hours", language, count=hours)


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every sentence, by key and language."""
    read: dict[str, dict[str, str]] = yaml_text.load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return read
