"""Cards that change while a process runs: `bot.agent_cards`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from bot import agent_cards
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.release import fingerprint
from bot.agent_cards import Cards
from bot.errors import ConfigError
from tests.support.agent_folders import copied_agent

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two agents, whose watcher looks whenever it is asked and takes what it saw before."""
    monkeypatch.setattr(agent_cards, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(agent_cards, "STAYED_SECONDS", 3_600.0)
    copied_agent(tmp_path)
    copied_agent(tmp_path, "vpn", lambda content: content.update(channels=["C0VPN"], direct_messages=False))
    return tmp_path


def change(config: Path, how: Change, name: str = "access") -> None:
    """Put another card in the place of one."""
    file = config / "agents" / name / "card.yaml"
    content = yaml.safe_load(file.read_text())
    how(content)
    other = file.with_suffix(".new")
    other.write_text(yaml.safe_dump(content))
    other.rename(file)


def responders(cards: Cards) -> tuple[str, ...]:
    """Return the responders by the second look, which takes what the first has seen."""
    assert cards.current()
    return cards["access"].card.handoff.responders


def without_ben(card: dict[str, Any]) -> None:
    """Take Ben off a card."""
    card["handoff"] |= {"responders": ["U0PRIYA"], "approvers": ["U0PRIYA"]}


def test_who_is_taken_off_a_card_is_off_it_within_two_looks(config: Path) -> None:
    """No process is started again for it; the one look that may see a half-written file takes nothing."""
    cards = Cards(config)
    change(config, without_ben)
    assert cards["access"].card.handoff.responders == ("U0PRIYA", "U0BEN")
    assert responders(cards) == ("U0PRIYA",)


def test_a_card_that_was_changed_long_ago_counts_at_the_first_look(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first press after a quiet night is not judged by yesterday's card."""
    monkeypatch.setattr(agent_cards, "STAYED_SECONDS", 0.0)
    cards = Cards(config)
    change(config, without_ben)
    assert cards["access"].card.handoff.responders == ("U0PRIYA",)


def release(agent: Agent) -> str:
    """Return the release that an agent is."""
    return fingerprint(agent, model="m", endpoint=None).digest


def test_a_changed_folder_is_served_as_it_is_now(config: Path) -> None:
    """People change and the release stays; another tool, prompt or case is another release or suite at once."""
    cards = Cards(config)
    first, folder = cards["access"], config / "agents/access"
    change(config, lambda content: content.update(owners=["U0SAM"], status="suspended", inherits=["old"]))
    responders(cards)
    people = cards["access"]
    assert (people.card.owners, people.card.status, people.card.inherits) == (("U0SAM",), "suspended", ("old",))
    assert (release(people), people.suite) == (release(first), first.suite)
    (folder / "prompt.md").write_text("Do something else.")
    responders(cards)
    prompted = cards["access"]
    assert prompted.prompt == "Do something else."
    assert (release(prompted) != release(first), prompted.suite == first.suite) == (True, True)
    with (folder / "evals/locked.yaml").open("a") as cases:
        cases.write("# another comment\n")
    responders(cards)
    assert (release(cards["access"]) == release(prompted), cards["access"].suite == first.suite) == (True, False)
    change(config, lambda content: content["limits"].update(steps=7))
    responders(cards)
    assert release(cards["access"]) != release(prompted)


def test_what_has_not_changed_is_the_same_object(config: Path) -> None:
    """A worker knows by that whether it must look again; a file that was only touched changes nothing."""
    cards = Cards(config)
    access, vpn = cards["access"], cards["vpn"]
    (config / "agents/access/prompt.md").touch()
    change(config, without_ben, "vpn")
    responders(cards)
    assert cards["access"] is access
    assert cards["vpn"] is not vpn


def test_a_folder_that_this_process_could_not_serve_leaves_the_agent_as_it_was(config: Path) -> None:
    """A model without a price, say: the previous release goes on, and the log names the file and the field."""

    def check(agent: Agent) -> None:
        if agent.card.model == "unpriced":
            raise ConfigError(f"{agent.folder / 'card.yaml'}: model: unpriced has no price")

    cards = Cards(config, check)
    before = cards["access"]
    change(config, lambda content: content.update(model="unpriced"))
    with capture_logs() as logs:
        responders(cards)
    assert cards["access"] is before
    assert [(one["event"], "model: unpriced" in one["why"]) for one in logs] == [("card.refused", True)]
    (config / "agents/vpn/prompt.md").unlink()
    with capture_logs() as logs:
        responders(cards)
    assert cards["vpn"].prompt
    assert any("prompt.md" in one["why"] for one in logs)


def test_two_cards_with_one_channel_change_nothing(config: Path) -> None:
    """Each of them is right alone; together they would answer the same request twice."""
    cards = Cards(config)
    change(config, lambda content: content.update(channels=["C0HELP"]), "vpn")
    with capture_logs() as logs:
        responders(cards)
    assert cards["vpn"].card.channels == ("C0VPN",)
    assert [one["event"] for one in logs] == ["cards.refused"]


def test_a_wrong_card_leaves_its_people_and_no_others(config: Path) -> None:
    """It is logged with file and field; the other agent's people still change."""
    cards = Cards(config)
    change(config, lambda content: content.update(owners=[]))
    change(config, without_ben, "vpn")
    with capture_logs() as logs:
        responders(cards)
    assert cards["access"].card.owners == ("U0OLIVIA",)
    assert cards["vpn"].card.handoff.responders == ("U0PRIYA",)
    assert [one["event"] for one in logs] == ["card.refused", "cards.changed"]
    assert "access/card.yaml: owners" in logs[0]["why"]


@pytest.mark.parametrize("text", [b"review_by: 2027-02-30\n", b"name: \xff\n", b"[" * 5_000])
def test_a_file_that_is_no_card_leaves_people_as_they_were(config: Path, text: bytes) -> None:
    """A date that no calendar has, a byte that is no text: presses go on, by the card as it was."""
    cards = Cards(config)
    file = config / "agents/access/card.yaml"
    file.write_bytes(text)
    with capture_logs() as logs:
        assert responders(cards) == ("U0PRIYA", "U0BEN")
    assert [one["event"] for one in logs] == ["card.refused"]


def test_a_folder_that_cannot_be_looked_into_is_not_gone(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights of a file that were set wrongly take no agent's tickets from its people."""
    cards = Cards(config)
    change(config, without_ben)

    stamp = agent_cards._stamp(config)

    def forbidden(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(agent_cards, "_stamp", lambda _config: stamp)
    monkeypatch.setattr(Path, "exists", forbidden)
    with capture_logs() as logs:
        assert responders(cards) == ("U0PRIYA", "U0BEN")
    assert sorted(cards) == ["access", "vpn"]
    assert {one["event"] for one in logs} == {"card.refused"}


def test_a_card_that_changes_while_it_is_read_is_read_again(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of one state and half of another are never taken together."""
    cards, load = Cards(config), card.load
    change(config, without_ben)

    def changing(folder: Path) -> card.Agent:
        found = load(folder)
        monkeypatch.setattr(card, "load", load)
        change(config, lambda content: content.update(owners=["U0SAM"]), "vpn")
        return found

    monkeypatch.setattr(card, "load", changing)
    assert responders(cards) == ("U0PRIYA", "U0BEN")
    assert responders(cards) == ("U0PRIYA",)
    assert cards["vpn"].card.owners == ("U0SAM",)


def test_an_agent_whose_folder_goes_is_gone(config: Path) -> None:
    """While others are there; a folder that is away as a whole is one that is just being mounted."""
    cards = Cards(config)
    shutil.rmtree(config / "agents/vpn")
    responders(cards)
    assert (list(cards), len(cards)) == (["access"], 1)
    assert [name for name, _ in cards.items()] == [agent.card.name for agent in cards.values()] == ["access"]
    (config / "agents").rename(config / "elsewhere")
    responders(cards)
    assert list(cards) == ["access"]


def test_heirs_that_contradict_each_other_change_nothing(config: Path) -> None:
    """Two cards that inherit from one agent leave all of them as they were."""
    cards = Cards(config)
    for name in ("access", "vpn"):
        change(config, lambda content: content.update(inherits=["old"], owners=["U0SAM"]), name)
    with capture_logs() as logs:
        responders(cards)
    assert [cards[name].card.owners for name in cards] == [("U0OLIVIA",)] * 2
    assert [one["event"] for one in logs] == ["cards.refused"]


def test_what_people_cost_counts_while_a_process_runs(config: Path) -> None:
    """A rate that is written into a card is in the next report; it changes no release and no other card."""
    cards = Cards(config)
    assert agent_cards.rates(cards) == {}
    before = str(fingerprint(cards["access"], model="m", endpoint=None))

    def priced(card: dict[str, Any]) -> None:
        card |= {"people": {"cost_per_hour": "45.50"}, "inherits": ["gone"]}

    change(config, priced)
    assert cards.current()
    assert agent_cards.rates(cards) == {"access": 45_500_000_000, "gone": 45_500_000_000}
    assert str(fingerprint(cards["access"], model="m", endpoint=None)) == before
