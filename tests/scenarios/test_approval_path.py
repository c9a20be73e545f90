"""A reset of a second factor from the request to the answer, as those see it who ask, vouch and approve."""

from pathlib import Path

import pytest

from bot.principals import AccountStatus
from bot.queue import RUN_TURN
from bot.sandbox.slack import blocks
from bot.store.schema import AccountRow, Approval, Handoff
from jobs import approvals as clockwork
from tests.support.approval_door import AskedApproval
from tests.support.json_object import Json
from tests.support.product_harness import Place, change_card
from tests.support.workspace_names import BOT

ASKS = f"<@{BOT}> I lost my phone. Please reset my second factor."
CALLED = {
    "came": {"came": {"type": "radio_buttons", "selected_option": {"value": "is_them"}}},
    "words": {"words": {"type": "plain_text_input", "value": "I know her voice."}},
}
TICKED = {"read": {"read": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}}}


@pytest.fixture
def config(config: Path) -> Path:
    """Let a call and one approver, without a code, be enough."""
    terms = {"proof": ["call_back"], "second_step": "none"}
    change_card(config, lambda card: card.update(approvals={"reset_second_factor": terms}))
    return config


def asked(place: Place) -> AskedApproval:
    """Let Lena ask, and return what waits for a call to her."""
    place.asks("U0LENA", ASKS)
    [row] = place.front.rows(Approval)
    clockwork.see_to(place.ctx, row.id)
    found = AskedApproval(place.front, row.id, row.turn_id, "U0LENA")
    found.deliver()
    return found


def pressable(message: Json) -> list[str]:
    """Return the action ids of a message's buttons."""
    return [one["action_id"] for _, one in blocks.interactive(message["blocks"])]


def vouched(place: Place) -> AskedApproval:
    """Let Lena ask, and Ben say that he called her."""
    found = asked(place)
    assert "a colleague will call you" in found.notice()["text"]
    assert pressable(found.card()) == ["approval.called_back"]
    found.press("U0BEN", "approval.called_back")
    assert place.front.fill("U0BEN", CALLED)["ok"]
    assert "has 30 minutes to decide" in found.notice()["text"]
    return found


def test_what_is_approved_is_done_once_and_said(place: Place) -> None:
    """Nothing is done before the yes; after it the factor is gone, and notice, card and answer say what happened."""
    found = vouched(place)
    assert (place.writes(), place.front.jobs(RUN_TURN)) == ([], [])
    found.press("U0PRIYA", "approval.approve")
    assert place.front.fill("U0PRIYA", TICKED)["ok"]
    place.work()
    found.deliver()
    assert found.state() == ("used", "U0PRIYA")
    assert {account for account, _ in place.writes()} == {"acc-lena"}
    assert "and the agent began it" in str(found.card()["blocks"])
    assert found.notice()["text"] == "<@U0PRIYA> has approved what you asked for."
    assert place.front.rows(Handoff) == []


def test_a_locked_account_is_unlocked_after_the_reset(place: Place) -> None:
    """One approval is enough for both: no person has to finish what the agent may do by itself."""
    with place.ctx.database.write() as session:
        lena = session.get_one(AccountRow, "acc-lena")
        lena.status, lena.lock_reason = AccountStatus.LOCKED, "too many failed sign-ins"
    found = vouched(place)
    assert "locked" in str(found.card()["blocks"])
    found.press("U0PRIYA", "approval.approve")
    assert place.front.fill("U0PRIYA", TICKED)["ok"]
    place.work()
    found.deliver()
    assert found.state() == ("used", "U0PRIYA")
    assert [action for _, action in place.writes()][-2:] == ["revoke_sessions", "unlock"]
    assert place.status("acc-lena") == "active"
    assert (place.last_turn().outcome, place.front.rows(Handoff)) == ("reply", [])


@pytest.mark.parametrize("says", ["deny", "take back"])
def test_what_is_not_approved_is_not_done(place: Place, says: str) -> None:
    """A denial ends with a person, who has the reason; what is taken back ends with nobody."""
    found = vouched(place)
    if says == "deny":
        found.press("U0PRIYA", "approval.deny")
        place.front.fill("U0PRIYA", {"reason": {"reason": {"type": "plain_text_input", "value": "Come to the desk."}}})
    else:
        found.press("U0LENA", "approval.take_back", found.notice())
    place.work()
    found.deliver()
    assert place.writes() == []
    reasons = [(row.reason, "Come to the desk." in row.summary) for row in place.front.rows(Handoff)]
    assert reasons == ([("approval_needed", True)] if says == "deny" else [])
