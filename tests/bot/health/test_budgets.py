"""What `deskhand doctor` says of a budget file that can be read: `bot.health.budgets`."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.agent import card
from bot.agent.card import Agent
from bot.budget.caps import Budgets
from bot.health import budgets
from tests.support.paths import CONFIG

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = "{window: day, hard: 5}"


@pytest.fixture(scope="module")
def agent() -> Agent:
    """Return the agent as delivered, which hears C0HELP."""
    return card.load_all(CONFIG)["access"]


def said(folder: Path, text: str, *agents: Agent) -> list[tuple[str, str]]:
    file = folder / "budgets.yaml"
    file.write_text(text)
    found = list(budgets.look(Budgets.load(file), agents, file=file, at=NOON))
    assert all(str(file) in one.fix for one in found if one.state != "ok")
    return [(one.state, one.message) for one in found]


def test_the_budgets_of_the_house_are_sound(tmp_path: Path, agent: Agent) -> None:
    """As delivered there is nothing odd about them."""
    text = (CONFIG / "budgets.yaml").read_text()
    assert said(tmp_path, text, agent) == [("ok", "The file can be read; windows begin at midnight in UTC.")]


@pytest.mark.parametrize(
    ("text", "uncapped"),
    [
        ("", ["access spends in C0HELP", "evaluations cost"]),
        (f"user: {{named: {{U0MAYA: {DAY}}}}}", ["access spends in C0HELP", "evaluations cost"]),
        (f"channel: {{named: {{eval: {DAY}}}}}", ["access spends in C0HELP"]),
        (f"agent: {{default: {DAY}}}", []),
        (f"agent: {{named: {{access: {DAY}}}}}", ["evaluations cost"]),
        (f"user: {{default: {DAY}}}", ["evaluations cost"]),
        (f"team: {{default: {DAY}}}", ["evaluations cost"]),
        (f"team: {{named: {{T0FIELD: {DAY}}}}}", ["evaluations cost"]),
        (f"channel: {{named: {{eval: {DAY}}}}}\nteam: {{named: {{T0FIELD: {DAY}}}}}", []),
    ],
)
def test_what_nothing_caps_is_told(tmp_path: Path, agent: Agent, text: str, uncapped: list[str]) -> None:
    """A channel, and evaluations, over which no cap of any scope stands; evaluations are no person's and no team's."""
    found = said(tmp_path, f"time_zone: UTC\n{text}\n", agent)
    assert [line for state, line in found if state == "warn"] == [f"Nothing caps what {what}." for what in uncapped]


def test_an_agent_that_does_not_work_spends_nothing(tmp_path: Path, agent: Agent) -> None:
    """Only active agents need a cap."""
    asleep = replace(agent, card=agent.card.model_copy(update={"status": "suspended"}))
    assert said(tmp_path, "time_zone: UTC\n", asleep) == [("warn", "Nothing caps what evaluations cost.")]


def test_caps_for_nobody_are_told(tmp_path: Path, agent: Agent) -> None:
    """A channel that no agent hears and an agent that does not exist are typing errors, with the nearest name."""
    named = f"C0HELP: {DAY}, C0OLD: {DAY}, D0MAYA: {DAY}, eval: {DAY}"
    text = f"time_zone: UTC\nchannel: {{named: {{{named}}}}}\nagent: {{named: {{acess: {DAY}, access: {DAY}}}}}\n"
    assert said(tmp_path, text, agent) == [
        ("warn", "channel.named.C0OLD: no agent listens to that channel."),
        ("warn", "agent.named.acess: there is no such agent (did you mean access?)."),
    ]


def test_without_an_agent_nothing_is_compared(tmp_path: Path) -> None:
    """A wrong card is a finding of its own; the budgets are not blamed for it."""
    assert [state for state, _ in said(tmp_path, f"time_zone: UTC\nagent: {{named: {{access: {DAY}}}}}\n")] == ["ok"]
