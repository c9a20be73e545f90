"""What an agent is, and how a wrong card is refused: `bot.agent.card`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.agent import card
from bot.errors import ConfigError

CONFIG = Path(__file__).parents[3] / "config"
Change = Callable[[dict[str, Any]], object]


def copied(config: Path, name: str = "access", change: Change = lambda _card: None) -> Path:
    """Copy the access agent under a name, with its card changed, and return its folder."""
    folder = config / "agents" / name
    shutil.copytree(CONFIG / "agents/access", folder)
    content = yaml.safe_load((folder / "card.yaml").read_text())
    content["name"] = name
    change(content)
    (folder / "card.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_the_card_in_the_checkout_is_right() -> None:
    """Every tool that it names is there, and the second factor's needs an approval."""
    agent = card.load_all(CONFIG)["access"]
    assert [tool.name for tool in agent.tools] == list(agent.card.tools)
    assert [tool.name for tool in agent.tools if tool.needs_approval] == ["reset_second_factor"]
    assert agent.prompt.startswith("You are Deskhand's access agent")


WRONG: tuple[tuple[str, Change, str, str], ...] = (
    ("an unknown field", lambda c: c.update(colour="red"), "colour", "Extra inputs"),
    ("an unknown limit", lambda c: c["limits"].update(stepz=3), "limits.stepz", "Extra inputs"),
    ("no steps", lambda c: c["limits"].update(steps=0), "limits.steps", "greater than or equal to 1"),
    ("free", lambda c: c["limits"].update(cost_usd="0"), "limits.cost_usd", "greater than 0"),
    ("no owner", lambda c: c.update(owners=[]), "owners", "at least 1"),
    ("a wrong owner", lambda c: c.update(owners=["olivia"]), "owners.0", "match pattern"),
    ("a wrong channel", lambda c: c.update(channels=["#help"]), "channels.0", "match pattern"),
    ("a direct message as channel", lambda c: c.update(channels=["D0MAYA"]), "channels.0", "match pattern"),
    ("a wrong queue", lambda c: c["handoff"].update(queue_channel="queue"), "handoff.queue_channel", "match pattern"),
    ("no responder", lambda c: c["handoff"].update(responders=[]), "handoff.responders", "at least 1"),
    ("an approver who is none", lambda c: c["handoff"].update(approvers=["U0EVE"]), "handoff.approvers", "U0EVE"),
    ("no such tool", lambda c: c["tools"].append("open_door"), "tools", "no such tool: open_door"),
    ("no tool", lambda c: c.update(tools=[]), "tools", "at least 1"),
    ("a key in the card", lambda c: c["credentials"].update(model="sk-ant-x"), "credentials.model", "match pattern"),
    ("no review", lambda c: c.pop("review_by"), "review_by", "required"),
    ("an unknown status", lambda c: c.update(status="paused"), "status", "'active', 'suspended' or 'retired'"),
    ("another's name", lambda c: c.update(name="other"), "name", "expected access"),
    ("a name in capitals", lambda c: c.update(name="Access"), "name", "match pattern"),
)


@pytest.mark.parametrize(("change", "field", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_card_names_its_file_and_field(tmp_path: Path, change: Change, field: str, said: str) -> None:
    """Whoever wrote it is told where to look and what was expected."""
    folder = copied(tmp_path, change=change)
    with pytest.raises(ConfigError) as refused:
        card.load(folder)
    assert f"{folder / 'card.yaml'}: {field}: " in str(refused.value)
    assert said in str(refused.value)


def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    """An agent without a prompt does not start."""
    folder = copied(tmp_path)
    (folder / "prompt.md").unlink()
    with pytest.raises(ConfigError, match=r"prompt\.md: No such file"):
        card.load(folder)


@pytest.mark.parametrize(("text", "said"), [("name: [", "not YAML"), ("", "card"), ("- a list", "card")])
def test_a_file_that_is_no_card_is_named(tmp_path: Path, text: str, said: str) -> None:
    """Broken YAML, an empty file and a list are refused with the file's name."""
    folder = copied(tmp_path)
    (folder / "card.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"card\.yaml: {said}"):
        card.load(folder)


def test_two_agents_do_not_hear_one_channel(tmp_path: Path) -> None:
    """A message has one agent; the second card is named with the channel."""
    copied(tmp_path, "access")
    copied(tmp_path, "second")
    with pytest.raises(ConfigError, match=r"second/card\.yaml: channels: C0HELP is access's"):
        card.load_all(tmp_path)


def test_a_queue_is_no_help_channel(tmp_path: Path) -> None:
    """What responders write among themselves opens no tickets."""
    copied(tmp_path, change=lambda c: c.update(channels=["C0HELP", "C0QUEUE"]))
    with pytest.raises(ConfigError, match=r"access/card\.yaml: channels: C0QUEUE is a queue channel"):
        card.load_all(tmp_path)


def test_a_second_agent_is_a_copied_folder(tmp_path: Path) -> None:
    """With a channel of its own it is loaded beside the first, without any code."""
    copied(tmp_path, "access")
    copied(tmp_path, "second", lambda c: c.update(channels=["C0OTHER"]))
    assert sorted(card.load_all(tmp_path)) == ["access", "second"]


def test_no_agent_at_all_is_said(tmp_path: Path) -> None:
    """An empty configuration names the folder where agents belong."""
    with pytest.raises(ConfigError, match=r"no agent; expected <name>/card\.yaml"):
        card.load_all(tmp_path)


def test_a_channel_has_a_grant_of_its_own(tmp_path: Path) -> None:
    """Where the card narrows a channel, both grants must allow a tool; elsewhere the agent's alone."""
    narrow = {"C0HELP": ["look_up_my_account", "hand_off"]}
    agent = card.load(copied(tmp_path, change=lambda c: c.update(tools_in=narrow)))
    assert [grant.holder for grant in agent.grants("C0OTHER")] == ["agent:access"]
    own, channel = agent.grants("C0HELP")
    assert channel.holder == "channel:C0HELP"
    assert channel.tools == {"look_up_my_account", "hand_off"} < own.tools
