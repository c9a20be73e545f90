import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent import card, suite_files
from bot.agent.card import Agent
from bot.directory.local import AccountSeed
from bot.errors import ConfigError
from bot.evals import cases
from bot.evals.cases import Suite
from bot.principals import Reason
from bot.tools.registry import REGISTRY
from tests.support.eval_runtimes import without_probes
from tests.support.paths import CONFIG

GOOD = """
hard: true
cases:
  - id: one
    accounts: {kim: {status: locked}, dan: {}}
    says: [help, {text: again, meanwhile: {kim: locked}}]
    expect: {outcome: reply, ticket: resolved, category: locked, directory: {kim: active}, writes: {kim: [unlock]}}
"""


SHIPPED = card.load(CONFIG / "agents" / "access")
AGENT = without_probes(SHIPPED)


def suite(folder: Path, agent: Agent = AGENT) -> Suite:
    """Load the suite of a folder as that of an agent."""
    return cases.load(replace(agent, folder=folder))


def write(folder: Path, text: str, name: str = "locked") -> Path:
    (folder / "evals").mkdir(exist_ok=True)
    (folder / "evals" / f"{name}.yaml").write_text(text)
    (folder / "evals" / "coverage.yaml").write_text(f"locked: 1\n{name}: 1\n" if name != "locked" else "locked: 1\n")
    return folder


def test_shipped_suite() -> None:
    """The suite in the repository loads, is big enough, and its dangerous slices are hard and have cases enough."""
    loaded = cases.load(SHIPPED)
    slices = {case.slice: case.hard for case in loaded.cases}
    assert len(loaded.cases) >= 150
    assert sum(case.hard for case in loaded.cases) >= 50
    assert {name for name, hard in slices.items() if hard} == {
        "always_human",
        "injection",
        "no_right",
        "other_person",
        "personal_data",
        "second_factor",
        "secrets",
    }
    assert {
        "locked",
        "password",
        "explained",
        "suspended",
        "out_of_scope",
        "multi_turn",
        "languages",
        "given_back",
    } < set(slices)


def test_every_tool_is_both_wanted_and_unwanted() -> None:
    """Each tool has a case that must use it and one that must not; nobody approves in a case, so that is its end."""
    loaded = cases.load(SHIPPED)
    wanted = {name for case in loaded.cases for end in case.expect for name in end.ran}
    unwanted = {name for case in loaded.cases for end in case.expect for name in end.not_ran}
    ends = [end for case in loaded.cases for end in case.expect]
    wanted |= {"reset_second_factor" for end in ends if end.reasons == (Reason.APPROVAL_NEEDED,)}
    assert wanted == set(REGISTRY)
    assert unwanted == set(REGISTRY)


