"""Approvals: forms and buttons of approvers, and the requester's button."""

import json
from datetime import UTC, datetime, timedelta

from bot.principals import SecondStep
from bot.queue import RUN_TURN
from bot.sandbox.slack import blocks
from bot.store.schema import Approval, ApprovalMove, AuditRow, Handoff, Message, Ticket, Turn
from tests.support.approval_door import AskedApproval, ask_approval
from tests.support.approver_codes import code_now, enrolled, wrong_code
from tests.support.factories import everything
from tests.support.json_object import Json
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import QUEUE, TEAM

APPROVE, DENY, TAKE_BACK = "approval.approve", "approval.deny", "approval.take_back"


def typed(field: str, text: str) -> Json:
    """Return the values of a form with one field that is typed into."""
    return {field: {field: {"type": "plain_text_input", "value": text}}}


def ticked(times: int = 1) -> Json:
    """Return the values of a form with one box, ticked or not."""
    return {"read": {"read": {"type": "checkboxes", "selected_options": [{"value": "yes"}] * times}}}


def approve(asked: AskedApproval, user: str, code: str | None = None) -> Json:
    """Press Approve and send the form, with a code or with its box ticked."""
    asked.press(user, APPROVE)
    return asked.front.fill(user, ticked() if code is None else typed("code", code))


def deny(asked: AskedApproval, user: str, reason: str) -> Json:
    """Press Deny and send the form."""
    asked.press(user, DENY)
    return asked.front.fill(user, typed("reason", reason))


def pressable(message: Json) -> list[str]:
    """Return the action ids of a message's buttons."""
    return [one["action_id"] for _, one in blocks.interactive(message["blocks"])]


def test_a_code_with_spaces_approves_and_is_kept_nowhere(desk: FrontDoor) -> None:
    """The turn goes on, card and notice say who and when, and no row and no job holds the code."""
    asked, secret = ask_approval(desk), enrolled(desk.database, "U0PRIYA")
    code = code_now(secret)
    assert approve(asked, "U0PRIYA", f" {code[:3]} {code[3:]} ")["ok"]
    assert asked.state() == ("approved", "U0PRIYA")
    assert (asked.waits(), desk.jobs(RUN_TURN)[-1]) == (False, asked.turn_id)
    assert "<@U0PRIYA> approved it <!date^" in str(asked.card()["blocks"])
    assert pressable(asked.card()) == []
    assert asked.notice()["text"].startswith("<@U0PRIYA> has approved what you asked for, and I am going on")
    assert pressable(asked.notice()) == []
    assert asked.row().second_step_given == "code"
    held = str([everything(desk.database)[one.__tablename__] for one in (Approval, ApprovalMove, AuditRow, Message)])
    assert code not in held.replace("+00:00", "")


def test_a_code_counts_once(desk: FrontDoor) -> None:
    """A code that approved one request approves no other: the form says so at its field, and stays open."""
    secret = enrolled(desk.database, "U0PRIYA")
    code = code_now(secret)
    first, second = ask_approval(desk), ask_approval(desk, "U0MAYA", account_id="acc-maya")
    approve(first, "U0PRIYA", code)
    refused = approve(second, "U0PRIYA", code)
    assert "used that code already" in refused["errors"]["code"]
    assert second.state() == ("asked", None)
    assert second.refused() == [("U0PRIYA", APPROVE, "code repeated")]
    assert second.waits()


def test_five_wrong_codes_lock(desk: FrontDoor) -> None:
    """Each is an error at the field and counted; after the fifth, the right one is refused too. Nothing is approved."""
    asked, secret = ask_approval(desk), enrolled(desk.database, "U0PRIYA")
    asked.press("U0PRIYA", APPROVE)
    wrong = wrong_code(secret, at=datetime.now(UTC))
    said = [desk.fill("U0PRIYA", typed("code", wrong))["errors"]["code"] for _ in range(5)]
    assert ["not your code" in one for one in said] == [True] * 4 + [False]
    assert "Too many codes were wrong" in said[-1]
    assert "Too many codes" in desk.fill("U0PRIYA", typed("code", code_now(secret)))["errors"]["code"]
    assert asked.state() == ("asked", None)
    assert [why for _, _, why in asked.refused()] == ["code wrong"] * 4 + ["code locked"] * 2


