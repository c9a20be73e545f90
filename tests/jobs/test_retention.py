"""The clock erases old words by the cards, a batch a round."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent import card
from bot.errors import ConfigError
from bot.store.db import Database
from bot.store.schema import InboxEvent, Message
from jobs import clock, retention
from jobs.process import WorkerContext
from tests.support.agent_folders import copied_agent
from tests.support.factories import rows
from tests.support.lived_person import lived_in


def test_old_words_go_in_the_rounds_of_the_clock(ctx: WorkerContext, database: Database) -> None:
    """Those of tickets and those of no ticket; the demo's card keeps them for half a year, which was over."""
    assert {retention.erase_old_words, retention.erase_loose_words} <= set(clock.ROUNDS)
    lived_in(database)
    retention.erase_old_words(ctx)
    assert "xylophone" in str([event.text for event in rows(database, InboxEvent)])  # the cards say 180 days
    agents = {
        name: replace(
            agent, card=agent.card.model_copy(update={"retention": agent.card.retention.model_copy(update={"days": 7})})
        )
        for name, agent in ctx.agents.items()
    }
    soon = replace(ctx, agents=agents)
    retention.erase_old_words(soon)
    retention.erase_loose_words(soon)
    assert {event.text for event in rows(database, InboxEvent)} == {""}
    assert {str(message.body) for message in rows(database, Message)} == {"{}"}


def test_the_days_are_those_of_the_card_that_answers(tmp_path: Path) -> None:
    """An agent whose folder is gone has the days of its heir; without a word a card says 180."""
    copied_agent(tmp_path / "config", change=lambda card: card.pop("retention"))
    assert retention.days_of(card.load_all(tmp_path / "config")) == {"access": 180}
    days = {"inherits": ["help"], "retention": {"days": 30}}
    copied_agent(tmp_path / "other", change=lambda card: card.update(days))
    assert retention.days_of(card.load_all(tmp_path / "other")) == {"access": 30, "help": 30}


@pytest.mark.parametrize("days", [3, 0, -1, 100_000, "a week", 7.5])
def test_a_wrong_number_of_days_refuses_to_start(tmp_path: Path, days: object) -> None:
    """The message names the file and the field."""
    copied_agent(tmp_path / "config", change=lambda card: card.update(retention={"days": days}))
    with pytest.raises(ConfigError, match=r"card\.yaml.*retention\.days"):
        card.load_all(tmp_path / "config")
