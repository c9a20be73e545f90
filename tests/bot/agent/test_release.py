"""A release under one content hash: `bot.agent.release`."""

import ast
import importlib.metadata
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.agent import card, release
from bot.agent.card import Admission, Agent
from bot.agent.categories import Category
from bot.agent.release import fingerprint
from bot.policy.rules import AccountRules
from bot.principals import Solved
from bot.responders.people_cost import PeopleCost
from bot.responders.surge_rule import SurgeFigures
from tests.support.paths import CONFIG

AGENT = card.load(CONFIG / "agents/access")


def frozen(agent: Agent = AGENT, *, model: str = "claude", endpoint: str | None = None) -> str:
    """Return the release that a process which starts now would serve."""
    release._code.cache_clear()
    return str(fingerprint(agent, model=model, endpoint=endpoint))


def without(name: str) -> dict[str, Category]:
    """Return the card's categories without one."""
    return {one: category for one, category in AGENT.card.categories.items() if one != name}


def carded(**changes: Any) -> Agent:
    return replace(AGENT, card=AGENT.card.model_copy(update=changes))


def test_the_same_agent_is_the_same_release() -> None:
    """It is named by the agent and eight hexadecimal digits, and does not depend on where it was loaded."""
    assert re.fullmatch(r"access@[0-9a-f]{8}", frozen())
    assert frozen() == frozen(card.load(AGENT.folder))


@pytest.mark.parametrize(
    "changed",
    [
        lambda: frozen(model="another"),
        lambda: frozen(endpoint="http://127.0.0.1:1"),
        lambda: frozen(carded(admission=Admission(accept_organisation=True))),
        lambda: frozen(replace(AGENT, prompt=AGENT.prompt + " ")),
        lambda: frozen(carded(limits=AGENT.card.limits.model_copy(update={"steps": 11}))),
        lambda: frozen(carded(tools=AGENT.card.tools[:-1])),
        lambda: frozen(carded(tools_in={"C0HELP": ("hand_off",)})),
        lambda: frozen(carded(tools_in={"dm": ("hand_off",)})),
        lambda: frozen(carded(accounts=AccountRules())),
        lambda: frozen(carded(needs_account=AGENT.card.needs_account[:-1])),
        lambda: frozen(carded(solved=Solved.AGENTS_WORD)),
        lambda: frozen(carded(categories=without("locked"))),
        lambda: frozen(carded(links=("https://it.example.com/help",))),
        lambda: frozen(replace(AGENT, tools=AGENT.tools[:-1])),
        lambda: frozen(replace(AGENT, tools=(replace(AGENT.tools[0], description="x"), *AGENT.tools[1:]))),
    ],
    ids=[
        "model",
        "endpoint",
        "admission",
        "prompt",
        "limits",
        "tools",
        "channel",
        "directly",
        "accounts",
        "needs_account",
        "solved",
        "categories",
        "links",
        "schemas",
        "description",
    ],
)
def test_whatever_changes_behaviour_is_another_release(changed: Callable[[], str]) -> None:
    """It must be evaluated again before it serves."""
    assert changed() != frozen()


def test_the_address_of_the_model_is_part_of_the_release() -> None:
    """Another gateway may hold another model; credentials in an address and a local port are no part of it."""
    gateways = ["http://127.0.0.1:1", "https://a.example", "https://b.example", "https://a.example:8443", None]
    assert len({frozen(endpoint=one) for one in gateways}) == len(gateways)
    assert frozen(endpoint="http://127.0.0.1:1") == frozen(endpoint="http://127.0.0.1:2/")
    assert frozen(endpoint="https://key:secret@a.example/?token=1") == frozen(endpoint="https://a.example")
    body = fingerprint(AGENT, model="claude", endpoint="https://key:secret@a.example/?token=1").body
    assert "secret" not in str(body)
    assert (body["endpoint"], body["provider"]) == ("https://a.example", "anthropic")


def test_the_order_in_which_the_model_reads_its_tools_is_part_of_the_release() -> None:
    """Two tools that change places are another release, and so are two fields of one."""
    first, second, *others = AGENT.tools
    assert frozen(replace(AGENT, tools=(second, first, *others))) != frozen()


