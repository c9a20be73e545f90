"""Buttons and modals: who may press them, who loses, and that nobody is left without an answer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from bot.queue import DELIVER
from bot.store.schema import AuditRow, Feedback, Handoff, HandoffMove, Message, Turn
from tests.front_door import BOT, HELP, TEAM, Card, FrontDoor

REPLY = {"text": {"text": {"type": "plain_text_input", "value": "Please come by with your badge."}}}


def resolution(done: str = "Enrolled the new phone.") -> dict[str, Any]:
    """Return what is filled into the form that resolves."""
    return {
        "done": {"done": {"type": "plain_text_input", "value": done}},
        "category": {"category": {"type": "static_select", "selected_option": {"value": "second_factor"}}},
        "agent_could": {"agent_could": {"type": "radio_buttons", "selected_option": {"value": "no"}}},
    }


def submit(front: FrontDoor, user: str, values: dict[str, Any]) -> dict[str, Any]:
    """Send the form that is open before somebody."""
    view = front.sees(user)["view"]
    assert view is not None
    answer = front.act("submit", user, view_id=view["id"], values=values)
    front.work()
    return answer


def state(front: FrontDoor, card: Card) -> tuple[str, str | None]:
    """Return a handoff's state and holder."""
    handoff = front.handoff(card.handoff)
    return handoff.state, handoff.claimed_by


def lend(front: FrontDoor, card: Card, to: str | None) -> None:
    """Let somebody else have the handoff, as a lapse and another claim do."""
    with front.database.write() as session:
        values = {"state": "claimed" if to else "open", "claimed_by": to}
        session.execute(update(Handoff).where(Handoff.id == card.handoff).values(**values))


def test_claim_changes_the_card(front: FrontDoor) -> None:
    """A claim gives the handoff to its responder: the card, the requester and the audit say so."""
    card = front.hand_off()
    front.press("U0PRIYA", card, "claim")
    assert state(front, card) == ("claimed", "U0PRIYA")
    shown = str(front.card(card.handoff)["blocks"])
    assert "<@U0PRIYA>" in shown
    assert "handoff.claim" not in shown
    assert "<@U0PRIYA> has your request" in front.said_in(card)[-1]
    assert [row.event for row in front.rows(AuditRow)][-1] == "handoff.claimed"


def test_an_owner_may_claim(front: FrontDoor) -> None:
    """An owner gets the card when the queue channel is gone, and must not be refused then."""
    card = front.hand_off()
    front.press("U0OLIVIA", card, "claim")
    assert [(row.state, row.claimed_by) for row in front.rows(Handoff)] == [("claimed", "U0OLIVIA")]


@pytest.mark.parametrize("user", ["U0LENA", "U0MAYA"])
def test_only_responders_claim(front: FrontDoor, user: str) -> None:
    """Anybody else who presses Claim is told, alone, and nothing changes but the audit log."""
    card = front.hand_off()
    before = [(row.state, row.claimed_by) for row in front.rows(Handoff)]
    _forged(front, user, card, "claim")
    assert [(row.state, row.claimed_by) for row in front.rows(Handoff)] == before
    assert front.rows(AuditRow)[-1].event == "handoff.refused"
    assert front.rows(AuditRow)[-1].actor == user
    [told] = [row for row in front.rows(Message) if row.op == "ephemeral"]
    assert (told.user, told.body["text"]) == (
        user,
        "Only responders can do that. Ask an owner of this agent to add you.",
    )


def test_loser_of_a_claim_is_told_who_has_it(front: FrontDoor) -> None:
    """Of two who press Claim at once exactly one has it, and the other alone is told who."""
    card = front.hand_off()
    with ThreadPoolExecutor(2) as hands:
        list(hands.map(lambda user: front.act("click", user, **_place(card, "claim")), ("U0PRIYA", "U0BEN")))
    winner = front.handoff(card.handoff).claimed_by
    assert winner in ("U0PRIYA", "U0BEN")
    loser = "U0BEN" if winner == "U0PRIYA" else "U0PRIYA"
    assert front.whispers(loser) == [f"<@{winner}> has it."]
    assert front.whispers(str(winner)) == []
    assert [move.move for move in front.rows(HandoffMove)] == ["opened", "claimed"]


