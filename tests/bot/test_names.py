"""Words have one meaning: what is called the same is the same."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.support import run_order
from tests.support.paths import ROOT
from tests.support.source_trees import syntax_tree


def classes(*tops: str) -> Iterator[tuple[str, str]]:
    """Return the name and the module of each public class at the top level of a module."""
    for top in tops:
        for file in sorted((ROOT / top).rglob("*.py")):
            for node in syntax_tree(file).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    yield node.name, str(file.relative_to(ROOT))


def test_no_public_class_has_the_name_of_another() -> None:
    """Who reads a class's name knows which one is meant, wherever it stands."""
    homes = defaultdict(list)
    for name, home in classes("bot", "jobs"):
        homes[name].append(home)
    assert len(homes) > 300
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_the_order_of_the_tests_names_files_that_there_are() -> None:
    """A file that was renamed would begin late, and be waited for at the end."""
    named = [file for one in run_order.LONGEST for file in run_order.TOGETHER.get(one, (one,))]
    assert [one for one in named if not (ROOT / one).exists()] == []
