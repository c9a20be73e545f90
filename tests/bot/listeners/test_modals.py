"""Forms: opened for the holder alone, taken whole or not at all."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.queue import RUN_TURN
from bot.slack.handoffs import queue_card
from bot.store.installation import agents
from bot.store.schema import Handoff, InboxEvent, Ticket, Turn, now
from bot.web import bolt
from tests.support.paths import CONFIG
from tests.support.web_harness import Card, FrontDoor
from tests.support.web_harness import web_opened as opened_door
from tests.support.workspace_names import HELP, QUEUE

FORMS = ("reply", "resolve", "reassign", "give_back")
FIRST = {"reply": "text", "resolve": "done", "reassign": "to", "give_back": "note"}
Values = dict[str, Any]


def typed(block: str, text: str) -> Values:
    """Return what is typed into one field."""
    return {block: {block: {"type": "plain_text_input", "value": text}}}


def resolution(done: str = "Enrolled the new phone.") -> Values:
    """Return what is filled into the form that resolves."""
    return {
        **typed("done", done),
        "category": {"category": {"type": "static_select", "selected_option": {"value": "second_factor"}}},
        "agent_could": {"agent_could": {"type": "radio_buttons", "selected_option": {"value": "no"}}},
    }


def to(user: str | None, why: str = "") -> Values:
    """Return what is filled into the form that reassigns."""
    return {"to": {"to": {"type": "users_select", "selected_user": user}}, **typed("why", why)}


FILLED = {
    "reply": typed("text", "Please come by."),
    "resolve": resolution(),
    "reassign": to("U0BEN"),
    "give_back": typed("note", "Her manager vouches."),
}


def opened(front: FrontDoor, card: Card, form: str, user: str = "U0PRIYA") -> Card:
    """Let somebody open a form from the card as it is now."""
    card = front.refreshed(card)
    front.press(user, card, form)
    assert front.sees(user)["view"] is not None
    return card


def test_only_the_holder_gets_a_form(front: FrontDoor) -> None:
    """Any other responder gets a word instead, which says who may; each attempt is audited."""
    card = front.hand_off()
    for form in FORMS:
        front.press("U0BEN", card, form, forge=True)
    assert front.whispers("U0BEN") == ["Nobody has it at the moment: claim it first."] * 4
    front.press("U0PRIYA", card, "claim")
    for form in FORMS:
        front.press("U0BEN", card, form, forge=True)
    only = ["<@U0PRIYA> has it. Only they can do that."] * 4
    only[FORMS.index("reassign")] = "<@U0PRIYA> has it. Only they or an owner can do that."
    assert front.whispers("U0BEN")[4:] == only
    assert front.sees("U0BEN")["view"] is None
    assert front.refusals() == [("U0BEN", form, "not the holder") for form in FORMS] * 2


def test_reply_reaches_the_requester_once(front: FrontDoor) -> None:
    """The words of the form reach the requester under the holder's name, stand below the card, and are measured."""
    card = front.claimed()
    opened(front, card, "reply")
    view = front.sees("U0PRIYA")["view"]
    assert front.fill("U0PRIYA", typed("text", "Come by with your *badge* <!channel>"))["ok"]
    [said] = [one for one in front.thread(card) if "badge" in one["text"]]
    assert (said["username"], said["thread_ts"]) == ("Priya Nair", card.thread_ts)
    assert "<!channel>" not in said["text"] + str(said["blocks"])
    assert "badge" in front.said_below(card)[-1]
    assert "has been answered" in str(front.card(card.handoff)["blocks"])
    assert front.handoff(card.handoff).first_response_at is not None
    assert front.sees("U0PRIYA")["view"] is None
    person = {"user": {"id": "U0PRIYA"}, "team": {"id": "T0DESKHAND"}, "trigger_id": "1.2.3", "api_app_id": "A0"}
    state = {"state": {"values": typed("text", "Come by with your *badge* <!channel>")}}
    front.payload({**person, "type": "view_submission", "view": {**view, **state}})
    front.work()
    assert len(front.under_a_name(card)) == 1