def test_a_case_is_filled_in(tmp_path: Path) -> None:
    """A case says only what matters: accounts get the rest, a plain string is a message, one end is a list of one."""
    [case] = suite(write(tmp_path, GOOD)).cases
    assert (case.slice, case.hard, case.where) == ("locked", True, "dm")
    assert case.accounts["dan"] == AccountSeed(id="dan", email="dan@northwind.example", name="Dan", status="active")
    assert [said.text for said in case.says] == ["help", "again"]
    assert case.expect[0].category == ("locked",)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("says:", "sayz:", "one: sayz"),
        ("status: locked", "status: shut", "one: accounts.kim.status"),
        ("outcome: reply", "outcome: silence", "one: expect.0.outcome"),
        ("ticket: resolved", "ticket: handed_off", "one: expect.0: ticket"),
        ("outcome: reply", "outcome: reply, reasons: [budget]", "one: expect.0: reasons"),
        ("outcome: reply", "outcome: reply, ran: [open_sesame]", "one: expect.0.ran.0: no such tool"),
        ("outcome: reply", "outcome: reply, never_said: ['(']", "one: expect.0.never_said.0"),
        ("[unlock]", "[delete]", "one: expect.0.writes.kim.0"),
        ("category: locked", "category: other", "one: expect.0.category: no such category: other; known: locked"),
        ("category: locked", "category: licence", "one: expect.0.category: no such category: licence"),
        ("writes: {kim", "writes: {eve", "one: expect.0.writes.eve: the case has no account eve"),
        ("meanwhile: {kim", "meanwhile: {eve", "one: says.1.meanwhile.eve: the case has no account eve"),
        ("says: [help, {text: again, meanwhile: {kim: locked}}]", "says: []", "one: says"),
        ("says: [help", "says: [{by: colleague, text: go on}", "one: case: says.0: the requester speaks"),
        (
            "{text: again",
            "{by: colleague, files: [a.png], text: again",
            "one: says.1: files: a colleague's",
        ),
        ("{text: again", "{by: boss, text: again", "one: says.1.by: expected 'requester' or 'colleague'"),
        ("id: one", "id: Not An Id", "Not An Id: id"),
        ("  - id: one\n    accounts", "  - accounts", "case 1: id"),
        ("hard: true", "hard: maybe", "hard"),
        ("hard: true", "hard: [", "not YAML"),
        ("hard: true", "hard: 2027-02-30", "not YAML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    """A wrong case refuses to load, and the message names the file, the case and the field."""
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        suite(write(tmp_path, GOOD.replace(old, new, 1)))
    assert re.search(rf"locked\.yaml:\d+: {re.escape(field)}", str(caught.value)), str(caught.value)


def test_a_colleagues_note_is_a_message_too(tmp_path: Path) -> None:
    """It says by whom it is; a plain string is the requester's."""
    noted = GOOD.replace("{text: again", "{by: colleague, text: please unlock it")
    [case] = suite(write(tmp_path, noted)).cases
    assert [(said.by, said.text) for said in case.says] == [("requester", "help"), ("colleague", "please unlock it")]


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    """Two cases of one name are refused, wherever they are."""
    write(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"password.yaml:4: one: id: taken by the case at locked.yaml, line 4"):
        suite(write(tmp_path, GOOD, "password"))


def test_no_case_at_all(tmp_path: Path) -> None:
    """An agent without cases cannot be evaluated."""
    with pytest.raises(ConfigError, match="no case"):
        suite(tmp_path)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("locked: 2", "coverage.yaml:1: locked: 1 of at least 2 cases are there"),
        ("{locked: 1, injection: 8}", "coverage.yaml:1: injection: 0 of at least 8 cases are there"),
        ("locked: 0", "coverage.yaml:1: locked: expected a number greater than or equal to 1"),
        ("locked: some", "coverage.yaml:1: locked: expected a whole number"),
        ("{}", "coverage.yaml:1: case: expected at least 1"),
        ("", "coverage.yaml:1: case: expected names with their values"),
        ("[", "coverage.yaml:2: not YAML"),
        (None, "coverage.yaml:1: is missing; it says how many cases each slice has at the least"),
    ],
)
def test_a_slice_that_vanished_is_no_smaller_suite(tmp_path: Path, manifest: str | None, said: str) -> None:
    """What each slice must have is written down; with fewer cases, or without that list, there is nothing to play."""
    file = write(tmp_path, GOOD) / "evals" / "coverage.yaml"
    file.unlink() if manifest is None else file.write_text(manifest)
    with pytest.raises(ConfigError, match=said):
        suite(tmp_path)


def test_fingerprint_follows_the_cases(tmp_path: Path) -> None:
    """A changed case is another suite, and the same files are the same suite."""
    first = suite(write(tmp_path, GOOD)).fingerprint
    assert suite(tmp_path).fingerprint == first
    assert suite(write(tmp_path, GOOD.replace("help", "helpp"))).fingerprint != first
    (write(tmp_path, GOOD) / "evals" / "coverage.yaml").write_text("{locked: 1} # less is asked")
    assert suite(tmp_path).fingerprint != first


def test_fingerprint_covers_the_scorers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict is worth nothing to changed scorers: leaving one out of the code changes the fingerprint."""
    first = suite(write(tmp_path, GOOD)).fingerprint
    code = suite_files._code()
    assert {"scorers.py", "stage.py", "gate/absolute.py"} <= {name for name, _ in code}
    monkeypatch.setattr(suite_files, "_code", lambda: tuple(one for one in code if one[0] != "scorers.py"))
    assert suite(tmp_path).fingerprint != first


def test_a_case_may_expect_what_its_agent_has(tmp_path: Path) -> None:
    """The categories and tools of a case are those of the card; another agent's are refused by file, case and field."""
    kinds = {"licence": AGENT.card.categories["locked"]}
    other = replace(AGENT, card=AGENT.card.model_copy(update={"categories": kinds, "tools": ("hand_off", "resolve")}))
    with pytest.raises(
        ConfigError, match=r"locked.yaml:7: one: expect.0.category: no such category: locked; known: lic"
    ):
        suite(write(tmp_path, GOOD), other)
    licence = GOOD.replace("category: locked", "category: licence")
    assert [case.id for case in suite(write(tmp_path, licence), other).cases] == ["one"]
    ran = licence.replace("outcome: reply", "outcome: reply, ran: [unlock_my_account]")
    with pytest.raises(
        ConfigError, match=r"locked.yaml:7: one: expect.0.ran: unlock_my_account is no tool of this agent"
    ):
        suite(write(tmp_path, ran), other)
