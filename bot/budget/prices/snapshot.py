"""The accepted rates: taken once from the installed genai-prices, and committed with the code.

Invariant: upgrading the package changes no price. `deskhand prices diff` shows what would change and writes the
snapshot again if that is accepted. The file contains its own hash: a file that was edited by hand or cut short is
refused at start; your own rates belong in `pricing.yaml`.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from bot.budget.prices import tariffs
from bot.budget.prices.tariffs import Json, Tariffs
from bot.errors import ConfigError, why_unreadable

FILE = "prices.json"
"Name of the file, beside `pricing.yaml`."
HINT = "restore it from the release; rates of your own belong in pricing.yaml"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rates, and the package that they were taken from."""

    package: str
    "`genai-prices 0.2.3`"
    standard: Tariffs
    fast: Tariffs


def read(path: Path) -> Snapshot:
    """Return the snapshot in force.

    Raises:
        ConfigError: the file is missing, or is not as it was written; the message says what to do.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {why_unreadable(error)}; {HINT}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: it was cut short or edited by hand: {error}; {HINT}") from error
    if not isinstance(content, dict) or content.pop("hash", None) != digest(content):
        raise ConfigError(f"{path}: hash: it does not fit the rates, so the file was edited by hand; {HINT}")
    standard, fast = tariffs.from_json(content["standard"]), tariffs.from_json(content["fast"])
    return Snapshot(content["package"], standard, fast)


def write(path: Path, snapshot: Snapshot) -> None:
    """Replace the snapshot in force, whole or not at all; processes read it when they start.

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
    """Return a hash of JSON that does not depend on the order of its fields."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
