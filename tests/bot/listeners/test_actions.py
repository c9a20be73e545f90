"""Buttons that act at once: claim, release, take back, send or keep a draft."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from bot.queue import DELIVER, RUN_TURN
from bot.sandbox.slack import blocks
from bot.store.schema import AuditRow, Handoff, HandoffMove, InboxEvent, Message, Ticket, Turn, now
from tests.support.json_object import Json
from tests.support.web_harness import Card, FrontDoor, action_value
from tests.support.workspace_names import HELP, QUEUE

FIRST = "> Bring your badge"


def actions(message: Json) -> list[str]:
    """Return the action ids of a message's buttons, in order."""
    return [one["action_id"].removeprefix("handoff.") for _, one in blocks.interactive(message.get("blocks"))]


def notice(front: FrontDoor, card: Card) -> Json:
    """Return the message that told the requester of the handoff, as it is now."""
    return front.thread(card)[0]


def question(front: FrontDoor, card: Card, text: str = FIRST) -> Json:
    """Let the holder write a first `>` message; return what asks about it."""
    front.say("U0PRIYA", QUEUE, text, thread_ts=card.message["ts"])
    front.work()
    [asked] = [one for one in front.below(card) if actions(one) == ["send", "keep"]]
    return asked


def standing(front: FrontDoor, question: Json, card: Card) -> Json:
    """Return a question as it stands now."""
    return next(one for one in front.below(card) if one["ts"] == question["ts"])


def test_claim_changes_the_card(front: FrontDoor) -> None:
    """A claim gives the handoff to its responder: the card, the requester and the audit say so."""
    card = front.claimed()
    assert front.stands(card) == ("claimed", "U0PRIYA")
    assert "<@U0PRIYA>" in str(card.message["blocks"])
    assert actions(card.message) == ["reply", "resolve", "give_back", "reassign", "unclaim"]
    assert "<@U0PRIYA> has your request" in front.said_in(card)[-1]
    assert [row.event for row in front.rows(AuditRow)][-1] == "handoff.claimed"


def test_an_owner_may_claim(front: FrontDoor) -> None:
    """An owner gets the card when the queue channel is gone, and must not be refused then."""
    card = front.claimed("U0OLIVIA")
    assert front.stands(card) == ("claimed", "U0OLIVIA")


def test_loser_of_a_claim_is_told_who_has_it(front: FrontDoor) -> None:
    """Of two who press Claim at once exactly one has it, and the other alone is told who."""
    card = front.hand_off()
    where = action_value(card.message, QUEUE, "claim")
    with ThreadPoolExecutor(2) as hands:
        list(hands.map(lambda user: front.act("click", user, **where), ("U0PRIYA", "U0BEN")))
    winner = str(front.handoff(card.handoff).claimed_by)
    assert winner in ("U0PRIYA", "U0BEN")
    loser = "U0BEN" if winner == "U0PRIYA" else "U0PRIYA"
    assert front.whispers(loser) == [f"<@{winner}> has it."]
    assert front.whispers(winner) == []
    assert front.moves() == ["opened", "claimed"]


def test_second_press_of_the_winner_changes_nothing(front: FrontDoor) -> None:
    """Who presses Claim again is told that they have it; there is one claim."""
    card = front.claimed()
    front.press("U0PRIYA", card, "claim", forge=True)
    assert front.whispers("U0PRIYA") == ["You have it already."]
    assert front.moves() == ["opened", "claimed"]


def test_claim_without_redis_is_said_later(front: FrontDoor) -> None:
    """What a click owes is a row before it is a job: the queue may lose it."""
    card = front.hand_off()
    front.act("click", "U0PRIYA", **action_value(card.message, QUEUE, "claim"))
    assert front.jobs(DELIVER) != []
    front.redis.flushall()
    assert front.handoff(card.handoff).claimed_by == "U0PRIYA"
    assert [row.kind for row in front.rows(Message) if row.state == "stored"] == ["claimed"]


