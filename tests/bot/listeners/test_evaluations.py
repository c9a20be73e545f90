"""The button with which an owner confirms a promotion, a waiver or its end: `bot.listeners.evaluations`."""

from typing import Any

import pytest

from bot.listeners import evaluations
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.slack.reports import eval_question
from bot.store.releases import verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AuditRow, InboxEvent, Promotion, Waiver
from bot.store.tickets import inbox_commands
from jobs import process
from tests.support.json_object import Json
from tests.support.release_rows import judged
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import HELP, TEAM

OWNER = "U0OLIVIA"


@pytest.fixture(autouse=True)
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the agent be put to work, which takes its key; no model is called."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-no-model")


def test_nothing_is_done_before_the_owner_is_sure(front: FrontDoor) -> None:
    """A waiver, its end and a promotion each ask first, in a dialog; the answer takes the place of the question."""
    pair = _served(front, "inconclusive")
    assert "would answer for it for 2 days" in _ask(front, "waive 2 Ivan is away")
    assert front.rows(Waiver) == []
    assert _element(front)["confirm"]["title"]["text"] == "Answer for this release?"
    _press(front)
    [waiver] = front.rows(Waiver)
    assert (waiver.owner, waiver.release, waiver.reason) == (OWNER, pair.release, "Ivan is away")
    assert front.whispers(OWNER)[-1].startswith("You answer for access@")
    assert _buttons(front) == []

    assert "serves by a waiver" in _ask(front, "waive revoke")
    assert _serves(front, pair)
    _press(front)
    assert not _serves(front, pair)
    assert front.whispers(OWNER)[-1].startswith(f"The waiver of {pair.release} has ended.")
    assert (
        _ask(front, "waive revoke")
        == "No waiver is in force for it, so there is nothing to revoke. Nothing was revoked."
    )

    with front.database.write() as session:
        judged(session, "access@before", pair.suite)
        judged(session, *pair)
    assert f"{pair.release} would become the baseline in place of access@before." in _ask(front, "promote")
    assert [one.release for one in front.rows(Promotion)] == ["access@before"]
    _press(front)
    assert [one.release for one in front.rows(Promotion)] == ["access@before", pair.release]
    acts = [(row.event, row.actor) for row in front.rows(AuditRow) if row.event.split(".")[0] in ("release", "waiver")]
    assert [one for one in acts if one[1] == OWNER] == [
        ("release.waived", OWNER),
        ("waiver.revoked", OWNER),
        ("release.promoted", OWNER),
    ]


def test_a_second_press_is_no_second_waiver(front: FrontDoor) -> None:
    """The button counts once, however fast it is pressed again; nobody hears of the second press."""
    _served(front, "inconclusive")
    _ask(front, "waive 2 because")
    place = _place(front)
    value = str(place.pop("value"))
    _forge(front, value, OWNER, "1.1")
    _forge(front, value, OWNER, "1.2")
    front.work()
    assert len(front.rows(Waiver)) == 1
    assert front.only() == []


def test_only_the_author_of_a_question_answers_it(front: FrontDoor) -> None:
    """Another person's press, and a press of what was no question, do nothing, and who pressed reads that."""
    _served(front, "inconclusive")
    _ask(front, "waive 2 because")
    _ask(front, "status")
    asked, status = front.rows(InboxEvent)
    for number, (value, user) in enumerate(
        [(str(asked.id), "U0PRIYA"), (str(asked.id), "U0MAYA"), (str(status.id), OWNER), ("9" * 30, OWNER), ("", OWNER)]
    ):
        _forge(front, value, user, f"2.{number}")
    front.work()
    assert front.rows(Waiver) == []
    assert {text for _, text in front.only()} == {evaluations.OUT_OF_DATE}
    assert len(front.only()) == 5
    assert len(front.rows(InboxEvent)) == 2


def test_what_is_served_by_now_is_not_what_was_confirmed(front: FrontDoor) -> None:
    """An owner who presses the button after the release or its cases have changed signs nothing, and reads why."""
    _served(front, "inconclusive")
    _ask(front, "waive 2 because")
    [asked] = front.rows(InboxEvent)
    _change(front, asked.id, ReleasePair("access@older", "other"))
    _press(front)
    assert front.rows(Waiver) == []
    assert front.whispers(OWNER)[-1].startswith("Nothing was done: access@")


def _change(front: FrontDoor, event_id: int, pair: ReleasePair) -> None:
    """Let another pair have been served when the question was asked."""
    with front.database.write() as session:
        event = inbox_commands.question(session, event_id, user=OWNER)
        assert event is not None
        inbox_commands.ask_first(session, event, pair)


def _served(front: FrontDoor, verdict: str) -> ReleasePair:
    """Let an evaluation have said something of what is served; return that."""
    pair = pair_of(Settings.from_environment(), process.current().agents["access"])
    with front.database.write() as session:
        judged(session, *pair, verdict=verdict)
    return pair


def _serves(front: FrontDoor, pair: ReleasePair) -> bool:
    with front.database.read() as session:
        return verdicts.standing(session, *pair).serves


def _ask(front: FrontDoor, text: str) -> str:
    """Let the owner ask; return what they read."""
    front.act("command", OWNER, channel=HELP, command="/agent-eval", text=text)
    return front.whispers(OWNER)[-1]


def _buttons(front: FrontDoor) -> list[Json]:
    asked = front.sees(OWNER)["ephemeral"][-1]
    return [one for one in asked["blocks"] if one["type"] == "actions"]


def _element(front: FrontDoor) -> Json:
    [buttons] = _buttons(front)
    [element] = buttons["elements"]
    return dict(element)


def _place(front: FrontDoor) -> dict[str, Any]:
    asked = front.sees(OWNER)["ephemeral"][-1]
    [buttons] = _buttons(front)
    place = {"ephemeral_id": asked["id"], "channel": HELP, "block_id": buttons["block_id"]}
    return {**place, "action_id": eval_question.SURE, "value": _element(front)["value"]}


def _press(front: FrontDoor) -> None:
    place = _place(front)
    del place["value"]
    front.act("click", OWNER, **place)
    front.work()


def _forge(front: FrontDoor, value: str, user: str, trigger: str) -> None:
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": trigger, "api_app_id": "A0"}
    where = {"channel": {"id": HELP}, "container": {"type": "message", "channel_id": HELP, "message_ts": "1.0"}}
    pressed = {"block_id": "b", "action_id": eval_question.SURE, "type": "button", "value": value}
    assert front.payload({**who, **where, "type": "block_actions", "actions": [pressed]})[0] == 200
