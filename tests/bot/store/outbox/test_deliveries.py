"""Who says a message, and what becomes of it: `bot.store.outbox.deliveries`."""

import time
from dataclasses import replace
from threading import Barrier

import pytest

from bot.store.db import Database
from bot.store.outbox import deliveries, messages
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import Message, Ticket
from tests.support.delivery_steps import (
    WAYS_TO_GIVE_UP,
    assign_ticket,
    due,
    owed,
    posted,
    revise,
    store_reply,
    taken,
    try_to_take,
)
from tests.support.factories import at_once, message, rows, store, ticket


def test_a_lane_is_said_in_order(database: Database) -> None:
    """The next message of a lane is owed when the one before it is out; other lanes do not wait."""
    for key, lane in (("a", "l"), ("b", "l"), ("c", "m")):
        store(database, key, lane=lane)
    assert owed(database) == ["a", "c"]
    delivery = taken(database, "a")
    assert owed(database) == ["c"]
    with database.write() as session:
        deliveries.put_back(session, delivery, error="busy", after=60)
    assert owed(database) == ["c"]
    due(database, "a")
    posted(database, "a")
    assert owed(database) == ["b", "c"]


@pytest.mark.parametrize("end", ["give up", "withdraw"])
def test_what_is_never_said_does_not_hold_up_its_lane(database: Database, end: str) -> None:
    """A failed or withdrawn message lets the next one go."""
    for key in ("a", "b"):
        store(database, key)
    delivery = taken(database, "a")
    with database.write() as session:
        WAYS_TO_GIVE_UP[end](session, delivery)
    assert owed(database) == ["b"]
    assert try_to_take(database, "a") is None


def test_a_ticket_is_asked_for_its_own_messages(database: Database) -> None:
    """What other tickets owe is not said with it."""
    store_reply(database)
    store(database, "other", lane="m")
    assert owed(database, ticket(database).id) == ["reply"]
    assert owed(database) == ["reply", "other"]


def test_of_twenty_senders_one_takes_a_message(database: Database) -> None:
    """Exactly one has it in hand."""
    store(database, "a")
    tried = at_once(20, lambda _: try_to_take(database, "a"))
    [delivery] = [delivery for delivery in tried if delivery is not None]
    assert (delivery.attempts, delivery.in_doubt, delivery.ts) == (1, False, None)
    assert message(database, "a").state == "sending"


def test_a_message_whose_sender_vanished_is_in_doubt(database: Database) -> None:
    """Nobody else has it before the sender's time is over; then it is to be looked up first."""
    store(database, "a")
    taken(database, "a")
    assert try_to_take(database, "a") is None
    due(database, "a")
    delivery = taken(database, "a")
    assert (delivery.in_doubt, delivery.attempts) == (True, 2)


def test_what_slack_did_not_take_is_said_again_after_a_pause(database: Database) -> None:
    """It is not in doubt, and not due before the pause is over."""
    store(database, "a")
    delivery = taken(database, "a")
    with database.write() as session:
        deliveries.put_back(session, delivery, error="ratelimited", after=60)
    assert try_to_take(database, "a") is None
    due(database, "a")
    assert taken(database, "a").in_doubt is False


def test_the_agent_is_silent_once_a_person_has_the_ticket(database: Database) -> None:
    """Law 4: a stored reply is withdrawn when it would be said; a person's and a notice are not."""
    key = store_reply(database)
    for other in ("human_reply", "notice"):
        store(database, other, kind=other, lane=other, ticket_id=ticket(database).id)
    assign_ticket(database)
    assert try_to_take(database, key) is None
    assert message(database, key).state == "withdrawn"
    assert [taken(database, other).kind for other in ("human_reply", "notice")] == ["human_reply", "notice"]


def test_the_agent_speaks_again_when_nobody_has_the_ticket(database: Database) -> None:
    """Given back, it answers."""
    key = store_reply(database)
    assign_ticket(database, None)
    assert taken(database, key).kind == "reply"


