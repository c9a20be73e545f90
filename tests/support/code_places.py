"""Where in our code something happens."""

import sys
from pathlib import Path

from tests.support.paths import ROOT

_OURS = (str(ROOT / "bot"), str(ROOT / "jobs"))
_STORE = str(ROOT / "bot/store")
"Whatever is written comes through here, so it does not tell where a job is."


def where_in_code() -> str:
    """Return `module.function` of ours that does the transaction: the first outside the store."""
    frame = sys._getframe(1).f_back
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_OURS) and not file.startswith(_STORE):
            return f"{Path(file).stem}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "somewhere"
