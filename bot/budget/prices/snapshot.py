"""The rates that were agreed to: taken once from the installed genai-prices, and committed with the code.

Invariant: upgrading the package changes no price. `deskhand prices diff` shows what it would change and
writes the snapshot again when it is told yes. The file carries a hash of itself: a rate that was edited by
hand, or a file that was cut short, is refused at start; rates of one's own belong into `pricing.yaml`.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from bot.budget.prices import tariffs
from bot.budget.prices.tariffs import Json, Tariffs
from bot.errors import ConfigError

FILE = "prices.json"
"Its name, beside `pricing.yaml`."
MEND = "restore it from the release; rates of your own belong into pricing.yaml"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rates, and where they were taken from."""

    package: str
    "`genai-prices 0.2.3`"
    standard: Tariffs
    fast: Tariffs


def read(path: Path) -> Snapshot:
    """Return the snapshot that is in force.

    Raises:
        ConfigError: the file is missing, or is not as it was written; the message says what to do.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}; {MEND}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: it was cut short or edited by hand: {error}; {MEND}") from error
    if not isinstance(content, dict) or content.pop("hash", None) != digest(content):
        raise ConfigError(f"{path}: hash: it is not that of the rates, so that one was edited by hand; {MEND}")
    standard, fast = tariffs.from_json(content["standard"]), tariffs.from_json(content["fast"])
    return Snapshot(content["package"], standard, fast)


def write(path: Path, snapshot: Snapshot) -> None:
    """Put a snapshot into force, whole or not at all; processes take it up when they start.

    Raises:
        ConfigError: the file cannot be written.
    """
    content: Json = {
        "package": snapshot.package,
        "standard": tariffs.to_json(snapshot.standard),
        "fast": tariffs.to_json(snapshot.fast),
    }
    text = json.dumps({"hash": digest(content), **content}, indent=1) + "\n"
    try:
        with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False, encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink()
                raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error}") from error


def digest(content: Json) -> str:
    """Return the hash of anything written as JSON, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
