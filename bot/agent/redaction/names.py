"""What secrets and numbers are called, from `names.yaml`, and all that a text says of them."""

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
    """A text, and where something is named, tried or refused in it."""

    view: View
    names: Places
    tried: Places
    failed: Places


def read(view: View) -> NamedPlaces:
    """Find once what several rules ask for."""
    return NamedPlaces(view, NAMES.find(view.low), speech.TRIED.find(view.low), speech.FAILED.find(view.low))
