"""What a check found, in a sentence for the person who has to fix it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    "What was looked at: `database`, `release access`."
    state: State
    message: str
    fix: str = ""
    "What to do about it."
