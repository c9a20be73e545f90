"""The id of an agent is never used twice: `bot.agent_ids`."""

from pathlib import Path
from typing import Any

import pytest

from bot import agent_ids
from bot.agent import card
from bot.agent.card import Agent
from bot.errors import ConfigError
from bot.store.db import Database
from bot.store.installation import agents as principals
from bot.store.schema import AgentRow, AuditRow
from tests.support.agent_folders import copied_agent
from tests.support.factories import at_once, rows


def agent(tmp_path: Path, name: str = "access", **changes: Any) -> dict[str, Agent]:
    """Return the agents of a configuration with one card, changed."""
    folder = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    copied_agent(folder, name, lambda content: content.update(changes))
    return card.load_all(folder)


def test_an_id_is_written_down_once(database: Database, tmp_path: Path) -> None:
    """By whichever process reads its card first; the others find it there."""
    found = agent(tmp_path)
    at_once(3, lambda _process: agent_ids.enter(database, found))
    [row] = rows(database, AgentRow)
    assert (row.name, row.retired_at) == ("access", None)


def test_a_card_with_a_retired_id_refuses_to_start(sqlite: Database, tmp_path: Path) -> None:
    """Once its card has said so, however the folder comes back; the message names file, field and fix."""
    retired = agent(tmp_path, status="retired")
    agent_ids.enter(sqlite, retired)
    agent_ids.enter(sqlite, retired)
    again = agent(tmp_path)
    with pytest.raises(ConfigError) as refused:
        agent_ids.enter(sqlite, again)
    said = str(refused.value)
    assert f"{again['access'].folder / 'card.yaml'}: name: the agent access was retired on 20" in said
    assert (
        "Give the folder and `name` another id; with `inherits: [access]` it gets the tickets of the old one." in said
    )
    agent_ids.enter(sqlite, agent(tmp_path, "access2", inherits=["access"], channels=["C0HELP"]))
    assert [row.event for row in rows(sqlite, AuditRow)] == ["agent.retired"]


def test_an_inherited_agent_is_retired(sqlite: Database, tmp_path: Path) -> None:
    """Its tickets are its heir's now, so a new agent of that id would answer for what it never did."""
    agent_ids.enter(sqlite, agent(tmp_path))
    agent_ids.enter(sqlite, agent(tmp_path, "it", inherits=["access"]))
    with pytest.raises(ConfigError, match="the agent access was retired on"):
        agent_ids.enter(sqlite, agent(tmp_path))
    [audited] = rows(sqlite, AuditRow)
    assert audited.record == {"agent": "access", "because": "it inherits its tickets"}


def test_a_card_that_is_retired_while_a_process_runs_is_noted(sqlite: Database, tmp_path: Path) -> None:
    """The process goes on; the next one would not start with an active card of that id."""
    agent_ids.note(sqlite, agent(tmp_path, status="retired"))
    agent_ids.note(sqlite, agent(tmp_path))
    with sqlite.read() as session:
        assert principals.standing(session, "access") == (True, None)
    with pytest.raises(ConfigError):
        agent_ids.enter(sqlite, agent(tmp_path))


def test_a_folder_that_is_only_gone_may_come_back(sqlite: Database, tmp_path: Path) -> None:
    """A missing folder retires nobody: an operator may have moved it by mistake."""
    agent_ids.enter(sqlite, agent(tmp_path))
    agent_ids.enter(sqlite, agent(tmp_path, "it"))
    agent_ids.enter(sqlite, agent(tmp_path))
    assert [row.name for row in rows(sqlite, AgentRow)] == ["access", "it"]
