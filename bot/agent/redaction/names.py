"""What secrets and numbers are called, from `names.yaml`, and all that a text says of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.agent.redaction import speech
from bot.agent.redaction.tables import Places, Table
from bot.agent.redaction.view import View

_ROWS: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
NAMES = Table(_ROWS)
PASSWORDS = frozenset({"password", "passphrase"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, and where something is named, tried or refused in it."""

    view: View
    names: Places
    tried: Places
    failed: Places


def read(view: View) -> Reading:
    """Find once what several rules ask for."""
    return Reading(view, NAMES.find(view.low), speech.TRIED.find(view.low), speech.FAILED.find(view.low))