def test_second_press_of_the_winner_changes_nothing(front: FrontDoor) -> None:
    """Who presses Claim again is told that they have it; there is one claim."""
    card = front.hand_off()
    front.press("U0PRIYA", card, "claim")
    front.press("U0PRIYA", card, "claim", forge=True)
    assert front.whispers("U0PRIYA") == ["You have it already."]
    assert [move.move for move in front.rows(HandoffMove)] == ["opened", "claimed"]


@pytest.mark.parametrize("action", ["claim", "reply", "resolve"])
def test_button_of_a_resolved_card_does_nothing(front: FrontDoor, action: str) -> None:
    """A button that a stale screen still shows is answered with what the handoff is now."""
    card = front.hand_off()
    with front.database.write() as session:
        session.execute(update(Handoff).values(state="resolved", claimed_by="U0PRIYA"))
    front.press("U0PRIYA", card, action, forge=True)
    [told] = front.whispers("U0PRIYA")
    assert told.startswith("This is resolved")
    assert front.sees("U0PRIYA")["view"] is None
    assert state(front, card) == ("resolved", "U0PRIYA")


@pytest.mark.parametrize("value", ["", "0", "-1", "7e3", "999", "9" * 40, "1 OR 1=1", "\u0661"])
def test_forged_value_is_out_of_date(front: FrontDoor, value: str) -> None:
    """A value that names no handoff of ours changes nothing, and its sender is told to look again."""
    card = front.hand_off()
    before = front.rows(HandoffMove)
    _forged(front, "U0PRIYA", card, "claim", value=f"{value}0" if value == "\u0661" else value)
    assert front.whispers("U0PRIYA") == ["That button is out of date. Look at the newest card of this ticket."]
    assert len(front.rows(HandoffMove)) == len(before)
    assert state(front, card) == ("open", None)


@pytest.mark.parametrize("action", ["reply", "resolve"])
def test_only_the_holder_gets_a_form(front: FrontDoor, action: str) -> None:
    """A responder who does not hold the handoff gets no form but a word, and that is audited."""
    card = front.hand_off()
    front.press("U0BEN", card, action, forge=True)
    assert front.whispers("U0BEN") == ["This is open. Only who has claimed it can do that."]
    front.press("U0PRIYA", card, "claim")
    front.press("U0BEN", card, action, forge=True)
    assert front.whispers("U0BEN")[1:] == ["<@U0PRIYA> has it. Only who has claimed it can do that."]
    assert front.sees("U0BEN")["view"] is None
    assert [row.event for row in front.rows(AuditRow)].count("handoff.refused") == 2


def test_reply_reaches_the_requester_once(front: FrontDoor) -> None:
    """The words of the form reach the requester under the holder's name, and stand below the card."""
    card = front.hand_off()
    front.press("U0PRIYA", card, "claim")
    front.press("U0PRIYA", front.refreshed(card), "reply")
    assert submit(front, "U0PRIYA", REPLY)["ok"]
    said = [one for one in front.sees("U0LENA")["messages"][HELP] if "badge" in one["text"]]
    assert [(one["username"], one["thread_ts"]) for one in said] == [("Priya Nair", card.thread_ts)]
    assert "badge" in front.said_below(card)[-1]
    assert front.sees("U0PRIYA")["view"] is None


def test_resolution_closes_the_card(front: FrontDoor) -> None:
    """Resolve takes what was done to the requester and leaves a card without buttons."""
    card = front.hand_off()
    front.press("U0PRIYA", card, "claim")
    front.press("U0PRIYA", front.refreshed(card), "resolve")
    assert submit(front, "U0PRIYA", resolution())["ok"]
    handoff = front.handoff(card.handoff)
    assert (handoff.state, handoff.resolution) == (
        "resolved",
        {"done": "Enrolled the new phone.", "category": "second_factor", "agent_could": False},
    )
    assert not [one for one in front.card(card.handoff)["blocks"] if one["type"] == "actions"]
    assert "Enrolled the new phone." in front.said_in(card)[-1]


@pytest.mark.parametrize(("action", "values"), [("reply", REPLY), ("resolve", resolution())])
@pytest.mark.parametrize("now", ["U0BEN", None])
def test_form_of_a_lost_claim_keeps_the_words(
    front: FrontDoor, action: str, values: dict[str, Any], now: str | None
) -> None:
    """Who has lost the claim while writing is told in the form; nothing is sent, their words are still there."""
    card = front.hand_off()
    front.press("U0PRIYA", card, "claim")
    front.press("U0PRIYA", front.refreshed(card), action)
    lend(front, card, now)
    said, below = front.said_in(card), front.said_below(card)
    answer = submit(front, "U0PRIYA", values)
    [error] = answer["errors"].values()
    assert error.startswith("You no longer have this: " + ("somebody else has it now" if now else "it is open"))
    assert front.sees("U0PRIYA")["view"] is not None
    assert (front.said_in(card), front.said_below(card)) == (said, below)
    assert state(front, card) == (("claimed", now) if now else ("open", None))