def test_unclaim_lets_anybody_take_it_again(front: FrontDoor) -> None:
    """The card, those on call and the requester learn it; another responder claims it then."""
    card = front.claimed()
    front.press("U0PRIYA", card, "unclaim")
    assert front.stands(card) == ("open", None)
    free = front.refreshed(card)
    assert "nobody has this now" in str(free.message["blocks"])
    assert actions(free.message) == ["claim"]
    said = front.below(card)[-1]
    assert "<@U0PRIYA> unclaimed this" in str(said["blocks"])
    assert "<!subteam^S0ONCALL>" in str(said["blocks"])
    assert said["subtype"] == "thread_broadcast"
    assert front.said_in(card)[-1].startswith("<@U0PRIYA> could not go on with your request")
    front.press("U0BEN", free, "claim")
    assert front.stands(card) == ("claimed", "U0BEN")


def test_a_card_of_an_earlier_build_still_gives_it_up(front: FrontDoor) -> None:
    """Its button bears the id that the move had before; a click counts."""
    card = front.claimed()
    front.press("U0PRIYA", card, "release", forge=True)
    assert front.stands(card) == ("open", None)
    assert front.moves()[-1] == "unclaimed"


def test_only_the_holder_gives_it_up(front: FrontDoor) -> None:
    """Any other responder is told who has it, before a claim that nobody does; nothing changes."""
    card = front.hand_off()
    front.press("U0BEN", card, "unclaim", forge=True)
    front.press("U0PRIYA", card, "claim")
    front.press("U0BEN", card, "unclaim", forge=True)
    assert front.whispers("U0BEN") == ["Nobody has it at the moment: claim it first.", "<@U0PRIYA> has it."]
    assert front.moves() == ["opened", "claimed"]
    assert front.stands(card) == ("claimed", "U0PRIYA")


def test_requester_takes_the_request_back(front: FrontDoor) -> None:
    """Their button ends the handoff: no dead button is left anywhere, both threads say so, a second press too."""
    card = front.hand_off()
    told = notice(front, card)
    assert actions(told) == ["cancel"]
    front.choose("U0LENA", told, HELP, "cancel")
    assert front.stands(card) == ("cancelled", None)
    assert [row.state for row in front.rows(Ticket)] == ["resolved"]
    assert "no longer needs help" in front.said_below(card)[-1]
    assert actions(front.card(card.handoff)) == []
    now_told = notice(front, card)
    assert (actions(now_told), len(front.thread(card))) == ([], 1)
    assert "you no longer need this" in now_told["text"]
    front.choose("U0LENA", told, HELP, "cancel", forge=True, value=str(card.handoff))
    assert front.whispers("U0LENA") == ["You have taken this back already."]
    assert front.moves() == ["opened", "cancelled"]


def test_only_the_requester_takes_it_back(front: FrontDoor) -> None:
    """Not even a responder may; they are told whose it is, and that is audited."""
    card = front.hand_off()
    for user in ("U0IVAN", "U0PRIYA"):
        front.choose(user, notice(front, card), HELP, "cancel")
        assert front.whispers(user) == ["Only <@U0LENA> can take this back."]
    assert front.stands(card) == ("open", None)
    assert front.refusals() == [(user, "cancel", "not the requester") for user in ("U0IVAN", "U0PRIYA")]


def test_nothing_is_taken_back_from_a_person(front: FrontDoor) -> None:
    """While somebody works on it the button is gone, and a stale one says who; when they let go it is there again."""
    card = front.hand_off()
    told = notice(front, card)
    front.press("U0PRIYA", card, "claim")
    assert actions(notice(front, card)) == []
    front.choose("U0LENA", told, HELP, "cancel", forge=True, value=str(card.handoff))
    assert front.whispers("U0LENA") == ["<@U0PRIYA> already has your request, so please tell them here."]
    assert front.stands(card) == ("claimed", "U0PRIYA")
    front.press("U0PRIYA", front.refreshed(card), "unclaim")
    assert actions(notice(front, card)) == ["cancel"]
    with front.database.write() as session:
        session.execute(update(Handoff).values(state="resolved"))
    front.choose("U0LENA", told, HELP, "cancel", forge=True, value=str(card.handoff))
    assert front.whispers("U0LENA")[1:] == ["This request has ended already."]


