"""What a check found, in a sentence for the person who has to fix it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    "The name of the check: `database`, `release access`."
    state: State
    message: str
    fix: str = ""
    "What to do about it; empty when nothing is to be done."
