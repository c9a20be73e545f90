"""Proofs of who a requester is: the manager's two buttons, and a responder's statement of a call."""

import pytest
from sqlalchemy import update

from bot.directory.local import LocalDirectory
from bot.errors import Transient
from bot.principals import ProofKind, SecondStep
from bot.queue import RUN_TURN
from bot.sandbox.slack import blocks
from bot.store.schema import AccountRow, Approval, InboxEvent, Proof, now
from tests.support.approval_door import AskedApproval, ask_approval
from tests.support.json_object import Json
from tests.support.web_harness import FrontDoor

CONFIRM, REFUSE, CALLED = "proof.confirm", "proof.refuse", "approval.called_back"
MANAGER = "U0GRACE"


@pytest.fixture
def front(desk: FrontDoor) -> FrontDoor:
    """Serve the door of an agent with two approvers; Grace is Lena's manager in the directory."""
    with desk.database.write() as session:
        grace = {"email": "grace@northwind.example", "name": "Grace", "slack_user": MANAGER}
        session.add(AccountRow(id="acc-grace", status="active", **grace))
        session.add(AccountRow(id="acc-ben", status="active", email="b@northwind.example", name="B"))
        session.flush()
        lena = {"email": "lena@northwind.example", "name": "Lena", "manager": "acc-grace"}
        session.add(AccountRow(id="acc-lena", status="active", **lena))
    return desk


def proving(front: FrontDoor, kind: ProofKind = ProofKind.MANAGER, **more: str | None) -> AskedApproval:
    """Let an approval wait for a proof, the manager's unless it is said otherwise."""
    asked = ask_approval(front, needs_proof=True, second_step=SecondStep.NONE)
    of_manager = {"asked_of": MANAGER, "manager": "acc-grace"} if kind is ProofKind.MANAGER else {}
    asked.ask(kind, **{**of_manager, **more})
    return asked


def change(front: FrontDoor, account: str, **values: str | None) -> None:
    """Let the directory have something else."""
    with front.database.write() as session:
        session.execute(update(AccountRow).where(AccountRow.id == account).values(**values))


def state(asked: AskedApproval) -> tuple[str, str]:
    """Return the state of an approval and of its newest proof."""
    return asked.row().state, asked.proof().state


def pressable(message: Json) -> list[str]:
    """Return the action ids of a message's buttons."""
    return [one["action_id"] for _, one in blocks.interactive(message["blocks"])]


def called(came: str, words: str = "She knew her own voice mail.") -> Json:
    """Return the values of the form about a call."""
    chosen = {"type": "radio_buttons", "selected_option": {"value": came}}
    return {"came": {"came": chosen}, "words": {"words": {"type": "plain_text_input", "value": words}}}


def test_a_manager_confirms(front: FrontDoor) -> None:
    """Then approvers are asked; notice, card and the manager's own message say so, and no button of theirs is left."""
    asked = proving(front)
    assert pressable(asked.card()) == []
    assert "I have asked your manager, <@U0GRACE>" in asked.notice()["text"]
    asked.press(MANAGER, CONFIRM, asked.question())
    assert state(asked) == ("asked", "given")
    assert "Their manager, <@U0GRACE>, has confirmed that it is them" in str(asked.card()["blocks"])
    assert pressable(asked.card()) == ["approval.approve", "approval.deny"]
    assert "has 30 minutes to decide" in asked.notice()["text"]
    assert "You have confirmed that it is <@U0LENA>" in asked.question()["text"]
    assert pressable(asked.question()) == []
    assert asked.waits()


def test_a_manager_refuses(front: FrontDoor) -> None:
    """Nothing can be approved any more, the turn goes on to a person, and the requester reads what was said."""
    asked = proving(front)
    asked.press(MANAGER, REFUSE, asked.question())
    assert state(asked) == ("withdrawn", "refused")
    assert asked.row().cause == "refused_proof"
    assert (asked.waits(), front.jobs(RUN_TURN)[-1]) == (False, asked.turn_id)
    assert "I was told that this request is not yours" in asked.notice()["text"]
    assert "You have said that it is not <@U0LENA>" in asked.question()["text"]
    assert pressable(asked.card()) == []


def test_a_second_answer_changes_nothing(front: FrontDoor) -> None:
    """A manager who presses the other button of an old message reads what they have said, and it is audited."""
    asked = proving(front)
    seen = asked.question()
    asked.press(MANAGER, REFUSE, seen)
    asked.press(MANAGER, CONFIRM, seen, forge=True, value=str(asked.proof().id))
    assert state(asked) == ("withdrawn", "refused")
    assert "You have said that it is not <@U0LENA>" in front.whispers(MANAGER)[-1]
    assert asked.refused() == [(MANAGER, CONFIRM, "it is refused")]


