"""The suite in an agent's folder: its files, and the fingerprint for which a verdict is valid.

A suite is whatever decides a verdict: the case files with their coverage manifest, what the card asks of a release, and
the code that plays and scores. No case is parsed for its hash, so that a worker can look at it whenever it changes.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.agent.card import Agent

FOLDER = "evals"
CODE = Path(__file__).parent.parent / FOLDER
KINDS = ("*.py", "*.yaml", "*.md", "*.json")
DECIDE_NOTHING = ("report.py", "canary/")
"How a run is told, and how the gate itself is tried: neither decides a verdict."


def suite_of(agent: "Agent") -> str:
    """Return the fingerprint of the suite in an agent's folder now, by what its card asks.

    Raises:
        OSError: a file cannot be read.
    """
    return fingerprint(read(agent.folder), pass_at_least=agent.card.evals.pass_at_least)


def read(folder: Path) -> dict[str, bytes]:
    """Return the case files and the coverage manifest of an agent's folder, by path in it.

    Raises:
        OSError: a file cannot be read.
    """
    return {f"{FOLDER}/{file.name}": file.read_bytes() for file in sorted((folder / FOLDER).glob("*.yaml"))}


def texts(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return files as text to be kept; bytes that are no text become a mark."""
    return {name: content.decode("utf-8", "replace").replace("\0", "\ufffd") for name, content in files.items()}


def fingerprint(files: Mapping[str, bytes], *, pass_at_least: float) -> str:
    """Return the SHA-256 of a suite.

    Args:
        files: the case files and the manifest, by name.
        pass_at_least: what the card asks of a first release.
    """
    digest = hashlib.sha256(f"pass_at_least {pass_at_least!r}\n".encode())
    for name, content in (*sorted(files.items()), *_code()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def _code() -> tuple[tuple[str, bytes], ...]:
    """Return the code that plays and scores, as this process runs it: a file that changes later does not run here."""
    found = sorted(file for kind in KINDS for file in CODE.rglob(kind))
    named = ((file.relative_to(CODE).as_posix(), file) for file in found)
    return tuple((name, file.read_bytes()) for name, file in named if not name.startswith(DECIDE_NOTHING))
