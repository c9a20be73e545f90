"""`deskhand policy explain`: what may run, and which of the four rights is missing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.directory.local import AccountSeed, LocalDirectory
from bot.errors import DirectoryDown
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.installation import agents
from tests.support.command_line import deskhand
from tests.support.factories import everything
from tests.support.local_workspace import LocalWorkspace
from tests.support.paths import CONFIG

Explained = tuple[int, dict[str, Any]]
ACCOUNTS = (
    {
        "id": "acc-maya",
        "email": "maya.okafor@northwind.example",
        "lock_reason": "too many failed sign-ins",
        "factors": ["totp"],
    },
    {"id": "acc-tomas", "email": "tomas.rivera@northwind.example", "lock_reason": "by HR"},
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a copy of the configuration, in which the agent may reset factors and one more channel may only look."""
    made = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    file = made / "agents/access/card.yaml"
    card = yaml.safe_load(file.read_text())
    card["channels"].append("C0LOBBY")
    card["tools_in"] = {"C0LOBBY": ["look_up_my_account", "hand_off"]}
    card["tools"] = list(dict.fromkeys([*card["tools"], "reset_second_factor"]))
    card["needs_account"] = list(dict.fromkeys([*card["needs_account"], "reset_second_factor"]))
    file.write_text(yaml.safe_dump(card))
    return made