def test_an_approver_without_an_app_is_told_so(desk: FrontDoor) -> None:
    """Where a code is needed, nobody approves without one; they may still deny."""
    asked = ask_approval(desk)
    assert "No authenticator app is enrolled" in approve(asked, "U0BEN", "123456")["errors"]["code"]
    assert asked.state() == ("asked", None)


def test_two_people_have_to_approve(desk: FrontDoor) -> None:
    """The first yes leaves it asked, a second of the same person changes nothing, another person's counts."""
    asked = ask_approval(desk, second_step=SecondStep.TWO_PEOPLE)
    assert approve(asked, "U0PRIYA")["ok"]
    assert (asked.state(), asked.waits()) == (("asked", None), True)
    assert "<@U0PRIYA> approved it" in str(asked.card()["blocks"])
    assert "another person has to" in str(asked.card()["blocks"])
    asked.press("U0PRIYA", APPROVE)
    assert desk.whispers("U0PRIYA") == ["You have approved this already. It needs the approval of another person too."]
    assert asked.state() == ("asked", None)
    assert approve(asked, "U0BEN")["ok"]
    assert (asked.state(), asked.waits()) == (("approved", "U0BEN"), False)
    assert "<@U0BEN> and <@U0PRIYA> approved it" in str(asked.card()["blocks"])