def test_a_reply_in_doubt_may_not_be_said_once_a_person_has_the_ticket(database: Database) -> None:
    """It is still taken, since it may be out; whether it may be said is asked after looking."""
    key = store_reply(database)
    taken(database, key)
    assign_ticket(database)
    due(database, key)
    delivery = taken(database, key)
    with database.write() as session:
        assert deliveries.may_speak(session, delivery) is False
        deliveries.withdraw(session, delivery)
    assert message(database, key).state == "withdrawn"
    assign_ticket(database, None)
    with database.read() as session:
        assert deliveries.may_speak(session, delivery) is True


def test_a_claim_and_a_reply_take_turns(postgres: Database) -> None:
    """A reply that is being taken when a claim is written waits for it, and is then withdrawn."""
    key = store_reply(postgres)

    def claim_slowly(number: int) -> Delivery | None:
        if number == 0:
            with postgres.write() as session:
                session.get_one(Ticket, ticket_id, with_for_update=True).assignee = "U0PRIYA"
                session.flush()
                held.wait(timeout=120)
                time.sleep(0.2)
            return None
        held.wait(timeout=120)
        return try_to_take(postgres, key)

    ticket_id, held = ticket(postgres).id, Barrier(2)
    assert at_once(2, claim_slowly) == [None, None]
    assert message(postgres, key).state == "withdrawn"


def test_a_revised_message_is_owed_an_update(database: Database) -> None:
    """Once for all revisions; what was never out is simply said as it is now."""
    store(database, "a")
    revise(database, "a", "second")
    delivery = taken(database, "a")
    assert (delivery.body, delivery.ts) == ({"text": "second"}, None)
    with database.write() as session:
        deliveries.posted(session, delivery, "5.5", channel="D0OLIVIA")
    assert owed(database) == []
    for text in ("third", "fourth"):
        revise(database, "a", text)
    delivery = taken(database, "a")
    assert (delivery.body, delivery.ts, delivery.channel, delivery.in_doubt) == (
        {"text": "fourth"},
        "5.5",
        "D0OLIVIA",
        False,
    )
    with database.write() as session:
        deliveries.posted(session, delivery, "5.5")
    assert owed(database) == []
    assert try_to_take(database, "a") is None


def test_a_revision_during_an_update_is_owed_after_it(database: Database) -> None:
    """Only one sender has a message in hand, so the newest revision is the last that Slack sees."""
    store(database, "a")
    posted(database, "a")
    revise(database, "a", "second")
    delivery = taken(database, "a")
    revise(database, "a", "third")
    assert try_to_take(database, "a") is None
    with database.write() as session:
        deliveries.posted(session, delivery, "5.5")
    assert taken(database, "a").body == {"text": "third"}


def test_a_revision_while_it_is_sent_does_not_make_a_message_lost(database: Database) -> None:
    """Its sender keeps its time: no second one takes it for in doubt."""
    store(database, "a")
    taken(database, "a")
    revise(database, "a", "second")
    assert owed(database) == []
    assert try_to_take(database, "a") is None


def test_a_message_found_in_slack_is_owed_what_was_revised_since(database: Database) -> None:
    """Nobody knows which revision the vanished sender had said, so a revised one is updated."""
    for key in ("same", "revised"):
        store(database, key, lane=key)
        taken(database, key)
        due(database, key)
    revise(database, "revised", "second")
    for key in ("same", "revised"):
        delivery = taken(database, key)
        with database.write() as session:
            deliveries.found(session, delivery, f"{key}.5")
    assert owed(database) == ["revised"]
    assert (message(database, "same").state, message(database, "same").ts) == ("posted", "same.5")


def test_an_update_that_slack_refuses_is_not_tried_again(database: Database) -> None:
    """The message stays posted, at what it showed."""
    store(database, "a")
    posted(database, "a")
    revise(database, "a", "second")
    delivery = taken(database, "a")
    with database.write() as session:
        deliveries.give_up(session, delivery, error="message_not_found")
    due(database, "a")
    assert owed(database) == []
    assert (message(database, "a").state, message(database, "a").error) == ("posted", "message_not_found")


