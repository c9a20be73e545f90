"""A worker serves an agent as its folder is now, once that has a verdict: `jobs.process`, `bot.agent_cards`."""

import shutil
from pathlib import Path

import pytest

from bot import agent_cards
from bot.health.readiness import of_listener
from bot.store.schema import TurnOutcome
from tests.support.product_harness import LOCKED, Place, change_card


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look read what has changed."""
    monkeypatch.setattr(agent_cards, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(agent_cards, "STAYED_SECONDS", 0.0)


def outcome(place: Place) -> tuple[str, str | None]:
    """Let somebody ask, and return how the turn ends."""
    place.asks_anew("U0MAYA", LOCKED)
    turn = place.last_turn()
    return str(turn.outcome), turn.reason


SERVES, NOT_RELEASED = (TurnOutcome.REPLY, None), (TurnOutcome.HANDOFF, "not_released")


def test_an_edit_voids_the_verdict_until_it_is_evaluated(place: Place, config: Path) -> None:
    """A prompt, a limit, a case, a vanished slice: each without a restart; put back, the verdict counts again."""
    folder = config / "agents/access"
    assert outcome(place) == SERVES
    kept = shutil.copytree(folder, config / "kept")
    (folder / "prompt.md").write_text(f"{(folder / 'prompt.md').read_text()}\nBe brief.\n")
    assert outcome(place) == NOT_RELEASED
    shutil.copy(kept / "prompt.md", folder / "prompt.md")
    change_card(config, lambda card: card.setdefault("limits", {}).update(steps=9))
    assert outcome(place) == NOT_RELEASED
    shutil.copy(kept / "card.yaml", folder / "card.yaml")
    (folder / "evals/locked.yaml").unlink()
    assert outcome(place) == NOT_RELEASED
    shutil.copy(kept / "evals/locked.yaml", folder / "evals/locked.yaml")
    (folder / "card.yaml").write_text(f"# only a comment\n{(folder / 'card.yaml').read_text()}")
    place.asks_anew("U0LENA", LOCKED)
    assert place.last_turn().reason != "not_released"


def test_a_turn_under_way_ends_with_the_runtime_that_it_began_with(place: Place, config: Path) -> None:
    """The next one is of the new release, which serves once it has passed."""
    before = str(place.ctx.runtime("access").release)
    prompt = config / "agents/access/prompt.md"
    place.while_thinking(lambda: prompt.write_text("Hand everything over."))
    assert outcome(place) == SERVES
    assert place.last_turn().release == before
    place.asks_anew("U0LENA", LOCKED)
    assert (place.last_turn().reason, place.last_turn().release != before) == ("not_released", True)
    place.passes()
    place.asks_anew("U0AIKO", LOCKED)
    assert place.last_turn().reason != "not_released"
    assert place.last_turn().release == str(place.ctx.runtime("access").release)


def test_readiness_follows_the_folder(place: Place, config: Path) -> None:
    """`/readyz` of a web process that runs says so, too."""
    readiness = of_listener(place.front.database, place.ctx.queue, lambda: dict(place.ctx.pairs))
    assert {one.check: one.state for one in readiness.look()}["release"] == "ok"
    (config / "agents/access/prompt.md").write_text("Hand everything over.")
    found = {one.check: one for one in readiness.look()}["release"]
    assert (found.state, "has not passed an evaluation" in found.message) == ("fail", True)