@pytest.mark.parametrize(("action", "values"), [("reply", {"text": {"text": {"value": "  \n "}}}), ("resolve", None)])
def test_empty_form_is_refused(front: FrontDoor, action: str, values: dict[str, Any] | None) -> None:
    """Blank words are no answer: the form says so and stays."""
    card = front.hand_off()
    front.press("U0PRIYA", card, "claim")
    front.press("U0PRIYA", front.refreshed(card), action)
    answer = submit(front, "U0PRIYA", values or resolution("   "))
    assert list(answer["errors"]) == ["text" if action == "reply" else "done"]
    assert state(front, card) == ("claimed", "U0PRIYA")


def test_forged_form_changes_nothing(front: FrontDoor) -> None:
    """The metadata of a form is the browser's word: one that names no handoff is refused in the form."""
    front.hand_off()
    before = front.rows(HandoffMove)
    for metadata in ("", "999", "x" * 3000):
        view = {"type": "modal", "id": "V1", "callback_id": "handoff.replied", "private_metadata": metadata}
        status, body = front.payload(
            {**_person("U0PRIYA"), "type": "view_submission", "view": {**view, "state": {"values": REPLY}}}
        )
        assert (status, "This handoff is gone." in body) == (200, True)
    assert len(front.rows(HandoffMove)) == len(before)


def test_thumb_is_kept_against_its_turn(front: FrontDoor) -> None:
    """A thumb is kept once for its person and turn; the last one counts."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    [turn] = front.rows(Turn)
    for word in ("good", "bad"):
        _thumb(front, ts, f"{word}:{turn.id}")
    assert [(row.turn_id, row.user, row.good) for row in front.rows(Feedback)] == [(turn.id, "U0MAYA", False)]


@pytest.mark.parametrize("value", ["good:999", "good:" + "9" * 40, "good:", "fine:1", "good:1:2", ""])
def test_forged_thumb_is_not_kept(front: FrontDoor, value: str) -> None:
    """A thumb for a turn that does not exist is acknowledged and forgotten."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    _thumb(front, ts, value)
    assert front.rows(Feedback) == []


def test_claim_without_redis_is_said_later(front: FrontDoor) -> None:
    """What a click owes is a row before it is a job: the queue may lose it."""
    card = front.hand_off()
    front.act("click", "U0PRIYA", **_place(card, "claim"))
    assert front.jobs(DELIVER) != []
    front.redis.flushall()
    assert front.handoff(card.handoff).claimed_by == "U0PRIYA"
    assert [row.kind for row in front.rows(Message) if row.state == "stored"] == ["claimed"]


def _place(card: Card, action: str) -> dict[str, Any]:
    block = next(one["block_id"] for one in card.message["blocks"] if one["type"] == "actions")
    return {"channel": "C0QUEUE", "ts": card.message["ts"], "block_id": block, "action_id": f"handoff.{action}"}


def _person(user: str) -> dict[str, Any]:
    return {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "1.2.3", "api_app_id": "A0"}


def _clicked(user: str, channel: str, ts: str, action: dict[str, Any]) -> dict[str, Any]:
    place = {"channel": {"id": channel}, "container": {"type": "message", "channel_id": channel, "message_ts": ts}}
    return {**_person(user), "type": "block_actions", **place, "actions": [{"block_id": "b", **action}]}


def _forged(front: FrontDoor, user: str, card: Card, action: str, *, value: str | None = None) -> None:
    """Send a click that no screen shows."""
    pressed = {"action_id": f"handoff.{action}", "type": "button", "value": str(card.handoff)}
    click = _clicked(user, "C0QUEUE", card.message["ts"], pressed if value is None else {**pressed, "value": value})
    assert front.payload(click)[0] == 200
    front.work()


def _thumb(front: FrontDoor, ts: str, value: str) -> None:
    action = {"action_id": "feedback", "type": "feedback_buttons", "value": value}
    assert front.payload(_clicked("U0MAYA", HELP, ts, action))[0] == 200
