"""The suite in an agent's folder: its files, and the fingerprint for which a verdict is valid.

A suite is whatever decides a verdict: the case files with their coverage manifest, what the card asks of a release, the
judge and what it is told, and the code that plays and scores. No case is parsed for its hash, so that a worker can look
at it whenever it changes.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.agent.card import Agent
    from bot.agent.passing import Passing

FOLDER = "evals"
FILES = (f"{FOLDER}/*.yaml", f"{FOLDER}/**/*.md")
"The files of a suite, below an agent's folder."
CODE = Path(__file__).parent.parent / FOLDER
KINDS = ("*.py", "*.yaml", "*.md", "*.json")
DECIDE_NOTHING = ("report.py", "export.py", "endpoint.py", "near_duplicates.py", "proposals/", "canary/")
"How a run is told, how a case is proposed, and how the gate itself is tried: none decides a verdict."


def suite_of(agent: "Agent") -> str:
    """Return the fingerprint of the suite in an agent's folder now, by what its card asks.

    Raises:
        ConfigError: a file cannot be read.
    """
    return of_folder(agent.folder, agent.card.evals)


def of_folder(folder: Path, asks: "Passing") -> str:
    """Return the fingerprint of the suite in a folder now.

    Raises:
        ConfigError: a file cannot be read.
    """
    try:
        return fingerprint(read(folder), asks)
    except OSError as error:
        raise ConfigError(f"{folder / FOLDER}: cannot be read: {error.strerror}") from error


def read(folder: Path) -> dict[str, bytes]:
    """Return the case files, the coverage manifest and what a judge is told, by path in an agent's folder.

    Raises:
        OSError: a file cannot be read.
    """
    found = sorted({file for pattern in FILES for file in folder.glob(pattern)})
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def texts(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return files as text to be kept; bytes that are no text become a mark."""
    return {name: content.decode("utf-8", "replace").replace("\0", "\ufffd") for name, content in files.items()}


def fingerprint(files: Mapping[str, bytes], asks: "Passing") -> str:
    """Return the SHA-256 of a suite.

    Args:
        files: the case files, the manifest and what a judge is told, by name.
        asks: what the card asks of a release, and who judges it.
    """
    digest = hashlib.sha256(f"pass_at_least {asks.pass_at_least!r}\n".encode())
    if asks.judge is not None:
        digest.update(f"judge {asks.judge.model_dump_json()}\n".encode())
    for name, content in (*sorted(files.items()), *_code()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def _code() -> tuple[tuple[str, bytes], ...]:
    """Return the code that plays and scores, as this process runs it: a file that changes later does not run here."""
    found = sorted(file for kind in KINDS for file in CODE.rglob(kind))
    named = ((file.relative_to(CODE).as_posix(), file) for file in found)
    return tuple((name, file.read_bytes()) for name, file in named if not name.startswith(DECIDE_NOTHING))