def test_first_marked_word_of_a_claim_is_asked_about(front: FrontDoor) -> None:
    """A note meant as internal may start with `>` by mistake: nothing goes out until its author says so."""
    card = front.claimed()
    asked = question(front, card, "> poor Lena, third phone this year")
    assert "third phone" in str(asked["blocks"])
    assert "third phone" not in str(front.thread(card))
    assert front.handoff(card.handoff).first_response_at is None
    front.choose("U0PRIYA", asked, QUEUE, "keep")
    kept = standing(front, asked, card)
    assert actions(kept) == []
    assert "kept this internal" in str(kept["blocks"])
    assert "third phone" not in str(front.thread(card))
    assert front.handoff(card.handoff).first_response_at is None
    assert "with no answer yet" in str(front.card(card.handoff)["blocks"])


def test_what_is_sent_goes_out_and_the_next_goes_at_once(front: FrontDoor) -> None:
    """Sent under its author's name, shown below the card, measured; from then on `>` is not asked about."""
    card = front.claimed()
    asked = question(front, card)
    front.choose("U0PRIYA", asked, QUEUE, "send")
    assert front.under_a_name(card) == [("Priya Nair", "Bring your badge")]
    assert actions(standing(front, asked, card)) == []
    assert "sent this to <@U0LENA>" in str(standing(front, asked, card)["blocks"])
    assert "has been answered" in str(front.card(card.handoff)["blocks"])
    assert front.handoff(card.handoff).first_response_at is not None
    front.say("U0PRIYA", QUEUE, "> And a photo", thread_ts=card.message["ts"])
    front.work()
    assert front.under_a_name(card)[1:] == [("Priya Nair", "And a photo")]
    assert not [one for one in front.below(card) if actions(one)]


def test_another_person_does_not_decide_what_is_sent(front: FrontDoor) -> None:
    """Only who wrote it may; a colleague is told so and the question stays."""
    card = front.claimed()
    asked = question(front, card)
    for action in ("send", "keep"):
        front.choose("U0BEN", asked, QUEUE, action)
    assert front.whispers("U0BEN") == ["Only <@U0PRIYA>, who wrote it, can decide that."] * 2
    assert front.under_a_name(card) == []
    assert actions(standing(front, asked, card)) == ["send", "keep"]


@pytest.mark.parametrize("first", ["send", "keep"])
def test_a_draft_is_decided_once(front: FrontDoor, first: str) -> None:
    """Either button pressed again, from a stale screen, says so; no second message, no false first word."""
    card = front.claimed()
    asked = question(front, card)
    front.choose("U0PRIYA", asked, QUEUE, first)
    moves, sent = front.moves(), front.under_a_name(card)
    draft = front.rows(InboxEvent)[-1]
    for action in ("send", "keep"):
        front.choose("U0PRIYA", asked, QUEUE, action, forge=True, value=str(draft.id))
    assert front.whispers("U0PRIYA") == ["That is decided already."] * 2
    assert (front.moves(), front.under_a_name(card)) == (moves, sent)
    assert len(sent) == (1 if first == "send" else 0)
    handoff = front.handoff(card.handoff)
    assert (handoff.sent, handoff.first_response_at is not None) == (first == "send", first == "send")


@pytest.mark.parametrize("then", ["nobody", "another"])
def test_a_draft_of_a_claim_that_has_ended_is_not_sent(front: FrontDoor, then: str) -> None:
    """Pressed too late, Send says that it was not sent, in place of the question."""
    card = front.claimed()
    asked = question(front, card)
    front.expire(card)
    if then == "another":
        front.press("U0BEN", front.refreshed(card), "claim")
    front.choose("U0PRIYA", asked, QUEUE, "send")
    assert "This was not sent: <@U0PRIYA> no longer has this ticket." in str(standing(front, asked, card)["blocks"])
    assert actions(standing(front, asked, card)) == []
    assert front.under_a_name(card) == []
    assert front.stands(card) == (("claimed", "U0BEN") if then == "another" else ("open", None))
    assert front.handoff(card.handoff).first_response_at is None