def test_a_reply_sent_again_with_other_words_is_changed(front: FrontDoor) -> None:
    """The form stayed open, since our answer was lost: what is corrected in it replaces what was said, both sides."""
    card = front.claimed()
    opened(front, card, "reply")
    view = front.sees("U0PRIYA")["view"]
    assert front.fill("U0PRIYA", typed("text", "Room 12."))["ok"]
    person = {"user": {"id": "U0PRIYA"}, "team": {"id": "T0DESKHAND"}, "trigger_id": "1.2.3", "api_app_id": "A0"}
    state = {"state": {"values": typed("text", "Room 13, sorry.")}}
    front.payload({**person, "type": "view_submission", "view": {**view, **state}})
    front.work()
    assert front.under_a_name(card) == [("Priya Nair", "Room 13, sorry.")]
    assert "Room 13, sorry." in front.said_below(card)[-1]
    assert "Room 12." not in str(front.said_below(card))


def test_after_a_reply_a_marked_word_goes_at_once(front: FrontDoor) -> None:
    """Who has written to the requester from the form knows what reaches them."""
    card = front.claimed()
    opened(front, card, "reply")
    front.fill("U0PRIYA", FILLED["reply"])
    front.say("U0PRIYA", QUEUE, "> And bring a photo", thread_ts=card.message["ts"])
    front.work()
    assert [text for _, text in front.under_a_name(card)] == ["Please come by.", "And bring a photo"]


def test_resolution_closes_the_card(front: FrontDoor) -> None:
    """Resolve takes what was done to the requester and leaves a card that only proposes it as a case."""
    card = front.claimed()
    opened(front, card, "resolve")
    assert front.fill("U0PRIYA", resolution())["ok"]
    handoff = front.handoff(card.handoff)
    assert (handoff.state, handoff.resolution) == (
        "resolved",
        {
            "done": "Enrolled the new phone.",
            "category": "second_factor",
            "agent_could": False,
            "words": "Second factor or new phone",
        },
    )
    assert [(row.state, row.assignee, row.category) for row in front.rows(Ticket)] == [
        ("resolved", None, "second_factor")
    ]
    [left] = [one for one in front.card(card.handoff)["blocks"] if one["type"] == "actions"]
    assert [one["action_id"] for one in left["elements"]] == [queue_card.PROPOSE]
    assert "Enrolled the new phone." in front.said_in(card)[-1]


def test_what_a_colleague_writes_is_kept_without_secrets(front: FrontDoor) -> None:
    """Neither why a claim went to another nor what was done in the end keeps more than its reader needs."""
    card = front.claimed()
    opened(front, card, "reassign")
    assert front.fill("U0PRIYA", to("U0BEN", "Their password is Hunter2-Orange!, try it."))["ok"]
    opened(front, card, "resolve", user="U0BEN")
    assert front.fill("U0BEN", resolution("Rang them at +49 171 1234567 and unlocked it."))["ok"]
    assert any("Their password is [password], try it." in said for said in front.said_below(card))
    assert "Hunter2" not in front.kept()
    resolved = front.handoff(card.handoff).resolution
    assert resolved is not None
    assert resolved["done"] == "Rang them at [phone] and unlocked it."


@pytest.mark.parametrize("by", ["U0PRIYA", "U0OLIVIA"])
def test_the_holder_or_an_owner_gives_it_to_another(front: FrontDoor, by: str) -> None:
    """The next holder is told below the card and why, the requester learns who has it, the lease is theirs."""
    card = front.claimed()
    if by == "U0PRIYA":
        opened(front, card, "reassign")
    else:
        front.press(by, card, "reassign")
    assert front.fill(by, to("U0BEN", "Knows the new phones."))["ok"]
    assert front.stands(card) == ("claimed", "U0BEN")
    assert [row.assignee for row in front.rows(Ticket)] == ["U0BEN"]
    said = front.said_below(card)[-1]
    assert "<@U0BEN> this is yours until" in said
    assert f"<@{by}> gave it to you" in said
    assert ("it was with <@U0PRIYA>" in said) == (by != "U0PRIYA")
    assert "Knows the new phones." in said
    assert "Knows the new phones." not in str(front.thread(card))
    assert front.said_in(card)[-1].startswith("<@U0BEN> has your request")
    assert "With <@U0BEN> until" in str(front.card(card.handoff)["blocks"])
    front.press("U0PRIYA", card, "reply", forge=True)
    assert front.whispers("U0PRIYA")[-1] == "<@U0BEN> has it. Only they can do that."