def test_an_answer_after_its_time_does_not_count(front: FrontDoor) -> None:
    """Though no clock has looked yet."""
    asked = proving(front)
    with front.database.write() as session:
        session.execute(update(Proof).values(expires_at=now()))
    asked.press(MANAGER, CONFIRM, asked.question())
    assert state(asked) == ("proving", "asked")
    assert [why for _, _, why in asked.refused()] == ["it is asked"]


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "acc-lena", "manager": "acc-ben"},
        {"account": "acc-lena", "manager": None},
        {"account": "acc-grace", "status": "departed"},
        {"account": "acc-grace", "slack_user": "U0NOOR"},
    ],
)
def test_only_who_is_the_manager_now_answers(front: FrontDoor, changes: dict[str, str | None]) -> None:
    """Who has another manager by now, or none, is confirmed by nobody who was asked before."""
    asked = proving(front)
    change(front, str(changes.pop("account")), **changes)
    asked.press(MANAGER, CONFIRM, asked.question())
    assert state(asked) == ("proving", "asked")
    assert asked.refused() == [(MANAGER, CONFIRM, "not the requester's manager")]
    assert "Only the manager of the person who asks can answer that" in front.whispers(MANAGER)[-1]


def test_a_manager_who_is_the_requester_proves_nothing(front: FrontDoor) -> None:
    """Whatever the directory says, nobody confirms who they are themselves."""
    change(front, "acc-lena", manager="acc-lena", slack_user="U0LENA")
    asked = proving(front, asked_of="U0LENA", manager="acc-lena")
    asked.press("U0LENA", CONFIRM, asked.question())
    assert state(asked) == ("proving", "asked")
    assert asked.refused() == [("U0LENA", CONFIRM, "not the requester's manager")]


def test_a_manager_who_has_left_proves_nothing(front: FrontDoor) -> None:
    """Nor does a guest: Slack is asked at the press."""
    asked = proving(front)
    front.slack_says(MANAGER, is_restricted=True)
    asked.press(MANAGER, CONFIRM, asked.question())
    assert state(asked) == ("proving", "asked")
    assert asked.refused() == [(MANAGER, CONFIRM, "not a confirmed member")]


def test_somebody_else_with_the_same_button_proves_nothing(front: FrontDoor) -> None:
    """A press of another person, or on another message, is refused and audited, whatever its value says."""
    asked = proving(front)
    question = asked.question()
    asked.press("U0NOOR", CONFIRM, question, forge=True, value=str(asked.proof().id))
    asked.press(MANAGER, CONFIRM, {**question, "ts": asked.card()["ts"], "channel": "C0QUEUE"}, forge=True)
    asked.press(MANAGER, CONFIRM, question, forge=True, value="999")
    assert state(asked) == ("proving", "asked")
    whys = [
        "not the requester's manager",
        "the click is not from its own message",
        "the click is not from its own message",
    ]
    assert [why for _, _, why in asked.refused()] == whys


@pytest.mark.parametrize("words", ["Yes, I confirm, it is them", "proof.confirm", "approve"])
def test_what_a_manager_writes_is_no_proof(front: FrontDoor, words: str) -> None:
    """Only a signed press counts: a text, wherever it is written, is a message like any other."""
    asked = proving(front)
    where = front.act("dm", MANAGER)["channel"]
    front.say(MANAGER, where, words, thread_ts=asked.question()["ts"])
    front.work()
    assert state(asked) == ("proving", "asked")
    assert words in [event.text for event in front.rows(InboxEvent)]


def test_a_responder_states_a_call(front: FrontDoor) -> None:
    """Their name and words are kept, secrets redacted; approvers are asked, and who called cannot approve."""
    asked = proving(front, ProofKind.CALL_BACK)
    assert "a colleague will call you" in asked.notice()["text"]
    asked.press("U0PRIYA", CALLED)
    assert front.fill("U0PRIYA", called("is_them", "I know her. The password is hunter2-Tango77"))["ok"]
    assert state(asked) == ("asked", "given")
    proof = asked.proof()
    assert (proof.answered_by, "hunter2" in str(proof.words)) == ("U0PRIYA", False)
    assert "<@U0PRIYA> states that they called the number on record" in str(asked.card()["blocks"])
    asked.press("U0PRIYA", "approval.approve")
    assert front.whispers("U0PRIYA") == [
        "You have confirmed who the requester is, so somebody else has to decide about this."
    ]
    assert asked.refused() == [("U0PRIYA", "approval.approve", "they gave the proof of who the requester is")]


