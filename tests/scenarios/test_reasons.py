"""Every reason for which a ticket goes to a person is reached through the whole path: `jobs.turn`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import yaml_text
from bot.agent import attempt as agent_attempt
from bot.agent import room_under_budget
from bot.budget.admission import Full, Holds
from bot.casework import handoffs as casework
from bot.directory.local import LocalDirectory
from bot.errors import DirectoryDown
from bot.principals import Reason
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.installation import agents
from bot.store.schema import BudgetReview
from jobs import undeliverable
from jobs.turn import run_turn
from tests.support.product_harness import Place
from tests.support.scripted_models import Script
from tests.support.workspace_names import BOT, HELP

LOCKED = f"<@{BOT}> I am locked out of my account"
Story = Callable[[Place, Path, pytest.MonkeyPatch], None]
"What happens, with a house whose release may serve, its configuration and a means to break it."


def says(text: str, user: str = "U0MAYA") -> Story:
    """Let somebody write."""

    def story(place: Place, _config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
        _passed(place).asks(user, f"<@{BOT}> {text}")

    return story


def spoilt(kind: str, times: int) -> Story:
    """Let the model answer wrongly so often."""

    def story(place: Place, _config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
        _passed(place).change_desk(sleep=lambda _seconds: None)
        httpx.put(f"{place.model}/faults", json=[{"kind": kind, "times": times}]).raise_for_status()
        place.asks("U0MAYA", LOCKED)

    return story


def configured(file: str, change: Callable[[str], str]) -> Story:
    """Let the house be configured otherwise before somebody writes."""

    def story(place: Place, config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
        (config / file).write_text(change((config / file).read_text()))
        _passed(place).asks("U0MAYA", LOCKED)

    return story


def approval(place: Place, config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model prepare what needs an approver, where the card lets nobody approve it."""
    file = config / "agents/access/card.yaml"
    content = yaml_text.load(file.read_text())
    del content["approvals"]
    file.write_text(json.dumps(content, default=str))
    _passed(place).change_desk(call_model=Script([(("reset_second_factor", {"lost": "phone"}),)]))
    place.asks("U0MAYA", LOCKED)


def unreleased(place: Place, _config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody write to a release that nobody has evaluated."""
    place.asks("U0MAYA", LOCKED)


def bug(place: Place, _config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the agent's own code break."""

    def crash(*_given: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(agent_attempt, "run_loop", crash)
    _passed(place).asks("U0MAYA", LOCKED)


def again(place: Place, _config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody come back after a person has resolved it."""
    ts = _passed(place).asks("U0LENA", f"<@{BOT}> I lost my phone")
    with place.front.database.write() as session:
        handoff = place.last_handoff().id
        handoffs.claim(session, handoff, "U0PRIYA", lease_minutes=30)
        handoffs.resolve(session, handoff, "U0PRIYA", done="New factor.", category="factor", agent_could=False)
    place.asks("U0LENA", "it still does not work", thread_ts=ts)


def taken_over(place: Place, _config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a responder answer before the agent does, and let go of it."""
    ts = place.front.say("U0MAYA", HELP, LOCKED)
    place.front.say("U0PRIYA", HELP, "Hi Maya, let me look", thread_ts=ts)
    with place.front.database.write() as session:
        people = place.ctx.agents["access"].card.handoff
        assert isinstance(casework.unclaim(session, place.last_handoff().id, "U0PRIYA", people), Moved)
    undeliverable.deliver(0)


def _passed(place: Place) -> Place:
    place.passes()
    return place


def crowded(place: Place, _config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls of others hold all that there is, however often it is looked."""

    def full(_gate: Holds, _rid: str, _amount: int, caps: Any, *_given: Any, **_more: Any) -> Full:
        return Full(tuple(caps), 0)

    monkeypatch.setattr(Holds, "reserve", full)
    _passed(place).change_desk(sleep=lambda _seconds: None)
    place.asks("U0MAYA", LOCKED)
    for waits in range(1, room_under_budget.MOST_WAITS + 1):
        turn = place.last_turn()
        assert (turn.state, turn.waits, place.front.rows(BudgetReview)) == ("waiting", waits, [])
        run_turn(turn.id)
    assert place.last_turn().waits == room_under_budget.MOST_WAITS


def outage(place: Place, _config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the directory answer nobody."""

    def silent(*_: object) -> None:
        raise DirectoryDown("no answer")

    _passed(place)
    monkeypatch.setattr(LocalDirectory, "find_by_slack_user", silent)
    for user in ("U0LENA", "U0TOMAS", "U0MAYA"):
        place.asks(user, LOCKED)


def suspended(place: Place, _config: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an operator suspend the agent before somebody writes."""
    _passed(place)
    with place.front.database.write() as session:
        agents.suspend(session, "access", cause="wrong links", by="operator")
    place.asks("U0MAYA", LOCKED)


ONLY_LOOK = "\ntools_in: {C0HELP: [look_up_my_account, hand_off, resolve]}\n"
STORIES: dict[Reason, Story] = {
    Reason.REQUESTED: says("Kann ich mit einem Menschen sprechen?"),
    Reason.OUT_OF_POLICY: says("I lost my phone", "U0LENA"),
    Reason.NOT_PERMITTED: configured("agents/access/card.yaml", lambda card: card + ONLY_LOOK),
    Reason.APPROVAL_NEEDED: approval,
    Reason.LOW_CONFIDENCE: spoilt("promise", 2),
    Reason.REPEATED_FAILURE: spoilt("endless_tool", -1),
    Reason.NO_PROGRESS: spoilt("malformed_tool", -1),
    Reason.FRUSTRATION: says("this is ridiculous, the third time this week!!!"),
    Reason.IDENTITY_MISMATCH: says("I am locked out", "U0HUGO"),
    Reason.BUDGET: configured(
        "budgets.yaml", lambda _: "{time_zone: UTC, channel: {default: {window: day, hard: '0.000001'}}}"
    ),
    Reason.BUSY: crowded,
    Reason.MODEL_UNAVAILABLE: spoilt("529", 4),
    Reason.NOT_RELEASED: unreleased,
    Reason.ERROR: bug,
    Reason.REOPENED: again,
    Reason.TAKEN_OVER: taken_over,
    Reason.OUTAGE: outage,
    Reason.AGENT_SUSPENDED: suspended,
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_reached(bare: Place, config: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason) -> None:
    """From what was written to the handoff's row and the card with which somebody claims it; nothing is changed."""
    STORIES[reason](bare, config, monkeypatch)
    handoff = bare.last_handoff()
    assert (handoff.reason, handoff.state) == (reason, "open")
    assert bare.last_turn().outcome == ("withdrawn" if reason is Reason.TAKEN_OVER else "handoff")
    assert bare.writes() == []
    assert "handoff.claim" in json.dumps([one["blocks"] for one in bare.queue()])


def test_no_reason_is_left_out() -> None:
    """The set is closed: what is not tried here does not exist."""
    assert set(STORIES) == set(Reason)