@pytest.mark.parametrize("package", ["anthropic", "deskhand"])
def test_other_versions_are_another_release(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the model's SDK and of Deskhand itself: what is not hashed line by line may have changed in them."""
    first, known = frozen(), importlib.metadata.version
    monkeypatch.setattr(release, "version", lambda name: "0.0.0" if name == package else known(name))
    assert frozen() != first
    monkeypatch.undo()
    assert frozen() == first


def test_a_release_knows_the_files_of_its_folder() -> None:
    """They are those it was loaded from, and no part of its hash."""
    files = fingerprint(AGENT, model="claude", endpoint=None).files
    assert files == {
        name: (AGENT.folder / name).read_text("utf-8") for name in ("card.yaml", "prompt.md", "pleas.yaml")
    }
    assert frozen(replace(AGENT, files={})) == frozen()


@pytest.mark.parametrize(
    "update",
    [
        {"owners": ("U0BEN",)},
        {"sponsor": "Somebody"},
        {"status": "suspended"},
        {"categories": without("compromise")},
        {"people": PeopleCost(cost_per_hour=Decimal("45.00"))},
        {"surge": SurgeFigures(directory_tickets=9, like_tickets=99)},
    ],
    ids=["owners", "sponsor", "status", "categories of people", "what people cost", "surge"],
)
def test_who_answers_for_it_changes_no_behaviour(update: dict[str, Any]) -> None:
    """Owner, sponsor, status, what people may say of a handoff, their rate, when many wait: none needs one."""
    assert frozen(carded(**update)) == frozen()


DECIDING = ("agent/", "tools/", "policy/", "principals.py", "admission.py", "markup.py", "casework/beforehand.py")
BEFORE = ("bot.agent.asks_for_person", "bot.agent.thanks")
"What `bot.casework.beforehand` asks before a turn is played."
PLAYS = ("bot.agent.attempt", "bot.agent.conclusion", "bot.agent.binding", "bot.agent.typos", *BEFORE)
"Where a turn enters the agent's room; by `typos` an edit that only corrects typos is not answered again."


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of `bot/` that a release is made of."""
    copy = tmp_path / "bot"
    shutil.copytree(release.ROOT, copy, ignore=lambda _folder, names: {one for one in names if not made_of(one)})
    with monkeypatch.context() as patch:
        patch.setattr(release, "ROOT", copy)
        release._code.cache_clear()
        yield copy
    release._code.cache_clear()


def made_of(name: str) -> bool:
    """Say if it may be code or a table of phrases, or a folder of such."""
    return Path(name).suffix in ("", ".py", ".yaml", ".lua") and name != "__pycache__"


def test_a_policy_has_a_hash_of_its_own() -> None:
    """It is another one with other rules, grants or needs, and the same with another model or other links."""

    def policy(agent: Agent = AGENT, model: str = "claude") -> str:
        return fingerprint(agent, model=model, endpoint=None).policy

    assert policy(model="another") == policy(carded(links=())) == policy()
    others = [policy(carded(accounts=AccountRules())), policy(carded(needs_account=()))]
    assert len({policy(), *others}) == 3


def test_a_line_in_any_file_that_decides_is_another_release(house: Path) -> None:
    """Each file of the agent, its tools and the policy, and what they share: none is forgotten."""
    first, deciding = frozen(), [file for file in files(house) if decides(house, file)]
    assert len(deciding) > 50
    for file in deciding:
        before = file.read_text("utf-8")
        file.write_text(f"{before}\n# changed\n", "utf-8")
        assert frozen() != first, file
        file.write_text(before, "utf-8")
    assert frozen() == first


def test_code_that_changes_later_is_not_the_code_that_runs(house: Path) -> None:
    """An upgrade on disk is another release at the next start; a process that runs keeps the name of what it runs."""
    first = frozen()
    (house / "agent/loop.py").write_text("changed\n", "utf-8")
    assert str(fingerprint(AGENT, model="claude", endpoint=None)) == first
    assert frozen() != first


def test_no_line_elsewhere_is_another_release(house: Path) -> None:
    """Who owns a budget, who takes handoffs and when, how cards are read again, what is stored and said: none of it."""
    first, others = frozen(), [file for file in files(house) if not decides(house, file)]
    names = {str(file.relative_to(house)) for file in others}
    assert {"budget_owners.py", "agent_cards.py", "responders/people.py", "responders/working_hours.py"} <= names
    for file in others:
        file.write_text(f"{file.read_text('utf-8')}\n# changed\n", "utf-8")
    assert frozen() == first


def files(house: Path) -> list[Path]:
    return [file for file in sorted(house.rglob("*")) if file.is_file()]


def decides(house: Path, file: Path) -> bool:
    return str(file.relative_to(house)).startswith(DECIDING)


def test_the_agents_room_holds_what_plays_a_turn_and_nothing_else() -> None:
    """Each of its modules is reached from where a turn enters: another one would void evaluations for nothing."""
    room = {
        ".".join(file.relative_to(release.ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in (release.ROOT / "agent").rglob("*.py")
    }
    reached, ahead = {"bot.agent"}, [*PLAYS]
    while ahead:
        name = ahead.pop()
        if name in room and name not in reached:
            reached.add(name)
            ahead += imported(room[name])
    assert room.keys() - reached == set()


def imported(file: Path) -> set[str]:
    """Return the modules that a module names in its imports, and what it takes from them."""
    taken = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {name for node in taken for one in node.names for name in (f"{node.module}", f"{node.module}.{one.name}")}


def test_a_changed_line_of_the_loop_is_another_release(house: Path) -> None:
    """The code that plays a turn is part of the release, the policy included."""
    assert {"agent/loop.py", "agent/redaction/passwords.py", "tools/directory.py", "policy/decision.py"} <= set(
        fingerprint(AGENT, model="claude", endpoint=None).body["code"]
    )
    first = frozen()
    (house / "policy/decision.py").write_text("def decide(): return 1\n")
    assert frozen() != first


def test_the_phrases_are_part_of_the_release() -> None:
    """The tables by which code hands off, or refuses an answer, decide behaviour like any line of code."""
    code = fingerprint(AGENT, model="claude", endpoint=None).body["code"]
    assert {
        "agent/asks_for_person.yaml",
        "agent/promises.yaml",
        "agent/answers.yaml",
        "agent/loop.py",
        "policy/rules.py",
    } <= set(code)
    assert {"agent/redaction/names.yaml", "agent/redaction/speech.yaml", "agent/redaction/__init__.py"} <= set(code)
