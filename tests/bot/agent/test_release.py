"""A release under one content hash: `bot.agent.release`."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.agent import card, release
from bot.agent.card import Agent
from bot.agent.categories import Category
from bot.agent.release import fingerprint
from bot.policy.rules import AccountRules
from bot.principals import Solved

AGENT = card.load(Path(__file__).parents[3] / "config/agents/access")


def frozen(agent: Agent = AGENT, *, model: str = "claude", endpoint: str | None = None) -> str:
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


@pytest.mark.parametrize(
    "update",
    [
        {"owners": ("U0BEN",)},
        {"sponsor": "Somebody"},
        {"status": "suspended"},
        {"categories": without("compromise")},
    ],
    ids=["owners", "sponsor", "status", "categories of people"],
)
def test_who_answers_for_it_changes_no_behaviour(update: dict[str, Any]) -> None:
    """Another owner, sponsor or status, or what people may say that a handoff was, needs no new evaluation."""
    assert frozen(carded(**update)) == frozen()


def test_a_changed_line_of_the_loop_is_another_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that decides behaviour is part of it: agent, tools, policy and principals."""
    body = fingerprint(AGENT, model="claude", endpoint=None).body
    assert {"agent/loop.py", "agent/redaction/passwords.py", "tools/directory.py", "policy/decision.py"} <= set(
        body["code"]
    )
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy/decision.py").write_text("def decide(): ...\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    first = frozen()
    (tmp_path / "policy/decision.py").write_text("def decide(): return 1\n")
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