def test_a_draft_that_is_edited_while_it_is_asked_about_is_sent_as_it_is_then(front: FrontDoor) -> None:
    """The question shows the new words, and they alone go out."""
    card = front.claimed()
    asked = question(front, card)
    ts = front.rows(InboxEvent)[-1].ts
    front.act("edit", "U0PRIYA", channel=QUEUE, ts=ts, text="> Bring your passport")
    front.work()
    asked = standing(front, asked, card)
    assert "passport" in str(asked["blocks"])
    front.choose("U0PRIYA", asked, QUEUE, "send")
    assert front.under_a_name(card) == [("Priya Nair", "Bring your passport")]


@pytest.mark.parametrize("how", ["deleted", "unmarked"])
def test_a_draft_that_is_taken_back_while_it_is_asked_about_is_not_sent(front: FrontDoor, how: str) -> None:
    """Deleted, or without its mark, there is nothing left to decide: the buttons go, a stale one says so."""
    card = front.claimed()
    asked = question(front, card)
    draft = front.rows(InboxEvent)[-1]
    if how == "deleted":
        front.act("delete", "U0PRIYA", channel=QUEUE, ts=draft.ts)
    else:
        front.act("edit", "U0PRIYA", channel=QUEUE, ts=draft.ts, text="She forgot her badge again")
    front.work()
    said = str(standing(front, asked, card)["blocks"])
    assert ("deleted this before it was sent" if how == "deleted" else "kept this internal") in said
    assert actions(standing(front, asked, card)) == []
    front.choose("U0PRIYA", asked, QUEUE, "send", forge=True, value=str(draft.id))
    assert front.whispers("U0PRIYA") == ["That is decided already."]
    assert front.under_a_name(card) == []


def test_asking_keeps_the_claim(front: FrontDoor) -> None:
    """A `>` that is asked about is a word of the holder: the lease runs anew, and the card shows until when."""
    card = front.claimed()
    with front.database.write() as session:
        session.execute(update(Handoff).values(lease_until=now()))
    asked = question(front, card)
    until = front.handoff(card.handoff).lease_until
    assert until is not None
    assert until > now()
    assert f"<!date^{int(until.timestamp())}^" in str(front.card(card.handoff)["blocks"])
    with front.database.write() as session:
        session.execute(update(Handoff).values(lease_until=now()))
    front.choose("U0PRIYA", asked, QUEUE, "send")
    until = front.handoff(card.handoff).lease_until
    assert until is not None
    assert f"<!date^{int(until.timestamp())}^" in str(front.card(card.handoff)["blocks"])


def test_nothing_of_it_starts_a_turn(front: FrontDoor) -> None:
    """Claims, drafts, releases and withdrawals are people's: the agent gets nothing to do."""
    card = front.claimed()
    turns, queued = len(front.rows(Turn)), front.jobs(RUN_TURN)
    front.choose("U0PRIYA", question(front, card), QUEUE, "send")
    front.press("U0PRIYA", front.refreshed(card), "unclaim")
    front.choose("U0LENA", notice(front, card), HELP, "cancel")
    assert (len(front.rows(Turn)), front.jobs(RUN_TURN)) == (turns, queued)
    assert [row.move for row in front.rows(HandoffMove)][-1] == "cancelled"


def test_a_responder_does_not_claim_their_own_request(front: FrontDoor) -> None:
    """They are told so, it is written down, and a colleague may."""
    card = front.hand_off("U0BEN")
    front.press("U0BEN", card, "claim")
    assert front.stands(card) == ("open", None)
    assert front.only() == [("U0BEN", "This is your own request, so somebody else has to take care of it.")]
    assert [(actor, move) for actor, move, _ in front.refusals()] == [("U0BEN", "claim")]
    front.press("U0PRIYA", card, "claim")
    assert front.stands(card) == ("claimed", "U0PRIYA")