def test_an_update_that_slack_did_not_take_is_tried_again(database: Database) -> None:
    """Put back, it is still a posted message that owes an update."""
    store(database, "a")
    posted(database, "a")
    revise(database, "a", "second")
    delivery = taken(database, "a")
    with database.write() as session:
        deliveries.put_back(session, delivery, error="busy", after=0)
    assert message(database, "a").state == "posted"
    assert taken(database, "a").ts == "5.5"


def test_what_goes_below_a_message_follows_it(database: Database) -> None:
    """Thread and channel are those of the message at its head, wherever that was posted in the end."""
    head = store(database, "card", channel="C0QUEUE")
    store(database, "transcript", channel="C0QUEUE", thread_of=head)
    delivery = taken(database, "card")
    with database.write() as session:
        deliveries.posted(session, delivery, "7.7", channel="D0OLIVIA")
    delivery = taken(database, "transcript")
    assert (delivery.channel, delivery.thread_ts) == ("D0OLIVIA", "7.7")


def test_a_readdressed_message_is_a_new_one_elsewhere(database: Database) -> None:
    """What was posted in a channel that is closed now is said again where it goes, and stands there."""
    store(database, "card", channel="C0QUEUE")
    posted(database, "card")
    revise(database, "card", "second")
    delivery = taken(database, "card")
    with database.write() as session:
        deliveries.readdress(session, delivery, "U0OLIVIA", {"text": "to you"})
    delivery = taken(database, "card")
    assert (delivery.channel, delivery.ts, delivery.body, delivery.in_doubt) == (
        "U0OLIVIA",
        None,
        {"text": "to you"},
        False,
    )


@pytest.mark.parametrize("how", WAYS_TO_GIVE_UP)
def test_a_sender_that_was_given_up_changes_nothing(database: Database, how: str) -> None:
    """Whoever has the message now decides; but what Slack has is posted, whoever says so."""
    store(database, "a")
    late = taken(database, "a")
    due(database, "a")
    now_in_hand = taken(database, "a")
    with database.write() as session:
        assert deliveries.renew(session, [late, now_in_hand]) == {now_in_hand.id}
        WAYS_TO_GIVE_UP[how](session, late)
    found = message(database, "a")
    assert (found.state, found.error, found.channel, found.attempts) == ("sending", None, "C0HELP", 2)
    with database.write() as session:
        assert deliveries.posted(session, late, "5.5")
        assert deliveries.renew(session, [now_in_hand]) == set()
    assert (message(database, "a").state, message(database, "a").ts) == ("posted", "5.5")


def test_a_renewed_message_stays_in_hand(database: Database) -> None:
    """Who took long to look it up has the full time to say it."""
    store(database, "a")
    taken(database, "a")
    due(database, "a")
    delivery = taken(database, "a")
    due(database, "a")
    with database.write() as session:
        assert deliveries.renew(session, [delivery]) == {delivery.id}
        assert deliveries.renew(session, []) == set()
    assert try_to_take(database, "a") is None


@pytest.mark.parametrize("end", ["said by another", "withdrawn", "readdressed"])
def test_what_is_said_too_late_is_taken_back(database: Database, end: str) -> None:
    """A sender that was given up and wakes: what it says is owed to be deleted, and the row is as others left it."""
    store(database, "a")
    late = taken(database, "a")
    due(database, "a")
    other = taken(database, "a")
    with database.write() as session:
        if end == "said by another":
            deliveries.posted(session, other, "5.5")
        elif end == "withdrawn":
            deliveries.withdraw(session, other)
        else:
            deliveries.readdress(session, other, "U0OLIVIA", {"text": "to you"})
    before = message(database, "a")
    with database.write() as session:
        assert not deliveries.posted(session, late, "6.6")
    after = message(database, "a")
    assert (after.state, after.ts, after.channel) == (before.state, before.ts, before.channel)
    owed = taken(database, "late:a:6.6")
    assert (owed.channel, owed.ts, owed.body) == ("C0HELP", "6.6", messages.GONE)
    with database.write() as session:
        assert deliveries.posted(session, owed, "6.6")
    assert message(database, "late:a:6.6").state == "withdrawn"