def test_a_call_that_reaches_somebody_else_ends_it(front: FrontDoor) -> None:
    """The turn goes on to a person, and nothing can be approved."""
    asked = proving(front, ProofKind.CALL_BACK)
    asked.press("U0BEN", CALLED)
    assert front.fill("U0BEN", called("is_not_them"))["ok"]
    assert (state(asked), asked.waits()) == (("withdrawn", "refused"), False)
    assert front.jobs(RUN_TURN)[-1] == asked.turn_id


def test_only_a_responder_states_a_call(front: FrontDoor) -> None:
    """Others are refused and audited, and so is a statement that comes too late."""
    asked = proving(front, ProofKind.CALL_BACK)
    seen = asked.card()
    asked.press("U0MAYA", CALLED, seen, forge=True, value=str(asked.approval_id))
    asked.press("U0PRIYA", CALLED)
    asked.press("U0BEN", CALLED)
    front.fill("U0BEN", called("is_them"))
    front.fill("U0PRIYA", called("is_not_them"))
    told = str(front.sees("U0PRIYA")["view"])
    assert "Nothing was changed" in told
    assert "it is certain who is asking. <@U0BEN> states that they called" in told
    assert state(asked) == ("asked", "given")
    assert asked.proof().answered_by == "U0BEN"
    assert asked.refused() == [("U0MAYA", CALLED, "not a responder"), ("U0PRIYA", CALLED, "it is asked")]


def test_a_call_that_is_not_asked_for_now_proves_nothing(front: FrontDoor) -> None:
    """Its time is up, though no clock has looked yet; who called reads that, and not that it can be decided later."""
    asked = proving(front, ProofKind.CALL_BACK)
    asked.press("U0BEN", CALLED)
    with front.database.write() as session:
        session.execute(update(Proof).values(expires_at=now()))
    front.fill("U0BEN", called("is_them"))
    assert "No call is asked for now: its time is up." in str(front.sees("U0BEN")["view"])
    assert state(asked) == ("proving", "asked")


def test_a_responder_does_not_vouch_for_themselves(front: FrontDoor) -> None:
    """A responder who asks for their own account is called by somebody else."""
    asked = ask_approval(front, "U0BEN", needs_proof=True)
    asked.ask(ProofKind.CALL_BACK)
    asked.press("U0BEN", CALLED)
    assert asked.refused() == [("U0BEN", CALLED, "their own request")]
    assert [row.state for row in front.rows(Approval)] == ["proving"]


@pytest.mark.parametrize("kind", [ProofKind.MANAGER, ProofKind.CALL_BACK])
def test_what_was_taken_back_is_proved_by_nobody(front: FrontDoor, kind: ProofKind) -> None:
    """A press on a message from before reads that it is over, and nothing changes."""
    asked = proving(front, kind)
    card, who = asked.card(), MANAGER if kind is ProofKind.MANAGER else "U0BEN"
    seen = asked.question() if kind is ProofKind.MANAGER else card
    asked.press("U0LENA", "approval.take_back", asked.notice())
    value = asked.proof().id if kind is ProofKind.MANAGER else asked.approval_id
    asked.press(who, CONFIRM if kind is ProofKind.MANAGER else CALLED, seen, forge=True, value=str(value))
    assert front.sees(who)["view"] is None
    assert ("needs no answer of yours" if kind is ProofKind.MANAGER else "This is over") in front.whispers(who)[-1]
    assert state(asked) == ("withdrawn", "asked")


def test_a_directory_that_is_silent_confirms_nobody(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they still are the manager cannot be known, so they are told to try again, and then it counts."""
    asked = proving(front)

    def silent(_directory: LocalDirectory, _account: str) -> None:
        raise Transient("no answer")

    with monkeypatch.context() as outage:
        outage.setattr(LocalDirectory, "account", silent)
        asked.press(MANAGER, CONFIRM, asked.question())
    assert "Please try again in a moment." in front.whispers(MANAGER)[-1]
    assert (state(asked), asked.refused()) == (("proving", "asked"), [(MANAGER, CONFIRM, "could not be checked")])
    asked.press(MANAGER, CONFIRM, asked.question())
    assert state(asked) == ("asked", "given")
