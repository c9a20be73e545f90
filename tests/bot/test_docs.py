"""The README, the contributors' page and the how-to pages name only files, modules and commands that exist."""

import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot import cli
from tests.support.paths import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "how-to").glob("*.md")))
_CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+(?:\n[^`\n]+)?)`", re.DOTALL)
_PATH = re.compile(r"(?:bot|jobs|tests|config|docs)/[\w./*<>-]*[\w/>]")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_SECTION = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NAME = re.compile(r"\b(?:bot|jobs|agent|casework|policy|store)(?:\.[a-z_]+)+\b(?!/)")
_COMMAND = re.compile(r"(?<![\w/.-])deskhand((?: [a-z]+)+)((?: --[a-z][a-z-]*)*)")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")
_SUFFIXES = ("md", "py", "yaml", "json", "toml", "log")


def code(page: Path) -> Iterator[str]:
    """Yield what a page shows as code."""
    for block, span in _CODE.findall(page.read_text("utf-8")):
        yield block or span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    """A path in code is one from the root, where `<name>` stands for any; a link starts from its page."""
    paths = {path for text in code(page) for path in _PATH.findall(text)}
    # The page on a second agent makes this folder.
    paths.discard("config/agents/software")
    missing = [path for path in paths if not any(ROOT.glob(re.sub(r"<\w+>", "*", path.rstrip("/"))))]
    links = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert (missing, links) == ([], [])


def sections(page: Path) -> set[str]:
    """Return the names by which a link leads to the headings of a page: in lower case, hyphens for spaces."""
    headings = (re.sub(r"[^\w -]", "", heading).lower() for heading in _HEADING.findall(page.read_text("utf-8")))
    return {heading.replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_section_that_is_linked_exists(page: Path) -> None:
    """A link to a heading that has another name by now opens its page at the top, and nobody sees what was meant."""
    links = _SECTION.findall(page.read_text("utf-8"))
    assert [link for link in links if link[1] not in sections(page.parent / link[0] if link[0] else page)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    """A page that says which test holds a line is wrong as soon as that test has another name."""
    named = {found for text in code(page) for found in _TEST.findall(text)}
    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_and_function_that_is_named_exists(page: Path) -> None:
    """A dotted name in code is one of Python's; the first part may leave `bot` out."""
    for name in {name for text in code(page) for name in _NAME.findall(text)}:
        if name.rpartition(".")[2] not in _SUFFIXES:
            pkgutil.resolve_name(name if name.startswith(("bot.", "jobs.")) else f"bot.{name}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    """Its subcommands and the options behind them are those of the command line."""
    for words, options in {found for text in code(page) for found in _COMMAND.findall(text.replace("\n", " "))}:
        command: click.Command = cli.cli
        for word in words.split():
            if not isinstance(command, click.Group):
                break  # an argument
            assert word in command.commands, f"deskhand{words}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(options.split()) <= known, f"deskhand{words}{options}"


def test_each_decision_has_a_number_of_its_own() -> None:
    """A decision is called by its number, in code and in talk, so no two share one, and its title has it too."""
    found = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [file.name[:4] for file in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for number, file in enumerate(found, 1):
        assert file.read_text("utf-8").startswith(f"# {number}. "), file.name