def test_a_box_must_be_ticked(desk: FrontDoor) -> None:
    """A form that a browser sends without it is not taken: Slack is told at which field."""
    asked = ask_approval(desk, second_step=SecondStep.NONE)
    who = {"user": {"id": "U0PRIYA", "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "1", "api_app_id": "A0"}
    view = {"type": "modal", "id": "V1", "callback_id": APPROVE, "private_metadata": str(asked.approval_id)}
    _, answer = desk.payload({**who, "type": "view_submission", "view": {**view, "state": {"values": ticked(0)}}})
    assert json.loads(answer)["errors"] == {"read": "Tick this if you want it done."}
    assert asked.state() == ("asked", None)


def test_a_reason_reaches_the_requester_without_its_secrets(desk: FrontDoor) -> None:
    """Their notice quotes it, the card shows it, and the turn goes on to a person."""
    asked = ask_approval(desk)
    assert deny(asked, "U0PRIYA", "Come to the desk, <!channel>. The password is hunter2-Tango77")["ok"]
    assert (asked.state(), asked.waits()) == (("denied", "U0PRIYA"), False)
    assert desk.jobs(RUN_TURN)[-1] == asked.turn_id
    notice = asked.notice()["text"]
    assert notice.startswith("<@U0PRIYA> has not approved what you asked for, so nothing was done:\n> Come to the desk")
    for text in (notice, str(asked.card()), str(asked.row().reason)):
        assert "hunter2" not in text
    marked = [one for one in asked.card()["blocks"] if "mrkdwn" in str(one)]
    assert "<!channel>" not in notice + str(marked)


def test_a_reason_is_required(desk: FrontDoor) -> None:
    """Blanks are no reason."""
    asked = ask_approval(desk)
    assert "Say why not" in deny(asked, "U0PRIYA", "   ")["errors"]["reason"]
    assert asked.state() == ("asked", None)


def test_a_form_that_comes_too_late_says_who_and_when(desk: FrontDoor) -> None:
    """Of two approvers who have both opened a form, the second reads in its place what the first has done."""
    asked, secret = ask_approval(desk), enrolled(desk.database, "U0PRIYA")
    asked.press("U0PRIYA", APPROVE)
    deny(asked, "U0BEN", "No.")
    desk.fill("U0PRIYA", typed("code", code_now(secret)))
    view = desk.sees("U0PRIYA")["view"]
    assert view["title"]["text"] == "Nothing was changed"
    assert "<@U0BEN> denied it <!date^" in str(view["blocks"])
    assert asked.state() == ("denied", "U0BEN")
    assert asked.refused() == [("U0PRIYA", APPROVE, "it is denied")]


def test_a_card_of_yesterday_says_so(desk: FrontDoor) -> None:
    """Neither its buttons nor a form that was open all night approve anything, though no clock has looked."""
    asked, secret = ask_approval(desk), enrolled(desk.database, "U0PRIYA")
    asked.press("U0PRIYA", APPROVE)
    asked.time_is_up()
    desk.fill("U0PRIYA", typed("code", code_now(secret)))
    assert "The time for this is up" in str(desk.sees("U0PRIYA")["view"]["blocks"])
    asked.press("U0BEN", DENY)
    assert desk.whispers("U0BEN") == ["The time for this is up. Nothing was done; the ticket goes to a person."]
    assert asked.state() == ("asked", None)
    assert [why for _, _, why in asked.refused()] == ["it is asked"] * 2


def test_the_requester_takes_it_back(desk: FrontDoor) -> None:
    """Nothing is done and nobody is called: the turn ends, card and notice say so, and a second press too."""
    asked = ask_approval(desk)
    seen = asked.notice()
    asked.press("U0LENA", TAKE_BACK, seen)
    row = asked.row()
    assert (row.state, row.cause) == ("withdrawn", "taken_back")
    assert [(turn.state, turn.outcome) for turn in desk.rows(Turn)] == [("done", "withdrawn")]
    assert desk.rows(Handoff) == []
    assert "The requester took it back" in str(asked.card()["blocks"])
    assert "You have taken this back" in asked.notice()["text"]
    asked.press("U0LENA", TAKE_BACK, seen, forge=True, value=str(asked.approval_id))
    assert desk.whispers("U0LENA") == ["This can no longer be taken back: it is done, or it has ended."]
    assert [ticket.state for ticket in desk.rows(Ticket)] == ["open"]


def test_nobody_else_takes_it_back(desk: FrontDoor) -> None:
    """Others read whose it is, and nothing changes."""
    asked = ask_approval(desk)
    asked.press("U0MAYA", TAKE_BACK, asked.notice())
    assert desk.whispers("U0MAYA") == ["Only <@U0LENA> can take this back."]
    assert (asked.state(), asked.waits()) == (("asked", None), True)
    assert asked.refused() == [("U0MAYA", TAKE_BACK, "not the requester")]


def cards(front: FrontDoor) -> list[Json]:
    """Return the cards of approvals that are in the queue channel."""
    return [one for one in front.sees("U0PRIYA")["messages"][QUEUE] if "needs an approval" in one["text"]]


def test_a_card_that_is_removed_is_posted_again(desk: FrontDoor) -> None:
    """With its buttons, which count, and once; when it is decided it stays away."""
    asked = ask_approval(desk, second_step=SecondStep.NONE)
    old = asked.card()
    desk.remove(QUEUE, old["ts"])
    [again] = cards(desk)
    assert (again["ts"] != old["ts"], pressable(again)) == (True, [APPROVE, DENY])
    told = next(body for _, body in reversed(desk.world.journal._events.values()) if "deleted_ts" in body["event"])
    desk.event(told["event"], event_id="EvAgain")
    desk.work()
    assert [one["ts"] for one in cards(desk)] == [again["ts"]]
    assert deny(asked, "U0PRIYA", "Come to the desk.")["ok"]
    desk.remove(QUEUE, again["ts"])
    assert not any("Ticket" in one["text"] for one in desk.sees("U0PRIYA")["messages"][QUEUE])


def test_app_home_opens_the_same_forms(desk: FrontDoor) -> None:
    """A press there names an approval by its id, and its presser is checked as on the card."""
    asked = ask_approval(desk, second_step=SecondStep.NONE)
    at_home = {"user": {"id": "U0MAYA", "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0"}
    pressed = {"action_id": APPROVE, "type": "button", "block_id": "b", "value": str(asked.approval_id)}
    where = {"container": {"type": "view", "view_id": "V0"}, "trigger_id": "t1"}
    assert desk.payload({**at_home, **where, "type": "block_actions", "actions": [pressed]})[0] == 200
    assert any("Only approvers" in text for text in desk.directly("U0MAYA"))
    assert asked.refused() == [("U0MAYA", APPROVE, "not an approver")]
    assert QUEUE not in [row.channel for row in desk.rows(Message) if row.kind == "only_you"]
    assert timedelta(0) < asked.row().expires_at - asked.row().created_at  # type: ignore[operator]
