"""Cases from resolved handoffs, proposed, edited and decided about by people: `bot.listeners.proposals`."""

from typing import Any

import pytest
from sqlalchemy import update

from bot.casework import proposing
from bot.listeners import proposals
from bot.slack.handoffs import queue_card
from bot.slack.outbox import enclosures
from bot.slack.reports import case_form
from bot.store.schema import AuditRow, CaseProposal, Home, Message, MessageKind, ProposalState, now
from jobs import home, process
from tests.support.json_object import Json
from tests.support.web_harness import Card, FrontDoor
from tests.support.workspace_names import QUEUE, TEAM

PRIYA, BEN, OLIVIA = "U0PRIYA", "U0BEN", "U0OLIVIA"
FILLED = {
    "slice": "second_factor",
    "id": "second-factor-phone-in-the-lake",
    "says": "my phone fell into the lake, no codes any more",
    "accounts": "kim: {status: active, factors: [phone]}",
    "outcome": "handoff",
    "reasons": ["out_of_policy"],
    "ticket": "handed_off",
    "category": "none",
    "why": "A person has to look.",
}


def test_a_resolved_handoff_becomes_a_case_by_people(front: FrontDoor) -> None:
    """One click, an item in Home, a form with the loader's errors at their fields, and in the end a diff as a file."""
    card = resolved(front)
    propose(front, card)
    assert "It is proposed as a case, and yours to edit" in front.whispers(PRIYA)[-1]
    assert button(front.card(card.handoff)) is None, "the card has no button that does nothing"
    assert "Proposed as a case by <@U0PRIYA>" in str(front.card(card.handoff)["blocks"])
    [proposal] = front.rows(CaseProposal)
    assert (proposal.state, proposal.assignee, proposal.handoff_id) == (ProposalState.PROPOSED, PRIYA, card.handoff)
    assert proposal.draft.where == "channel"
    assert "Kim Fischer" in proposal.draft.says
    assert "Lena" not in str(proposal.draft.to_json())

    assert len(items(front, PRIYA)) == 2, "what it is, and what may be done"
    assert items(front, BEN) == []
    edit(front)
    wrong = fill(front, PRIYA, FILLED | {"accounts": "kim: {status: lost}"})["errors"]
    assert list(wrong) == ["accounts"]
    assert "kim.status" in wrong["accounts"]
    assert front.rows(CaseProposal)[0].state is ProposalState.PROPOSED
    assert "errors" not in fill(front, PRIYA, FILLED)
    [accepted] = front.rows(CaseProposal)
    assert (accepted.state, accepted.decided_by, accepted.draft.id) == (ProposalState.ACCEPTED, PRIYA, FILLED["id"])
    [told] = [one for one in front.rows(Message) if one.kind is MessageKind.CASE]
    assert told.body[enclosures.FILE]["name"] == "case-second-factor-phone-in-the-lake.diff"
    assert "+  - id: second-factor-phone-in-the-lake" in told.body[enclosures.FILE]["content"]
    assert any("the suite has no verdict" in str(one["blocks"]) for one in direct(front, PRIYA))
    assert items(front, PRIYA) == []
    assert events(front) == [("case.proposed", PRIYA), ("case.accepted", PRIYA)]


def test_a_second_click_proposes_nothing_more(front: FrontDoor) -> None:
    """Of the same person or another one: each reads who has proposed it."""
    card = resolved(front)
    propose(front, card)
    for user in (PRIYA, BEN):
        propose(front, card, user, forge=True)
        assert front.whispers(user)[-1] == "It is proposed already, by <@U0PRIYA>."
    assert len(front.rows(CaseProposal)) == 1


def test_only_its_people_propose(front: FrontDoor) -> None:
    """A requester who forges the button is refused, and that is on record; so is who is no member any more."""
    card = resolved(front)
    propose(front, card, "U0LENA", forge=True)
    front.leaves(BEN)
    propose(front, card, BEN, forge=True)
    assert front.rows(CaseProposal) == []
    assert [one[:2] for one in front.refusals()] == [("U0LENA", "propose"), (BEN, "propose")]


@pytest.mark.parametrize("when", ["claimed", "reopened"])
def test_a_request_that_is_not_over_is_no_case(front: FrontDoor, when: str) -> None:
    """Nobody knows how it ends: neither before it is resolved, nor once its requester has written again."""
    card = front.claimed() if when == "claimed" else resolved(front)
    if when == "reopened":
        front.again(card)
    propose(front, card, forge=True)
    said = proposing.NOT_RESOLVED if when == "claimed" else proposing.OPEN_AGAIN
    assert front.whispers(PRIYA)[-1] == said
    assert front.rows(CaseProposal) == []
    assert events(front) == [("case.refused", PRIYA)]


def test_what_is_open_again_is_not_accepted(front: FrontDoor) -> None:
    """The form stays open and says so; the words are still there."""
    card = resolved(front)
    propose(front, card)
    edit(front)
    front.again(card)
    assert fill(front, PRIYA, FILLED)["errors"] == {case_form.DO: proposing.OPEN_AGAIN}
    assert front.rows(CaseProposal)[0].state is ProposalState.PROPOSED