@pytest.fixture
def house(
    monkeypatch: pytest.MonkeyPatch, sqlite: Database, sqlite_url: str, config: Path, workspace: LocalWorkspace
) -> Database:
    """Point the command at a workspace and at a directory of two accounts."""
    told = {
        "DATABASE_URL": sqlite_url,
        "SLACK_BOT_TOKEN": "xoxb-local",
        "SLACK_API_URL": f"{workspace.base}/api/",
        "DESKHAND_CONFIG": str(config),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with sqlite.write() as session:
        seeds = [AccountSeed.model_validate({"name": one["id"], "status": "locked", **one}) for one in ACCOUNTS]
        accounts.seed(session, seeds)
    return sqlite


@pytest.fixture
def explain(house: Database, capsys: pytest.CaptureFixture[str], quiet_logs: None) -> Callable[..., Explained]:
    """Return what runs the command, looks that nothing was changed, and returns exit code and JSON."""

    def run(tool: str, *, user: str = "U0MAYA", channel: str = "C0HELP", more: tuple[str, ...] = ()) -> Explained:
        before = everything(house)
        words = ["policy", "explain", "--user", user, "--channel", channel, "--tool", tool, "--json", *more]
        code = deskhand(*words)
        assert everything(house) == before, "it changes nothing"
        return code, json.loads(capsys.readouterr().out)

    return run


def parts(found: dict[str, Any]) -> dict[str, str]:
    return {part["part"]: part["state"] for part in found["parts"]}


def test_what_is_given_by_all_may_run(explain: Callable[..., Explained]) -> None:
    """The agent, the channel and the requester's own account; no approval is needed."""
    code, found = explain("unlock_my_account")
    assert (code, found["verdict"], found["decision"], found["rule"]) == (0, "given", "Allowed", "own_account")
    assert parts(found) == {
        "agent": "given",
        "channel": "given",
        "requester": "given",
        "approval": "not_needed",
    }
    assert len(found["policy"]) == 64


@pytest.mark.parametrize(
    ("asked", "denied_by", "rule", "says"),
    [
        ({"channel": "C0LOBBY"}, ["channel"], "not_granted", "does not list unlock_my_account for C0LOBBY"),
        ({"channel": "C0OTHER", "more": ("--agent", "access")}, ["channel"], "own_account", "does not listen to"),
        ({"user": "U0TOMAS"}, ["requester"], "unlisted_reason", 'directory\'s reason: "by HR"'),
        ({"user": "U0LENA"}, ["requester"], "not_one_account", "matches 0 directory accounts"),
        ({"user": "U0TOMAS", "channel": "C0LOBBY"}, ["channel", "requester"], "not_granted", "by HR"),
    ],
)
def test_the_part_that_denies_is_named(
    explain: Callable[..., Explained], asked: dict[str, Any], denied_by: list[str], rule: str, says: str
) -> None:
    """Each part is judged for itself, so that all that is missing is seen at once."""
    code, found = explain("unlock_my_account", **asked)
    assert (code, found["verdict"], found["denied_by"], found["rule"]) == (1, "denied", denied_by, rule)
    assert says in " ".join(part["says"] for part in found["parts"])


def test_an_agent_that_is_suspended_may_do_nothing(explain: Callable[..., Explained], house: Database) -> None:
    """Whatever its card grants; the cause is shown."""
    with house.write() as session:
        agents.suspend(session, "access", cause="it unlocks too much", by=agents.OPERATOR)
    code, found = explain("unlock_my_account")
    assert (code, found["verdict"], found["denied_by"]) == (1, "denied", ["agent"])
    assert "it unlocks too much" in found["parts"][0]["says"]


def test_who_is_not_admitted_is_not_looked_up(explain: Callable[..., Explained]) -> None:
    """A guest, somebody of another workspace, and an id that nobody has: the directory is not asked about them."""
    for user, why in (("U0NOOR", "guest"), ("U0PETRA", "elsewhere"), ("U0NOBODY9", "unseen")):
        code, found = explain("unlock_my_account", user=user)
        assert (code, found["denied_by"], found["decision"]) == (1, ["requester"], None)
        assert why in found["parts"][2]["says"]


def test_an_approval_that_is_missing_is_said(explain: Callable[..., Explained]) -> None:
    """All else is given: the call waits for a person. Without a factor on that device there is nothing to approve."""
    code, found = explain("reset_second_factor", more=("--args", '{"lost": "phone"}'))
    assert (code, found["verdict"], found["decision"]) == (1, "missing", "NeedsApproval")
    assert parts(found)["approval"] == "missing"
    code, found = explain("reset_second_factor", more=("--args", '{"lost": "security_key"}'))
    assert (code, found["verdict"], found["rule"]) == (1, "not_needed", "nothing_to_do")


TERMS = {"reset_second_factor": {"proof": ["manager", "call_back"], "second_step": "none"}}


@pytest.mark.parametrize(
    ("terms", "approvers", "says"),
    [
        (TERMS, ["U0PRIYA", "U0MAYA"], "given (manager or call back) and U0PRIYA approved exactly this call."),
        (TERMS, ["U0MAYA"], "no approver besides the requester"),
        ({}, ["U0PRIYA"], "`approvals` of the card does not list it"),
    ],
)
def test_who_could_approve_is_said(
    explain: Callable[..., Explained], config: Path, terms: dict[str, Any], approvers: list[str], says: str
) -> None:
    """Who may, and what the requester has to prove before; or that nobody can, so that a person does it."""
    file = config / "agents/access/card.yaml"
    card = yaml.safe_load(file.read_text())
    card["approvals"] = terms
    card["handoff"] |= {"approvers": approvers, "responders": ["U0PRIYA", "U0BEN", "U0MAYA"]}
    file.write_text(yaml.safe_dump(card))
    code, found = explain("reset_second_factor", more=("--args", '{"lost": "phone"}'))
    assert (code, found["verdict"]) == (1, "missing")
    assert says in found["parts"][3]["says"]


def test_what_could_not_be_asked_is_not_known(
    explain: Callable[..., Explained], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Slack without a token or an answer, nor a directory that is down: said so, and never taken for a yes."""

    def down(*_words: object) -> None:
        raise DirectoryDown("no connection")

    with monkeypatch.context() as patched:
        patched.setattr(LocalDirectory, "find_by_email", down)
        code, found = explain("unlock_my_account")
    assert (code, found["verdict"], found["decision"]) == (2, "unknown", None)
    assert found["parts"][2]["says"] == "The directory could not be asked for their account: no connection."
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:9/api/")
    code, found = explain("unlock_my_account")
    assert (code, parts(found)["requester"]) == (2, "unknown")
    assert found["parts"][2]["says"].startswith("Slack could not be asked who this is:")
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    code, found = explain("unlock_my_account")
    assert (code, "SLACK_BOT_TOKEN is not set" in found["parts"][2]["says"]) == (2, True)
    code, found = explain("unlock_my_account", channel="C0LOBBY")
    assert (code, found["denied_by"]) == (1, ["channel"]), "what denies is known without Slack"


@pytest.mark.usefixtures("explain")
def test_people_read_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a part, the decision with its rule, and that nothing was changed."""
    words = ("policy", "explain", "--user", "U0TOMAS", "--channel", "C0HELP", "--tool", "unlock_my_account")
    assert deskhand(*words) == 1
    told = capsys.readouterr().out
    assert "unlock_my_account of access, for U0TOMAS in C0HELP: may not run." in told
    assert "  requester  denied" in told
    assert "By the policy's rule unlisted_reason the call is denied:" in told
    assert "Nothing was changed." in told


@pytest.mark.usefixtures("explain")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"--tool": "delete_account"}, "no such tool: delete_account; known: "),
        ({"--args": "[1]"}, "--args: expected one JSON object"),
        ({"--args": '{"account": "acc-eve"}'}, "wrong arguments for unlock_my_account: account: Extra inputs"),
        ({"--user": "maya"}, "--user: expected a Slack user id such as U024BE7LH, found 'maya'"),
        ({"--channel": "#help"}, "--channel: expected the id of a channel or direct message"),
        ({"--agent": "nobody"}, "no agent is called nobody; known: access"),
    ],
)
def test_a_wrong_question_says_what_was_expected(
    capsys: pytest.CaptureFixture[str], given: dict[str, str], said: str
) -> None:
    """The option is named, and nobody is asked."""
    asked = {"--user": "U0MAYA", "--channel": "C0HELP", "--tool": "unlock_my_account"} | given
    assert deskhand("policy", "explain", *(word for pair in asked.items() for word in pair)) == 2
    assert said in " ".join(capsys.readouterr().err.split())
