"""`deskhand doctor` and `deskhand status`: what is to mend, and what is waiting."""

import json

import pytest

from tests.support.command_line import deskhand
from tests.support.paths import ROOT


@pytest.mark.usefixtures("quiet_logs")
def test_the_doctor_looks_at_everything_and_fails_when_something_is_to_mend(
    migrated_file: str, redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs; each check that is well stays so whatever else is not."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("REDIS_URL", redis_url)
    capsys.readouterr()
    assert deskhand("doctor", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    states = {one["check"]: one["state"] for one in told["checks"]}
    assert told["healthy"] is False
    assert (states["database"], states["redis"], states["worker"], states["slack"]) == ("ok", "ok", "fail", "fail")
    assert deskhand("doctor") == 1
    said = capsys.readouterr().out
    assert "Run `deskhand eval run --agent access`." in said
    assert said.splitlines()[-1].endswith(" to look at.")


@pytest.mark.usefixtures("quiet_logs", "database_file")
def test_the_doctor_says_which_variable_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that cannot be read are a finding like any other."""
    monkeypatch.setenv("PORT", "eighty")
    assert deskhand("doctor", "--json") == 1
    [one] = json.loads(capsys.readouterr().out)["checks"]
    assert (one["check"], one["state"]) == ("settings", "fail")
    assert "PORT" in one["message"]


@pytest.mark.usefixtures("quiet_logs", "migrated_file")
def test_the_status_is_shown_and_fails_when_a_part_is_away(
    redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for programs; without Redis what the database knows is shown."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    capsys.readouterr()
    assert deskhand("status") == 0
    assert "Turns     0 waiting; 0 running" in capsys.readouterr().out
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    assert deskhand("status", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["queue"], told["turns"]["waiting"]["count"]) == (None, 0)
    assert told["away"][0].startswith("redis: ")