def test_of_two_forms_the_later_one_reads_that_it_changed(front: FrontDoor) -> None:
    """The assignee's and an owner's are of one revision: what the second one holds is not lost and not stored."""
    propose(front, resolved(front))
    edit(front)
    edit(front, OLIVIA)
    assert "errors" not in fill(front, OLIVIA, FILLED | {"do": "keep", "to": BEN, "why": "To be looked at."})
    [kept] = front.rows(CaseProposal)
    assert (kept.state, kept.assignee, kept.draft.why, kept.revision) == (
        ProposalState.PROPOSED,
        BEN,
        "To be looked at.",
        2,
    )
    assert "has given you a proposed case" in front.directly(BEN)[-1]
    late = fill(front, PRIYA, FILLED)["errors"]
    assert late == {"id": proposals.NOT_YOURS_NOW}, "a field shows no mention of who has it"
    edit(front, OLIVIA)
    press_at_home(front, BEN, case_form.DISMISS)
    assert fill(front, OLIVIA, FILLED)["errors"] == {"id": "It is dismissed already."}
    assert front.rows(CaseProposal)[0].state is ProposalState.DISMISSED
    assert ("case.dismissed", BEN) in events(front)


def test_who_is_no_responder_any_more_decides_nothing(front: FrontDoor) -> None:
    """Neither by a form that is open still nor by the buttons of a home that was not drawn again."""
    propose(front, resolved(front))
    edit(front)
    front.leaves(PRIYA)
    assert list(fill(front, PRIYA, FILLED)["errors"]) == ["id"]
    press_at_home(front, PRIYA, case_form.DISMISS)
    assert front.rows(CaseProposal)[0].state is ProposalState.PROPOSED
    assert events(front) == [("case.proposed", PRIYA), ("case.refused", PRIYA), ("case.refused", PRIYA)]


def test_a_secret_in_a_form_is_not_kept(front: FrontDoor) -> None:
    """A password leaves a draft before it is stored; an address of a made-up person stays."""
    propose(front, resolved(front))
    edit(front)
    words = "my password is Winter!24x and my mail is kim@northwind.example"
    assert "errors" not in fill(front, PRIYA, FILLED | {"do": "keep", "says": words})
    [kept] = front.rows(CaseProposal)
    assert "Winter!24x" not in str(kept.draft.to_json())


def resolved(front: FrontDoor) -> Card:
    """Let Lena's request be resolved by Priya."""
    card = front.claimed(text="I am Lena Fischer and lost my phone")
    front.press(PRIYA, card, "resolve")
    values = {"done": "Gave Lena a new key.", "category": "second_factor", "agent_could": "no"}
    assert "errors" not in fill(front, PRIYA, values)
    return front.refreshed(card)


def fill(front: FrontDoor, user: str, answers: Json) -> Json:
    """Send the form that is open before somebody, with these answers and else with what it shows."""
    values = {}
    for block in front.sees(user)["view"]["blocks"]:
        if block["type"] == "input":
            name, element = block["block_id"], block["element"]
            values[name] = {element["action_id"]: _answered(element, answers.get(name))}
    return front.fill(user, values)


def _answered(element: Json, answer: Any) -> Json:
    """Return what Slack sends of an element: an answer, or what it showed."""
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": answer if answer is not None else element.get("initial_value")}
    if kind == "multi_static_select":
        initial = element.get("initial_options", [])
        return {"type": kind, "selected_options": [{"value": one} for one in answer] if answer is not None else initial}
    chosen = {"value": answer} if answer is not None else element.get("initial_option")
    return {"type": kind, "selected_option": chosen}


def button(message: Json) -> Json | None:
    """Return the button of a card, or None."""
    found = [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]
    return next((dict(one) for one in found if one["action_id"] == queue_card.PROPOSE), None)


def propose(front: FrontDoor, card: Card, user: str = PRIYA, *, forge: bool = False) -> None:
    """Press the button, or say that it was pressed although it is not there."""
    who = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0"}
    ts = card.message["ts"]
    where = {"channel": {"id": QUEUE}, "container": {"type": "message", "channel_id": QUEUE, "message_ts": ts}}
    assert forge or button(card.message) is not None
    trigger = f"{user}.{card.handoff}.{len(front.rows(AuditRow))}"
    pressed = {"block_id": "b", "action_id": queue_card.PROPOSE, "type": "button", "value": str(card.handoff)}
    body = {**who, **where, "trigger_id": trigger, "type": "block_actions", "actions": [pressed]}
    assert front.payload(body)[0] == 200
    front.work()


def items(front: FrontDoor, user: str) -> list[Json]:
    """Return the proposed cases in somebody's home."""
    front.act("home", user)
    front.work()
    with front.database.write() as session:  # a home is published once a second at the most
        session.execute(update(Home).values(due_at=now(), mark=""))
    home.refresh(process.current())
    shown = front.sees(user)["home"] or {"blocks": []}
    return [one for one in shown["blocks"] if str(one.get("block_id", "")).startswith("case:")]


def edit(front: FrontDoor, user: str = PRIYA) -> None:
    """Open the form of the one proposal."""
    press_at_home(front, user, case_form.EDIT)
    assert front.sees(user)["view"] is not None


def press_at_home(front: FrontDoor, user: str, action: str) -> None:
    """Press a button of the one proposal in App Home."""
    [proposal] = front.rows(CaseProposal)
    front.act("home", user)
    person = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0"}
    value = case_form.metadata(proposal)
    pressed: dict[str, Any] = {"action_id": action, "type": "button", "block_id": "b", "value": value}
    where = {"container": {"type": "view", "view_id": "V0"}, "trigger_id": front.world.issued.new_trigger(user)}
    assert front.payload({**person, **where, "type": "block_actions", "actions": [pressed]})[0] == 200
    front.work()


def direct(front: FrontDoor, user: str) -> list[Json]:
    """Return what the bot has written to somebody directly."""
    front.work()
    found = {name: said for name, said in front.sees(user)["messages"].items() if name.startswith("D")}
    return [one for said in found.values() for one in said if one.get("bot_id")]


def events(front: FrontDoor) -> list[tuple[str, str]]:
    """Return what was audited of cases."""
    return [(row.event, row.actor) for row in front.rows(AuditRow) if row.event.startswith("case.")]