def test_what_is_said_too_late_stands_when_it_was_still_to_be_said(database: Database) -> None:
    """The next sender had only put it back: it is out now, and nobody says it again."""
    store(database, "a")
    late = taken(database, "a")
    due(database, "a")
    other = taken(database, "a")
    with database.write() as session:
        deliveries.put_back(session, other, error="slack: 429", after=0)
        assert deliveries.posted(session, late, "6.6")
    assert (message(database, "a").state, message(database, "a").ts) == ("posted", "6.6")
    assert try_to_take(database, "a") is None


def test_saying_twice_that_it_stands_takes_nothing_back(database: Database) -> None:
    """The one who looked it up was faster than the one who said it."""
    store(database, "a")
    first = taken(database, "a")
    due(database, "a")
    second = taken(database, "a")
    with database.write() as session:
        deliveries.found(session, second, "5.5")
        assert deliveries.posted(session, first, "5.5")
    assert len(rows(database, Message)) == 1


@pytest.mark.parametrize("end", ["posted", "found", "give up", "put back", "doubt"])
def test_a_secret_is_held_until_slack_has_it_or_never_will(database: Database, end: str) -> None:
    """Then the row holds what is kept of it, and owes Slack no update for that; until then it must be sayable."""
    store(database, "a", body={"text": "password is Xk7!pw", messages.AFTERWARDS: {"text": "password is [password]"}})
    delivery = taken(database, "a")
    with database.write() as session:
        if end == "posted":
            deliveries.posted(session, delivery, "1.1")
        elif end == "found":
            deliveries.found(session, delivery, "1.1")
        else:
            WAYS_TO_GIVE_UP[end](session, delivery)
    [row] = rows(database, Message)
    held = end in ("put back", "doubt")
    assert ("Xk7!pw" in str(row.body)) is held
    assert row.body["text"] == ("password is Xk7!pw" if held else "password is [password]")
    assert held or row.revision == max(row.shown_revision, 1)


@pytest.mark.parametrize("end", ["give up", "withdraw"])
def test_who_has_a_message_no_longer_lets_go_of_no_secret(database: Database, end: str) -> None:
    """The next sender has it in hand, and may have to say it later."""
    sealed = {"text": "password is Xk7!pw", messages.AFTERWARDS: {"text": "password is [password]"}}
    store(database, "a", body=sealed)
    first = taken(database, "a")
    due(database, "a")
    second = taken(database, "a")
    with database.write() as session:
        WAYS_TO_GIVE_UP[end](session, first)
        deliveries.put_back(session, second, error="later", after=0)
    assert taken(database, "a").body == sealed


def test_a_secret_that_was_changed_meanwhile_is_still_owed(database: Database) -> None:
    """What is out is the old one: the new one stays until it is out, too."""
    new = {"text": "password is Yq8?pw", messages.AFTERWARDS: {"text": "password is [password]"}}
    store(database, "a", body={"text": "password is Xk7!pw", messages.AFTERWARDS: {"text": "password is [password]"}})
    delivery = taken(database, "a")
    with database.write() as session:
        messages.revise(session, "a", new)
        deliveries.posted(session, delivery, "1.1")
    assert rows(database, Message)[0].body == new
    posted(database, "a")
    assert rows(database, Message)[0].body == {"text": "password is [password]"}


def test_a_file_that_is_gone_from_slack_is_sent_again_as_another(database: Database) -> None:
    """Said again after it was taken back, a message knows nothing of the file that it once had."""
    store(database, "a", body={"file": {"name": "a.txt"}})
    delivery = taken(database, "a")
    with database.write() as session:
        assert deliveries.enclosed(session, delivery, "F1")
        deliveries.posted(session, delivery, "5.5")
        messages.take_back(session, "a")
    delivery = taken(database, "a")
    assert delivery.file_id == "F1"
    with database.write() as session:
        deliveries.posted(session, delivery, None)
        assert not deliveries.enclosed(session, replace(delivery, attempts=7), "F2")
    found = message(database, "a")
    assert (found.state, found.file_id, found.ts) == ("withdrawn", None, None)
