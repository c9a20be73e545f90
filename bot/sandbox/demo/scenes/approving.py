"""Lena has lost her phone and asks for a reset of her second factor: she proves that it is her, and a person agrees.

Maya asks for the same, and her manager says that it is really her; but the approver says no.
"""

import re

from bot.directory.local import LocalDirectory
from bot.sandbox.demo.scenes.checks import Json, buttons, check, facts, holding
from bot.sandbox.demo.scenes.stage import QUEUE, Stage, Thread, typed
from bot.sandbox.slack import blocks
from bot.store.approvals import approvals
from bot.store.schema import Approval, ApprovalState, TurnOutcome
from bot.store.tickets.ticket_history import TicketHistory

LENA, MAYA, PRIYA, BEN, OLIVIA = "U0LENA", "U0MAYA", "U0PRIYA", "U0BEN", "U0OLIVIA"
LOST = "I lost my phone. Please reset my second factor."
REASON = "Please come to the service desk with your badge."


def approval(stage: Stage) -> Json:
    """A lost phone: she confirms it on her security key, Priya approves it with a code, and the agent resets it."""
    before = _account(stage, "acc-lena")
    thread = stage.ask(LENA, LOST, private=True)
    asked = _open(stage, thread)
    check(not buttons(_card(stage, thread, asked)), "nothing to press before she has proved it", None)
    _confirm(stage, thread)
    _until(stage, asked.id, ApprovalState.ASKED)
    stage.heard("in #access-queue", _card(stage, thread, asked))
    digits = str(stage.phone(PRIYA)["code"]["digits"])
    wrong = f"{(int(digits) + 123_456) % 1_000_000:06d}"
    refused = _decide(stage, thread, asked, PRIYA, "approve", code=wrong)
    check(refused.get("errors"), "a wrong code to be refused", refused)
    view = stage.modal(PRIYA, "approval.approve")
    taken = stage.act("submit", user=PRIYA, view_id=view["id"], values={"code": {"code": typed(digits)}})
    check(taken["ok"], "the code of her app to be taken", taken)
    stage.say(f"  {stage.name(PRIYA)} approves it with the code of her app")
    history = stage.done(thread)
    used = _until(stage, asked.id, ApprovalState.USED)
    check(history.turns[-1].outcome is TurnOutcome.REPLY, "a reply", history.turns[-1].outcome)
    stage.heard("deskhand", stage.replies(thread)[-1])
    after = _account(stage, "acc-lena")
    stage.wait("a letter to her address on file", lambda: stage.phone(LENA)["notices"])
    phone = stage.phone(LENA)
    stage.say(f"  to {phone['notices'][0]['address']}: {phone['notices'][0]['text']}")
    check(after == ["security_key"] != before, "the factors of the phone to be gone, and no other", after)
    check(not phone["devices"], "no session to be left", phone["devices"])
    check(not buttons(_card(stage, thread, asked)), "nothing to press on the card any longer", None)
    return facts(
        history,
        approval=used.id,
        approved_by=used.decided_by,
        second_step=used.second_step_given,
        factors={"before": before, "after": after},
        sessions=len(phone["devices"]),
        notices=len(phone["notices"]),
    )


def denied(stage: Stage) -> Json:
    """Another lost phone: her manager says that it is her, but an approver says no. She reads why, and has a person."""
    stage.an_hour_passes("acc-maya")
    before = _account(stage, "acc-maya")
    thread = stage.ask(MAYA, LOST)
    asked = _open(stage, thread)
    question = stage.wait("her manager to be asked", lambda: _question(stage))
    stage.heard(f"to {stage.name(OLIVIA)} alone", question["message"])
    stage.act("click", user=OLIVIA, **question["place"])
    stage.say(f"  {stage.name(OLIVIA)} has spoken with her, and confirms it")
    _until(stage, asked.id, ApprovalState.ASKED)
    taken = _decide(stage, thread, asked, BEN, "deny", reason=REASON)
    check(taken["ok"], "the reason to be taken", taken)
    stage.say(f"  {stage.name(BEN)} denies it")
    no = _until(stage, asked.id, ApprovalState.DENIED)
    history = stage.done(thread)
    told = stage.wait("her to read why", lambda: holding(stage.replies(thread), REASON))
    stage.heard("deskhand", told)
    check(history.turns[-1].outcome is TurnOutcome.HANDOFF, "a handoff", history.turns[-1].outcome)
    stage.heard("in #access-queue", stage.card(thread))
    after = _account(stage, "acc-maya")
    check(after == before and not history.writes, "nothing to be changed", after)
    return facts(history, approval=no.id, denied_by=no.decided_by, reason=history.handoffs[-1].reason, factors=after)


