"""`deskhand agents`: who they are, whether they work, and when their cards are reviewed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.store.db import Database
from bot.store.installation import agents
from bot.store.schema import AuditRow, Suspension
from tests.support.agent_folders import copied_agent
from tests.support.command_line import deskhand
from tests.support.factories import new_turn, rows

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.fixture
def config(sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the command at a database and at a configuration with one agent."""
    copied_agent(tmp_path / "config")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    assert deskhand("migrate") == 0
    return tmp_path / "config"


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return what a command answers as JSON."""
    capsys.readouterr()
    assert deskhand("agents", *words, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Return what a command says on both of its outputs."""
    capsys.readouterr()
    assert deskhand("agents", *words) == code
    seen = capsys.readouterr()
    return f"{seen.out}{seen.err}"


@pytest.mark.usefixtures("config")
def test_an_agent_is_suspended_and_resumed(sqlite: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Each once, with the cause and who did it; what is done already is refused in a sentence, with exit code 1."""
    new_turn(sqlite)
    text = said(capsys, "suspend", "access", "--reason", " It sends\nthe wrong link. ")
    assert text.startswith("access is suspended. 1 turn under way goes to people at the next step; every new request")
    [suspension] = rows(sqlite, Suspension)
    assert (suspension.cause, suspension.by) == ("It sends the wrong link.", "operator")
    again = said(capsys, "suspend", "access", "--reason", "again", code=1)
    assert (
        f"access has been suspended since {suspension.at:%Y-%m-%d %H:%M} UTC by an operator: It sends the wrong"
        in again
    )
    assert again.endswith("wrong link. Nothing was done.\n")
    listed = said(capsys, "list")
    assert "access  suspended  2027-05-31    U0OLIVIA" in listed
    assert "by an operator: It sends the wrong link." in listed
    assert "access is resumed." in said(capsys, "resume", "access")
    assert "access is not suspended by `deskhand agents suspend`: it works." in said(capsys, "resume", "access", code=1)
    assert [row.event for row in rows(sqlite, AuditRow)] == ["agent.suspended", "agent.resumed"]


@pytest.mark.usefixtures("config")
def test_all_of_it_is_there_as_json(sqlite: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Times as ISO 8601; what is unknown is null."""
    first = answered(capsys, "suspend", "access", "--reason", "wrong links")
    assert (first["agent"], first["cause"], first["by"], first["over_at"]) == (
        "access",
        "wrong links",
        "operator",
        None,
    )
    assert first["turns_not_done"] == 0
    [one] = answered(capsys, "list")["agents"]
    assert (one["status"], one["cause"], one["review_by"], one["review_overdue"]) == (
        "suspended",
        "wrong links",
        "2027-05-31",
        False,
    )
    assert datetime.fromisoformat(one["since"]) == rows(sqlite, Suspension)[0].at
    shown = answered(capsys, "show", "access")
    assert shown["tools"][0] == "look_up_my_account"
    assert [span["cause"] for span in shown["suspensions"]] == ["wrong links"]
    assert shown["release"].startswith("access@")
    resumed = answered(capsys, "resume", "access")
    assert (resumed["status"], resumed["over_by"]) == ("active", "operator")
    assert answered(capsys, "show", "access")["status"] == "active"


@pytest.mark.usefixtures("config")
def test_one_agent_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """Its purpose, its people, what it may do where, and each suspension."""
    said(capsys, "suspend", "access", "--reason", "first")
    said(capsys, "resume", "access")
    said(capsys, "suspend", "access", "--reason", "second")
    lines = said(capsys, "show", "access").splitlines()
    assert "Purpose    Gets people who cannot sign in back into their own account." in lines
    assert "Sponsor    Head of IT support" in lines
    assert "Channels   C0HELP, direct messages" in lines
    status = next(line for line in lines if line.startswith("Status"))
    assert status.endswith("by an operator: second")
    assert lines[-2].startswith("Suspended  20")
    assert lines[-2].endswith("UTC, by operator: second")
    assert lines[-1].endswith(" UTC (resumed by operator), by operator: first")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
@pytest.mark.usefixtures("config")
def test_a_suspension_needs_a_reason(sqlite: Database, capsys: pytest.CaptureFixture[str], reason: str) -> None:
    """One that can be read in a line; nothing is written without it."""
    assert "expected 1 to 300 characters that say why" in said(capsys, "suspend", "access", "--reason", reason, code=2)
    assert "Missing option '--reason'" in said(capsys, "suspend", "access", code=2)
    assert rows(sqlite, Suspension) == []


@pytest.mark.usefixtures("config")
def test_a_secret_in_a_reason_is_not_kept(sqlite: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is read by many, and stays in the audit log for ever."""
    said(capsys, "suspend", "access", "--reason", "its password is Tr0ub4dor&3")
    assert "Tr0ub4dor" not in rows(sqlite, Suspension)[0].cause
    assert "Tr0ub4dor" not in json.dumps(rows(sqlite, AuditRow)[0].record)


@pytest.mark.usefixtures("config")
def test_a_review_is_recorded(sqlite: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Until a day that is to come and not far away; the later of it and the card's day counts."""
    today = datetime.now(UTC).date()
    for wrong in (today, today - timedelta(days=1), today + timedelta(days=367)):
        assert "expected a day after today" in said(capsys, "review", "access", "--until", f"{wrong}", code=2)
    soon, late = today + timedelta(days=1), today + timedelta(days=366)
    text = said(capsys, "review", "access", "--until", f"{soon}")
    assert "Its card says `review_by: 2027-05-31`, which is later and counts." in text
    told = answered(capsys, "review", "access", "--until", f"{late}")
    assert told == {"agent": "access", "until": f"{late}", "review_by": f"{late}"}
    assert answered(capsys, "show", "access")["reviewed_at"] is not None
    assert [row.event for row in rows(sqlite, AuditRow)] == ["agent.reviewed"] * 2


def test_an_overdue_review_is_marked(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the list and on the agent's own page."""
    file = config / "agents/access/card.yaml"
    file.write_text(file.read_text().replace("2027-05-31", "2020-05-31"))
    assert "2020-05-31 !" in said(capsys, "list")
    assert "!  the review is over: access" in said(capsys, "list")
    assert "Review by  2020-05-31, which is over" in said(capsys, "show", "access")
    assert answered(capsys, "list")["agents"][0]["review_overdue"] is True


def test_what_the_card_says_is_not_for_the_command_to_change(
    config: Path, sqlite: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """A card that says suspended stays so, and a retired agent is neither suspended nor reviewed."""
    file = config / "agents/access/card.yaml"
    active = file.read_text()
    file.write_text(active.replace("status: active", "status: suspended"))
    assert "set `status: active` there" in said(capsys, "resume", "access", code=1)
    said(capsys, "suspend", "access", "--reason", "both")
    assert "The suspension of access is over, but it does not work" in said(capsys, "resume", "access")
    assert "Status     suspended by its card" in said(capsys, "show", "access")
    file.write_text(active)
    with sqlite.write() as session:
        agents.retire(session, "access", because="its card says so")
    for words in (("suspend", "access", "--reason", "x"), ("review", "access", "--until", "2027-01-01")):
        assert "access is retired and never works again. Nothing was done." in said(capsys, *words, code=1)


@pytest.mark.usefixtures("config")
def test_retired_agents_without_a_folder_are_listed(sqlite: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Their ids are known for ever; an unknown one is refused with those that there are."""
    with sqlite.write() as session:
        agents.retire(session, "old", because="access inherits its tickets")
    assert [(one["name"], one["status"]) for one in answered(capsys, "list")["agents"]] == [
        ("access", "active"),
        ("old", "retired"),
    ]
    assert "no agent is called vpn; known: access" in said(capsys, "suspend", "vpn", "--reason", "x", code=2)
