"""The house is seen at a glance: modules and functions are short, and a floor shows few rooms and few storeys."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source_trees import syntax_nodes

LINES_OF_A_MODULE, LINES_OF_A_FUNCTION = 300, 45
ROOMS = {"bot/store": 19, "bot/slack": 12, "bot/sandbox": 12, "bot/budget": 16, "jobs/engine": 12}
"The most modules and folders that a floor or family shows at a glance."
STOREYS = {"bot/sandbox": 6, "bot/slack": 6, "bot/store": 6}
"The longest chain of imports from room to room within it."
ONCE_FOR_GOOD = "bot/store/migrations/versions"


def files() -> Iterator[Path]:
    """Yield every module of the product that is still edited."""
    for top in ("bot", "jobs"):
        yield from (file for file in sorted((ROOT / top).rglob("*.py")) if ONCE_FOR_GOOD not in file.as_posix())


def test_no_module_is_long() -> None:
    """A module that outgrows its story is split where stories part."""
    lengths = {str(file.relative_to(ROOT)): file.read_text("utf-8").count("\n") for file in files()}
    assert len(lengths) > 300
    assert {name: lines for name, lines in lengths.items() if lines > LINES_OF_A_MODULE} == {}


def test_no_function_is_long() -> None:
    """A function is read without scrolling."""
    long: dict[str, int] = {}
    for file in files():
        for node in syntax_nodes(file):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                long |= {f"{file.relative_to(ROOT)}:{node.name}": lines} if lines > LINES_OF_A_FUNCTION else {}
    assert long == {}


def rooms(place: str) -> list[str]:
    """Return the modules and folders of Python that a place shows."""
    found = [one for one in (ROOT / place).iterdir() if any(one.rglob("*.py")) or one.suffix == ".py"]
    return sorted(one.stem for one in found if not one.name.startswith("_"))


@pytest.mark.parametrize(("place", "most"), ROOMS.items())
def test_a_floor_is_seen_at_a_glance(place: str, most: int) -> None:
    """Its rooms are few; what would be one too many belongs into a family."""
    assert 0 < len(rooms(place)) <= most


@pytest.mark.parametrize(("place", "most"), STOREYS.items())
def test_a_floor_has_few_storeys(place: str, most: int) -> None:
    """A change in one room is followed through few others."""
    above: defaultdict[str, set[str]] = defaultdict(set)
    for room in rooms(place):
        folder = ROOT / place / room
        for file in folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]:
            above[room] |= {one for one in imported(file, place) if one != room}

    @cache
    def height(room: str) -> int:
        return 1 + max(map(height, above[room]), default=0)

    assert 1 < max(map(height, rooms(place))) <= most


def imported(file: Path, place: str) -> Iterator[str]:
    """Yield the rooms of a place that a module imports when it is loaded."""
    prefix, known = place.replace("/", "."), set(rooms(place))
    for node in syntax_nodes(file):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module == prefix:
                yield from ({one.name for one in names} & known)
            case ast.ImportFrom(module=str(module)) if module.startswith(f"{prefix}."):
                yield module.removeprefix(f"{prefix}.").partition(".")[0]
            case _:
                pass
