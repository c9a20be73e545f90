import fcntl
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.budget.caps import Budgets
from bot.sandbox.demo import demo, folder, launch
from bot.sandbox.demo.launch import LaunchOptions
from bot.sandbox.demo.tour import CAPS
from bot.settings import Settings
from tests.support.paths import CONFIG


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty folder, and give back the signals that the demo takes."""
    monkeypatch.chdir(tmp_path)
    taken = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in taken.items():
        signal.signal(number, handler)


def refused(capsys: pytest.CaptureFixture[str], **options: int) -> str:
    """Run the demo, which must fail with one line, and return that line."""
    assert demo.run(**options) == 1  # type: ignore[arg-type]  # the options of one test each
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("deskhand demo: ")
    assert len(shown.err.splitlines()) == 1
    return shown.err


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """A taken port is named; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert f"Port {port} is in use" in refused(capsys, port=port)
    assert not Path(".deskhand").exists()


def test_a_full_disk_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room is named before anything is started."""
    monkeypatch.setattr(launch, "FREE_BYTES", 2**62)
    assert ".deskhand/demo is full" in refused(capsys)


def test_a_folder_that_cannot_be_made_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """What the system refuses is told with the path and its own words."""
    Path(".deskhand").touch()
    assert ".deskhand: File exists" in refused(capsys)


def test_two_demos_do_not_share_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """The second demo in a folder is refused, and wipes nothing even with --fresh."""
    kept = Path(".deskhand/demo/deskhand.db")
    kept.parent.mkdir(parents=True)
    kept.touch()
    with Path(".deskhand/demo/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another demo is running" in refused(capsys, fresh=True)
    assert kept.exists()


def test_a_missing_config_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Away from the checkout the tour says which folder it lacks, and begins with a clean one of its own."""
    place = Path(".deskhand/demo-tour")
    with folder.locked(place, fresh=True):
        old = place / "workspace.json"
        old.touch()
    assert "config: No such file or directory" in refused(capsys, tour=True)
    assert not old.exists()


def test_an_installation_is_out_of_its_reach(capsys: pytest.CaptureFixture[str]) -> None:
    """Its default database is in no demo's folder, and what stands in a demo's place without a mark is left alone."""
    for place in (folder.STATE, demo.TOUR):
        assert Path(Settings().database_url.removeprefix("sqlite:///")).parent != place
        place.mkdir(parents=True)
        (place / "deskhand.db").write_text("a production database")
        assert "the folder has no demo's mark" in refused(capsys, fresh=True, tour=place == demo.TOUR)
        assert [one.name for one in place.iterdir() if one.name != "lock"] == ["deskhand.db"]


def test_an_unknown_scene_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """A scene that does not exist is answered with those that do."""
    assert demo.run(tour=True, scenes=("unlok",)) == 1
    assert "no scene is called unlok; known: unlock, password_reset" in capsys.readouterr().err


def test_the_small_purses_are_valid_config(tmp_path: Path) -> None:
    """The tour's copy of the budgets differs in two conversations alone: a visitor meets none of its caps."""
    options = LaunchOptions(tmp_path, CONFIG, 0, caps=CAPS)
    copy = launch._config(options, tmp_path)
    budgets, ours = Budgets.load(copy / "budgets.yaml"), Budgets.load(CONFIG / "budgets.yaml")
    assert [budgets.channel.named[name].hard for name in CAPS] == [50_000_000, 5_000_000]
    named = {name: limit for name, limit in budgets.channel.named.items() if name not in CAPS}
    whole = budgets.model_dump()
    assert {**whole, "channel": {**whole["channel"], "named": {n: one.model_dump() for n, one in named.items()}}} == (
        ours.model_dump()
    )
    assert yaml.safe_load((copy / "agents" / "access" / "card.yaml").read_text())["name"] == "access"


def test_the_welcome_says_who_answers() -> None:
    """Visitors read the page's address and whether Claude or the stand-in answers."""
    assert "not Claude" in demo.welcome("http://127.0.0.1:1/", claude=False)
    assert "http://127.0.0.1:1/" in demo.welcome("http://127.0.0.1:1/", claude=True)
    assert "not Claude" not in demo.welcome("http://127.0.0.1:1/", claude=True)
