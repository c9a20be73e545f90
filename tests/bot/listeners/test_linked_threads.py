"""The requester's thread and the one below the card, through the web door: what reaches whom, and follows edits."""

import json
import re

import pytest
from sqlalchemy import update

from bot.queue import RUN_TURN
from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, InboxEvent, Message, Ticket, Turn, now
from tests.support.block_checks import check_shown
from tests.support.json_object import Json
from tests.support.thread_steps import change_message, sending_card, write_below_card, write_to_requester
from tests.support.web_harness import Card, FrontDoor
from tests.support.workspace_names import BOT, HELP, QUEUE

HOSTILE = "<script>alert(1)</script> *bold* <!channel> <@U0PRIYA> & <https://evil.example|your bank>"


def copies(front: FrontDoor, card: Card, of: str = "") -> list[Json]:
    """Return what the bot has copied below the card: transcript, notes and questions left aside."""
    known = {row.ts for row in front.rows(Message) if row.kind == "copy" and row.key.startswith(of)}
    return [one for one in front.below(card) if one["ts"] in known]


def words(messages: list[Json]) -> str:
    """Return the words of messages, one behind the other, as they are read."""
    texts = [block["text"]["text"] for one in messages for block in one["blocks"] if block["type"] == "section"]
    return " ".join(re.sub("(?m)^> ?", "", "\n".join(texts)).split())


def all_of(front: FrontDoor, messages: list[Json]) -> str:
    """Return the words of messages; where they end in a file, those of the file below the heading."""
    if not messages[-1].get("files"):
        return words(messages)
    file = front.world.state.files[messages[-1]["files"][0]["id"]]
    return f"{words(messages[:1]).partition(':')[0]}: {' '.join(file.content.decode().split())}"