def test_it_is_given_to_nobody_who_cannot_have_it(front: FrontDoor) -> None:
    """Not to a stranger, to who has left, to who has it: the form says so under the field, and nothing moves."""
    card = front.claimed()
    front.leaves("U0BEN")
    opened(front, card, "reassign")
    for user, why in (
        ("U0MAYA", "Choose one of the responders; nobody else can take it."),
        ("U0DESKHAND", "Choose one of the responders; nobody else can take it."),
        ("U0BEN", "They are no longer a member of this workspace."),
        ("U0PRIYA", "They have it already."),
    ):
        assert front.fill("U0PRIYA", to(user))["errors"] == {"to": why}
    assert front.stands(card) == ("claimed", "U0PRIYA")
    assert front.moves() == ["opened", "claimed"]
    assert front.fill("U0PRIYA", to("U0OLIVIA"))["ok"]  # an owner may take it
    assert front.stands(card) == ("claimed", "U0OLIVIA")


def test_giving_back_lets_the_agent_go_on_with_the_note(front: FrontDoor) -> None:
    """A turn that holds the note is queued; the requester hears that the agent goes on, not the note itself."""
    card = front.claimed()
    opened(front, card, "give_back")
    note = "Identity checked by phone. " + "Reset & go on. " * 190
    assert front.fill("U0PRIYA", typed("note", note))["ok"]
    assert front.stands(card) == ("returned", "U0PRIYA")
    turn = front.rows(Turn)[-1]
    [event] = [row for row in front.rows(InboxEvent) if row.kind == "note"]
    assert (turn.state, event.turn_id, event.text, event.user) == ("waiting", turn.id, note.strip(), "U0PRIYA")
    assert front.jobs(RUN_TURN)[-1] == turn.id
    assert [(row.state, row.assignee) for row in front.rows(Ticket)] == [("open", None)]
    assert front.said_in(card)[-1] == "<@U0PRIYA> has looked at this and asked me to go on with it."
    assert "Identity checked" not in str(front.thread(card))
    below = front.below(card)[-1]
    assert str(below["blocks"]).count("Reset &amp; go on.") == 190
    assert not [one for one in front.card(card.handoff)["blocks"] if one["type"] == "actions"]


def test_who_gives_back_may_say_something_first(front: FrontDoor) -> None:
    """Under their name, before it is said that the agent goes on; a secret is refused, and nothing is done."""
    card = front.claimed()
    opened(front, card, "give_back")
    note = typed("note", "Her manager vouches.")
    errors = front.fill("U0PRIYA", {**note, **typed("say", "Your password is Tr0ub4dor&3xyz")})["errors"]
    assert list(errors) == ["say"]
    assert front.stands(card) == ("claimed", "U0PRIYA")
    assert front.fill("U0PRIYA", {**note, **typed("say", "I have checked: that is you.")})["ok"]
    assert front.stands(card) == ("returned", "U0PRIYA")
    assert front.said_in(card)[-2:] == [
        "I have checked: that is you.",
        "<@U0PRIYA> has looked at this and asked me to go on with it.",
    ]
    assert front.under_a_name(card) == [("Priya Nair", "I have checked: that is you.")]
    assert "Tr0ub4dor" not in str(front.thread(card))


