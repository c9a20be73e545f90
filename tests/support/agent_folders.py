"""A folder of an agent that is a copy of the access agent's, with its card changed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.agent import card
from bot.errors import ConfigError
from tests.support.paths import CONFIG

CardChange = Callable[[dict[str, Any]], object]


def copied_agent(config: Path, name: str = "access", change: CardChange = lambda _card: None) -> Path:
    """Copy the access agent under a name, with its card changed, and return its folder."""
    folder = config / "agents" / name
    shutil.copytree(CONFIG / "agents/access", folder)
    content = yaml.safe_load((folder / "card.yaml").read_text())
    content["name"] = name
    change(content)
    (folder / "card.yaml").write_text(yaml.safe_dump(content))
    return folder


def working_hours(**changes: Any) -> CardChange:
    """Set working hours, wrong in one field."""
    right = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "until": "18:00"}
    return lambda content: content["handoff"].update(working_hours=right | changes)


def assert_card_refused(config: Path, change: CardChange, field: str, said: str) -> None:
    """Assert that an agent with such a card is refused, in a message that names its file and the field."""
    folder = copied_agent(config, change=change)
    with pytest.raises(ConfigError) as refused:
        card.load(folder)
    assert f"{folder / 'card.yaml'}: {field}: " in str(refused.value)
    assert said in str(refused.value)
