import json
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.sandbox.demo import tour
from bot.sandbox.demo.launch import RunningDemo
from bot.sandbox.demo.processes import CannotRun, Supervisor
from bot.sandbox.demo.scenes.checks import Json, Unexpected
from bot.sandbox.demo.scenes.stage import Stage
from bot.store.db import Database


def wins(_stage: Stage) -> Json:
    """Everything goes well."""
    return {"ticket": 7}


def fails(_stage: Stage) -> Json:
    """Something is not as it should be."""
    raise Unexpected("expected one answer; saw 2")


def answers_nonsense(stage: Stage) -> Json:
    """The workspace answers in another shape."""
    found: Json = stage.kept["nothing"]
    return found


def loses_a_process(_stage: Stage) -> Json:
    """A process of the running_demo is past helping."""
    raise CannotRun("redis died 3 times in a row")


@pytest.fixture
def running_demo(tmp_path: Path, database: Database) -> RunningDemo:
    """Return a running_demo at which nothing is up; these scenes need nobody."""
    return RunningDemo(Supervisor(tmp_path), "http://127.0.0.1:9/", None, database, {})


def test_scenes_are_played_in_the_order_of_the_story() -> None:
    """Whatever the order asked for, the story's is kept; no names mean all scenes."""
    assert [scene.__name__ for scene in tour.chosen(["handoff", "unlock"])] == ["unlock", "handoff"]
    assert tour.chosen([]) == tour.SCENES


def test_an_unknown_scene_is_refused_with_the_known_ones() -> None:
    """A scene that does not exist is an error that lists those that do."""
    with pytest.raises(ConfigError, match=r"no scene is called unlok; known: unlock, .*worker_killed"):
        tour.chosen(["unlok"])


def test_a_failed_scene_is_told_and_the_others_are_played(
    running_demo: RunningDemo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each scene gives one JSON object, a failed one with what was seen, and the exit code tells of it."""
    lines: list[str] = []
    assert tour.play(running_demo, (fails, answers_nonsense, wins), lines.append, as_json=True) == 1
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["ok"], first["error"]) == (False, "expected one answer; saw 2")
    assert (second["ok"], second["error"]) == (False, "unreadable: KeyError: 'nothing'")
    assert (third["scene"], third["ok"], third["ticket"]) == ("wins", True, 7)
    assert "1 of 3 scenes passed. fails answers_nonsense" in lines[-1]


def test_nothing_but_json_is_on_stdout(running_demo: RunningDemo, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json nothing is written past `say`; with it every line parses."""
    assert tour.play(running_demo, (wins,), lambda _: None, as_json=False) == 0
    assert capsys.readouterr().out == ""


def test_the_end_of_the_demo_ends_the_tour(running_demo: RunningDemo) -> None:
    """A process that cannot be kept up is no failed scene: the tour stops with its message."""
    with pytest.raises(CannotRun, match="redis died"):
        tour.play(running_demo, (loses_a_process, wins), lambda _: None, as_json=False)