def _open(stage: Stage, thread: Thread) -> Approval:
    """Wait for the approval that a request needs, and for what its requester reads of it."""

    def look() -> Approval | None:
        history = stage.history_so_far(thread)
        if history is None:
            return None
        return stage.read(lambda session: approvals.active_of(session, history.ticket.id))

    found = stage.wait("an approval", look)
    stage.wait("the requester to be told", lambda: stage.replies(thread))
    stage.wait("its card", lambda: _card_so_far(stage, stage.history(thread), found))
    return found


def _confirm(stage: Stage, thread: Thread) -> None:
    """Type the number of the thread on the device that is left."""
    notice = stage.wait("a number in the thread", lambda: _numbered(stage.replies(thread)))
    stage.heard("deskhand", notice)
    number = re.search(r"\*(\d\d)\*", str(notice["text"]))
    [challenge] = stage.wait("a question on her security key", lambda: stage.phone(LENA)["challenges"])
    assert number is not None  # noqa: S101 - `_numbered` has found it
    answer = stage.act("phone/answer", user=LENA, key=challenge["key"], number=number[1])
    check(answer["state"] == "confirmed", "the number to be right", answer)
    stage.say(f"  {stage.name(LENA)} types {number[1]} on her security key")


def _numbered(messages: list[Json]) -> Json | None:
    return next((one for one in messages if re.search(r"\*\d\d\*", str(one["text"]))), None)


def _question(stage: Stage) -> Json | None:
    """Return the question to the manager, and where its button is."""
    for channel, messages in stage.sees(OLIVIA)["messages"].items():
        for message in messages:
            for block_id, element in blocks.interactive(message.get("blocks")):
                if element["action_id"] == "proof.confirm":
                    place = {"channel": channel, "ts": message["ts"], "block_id": block_id}
                    return {"message": message, "place": place | {"action_id": "proof.confirm"}}
    return None


def _decide(stage: Stage, thread: Thread, asked: Approval, user: str, act: str, **filled: str) -> Json:
    """Press a button of the card, and fill in and send the form that it opens; return the answer."""
    stage.wait("the card to ask", lambda: f"approval.{act}" in buttons(_card(stage, thread, asked)))
    stage.press(user, _card(stage, thread, asked), f"approval.{act}")
    view = stage.modal(user, f"approval.{act}")
    values = {block: {block: typed(text)} for block, text in filled.items()}
    return stage.act("submit", user=user, view_id=view["id"], values=values)


def _card(stage: Stage, thread: Thread, asked: Approval) -> Json:
    found = _card_so_far(stage, stage.history(thread), asked)
    check(found is not None, "a card in the queue channel", found)
    return found or {}


def _card_so_far(stage: Stage, history: TicketHistory, asked: Approval) -> Json | None:
    stands = [one.ts for one in history.messages if one.key == f"card:approval:{asked.id}"]
    return next((one for one in stage.sees(PRIYA)["messages"][QUEUE] if one["ts"] in stands), None)


def _until(stage: Stage, approval_id: int, state: ApprovalState) -> Approval:
    """Wait until an approval is in a state, and return it."""

    def look() -> Approval | None:
        found = stage.read(lambda session: approvals.find(session, approval_id))
        return found if found is not None and found.state is state else None

    return stage.wait(f"the approval to be {state}", look)


def _account(stage: Stage, account_id: str) -> list[str]:
    """Return the second factors of an account."""
    account = LocalDirectory(stage.running_demo.database).account(account_id)
    return [] if account is None else [str(factor) for factor in account.factors]