def long(characters: int) -> str:
    """Return so many characters, about, in words that are numbered."""
    return " ".join(f"w{number:06d}" for number in range(characters // 8))


def test_second_message_goes_to_the_person_who_has_it(front: FrontDoor) -> None:
    """Once people have the ticket, what its requester writes is copied below the card and starts no turn."""
    card = front.hand_off()
    done = front.rows(Turn)
    write_to_requester(front, card, f"it was <a blue one> {HOSTILE}")
    [copy] = [said for said in front.said_below(card) if "a blue one" in said]
    assert "&lt;script&gt;" in copy
    assert "<!channel>" not in copy
    assert [turn.id for turn in front.rows(Turn)] == [turn.id for turn in done]


def test_marked_word_of_the_holder_reaches_the_requester(front: FrontDoor) -> None:
    """Below the card the holder's '>' goes to the requester under the holder's name, harmless; others stay inside."""
    card = sending_card(front)
    write_below_card(front, card, "poor Lena, third phone this year")
    write_below_card(front, card, f"> Bring your badge. {HOSTILE}")
    [said] = [one for one in front.thread(card) if "Bring your badge" in one["text"]]
    assert (said["username"], said["thread_ts"]) == ("Priya Nair", card.thread_ts)
    assert "<!channel>" not in said["text"] + str(said["blocks"])
    assert "third phone" not in str(front.thread(card))
    assert "Bring your badge" in words(copies(front, card))


def test_marked_word_of_another_is_not_sent(front: FrontDoor) -> None:
    """A '>' of somebody who does not hold the handoff stays inside, and only they are told why."""
    card = front.claimed()
    write_below_card(front, card, "> I will call you", "U0BEN")
    assert front.whispers("U0BEN") == ["This was not sent. <@U0PRIYA> has it."]
    assert "call you" not in str(front.thread(card))


def test_marked_word_below_an_open_card_claims_it(front: FrontDoor) -> None:
    """Whoever answers the requester has the ticket from then on; as the first of a claim it is asked about."""
    card = front.hand_off()
    write_below_card(front, card, ">", "U0BEN")
    assert front.handoff(card.handoff).claimed_by is None, "nothing stands behind it"
    write_below_card(front, card, "> Which phone was it?", "U0BEN")
    write_below_card(front, card, "> I will call you", "U0PRIYA")
    assert front.handoff(card.handoff).claimed_by == "U0BEN"
    assert any("<@U0BEN> has your request" in said for said in front.said_in(card))
    assert "Which phone" not in str(front.thread(card))
    assert "Send this one?" in str(front.below(card))
    assert front.whispers("U0PRIYA") == ["This was not sent. <@U0BEN> has it."]
    assert front.moves()[:2] == ["opened", "claimed"]


def test_nobody_claims_their_own_request_by_a_marked_word(front: FrontDoor) -> None:
    """A responder who has asked for help waits like anybody else."""
    card = front.hand_off("U0PRIYA")
    write_below_card(front, card, "> I need this", "U0PRIYA")
    assert front.handoff(card.handoff).claimed_by is None
    assert len(front.whispers("U0PRIYA")) == 1


def test_internal_words_keep_the_claim_and_stay_internal(front: FrontDoor) -> None:
    """The holder's word renews the lease, on the card too; a colleague's does not; neither is kept or shown."""
    card = front.claimed()
    with front.database.write() as session:
        session.execute(update(Handoff).values(lease_until=now()))
    write_below_card(front, card, "What do we do here?", "U0BEN")
    ended = front.handoff(card.handoff).lease_until
    assert ended is not None
    assert ended <= now()
    write_below_card(front, card, "Calling her manager")
    until = front.handoff(card.handoff).lease_until
    assert until is not None
    assert until > now()
    assert f"<!date^{int(until.timestamp())}^" in str(front.card(card.handoff)["blocks"])
    assert front.moves() == ["opened", "claimed", "renewed"]
    assert "manager" not in json.dumps(front.kept(), default=str)
    assert [(row.user, row.text) for row in front.rows(InboxEvent) if row.kind == "internal"] == [("U0PRIYA", "")]
    assert (front.handoff(card.handoff).first_response_at, copies(front, card)) == (None, [])


def test_answer_of_the_holder_in_the_thread_is_theirs(front: FrontDoor) -> None:
    """A holder may answer in the requester's own thread: the bot stays out, the others see it, it is measured."""
    card = front.claimed()
    before = front.said_in(card)
    write_to_requester(front, card, "I'm here, Lena", "U0PRIYA")
    assert front.said_in(card) == before
    assert words(copies(front, card)) == "<@U0PRIYA> wrote to them in their thread: I'm here, Lena"
    assert front.handoff(card.handoff).first_response_at is not None
    assert "has been answered" in str(front.card(card.handoff)["blocks"])
    write_below_card(front, card, "> And bring your badge")  # nothing was sent from here yet: it is asked about
    assert front.under_a_name(card) == []


def test_answer_in_the_thread_claims_what_nobody_has(front: FrontDoor) -> None:
    """A responder who answers there without claiming has it: nobody says afterwards that nobody was free."""
    card = front.hand_off()
    write_to_requester(front, card, "I'm here, Lena", "U0BEN")
    handoff = front.handoff(card.handoff)
    assert (handoff.state, handoff.claimed_by) == ("claimed", "U0BEN")
    assert handoff.first_response_at is not None
    assert "<@U0BEN> has your request" in front.said_in(card)[-1]


def test_a_lone_mark_is_not_sent(front: FrontDoor) -> None:
    """Nothing stands behind it, so its author is told and the requester hears nothing."""
    card = sending_card(front)
    before = front.under_a_name(card)
    write_below_card(front, card, ">")
    assert front.under_a_name(card) == before
    assert "there is nothing after" in front.whispers("U0PRIYA")[-1]


def test_answer_of_another_responder_is_copied_and_not_measured(front: FrontDoor) -> None:
    """Whoever helps out is read by the holder; the claim, its lease and its first word are the holder's."""
    card = front.claimed()
    write_to_requester(front, card, "Try the side door", "U0BEN")
    assert words(copies(front, card)) == "<@U0BEN> wrote to them in their thread: Try the side door"
    assert front.handoff(card.handoff).first_response_at is None
    assert front.moves() == ["opened", "claimed"]
    write_to_requester(front, card, "me too", "U0IVAN")
    assert len(copies(front, card)) == 1


@pytest.mark.parametrize(("by", "characters"), [("form", 2_990), ("message", 13_000), ("message", 39_900)])
def test_a_long_reply_arrives_whole(front: FrontDoor, by: str, characters: int) -> None:
    """Every word, in order, in both threads, in messages that Slack takes; a form holds 3,000 characters."""
    card, text = sending_card(front), long(characters)
    if by == "form":
        front.press("U0PRIYA", card, "reply")
        front.fill("U0PRIYA", {"text": {"text": {"type": "plain_text_input", "value": text}}})
    else:
        write_below_card(front, card, f"> {text}")
    said = [one for one in front.thread(card) if one["username"] == "Priya Nair"]
    assert words(said) == text
    assert all_of(front, copies(front, card)) == f"<@U0PRIYA> to <@U0LENA>: {text}"
    for one in (*said, *copies(front, card)):
        if not one.get("files"):
            check_shown(one)


@pytest.mark.parametrize("user", ["U0LENA", "U0PRIYA"])
def test_a_long_message_in_the_thread_is_copied_whole(front: FrontDoor, user: str) -> None:
    """A requester's and a responder's, to the last word and in order."""
    card = front.claimed()
    write_to_requester(front, card, long(39_900), user)
    where = "wrote" if user == "U0LENA" else "wrote to them in their thread"
    *posts, last = copies(front, card)
    assert len(posts) == 2
    assert all_of(front, [*posts, last]) == f"<@{user}> {where}: {long(39_900)}"
    for one in posts:
        check_shown(one)


def test_an_edit_that_grows_and_shrinks_is_followed_both_ways(front: FrontDoor) -> None:
    """Parts are added and taken back as a text needs them: short, long, short, long again, nothing left over."""
    card = sending_card(front)
    sent, heard = write_below_card(front, card, "> short"), write_to_requester(front, card, "brief")
    for characters in (30_000, 60, 26_000, 13_000):
        change_message(front, "U0PRIYA", QUEUE, sent, f"> {long(characters)}")
        change_message(front, "U0LENA", HELP, heard, long(characters))
        said = [one for one in front.thread(card) if one["username"] == "Priya Nair"]
        assert words(said) == long(characters)
        assert all_of(front, copies(front, card, "sent:")) == f"<@U0PRIYA> to <@U0LENA>: {long(characters)}"
        assert all_of(front, copies(front, card, "copy:")) == f"<@U0LENA> wrote: {long(characters)}"
    assert front.directly("U0LENA") == []


def test_files_are_named_and_linked_both_ways(front: FrontDoor) -> None:
    """What the requester attaches is linked below the card; what the holder attaches is linked to the requester."""
    card = sending_card(front)
    write_to_requester(front, card, "See the screen", files=[{"name": "screen <1>.png"}])
    write_to_requester(front, card, "", files=[{"name": "log.txt"}])
    write_below_card(front, card, "> Fill this in", files=[{"name": "form.pdf"}])
    write_below_card(front, card, ">", files=[{"name": "map.pdf"}])
    links = {file["name"]: file["link"] for row in front.rows(InboxEvent) for file in row.files}
    assert all(str(link).startswith("http") for link in links.values())
    copied, said = json.dumps([one["blocks"] for one in copies(front, card)]), front.thread(card)[-2:]
    assert f"Attached in their thread: <{links['screen <1>.png']}|screen &lt;1&gt;.png>" in copied
    assert f"Attached in their thread: <{links['log.txt']}|log.txt>" in copied
    assert f"<{links['form.pdf']}|form.pdf>" in copied
    assert "but only people in this channel can open it" in copied
    for one, name in zip(said, ("form.pdf", "map.pdf"), strict=True):
        assert one["username"] == "Priya Nair"
        assert f"Attached: <{links[name]}|{name}>" in json.dumps(one["blocks"])
    assert "(no words)" not in json.dumps(said) + copied


def test_a_file_in_the_request_is_in_the_transcript(front: FrontDoor) -> None:
    """Whoever takes over sees what was attached before, and where it is."""
    ts = front.say("U0LENA", HELP, f"<@{BOT}> I lost my phone", files=[{"name": "phone.png"}])
    front.act("shortcut", "U0LENA", channel=HELP, ts=ts, callback_id="hand_to_person")
    front.work()
    link = front.rows(InboxEvent)[0].files[0]["link"]
    assert f"<{link}|phone.png>" in json.dumps(front.sees("U0PRIYA")["messages"][QUEUE])


def test_a_sent_word_that_is_taken_back_is_gone(front: FrontDoor) -> None:
    """Deleted or without its mark it leaves the requester's thread; marked again it stays away: an edit never sends."""
    card = sending_card(front)
    first, second = write_below_card(front, card, f"> {long(13_000)}"), write_below_card(front, card, "> Second")
    change_message(front, "U0PRIYA", QUEUE, first, "That was internal")
    assert front.under_a_name(card) == [("Priya Nair", "Second")]
    assert "took this back after it was sent" in words(copies(front, card))
    assert "w000000" not in words(copies(front, card))
    change_message(front, "U0PRIYA", QUEUE, first, "> Third")
    change_message(front, "U0PRIYA", QUEUE, second, None)
    assert front.under_a_name(card) == []
    assert front.directly("U0LENA") == []
    with front.database.write() as session:
        handoffs.give_back(session, card.handoff, "U0PRIYA", note="Go on.")
    again = front.again(card)
    assert "Third" not in str(front.below(again))
    assert "Second" not in str(front.below(again))


def test_edits_and_deletes_in_the_requesters_thread_follow(front: FrontDoor) -> None:
    """Of the requester and of a responder, in the copies; of what was said before the handoff, in the transcript."""
    card = front.claimed()
    mine, yours = (
        write_to_requester(front, card, "it is blue"),
        write_to_requester(front, card, "Which one?", "U0PRIYA"),
    )
    change_message(front, "U0LENA", HELP, mine, "it is <b>green</b>")
    change_message(front, "U0PRIYA", HELP, yours, "Which phone?")
    assert words(copies(front, card)) == (
        "<@U0LENA> wrote: it is &lt;b&gt;green&lt;/b&gt; <@U0PRIYA> wrote to them in their thread: Which phone?"
    )
    change_message(front, "U0LENA", HELP, card.thread_ts, f"<@{BOT}> I lost my wallet")
    assert "I lost my wallet" in str(front.below(card)[0]["blocks"])
    change_message(front, "U0LENA", HELP, mine, None)
    change_message(front, "U0PRIYA", HELP, yours, None)
    assert words(copies(front, card)) == "<@U0LENA> deleted this message. <@U0PRIYA> deleted this message."
    assert front.stands(card) == ("claimed", "U0PRIYA")


def test_an_edit_reaches_the_transcript_of_a_later_handoff_too(front: FrontDoor) -> None:
    """What was copied below one card is in the transcript below the next: both follow."""
    card = front.claimed()
    ts = write_to_requester(front, card, "it is blue")
    with front.database.write() as session:
        handoffs.give_back(session, card.handoff, "U0PRIYA", note="Go on.")
    again = front.again(card)
    change_message(front, "U0LENA", HELP, ts, "it is green")
    assert "it is green" in str(front.below(again)[0]["blocks"])
    assert "it is blue" not in str(front.below(again))
    assert words(copies(front, card)) == "<@U0LENA> wrote: it is green"
    assert len(front.below(again)) == 1


def test_password_in_an_edit_is_not_kept(front: FrontDoor) -> None:
    """What a requester writes is redacted however it comes to be written; a responder's words go as they are."""
    card = sending_card(front)
    write_to_requester(front, card, "my password is Hunter2-Orange!")
    change_message(front, "U0LENA", HELP, card.thread_ts, f"<@{BOT}> my password is Hunter2-Green!")
    assert "Hunter2" not in str(front.kept()) + str(front.below(card))
    sent = write_below_card(front, card, "> Your first password: is on paper")
    change_message(front, "U0PRIYA", QUEUE, sent, "> Ring +49 30 1234567")
    assert front.under_a_name(card) == [("Priya Nair", "Ring +49 30 1234567")]


def test_deleting_everything_takes_the_request_back(front: FrontDoor) -> None:
    """Only when no word of the requester is left, and only while nobody works on it."""
    card = front.hand_off()
    second = write_to_requester(front, card, "please hurry")
    change_message(front, "U0LENA", HELP, card.thread_ts, None)
    assert front.stands(card) == ("open", None)
    assert "(deleted)" in str(front.below(card)[0]["blocks"])
    change_message(front, "U0LENA", HELP, second, None)
    assert front.stands(card) == ("cancelled", None)
    assert "no longer needs help" in front.said_below(card)[-1]
    assert [row.state for row in front.rows(Ticket)] == ["resolved"]
    assert not [one for one in front.card(card.handoff)["blocks"] if one["type"] == "actions"]


def test_deleting_everything_takes_nothing_from_a_person(front: FrontDoor) -> None:
    """Who has the request sees that it was deleted, and decides."""
    card = front.claimed()
    change_message(front, "U0LENA", HELP, card.thread_ts, None)
    assert front.stands(card) == ("claimed", "U0PRIYA")
    assert "(deleted)" in str(front.below(card)[0]["blocks"])
    assert "I lost my phone" not in str(front.below(card)) + str(front.kept()["inbox_events"])


def test_the_same_message_again_has_one_effect(front: FrontDoor) -> None:
    """Three times and once under another id: a requester's, an answer, an internal word, a draft, a `>`; and edits."""
    card = front.claimed()
    texts = [
        ("U0LENA", HELP, "it is blue"),
        ("U0BEN", HELP, "Try the side door"),
        ("U0PRIYA", QUEUE, "internal"),
        ("U0PRIYA", QUEUE, "> first"),
        ("U0BEN", QUEUE, "> not his"),
        ("U0IVAN", HELP, f"<@{BOT}> me too"),
        ("U0PRIYA", HELP, "I'm here"),
    ]
    for number, (user, channel, text) in enumerate(texts):
        thread = card.thread_ts if channel == HELP else card.message["ts"]
        kind = "channel" if channel == HELP else "group"
        said = {"type": "message", "channel": channel, "channel_type": kind, "user": user, "thread_ts": thread}
        ts = f"1900000000.{number:06d}"
        for event_id in ("a", "a", "a", "b"):
            event = {**said, "text": text.replace(">", "&gt;") if text[0] == ">" else text, "ts": ts}
            assert front.event(event, event_id=f"Ev{number}{event_id}") == 200
    front.work()
    changed = {"type": "message", "subtype": "message_changed", "channel": HELP, "channel_type": "channel"}
    edit = {**changed, "message": {"user": "U0LENA", "ts": "1900000000.000000", "text": "it is green"}}
    gone = {**changed, "subtype": "message_deleted", "deleted_ts": "1900000000.000001"}
    for event_id in ("a", "a", "a", "b"):
        assert front.event(edit, event_id=f"EvEdit{event_id}") == 200
        assert front.event(gone, event_id=f"EvGone{event_id}") == 200
    front.work()
    assert front.moves() == ["opened", "claimed", "renewed", "renewed", "renewed"]
    assert words(copies(front, card)) == (
        "<@U0LENA> wrote: it is green <@U0BEN> deleted this message. <@U0PRIYA> wrote to them in their thread: I'm here"
    )
    assert front.under_a_name(card) == []
    assert len([row for row in front.rows(Message) if row.kind == "question"]) == 1
    assert (len(front.whispers("U0BEN")), len(front.whispers("U0IVAN"))) == (1, 1)
    assert {row.revision for row in front.rows(Message) if row.kind == "copy"} == {1, 2}
    assert front.jobs(RUN_TURN) == front.jobs(RUN_TURN)[:1]


def test_a_sent_word_that_comes_again_is_sent_once_and_not_refused(front: FrontDoor) -> None:
    """Slack delivers a responder's '>' again after they have resolved: nobody is told that it was not sent."""
    card = sending_card(front)
    ts = write_below_card(front, card, "> Ring the desk at +49 30 1234567")
    with front.database.write() as session:
        handoffs.resolve(session, card.handoff, "U0PRIYA", done="Rang.", category="other", agent_could=False)
    event = {"type": "message", "channel": QUEUE, "channel_type": "group", "user": "U0PRIYA", "ts": ts}
    again = {**event, "thread_ts": card.message["ts"], "text": "> Ring the desk at +49 30 1234567"}
    assert front.event(again, event_id="Ev0AGAIN") == 200
    assert front.whispers("U0PRIYA") == []
    sent = [row.body["text"] for row in front.rows(Message) if row.key == f"human:{QUEUE}:{ts}"]
    assert sent == ["Ring the desk at +49 30 1234567"]  # as it was written: only a requester's words are redacted


def test_who_has_left_is_not_heard_below_the_card(front: FrontDoor) -> None:
    """An event that was under way when they left sends nothing and keeps no claim."""
    card = sending_card(front)
    front.leaves("U0PRIYA")
    write_below_card(front, card, "> One last thing")
    write_below_card(front, card, "still here")
    assert (front.under_a_name(card), front.moves()) == ([], ["opened", "claimed"])


def test_queue_that_is_gone_goes_on_in_direct_messages(front: FrontDoor) -> None:
    """Below the card in an owner's messages, and below a copy in a holder's, words are relayed; no ticket is opened."""
    card = sending_card(front)
    front.archive(QUEUE)
    write_to_requester(front, card, "are you there?")
    [came] = front.directly("U0PRIYA")
    assert "could not post this" in came
    channel, messages = next((name, said) for name, said in front.sees("U0PRIYA")["messages"].items() if name[0] == "D")
    front.say("U0PRIYA", channel, "> I am", thread_ts=messages[0]["ts"])
    front.work()
    assert front.under_a_name(card) == [("Priya Nair", "I am")]
    assert len(front.rows(Ticket)) == 1
