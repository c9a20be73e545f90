"""Tables of what people write, language by language, beside the tests that read them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

Phrases = dict[str, list[str]]
"The texts of each language."


def read_table(file: Path) -> Any:
    """Return what a YAML file of texts holds."""
    return yaml.safe_load(file.read_text("utf-8"))


def talk() -> Phrases:
    """Return two hundred lines that people say to each other in a help channel."""
    table: Phrases = read_table(ROOT / "tests/bot/casework/talk.yaml")
    return table


def lines_of(phrases: Phrases) -> list[str]:
    """Return the texts of every language, one after another."""
    return [text for texts in phrases.values() for text in texts]


def misses(texts: Iterable[str], **checks: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Return each text that fails a check, with the name of the first one that it fails."""
    failed = ((text, next((name for name, holds in checks.items() if not holds(text)), None)) for text in texts)
    return [(text, name) for text, name in failed if name is not None]
