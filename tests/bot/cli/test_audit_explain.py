"""`deskhand audit explain` and `deskhand audit sample`: pages, lists, seeds and exit codes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from bot.cli import main
from bot.store import audit, db
from bot.store.audit import guards
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.installation import revisions
from bot.store.schema import StepKind
from bot.store.tickets import steps, tickets, turns
from tests.support.factories import FIRST, hand_off
from tests.support.paths import CONFIG

TOOL = "unlock_my_account"
LINK = f"https://example.slack.com/archives/C0HELP/p{FIRST.ts.replace('.', '')}"
Ran = tuple[int, str, str]


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An installation with one ticket, in whose turn an account was unlocked."""
    folder = tmp_path_factory.mktemp("installed")
    url = f"sqlite:///{folder / 'deskhand.db'}"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DESKHAND_CONFIG", str(CONFIG))
    revisions.migrate(url)
    database = db.connect(url)
    with database.write() as session:
        accepted = tickets.accept(session, FIRST, agent="access")
    assert accepted is not None
    assert accepted.turn_id is not None
    with database.write() as session:
        attempt = turns.begin(session, accepted.turn_id, worker="w", lease=60)
        assert attempt is not None
        steps.start(session, attempt, seq=2, kind=StepKind.TOOL, name=TOOL, request={"arguments": {}})
        facts: dict[str, Any] = {
            "turn": 1,
            "step": 2,
            "tool": TOOL,
            "decision": "Allowed",
            "rule": "own_account",
            "why": "granted",
        }
        intent = audit.append(session, "tool.intended", actor="agent:access@1", ticket_id=1, **facts)
        audit.append(
            session, "tool.finished", actor="agent:access@1", ticket_id=1, intent_id=intent, agreement="matched"
        )
    yield database
    database.close()


