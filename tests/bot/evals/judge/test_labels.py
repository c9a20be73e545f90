"""The answers that people have labelled, as they are shipped and as somebody may break them."""

import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bot.agent.card import Agent
from bot.errors import ConfigError
from bot.evals.judge import labels

KINDS = {"": 60, "grounded": 30, "tone": 20, "both": 10}


@pytest.fixture
def copied(agent: Agent, tmp_path: Path) -> Agent:
    """Return the access agent in a folder that may be changed."""
    shutil.copytree(agent.folder, tmp_path / "access")
    return replace(agent, folder=tmp_path / "access")


def edited(agent: Agent, keep: int, **first: object) -> Agent:
    """Keep so many answers, and change fields of the first."""
    file = agent.folder / labels.FILE
    rows = yaml.safe_load(file.read_text("utf-8"))["answers"][:keep]
    rows[0] |= first
    file.write_text(yaml.safe_dump({"answers": rows}, allow_unicode=True), "utf-8")
    return agent


def test_sixty_good_and_sixty_bad_answers_are_shipped(agent: Agent) -> None:
    """Bad in groundedness, in tone and in both; no answer is there twice, and several languages are."""
    answers = labels.load(agent)
    assert Counter(one.wrong for one in answers) == KINDS
    assert (
        sum(
            bool(re.search(r"[\u3040-\u30ff]|\b(Sie|Ihr|vous|compte|cuenta|account era)\b", one.sample.answer))
            for one in answers
        )
        > 10
    )


def test_friendly_words_do_not_show_which_are_good(agent: Agent) -> None:
    """Neither the word unlocked nor an apology decides: both kinds of answers have each."""
    answers = labels.load(agent)
    for word in ("unlocked", "sorry", "I have"):
        found = Counter(one.good for one in answers if word in one.sample.answer)
        assert min(found[True], found[False]) >= 1, word


def test_too_few_of_a_kind_are_refused(copied: Agent) -> None:
    """With 59 bad ones nothing is measured; the error says how many are there."""
    with pytest.raises(ConfigError, match=r"answers\.yaml: answers: 59 bad ones, expected at least 60"):
        labels.load(edited(copied, 119))


def test_an_answer_counts_once(copied: Agent) -> None:
    """A copied answer would count double."""
    rows = labels.load(copied)
    with pytest.raises(ConfigError, match="one is there twice"):
        labels.load(
            edited(
                copied,
                120,
                said=list(rows[1].sample.said),
                facts=list(rows[1].sample.facts),
                answer=rows[1].sample.answer,
            )
        )


def test_a_wrong_label_is_named(copied: Agent) -> None:
    """The error names the file and the field."""
    with pytest.raises(ConfigError, match=r"answers\.yaml: answers\.0\.bad"):
        labels.load(edited(copied, 120, bad="style"))
