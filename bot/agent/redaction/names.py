"""The words for secrets and numbers, from `names.yaml`, and where a text uses them."""

from dataclasses import dataclass
from typing import Any

from bot.agent.redaction import speech
from bot.agent.redaction.tables import Places, WordTable, rows
from bot.agent.redaction.view import View

_ROWS: dict[str, Any] = rows(__file__)
NAMES = WordTable(_ROWS)
PASSWORDS = frozenset({"password", "passphrase"})


@dataclass(frozen=True, slots=True)
class NamedPlaces:
    """A text, and the places where it names, tries or refuses something."""

    view: View
    names: Places
    tried: Places
    failed: Places


def read(view: View) -> NamedPlaces:
    """Find the places that several rules ask for, once."""
    return NamedPlaces(view, NAMES.find(view.low), speech.TRIED.find(view.low), speech.FAILED.find(view.low))
