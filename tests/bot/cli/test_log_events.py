"""What an event of the log means: `deskhand logs explain`."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from bot.cli import cli
from bot.cli.log_events import catalogue
from tests.support.paths import ROOT
from tests.support.source_trees import syntax_nodes

LEVELS = {"exception": "error"}
OF_LOGS = {
    **{name: {"critical"} for name in ("process.crashed", "thread.crashed", "error.ignored")},
    "library.logged": {"any"},
}
"What `bot.logs` logs by a name that it was given."


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of a logger in the product, with its level; the local workspace logs for itself."""
    for top in ("bot", "jobs"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if file.is_relative_to(ROOT / "bot/sandbox") or file == ROOT / "bot/logs.py":
                continue
            for node in syntax_nodes(file):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger"), attr=level)):
                        yield level, node
                    case ast.Call(func=ast.Attribute(ast.Call(func=ast.Attribute(attr="get_logger")), level)):
                        yield level, node
                    case _:
                        pass


def logged() -> dict[str, set[str]]:
    """Return the levels of each event that the product logs."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for level, call in calls():
        match call.args:
            case [ast.Constant(value=str(name))]:
                found[name].add(LEVELS.get(level, level))
            case _:
                pytest.fail(f"an event needs one name, written where it is logged: {ast.unparse(call)}")
    return {**found, **OF_LOGS, "python.warned": {"warning"}}


def test_every_event_is_explained_and_no_other() -> None:
    """Whoever adds an event says what it means, at its levels; whoever removes one removes that too."""
    events = logged()
    assert len(events) > 90
    assert {name: set(event.level) for name, event in catalogue().items()} == events


def test_events_are_noun_and_verb() -> None:
    """A name has a noun and a verb in the past tense, so that it can be guessed."""
    irregular = (
        "found|gone|read|sent|begun|left|lost|seen|unseen|taken|told|given|undone|swept|withdrawn|withheld|began"
    )
    verb = rf"(not_)?([a-z]+_)*([a-z]*ed|{irregular})(_[a-z]+)*"
    assert [name for name in catalogue() if not re.fullmatch(rf"[a-z_]+\.{verb}", name)] == []


def test_the_table_is_in_order() -> None:
    """Nobody searches twice, or writes an event down twice (YAML would keep the last one in silence)."""
    names = re.findall(r"^([a-z_.]+):$", (ROOT / "bot/log_events.yaml").read_text("utf-8"), re.MULTILINE)
    assert names == sorted(set(names)) == list(catalogue())


def test_each_is_said_in_whole_sentences() -> None:
    """What is printed is read by somebody who has just been called."""
    for name, event in catalogue().items():
        for text in (event.means, event.do):
            assert re.match(r"[A-Z`]|[a-z]+\.yaml ", text), f"{name}: {text}"
            assert text.endswith("."), f"{name}: {text}"


@pytest.mark.parametrize(
    "asked",
    [
        "turn.delayed",
        '{"turn": 7, "event": "turn.delayed", "error": "see turn.crashed"}',
        "2026-11-30T08:00:00Z [warning  ] turn.delayed   error='the model did not answer'",
    ],
)
def test_it_explains(asked: str) -> None:
    """An event is explained by its name and by a whole line of either form of the log."""
    shown = CliRunner().invoke(cli, ["logs", "explain", asked])
    assert shown.exit_code == 0
    assert shown.output.startswith("turn.delayed (warning)\n  A turn could not go on")
    assert "\n  What to do: " in shown.output


def test_it_explains_all() -> None:
    """A program gets all of them as one JSON object."""
    shown = json.loads(CliRunner().invoke(cli, ["logs", "explain", "--all", "--json"]).output)
    assert shown.keys() == catalogue().keys()
    assert shown["budget.asked"]["level"] == ["info", "warning"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["turn.delay"], "did you mean turn.delayed"),
        (["nothing"], "`deskhand logs explain --all` lists them"),
        ([], "name an event, such as turn.delayed, or give --all"),
        (["turn.delayed", "--all"], "name an event, such as turn.delayed, or give --all"),
        (['{"event": "turn.invented"}'], "no event is called 'turn.invented'"),
    ],
)
def test_an_unknown_event_is_a_clear_error(arguments: list[str], says: str) -> None:
    """Whoever mistypes a name gets the nearest ones."""
    shown = CliRunner().invoke(cli, ["logs", "explain", *arguments])
    assert shown.exit_code == 2
    assert says in shown.output
