"""`deskhand eval promote`: an owner makes a release the baseline."""

import json
from pathlib import Path

import pytest

from bot.agent import card
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store import members
from bot.store.db import Database
from bot.store.schema import Promotion
from tests.support.agent_folders import copied_agent
from tests.support.command_line import deskhand
from tests.support.factories import rows
from tests.support.release_rows import judged

pytestmark = pytest.mark.usefixtures("quiet_logs")


def test_only_an_owner_promotes_and_only_what_has_passed(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The release that would be served now by default; what is refused is said in a sentence, with exit code 1."""
    folder = copied_agent(tmp_path / "config")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    assert deskhand("migrate") == 0
    release, suite = pair_of(Settings.from_environment(), card.load(folder))
    with sqlite.write() as session:
        judged(session, "access@before", suite)
        judged(session, release, "another suite")
    promote = ("eval", "promote", "--by")
    assert deskhand(*promote, "U0STRANGER") == 1
    assert "U0STRANGER is no owner of access; owners: U0OLIVIA." in capsys.readouterr().err
    assert deskhand(*promote, "U0OLIVIA") == 1
    refused = f"{release} was not promoted: it has not passed the suite as it is now. Run `deskhand eval run` first."
    assert refused in capsys.readouterr().err
    assert deskhand(*promote, "U0OLIVIA", "--release", "access@unknown") == 1
    assert "There is no release access@unknown. `deskhand release list` names" in capsys.readouterr().err
    with sqlite.write() as session:
        judged(session, release, suite)
    capsys.readouterr()
    with sqlite.write() as session:
        members.note_departure(session, "U0OLIVIA")
    assert deskhand(*promote, "U0OLIVIA") == 1
    assert "U0OLIVIA has left the workspace. Nothing was promoted." in capsys.readouterr().err
    with sqlite.write() as session:
        members.note_return(session, "U0OLIVIA")
    assert deskhand(*promote, "U0OLIVIA", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"agent": "access", "release": release, "suite": suite, "by": "U0OLIVIA", "number": 2}
    assert deskhand(*promote, "U0OLIVIA") == 1
    assert "it is the baseline already" in capsys.readouterr().err
    assert deskhand(*promote, "U0OLIVIA", "--release", "access@before") == 0
    assert "access@before is the baseline of access" in capsys.readouterr().out
    assert [row.release for row in rows(sqlite, Promotion)] == ["access@before", release, "access@before"]
