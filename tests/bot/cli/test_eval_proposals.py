"""`deskhand eval proposals`: what people proposed, as files to apply."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from bot.store.db import Database
from bot.store.releases import case_proposals
from bot.store.schema import CaseDraft, ProposalState
from tests.support.agent_folders import copied_agent
from tests.support.command_line import deskhand
from tests.support.factories import handed_off

pytestmark = pytest.mark.usefixtures("quiet_logs")

DRAFT = CaseDraft(
    id="locked-after-holidays",
    slice="locked",
    says="Back from two weeks off: my badge works, my login does not, it says 'locked'.",
    accounts="kim: {status: locked, lock_reason: too many failed sign-ins}",
    outcome="reply",
    ticket="resolved",
    category="locked",
    more="directory: {kim: active}\nwrites: {kim: [unlock]}",
    why="A person unlocked it.",
)


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Return what a command says on both of its outputs."""
    capsys.readouterr()
    assert deskhand("eval", "proposals", *words) == code
    seen = capsys.readouterr()
    return f"{seen.out}{seen.err}"


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what a command says to programs."""
    capsys.readouterr()
    assert deskhand("eval", "proposals", *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_an_accepted_case_is_shown_as_a_diff_and_applied_by_a_person(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what somebody has accepted; the folder that is served is changed only after a question."""
    copied_agent(tmp_path / "config")
    copied_agent(tmp_path / "checkout")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    assert deskhand("migrate") == 0
    assert "No case is proposed." in run(capsys, "list")
    handoff = handed_off(sqlite)
    about: dict[str, Any] = {"agent": "access", "handoff_id": handoff.id, "ticket_id": handoff.ticket_id}
    with sqlite.write() as session:
        number = case_proposals.propose(session, **about, by="U0PRIYA", draft=CaseDraft(id="handoff-1"))
    assert number is not None
    one = str(number)
    assert "proposed  access  -/handoff-1" in run(capsys, "list")
    assert "WRONG slice: choose one of" in run(capsys, "show", one)
    assert "is proposed; a person accepts it in Slack first" in run(capsys, "diff", one, code=1)
    with sqlite.write() as session:
        state = ProposalState.ACCEPTED
        assert case_proposals.decide(session, number, 1, by="U0BEN", state=state, draft=DRAFT) is not None
    [listed] = asked(capsys, "list")["proposals"]
    assert (listed["state"], listed["decided_by"], listed["draft"]["id"]) == ("accepted", "U0BEN", DRAFT.id)
    assert asked(capsys, "show", one)["problems"] == []
    diff = asked(capsys, "diff", one)["diff"]
    assert "+++ b/config/agents/access/evals/locked.yaml" in diff
    assert run(capsys, "diff", one).startswith(diff)

    served, checkout = (tmp_path / place / "agents/access/evals/locked.yaml" for place in ("config", "checkout"))
    before = served.read_text("utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "Apply it there?" in run(capsys, "apply", one, code=1)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "Nothing was applied. With --yes nothing is asked." in run(capsys, "apply", one, code=1)
    assert served.read_text("utf-8") == before
    done = asked(capsys, "apply", one, "--to", str(tmp_path / "checkout"))
    assert done["changed"] == ["coverage.yaml", "locked.yaml"]
    assert DRAFT.id in checkout.read_text("utf-8")
    assert served.read_text("utf-8") == before
    assert "deskhand eval run" in run(capsys, "apply", one, "--yes")
    assert served.read_text("utf-8") == checkout.read_text("utf-8")
    assert "taken by the case at locked.yaml" in run(capsys, "apply", one, "--yes", code=1)
    assert "no proposal 99" in run(capsys, "show", "99", code=2)