@pytest.fixture
def run(
    installed: Database, quiet_logs: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Run":
    """Return what runs the command in this process."""
    assert (installed, quiet_logs) == (installed, None)
    return Run(monkeypatch, capsys)


class Run:
    """Runs `deskhand audit` and returns its exit code, and what it has printed on stdout and stderr."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.patch, self.capsys = patch, capsys

    def __call__(self, *words: str) -> Ran:
        """Run it once."""
        self.patch.setattr("sys.argv", ["deskhand", "audit", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self.capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err


def test_a_link_is_explained_and_its_json_has_the_same(run: Run) -> None:
    """The page on stdout says what was asked, decided and done; exit code 0."""
    code, page, _ = run("explain", LINK)
    assert code == 0
    assert page.startswith("Turn 1, which is not done. Ticket 1 of access is open.\nTimes are UTC.\n")
    assert f"{TOOL} was allowed by the rule own_account" in page
    assert "The directory was read back and showed it: matched." in page
    code, told, _ = run("explain", LINK, "--json")
    spoken = json.loads(told)
    assert (code, spoken["thing"]) == (0, "turn:1")
    for part in spoken["parts"]:
        assert all(" ".join(sentence.split()) in " ".join(page.split()) for sentence in part["says"])


def test_what_could_be_several_things_is_listed(run: Run) -> None:
    """Each with the name under which it is explained; exit code 1."""
    code, told, _ = run("explain", "1")
    assert code == 1
    names = [line.split()[0] for line in told.splitlines()[1:]]
    assert names == ["ticket:1", "turn:1", "turn:1:2"]
    for name in names:
        assert run("explain", name)[0] == 0
    code, told, _ = run("explain", "1", "--json")
    assert (code, [one["thing"] for one in json.loads(told)["could_mean"]]) == (1, names)


@pytest.mark.parametrize(
    "what", ["ticket:2", "two words", "turn:1:9", "nobody", "https://x.example/archives/C0HELP/p1"]
)
def test_what_is_unknown_says_how_to_name_things(run: Run, what: str) -> None:
    """Exit code 2, nothing on stdout, and every way to name something."""
    code, told, error = run("explain", what)
    assert (code, told) == (2, "")
    assert "approval:5" in error
    assert "audit:17" in error


def remove_first(installed: Database) -> None:
    """Remove the first record, as `deskhand audit seal --remove` does."""
    with installed.write() as session, guards.lifted(session):
        session.execute(text("DELETE FROM audit WHERE seq = 1"))
        session.execute(text("DELETE FROM audit_chain WHERE audit_seq = 1"))


def test_a_page_says_that_records_of_it_may_be_gone(run: Run, installed: Database) -> None:
    """Otherwise "no decision is on record" would accuse; a ticket of later is spared the sentence."""
    assert "removed" not in run("explain", "turn:1:2")[1]
    remove_first(installed)
    assert "The records before 2 are sealed and removed" in run("explain", "turn:1:2")[1]
    assert '"audit_begins": 2' in run("explain", "turn:1:2", "--json")[1]
    with installed.write() as session:
        tickets.accept(session, replace(FIRST, event_id="Ev9", ts="1700000009.000000"), agent="access")
    assert "removed" not in run("explain", "ticket:2")[1]


@pytest.mark.parametrize("value", ["[" * 20_000 + "]" * 20_000, "{", ""], ids=["deep", "cut", "empty"])
@pytest.mark.parametrize("command", [("explain", "turn:1:2"), ("explain", "audit:2"), ("sample",)])
def test_a_record_that_cannot_be_read_is_one_line(
    run: Run, installed: Database, command: tuple[str, ...], value: str
) -> None:
    """Somebody has changed it; what finds out which one is named, and nothing is printed as if all were well."""
    with installed.write() as session, guards.lifted(session):
        session.execute(text("UPDATE audit SET record = :value WHERE seq = 2"), {"value": value})
    code, told, error = run(*command)
    assert (code, told) == (2, "")
    assert error.startswith("deskhand: database: a value in it is no JSON that can be read")
    assert "deskhand audit verify" in error


@pytest.mark.parametrize(
    ("what", "left"),
    [("audit:1", "audit:2"), ("position:1", "position:2"), ("audit:9", None), ("position:9", None), ("ticket:9", None)],
)
def test_a_record_that_was_removed_is_said_to_be(run: Run, installed: Database, what: str, left: str | None) -> None:
    """Where else it may be found, and by the name of the first record that is left; of other names nothing is said."""
    remove_first(installed)
    code, told, error = run("explain", what)
    assert (code, told) == (2, "")
    assert (f"before {left} are sealed and removed" in error) is (left is not None)
    assert ("removed" in error) is (left is not None)


def test_a_sample_is_drawn_again_by_its_seed(run: Run) -> None:
    """Three lines an act, and how many acts there are; without a seed one is made up and told."""
    code, told, _ = run("sample", "--seed", "S", "--n", "5")
    assert code == 0
    assert told.splitlines()[0] == (
        "Seed S: 1 of 1 writes, 0 of 0 approvals, 0 of 0 handoffs, 0 of 0 refusals. Times are UTC."
    )
    decided, came, _where = told.splitlines()[2:]
    assert decided.startswith("write: ")
    assert came.endswith("The tool finished. The directory was read back and showed it: matched.")
    assert told.splitlines()[-1].startswith("  deskhand audit explain turn:1:2  C0HELP/")
    assert run("sample", "--seed", "S", "--n", "5")[1] == told
    spoken = json.loads(run("sample", "--json")[1])
    assert spoken["seed"]
    assert [(one["stratum"], one["audit"], one["thing"]) for one in spoken["acts"]] == [("writes", 1, "turn:1:2")]
    assert run("sample", "--n", "0")[0] == 2


def test_a_handoff_of_a_sample_says_what_people_did(run: Run, installed: Database) -> None:
    """The second line is the last move of this very handoff, and the page of its record has every move."""
    first = hand_off(installed, 1)
    with installed.write() as session:
        handoffs.claim(session, first.id, "U0PRIYA", lease_minutes=30)
        handoffs.resolve(session, first.id, "U0PRIYA", done="I told her how.", category="other", agent_could=False)
    second = hand_off(installed, 1)
    told = run("sample", "--seed", "S")[1]
    lines = [line.strip() for line in told.splitlines() if "handoff" in line]
    assert any(line.endswith(f"U0PRIYA: handoff {first.id} resolved.") for line in lines)
    assert any(line.endswith(f"handoff {second.id} opened (requested).") for line in lines)