def test_nothing_is_given_back_to_an_agent_that_is_suspended(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    """It could not go on: the form says so and the responder keeps the ticket."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    file = config / "agents/access/card.yaml"
    file.write_text(file.read_text().replace("status: active", "status: suspended"))
    with opened_door(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as front:
        card = front.claimed()
        opened(front, card, "give_back")
        answer = front.fill("U0PRIYA", FILLED["give_back"])
        assert answer["errors"] == {"note": "The agent is suspended and cannot go on with this."}
        assert front.stands(card) == ("claimed", "U0PRIYA")
        assert len(front.rows(Turn)) == 1


def test_nothing_is_given_back_to_an_agent_that_was_suspended_meanwhile(front: FrontDoor) -> None:
    """As soon as an operator has suspended it, without a change of its card."""
    card = front.claimed()
    opened(front, card, "give_back")
    with front.database.write() as session:
        agents.suspend(session, "access", cause="wrong links", by="operator")
    answer = front.fill("U0PRIYA", FILLED["give_back"])
    assert answer["errors"] == {"note": "The agent is suspended and cannot go on with this."}
    assert front.stands(card) == ("claimed", "U0PRIYA")


def test_a_form_of_another_build_stays_open(front: FrontDoor) -> None:
    """Slack would close it after a plain answer, as if its words were taken; one without a field has none to lose."""
    card = front.claimed()
    opened(front, card, "reply")
    view = front.sees("U0PRIYA")["view"] | {"callback_id": "handoff.answered", "private_metadata": '{"handoff": 1}'}
    person = {"user": {"id": "U0PRIYA"}, "team": {"id": "T0DESKHAND"}, "trigger_id": "1.2.3", "api_app_id": "A0"}

    def sent(values: Values) -> tuple[int, str]:
        return front.payload({**person, "type": "view_submission", "view": {**view, "state": {"values": values}}})

    status, answer = sent(FILLED["reply"])
    assert (status, json.loads(answer)) == (200, {"response_action": "errors", "errors": {"text": bolt.UNKNOWN_FORM}})
    assert sent({}) == (200, "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ended", ["expired", "taken", "resolved"])
def test_form_of_a_lost_claim_keeps_the_words(front: FrontDoor, form: str, ended: str) -> None:
    """Who has lost the claim while writing is told in the form; nothing is done, their words are still there."""
    card = front.claimed()
    opened(front, card, form)
    front.expire(card)
    if ended != "expired":
        front.press("U0OLIVIA", front.refreshed(card), "claim")
    if ended == "resolved":
        with front.database.write() as session:
            session.execute(update(Handoff).values(state="resolved"))
    said, below, moves = front.said_in(card), front.said_below(card), front.moves()
    errors = front.fill("U0PRIYA", FILLED[form])["errors"]
    words = {
        "expired": "the claim has ended, and everybody can take it again",
        "taken": "somebody else has it now",
        "resolved": "it is resolved",
    }
    assert errors == {
        FIRST[form]: f"You no longer have this: {words[ended]}. Nothing was done; your words are still here to copy."
    }
    kept = front.sees("U0PRIYA")["view"]["state"]["values"]
    assert kept[FIRST[form]][FIRST[form]] == FILLED[form][FIRST[form]][FIRST[form]]
    assert (front.said_in(card), front.said_below(card), front.moves()) == (said, below, moves)
    assert (len(front.rows(Turn)), front.under_a_name(card)) == (1, [])


@pytest.mark.parametrize(("form", "done"), [("resolve", "resolved this"), ("give_back", "given this back")])
def test_a_form_that_is_sent_again_says_that_it_was_taken(front: FrontDoor, form: str, done: str) -> None:
    """It stayed open, since our answer was lost: nobody reads that nothing was done, and nothing is done twice."""
    card = front.claimed()
    opened(front, card, form)
    view = front.sees("U0PRIYA")["view"]
    assert front.fill("U0PRIYA", FILLED[form])["ok"]
    said, below, moves = front.said_in(card), front.said_below(card), front.moves()
    person = {"user": {"id": "U0PRIYA"}, "team": {"id": "T0DESKHAND"}, "trigger_id": "1.2.3", "api_app_id": "A0"}
    answer = front.payload({**person, "type": "view_submission", "view": {**view, "state": {"values": FILLED[form]}}})
    assert f"You have {done} already. This changed nothing" in str(answer)
    assert (front.said_in(card), front.said_below(card), front.moves()) == (said, below, moves)


@pytest.mark.parametrize("form", ["reply", "resolve", "give_back"])
def test_blank_form_is_refused(front: FrontDoor, form: str) -> None:
    """Blank words are no answer: the form says so and stays."""
    card = front.claimed()
    opened(front, card, form)
    blank = resolution("  \n ") if form == "resolve" else typed(FIRST[form], "  \n ")
    assert list(front.fill("U0PRIYA", blank)["errors"]) == [FIRST[form]]
    assert front.stands(card) == ("claimed", "U0PRIYA")
    assert front.moves() == ["opened", "claimed"]


def test_a_choice_that_was_never_offered_is_refused(front: FrontDoor) -> None:
    """What a browser makes up is said under its own field, and so is a category that is the agent's alone."""
    card = front.claimed()
    opened(front, card, "resolve")
    view = front.sees("U0PRIYA")["view"]
    person = {"user": {"id": "U0PRIYA"}, "team": {"id": "T0DESKHAND"}, "trigger_id": "1.2.3", "api_app_id": "A0"}
    for block, value in (("category", "nonsense"), ("category", "suspended"), ("agent_could", "perhaps")):
        made_up = {block: {block: {"selected_option": {"value": value}}}}
        state = {"state": {"values": {**resolution(), **made_up}}}
        _, answer = front.payload({**person, "type": "view_submission", "view": {**view, **state}})
        assert f'"{block}"' in answer
    assert front.stands(card) == ("claimed", "U0PRIYA")


def test_a_form_of_a_lease_that_is_over_is_taken_while_nobody_noticed(front: FrontDoor) -> None:
    """A claim ends when the clock ends it: until then its holder's words count, and renew it."""
    card = front.claimed()
    opened(front, card, "reply")
    with front.database.write() as session:
        session.execute(update(Handoff).values(lease_until=now()))
    assert front.fill("U0PRIYA", FILLED["reply"])["ok"]
    assert front.under_a_name(card) == [("Priya Nair", "Please come by.")]
    until = front.handoff(card.handoff).lease_until
    assert until is not None
    assert until > now()
    assert f"<!date^{int(until.timestamp())}^" in str(front.card(card.handoff)["blocks"])
    assert front.sees("U0LENA")["messages"][HELP][-1]["text"] == "Please come by."


def test_nobody_is_given_their_own_request(front: FrontDoor) -> None:
    """Not by the one who has it; and an owner who asked does not choose who gets it, nor resolves it."""
    card = front.hand_off("U0BEN")
    front.press("U0PRIYA", card, "claim")
    opened(front, card, "reassign")
    answer = front.fill("U0PRIYA", to("U0BEN"))
    assert answer["errors"] == {"to": "This is their own request: choose somebody else."}
    own = front.hand_off("U0OLIVIA")
    front.press("U0PRIYA", own, "claim")
    for form in FORMS:
        front.press("U0OLIVIA", own, form, forge=True)
    assert front.sees("U0OLIVIA")["view"] is None
    assert front.only()[-4:] == [("U0OLIVIA", "This is your own request, so somebody else has to take care of it.")] * 4
    assert front.refusals()[-4:] == [("U0OLIVIA", form, "their own request") for form in FORMS]
    assert front.stands(card) == front.stands(own) == ("claimed", "U0PRIYA")


def test_a_request_of_their_own_that_somebody_has_is_theirs_no_more(front: FrontDoor) -> None:
    """From before it was refused: no form of theirs is taken, and their `>` stays where it is."""
    card = front.hand_off("U0BEN")
    front.press("U0PRIYA", card, "claim")
    opened(front, card, "reply")
    with front.database.write() as session:
        session.execute(update(Ticket).values(requester="U0PRIYA"))
    answer = front.fill("U0PRIYA", typed("text", "Done."))
    assert "your own request" in answer["errors"]["text"]
    front.say("U0PRIYA", QUEUE, "> Done.", thread_ts=card.message["ts"])
    assert front.only()[-1][1].startswith("This was not sent. This is your own request")
    assert "Done." not in str(front.thread(card))
