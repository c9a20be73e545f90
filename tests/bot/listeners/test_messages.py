"""What people write: what becomes a ticket, what is theirs alone, and what changes nothing."""

import json
from typing import Any

import pytest
from sqlalchemy import update

from bot.admission import Bar
from bot.queue import RUN_TURN
from bot.slack.sentences import say
from bot.store.schema import AuditRow, Handoff, InboxEvent, Ticket, Turn
from tests.support.slack_markup import named
from tests.support.web_harness import FrontDoor
from tests.support.web_steps import begin_turn, message_event
from tests.support.workspace_names import BOT, HELP, QUEUE, RANDOM

HOSTILE = "<script>alert(1)</script> *bold* <!channel> <@U0PRIYA> & <https://evil.example|your bank>"

READ = f"<script>alert(1)</script> *bold* @channel {named('Priya Nair')} & your bank (https://evil.example)"


def test_mention_is_one_ticket(front: FrontDoor) -> None:
    """A mention comes as two events and is one message, one ticket and one turn in the queue."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    [ticket], [turn], [heard] = front.rows(Ticket), front.rows(Turn), front.rows(InboxEvent)
    assert (ticket.requester, ticket.channel, ticket.thread_ts, ticket.private) == ("U0MAYA", HELP, ts, False)
    assert (heard.text, heard.turn_id) == ("I'm locked out", turn.id)
    assert set(front.jobs(RUN_TURN)) == {turn.id}


def test_direct_message_needs_no_mention(front: FrontDoor) -> None:
    """In a direct message everything is a request, and what is said there is private."""
    front.say("U0MAYA", front.act("dm", "U0MAYA")["channel"], "I'm locked out")
    [ticket] = front.rows(Ticket)
    assert ticket.private


def test_people_may_talk_among_themselves(front: FrontDoor) -> None:
    """What is said in the help channel without a mention, outside any ticket, is nobody's request."""
    before = front.kept()
    ts = front.say("U0MAYA", HELP, "good morning")
    front.say("U0IVAN", HELP, "good morning", thread_ts=ts)
    assert front.kept() == before
    assert front.jobs(RUN_TURN) == []


def test_same_message_again_is_one_turn(front: FrontDoor) -> None:
    """The same event three times and once under another id is stored once."""
    assert [front.event(message_event(), event_id=name) for name in ("Ev1", "Ev1", "Ev1", "Ev2")] == [200] * 4
    assert len(front.rows(InboxEvent)) == len(front.rows(Turn)) == 1


def test_retry_of_what_was_lost_is_heard(front: FrontDoor) -> None:
    """A retry of Slack's is no reason to drop an event: it is stored when it was not before."""
    headers = {"X-Slack-Retry-Num": "2", "X-Slack-Retry-Reason": "http_error"}
    assert front.event(message_event(), headers=headers) == 200
    assert len(front.rows(Ticket)) == 1
    assert front.rows(InboxEvent)[0].detail == {"retried": True}, "it is looked up, as what was said of it may be lost"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"bot_id": "B0OTHER", "subtype": "bot_message", "user": None}, id="another bot"),
        pytest.param({"bot_id": "B0OTHER", "user": "U0OTHER"}, id="another bot's user"),
        pytest.param({"bot_id": "B0DESKHAND", "user": BOT}, id="itself"),
        pytest.param({"user": BOT}, id="its own user"),
        pytest.param({"subtype": "channel_join"}, id="a join"),
        pytest.param({"subtype": "channel_topic"}, id="a topic"),
        pytest.param({"user": None}, id="nobody"),
    ],
)
def test_what_no_person_said_is_ignored(front: FrontDoor, said: dict[str, Any]) -> None:
    """Bots, joins and the like are acknowledged and leave nothing."""
    before = front.kept()
    assert front.event(message_event(**said)) == 200
    assert front.kept() == before


@pytest.mark.parametrize(
    ("text", "files"),
    [
        pytest.param(f"<@{BOT}>", [], id="empty"),
        pytest.param(f"<@{BOT}> :sob: :sob:", [], id="emoji only"),
        pytest.param("", [{"id": "F1", "name": "screen.png", "permalink": "https://a.example/F1"}], id="file only"),
        pytest.param(None, [{"id": "F1", "name": "screen.png"}], id="file without any text"),
        pytest.param(f"<@{BOT}> " + "x" * 40_000, [], id="40,000 characters"),
        pytest.param(f"<@{BOT}> {HOSTILE}", [], id="markup"),
    ],
)
def test_odd_request_is_still_a_request(front: FrontDoor, text: str | None, files: list[dict[str, str]]) -> None:
    """Whatever a person writes to the bot is kept as it reads, as text, and gets a turn."""
    more = {"channel": "D0MAYA", "channel_type": "im"}
    assert (
        front.event(message_event(text, **more, **({"files": files, "subtype": "file_share"} if files else {}))) == 200
    )
    [heard], [turn] = front.rows(InboxEvent), front.rows(Turn)
    assert heard.turn_id == turn.id
    assert heard.files == [{"name": file["name"], "link": file.get("permalink")} for file in files]
    assert heard.text == (text or "").replace(f"<@{BOT}>", "").replace(HOSTILE, READ).strip()


def test_what_no_database_holds_is_left_out(front: FrontDoor) -> None:
    """NUL and half a character, which PostgreSQL and UTF-8 refuse, do not make an event fail."""
    files = [{"id": "F1", "name": "a\x00b\ud83d.png", "permalink": "https://a.example/\x00F1"}]
    assert front.event(message_event(f"<@{BOT}> \x00he\ud83dlp", files=files, subtype="file_share")) == 200
    [heard] = front.rows(InboxEvent)
    assert (heard.text, heard.files) == ("he?lp", [{"name": "ab?.png", "link": "https://a.example/F1"}])


def test_a_file_tells_no_password_by_its_name(front: FrontDoor) -> None:
    """Nor by its link, which Slack ends with the name, and which leads to the file without it."""
    named = {"name": "my_password_is_Hunter2.png", "permalink": "https://a.slack.example/files/U1/F1/hunter2.png"}
    other = {"name": "screen_2.png", "permalink": "https://a.slack.example/files/U1/F2/screen_2.png"}
    assert front.event(message_event(f"<@{BOT}> see", files=[named, other], subtype="file_share")) == 200
    [heard] = front.rows(InboxEvent)
    assert heard.files == [
        {"name": "my password is [password].png", "link": "https://a.slack.example/files/U1/F1"},
        {"name": "screen_2.png", "link": "https://a.slack.example/files/U1/F2/screen_2.png"},
    ]


def test_unknown_user_is_heard(front: FrontDoor) -> None:
    """Somebody whom neither the workspace nor the directory knows gets a turn like anybody else."""
    assert front.event(message_event(user="U0STRANGER")) == 200
    [ticket] = front.rows(Ticket)
    assert ticket.requester == "U0STRANGER"


def test_password_is_not_kept(front: FrontDoor) -> None:
    """A password that somebody writes down is not stored."""
    front.say("U0MAYA", HELP, f"<@{BOT}> my password is Hunter2-Orange! and it does not work")
    assert "Hunter2-Orange!" not in str(front.kept())


def test_mention_elsewhere_is_told_where_to_go(front: FrontDoor) -> None:
    """In a channel that no agent serves only the writer is told where to ask, once; no ticket is opened."""
    front.invite(RANDOM)
    front.say("U0MAYA", RANDOM, f"<@{BOT}> I'm locked out")
    assert front.whispers("U0MAYA") == [
        "I can only help in the help channel and in direct messages. Please write to me there.",
    ]
    assert front.whispers("U0IVAN") == []
    assert not front.rows(Ticket)


def test_third_person_is_told_whose_thread_it_is(front: FrontDoor) -> None:
    """Somebody else who mentions the bot in a requester's thread is told so; otherwise they are left alone."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    turned = front.rows(Turn)
    front.say("U0IVAN", HELP, "me too", thread_ts=ts)
    assert front.whispers("U0IVAN") == []
    front.say("U0IVAN", HELP, f"<@{BOT}> me too", thread_ts=ts)
    [told] = front.whispers("U0IVAN")
    assert "<@U0MAYA>'s" in told
    assert [turn.id for turn in front.rows(Turn)] == [turn.id for turn in turned]
    assert len(front.rows(InboxEvent)) == 1


def test_message_behind_a_running_turn_waits(front: FrontDoor) -> None:
    """While a turn runs a second message is parked: no second turn, and none is queued."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    [turn] = front.rows(Turn)
    begin_turn(front, turn.id)
    queued = front.jobs(RUN_TURN)
    front.say("U0MAYA", HELP, "since this morning", thread_ts=ts)
    first, second = front.rows(InboxEvent)
    assert (first.state, second.state, second.turn_id) == ("accepted", "parked", None)
    assert front.jobs(RUN_TURN) == queued
    assert len(front.rows(Turn)) == 1


def test_queue_channel_is_no_help_channel(front: FrontDoor) -> None:
    """Talk in the queue channel opens no ticket; a mention is answered to its author alone, once an hour."""
    front.say("U0PRIYA", QUEUE, f"> <@{BOT}> who takes the next one?")
    front.say("U0PRIYA", QUEUE, f"<@{BOT}> hello")
    assert not front.rows(Ticket)
    [(who, said)] = front.only()
    assert who == "U0PRIYA"
    assert "so I take none here. I can only help in the help channel" in said


def test_word_after_the_end_opens_it_again(front: FrontDoor) -> None:
    """What a requester writes to a resolved ticket opens it again with a turn of its own."""
    card = front.hand_off()
    with front.database.write() as session:
        session.execute(update(Ticket).values(state="resolved", assignee=None))
        session.execute(update(Handoff).values(state="resolved"))
    front.say("U0LENA", HELP, "it broke again", thread_ts=card.thread_ts)
    [ticket] = front.rows(Ticket)
    assert (ticket.state, [turn.state for turn in front.rows(Turn)]) == ("open", ["done", "waiting"])


SHARED = "This conversation is shared with another organisation, so I do not work here."


def refused(front: FrontDoor) -> list[tuple[str | None, str]]:
    """Return who was not admitted, and by which fields."""
    found = [row for row in front.rows(AuditRow) if row.event == "requester.refused"]
    return [(row.subject, row.record["because"]) for row in found]


def test_in_a_shared_channel_the_bot_says_once_that_it_does_not_work_there(front: FrontDoor) -> None:
    """To each person alone, member or stranger, however often they ask; nothing of theirs is kept."""
    for user in ("U0PETRA", "U0MAYA"):
        for words in ("I'm locked out", "hello?"):
            front.say(user, "C0SHARED", f"<@{BOT}> {words}")
    front.say("U0MAYA", "C0SHARED", "good morning")
    assert [(user, text.startswith(SHARED)) for user, text in front.only()] == [("U0PETRA", True), ("U0MAYA", True)]
    assert len(front.whispers("U0PETRA")) == 1
    assert (front.rows(InboxEvent), front.rows(Ticket), front.rows(Turn)) == ([], [], [])
    assert refused(front) == [("U0PETRA", "is_ext_shared_channel"), ("U0MAYA", "is_ext_shared_channel")]


def test_a_strangers_direct_message_is_answered_in_it_once(front: FrontDoor) -> None:
    """A direct conversation over Slack Connect is a shared one."""
    where = front.act("dm", "U0PETRA")["channel"]
    for words in ("I'm locked out", "hello?"):
        front.say("U0PETRA", where, words)
    [answer] = front.directly("U0PETRA")
    assert answer.startswith(SHARED)
    assert (front.rows(InboxEvent), front.rows(Ticket)) == ([], [])


def test_a_ticket_is_left_where_its_channel_came_to_be_shared(front: FrontDoor) -> None:
    """Its requester is told so when they write again."""
    ts = front.say("U0MAYA", HELP, f"<@{BOT}> I'm locked out")
    front.share(HELP)
    front.say("U0MAYA", HELP, "still", thread_ts=ts)
    assert [text.startswith(SHARED) for _, text in front.only()] == [True]
    assert [one.text for one in front.rows(InboxEvent)] == ["I'm locked out"]


def test_what_people_have_reaches_them_from_a_channel_that_came_to_be_shared(front: FrontDoor) -> None:
    """Its requester was let in, and the bot says nothing beside the person who has it."""
    card = front.claimed()
    front.share(HELP)
    front.say("U0LENA", HELP, "are you there?", thread_ts=card.thread_ts)
    front.work()
    assert "are you there?" in front.said_below(card)[-1]
    assert front.only() == []


@pytest.mark.parametrize(
    ("named", "because"),
    [
        ({"team": "T0PARTNER"}, "team"),
        ({"user_team": "T0PARTNER"}, "user_team"),
        ({"source_team": "E0PARTNER"}, "source_team"),
        ({"user_profile": {"team": "T0PARTNER"}}, "user_profile.team"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_sender_whom_the_event_places_elsewhere_is_turned_away(
    front: FrontDoor, named: dict[str, Any], because: str
) -> None:
    """Though the channel is not said to be shared, and the outer team is their own."""
    body = {
        "type": "event_callback",
        "event_id": "Ev0",
        "team_id": "T0PARTNER",
        "authorizations": [{"team_id": "T0DESKHAND", "enterprise_id": None}],
        "event": message_event(**named),
    }
    assert front.post(json.dumps(body))[0] == 200
    assert [text for _, text in front.only()] == [say(f"refused.{Bar.ELSEWHERE}", "en")]
    assert (front.rows(Ticket), refused(front)) == ([], [("U0MAYA", because)])


def test_a_sender_of_a_sister_workspace_is_heard(front: FrontDoor) -> None:
    """They may be in ours too: the turn looks it up before anything else of theirs."""
    body = {
        "type": "event_callback",
        "event_id": "Ev0",
        "team_id": "T0DESKHAND",
        "authorizations": [{"team_id": "T0DESKHAND", "enterprise_id": "E0NORTH"}],
        "event": message_event(team="T0SISTER", user_team="T0SISTER"),
    }
    assert front.post(json.dumps(body))[0] == 200
    [ticket] = front.rows(Ticket)
    assert (ticket.team, [turn.state for turn in front.rows(Turn)]) == ("T0DESKHAND", ["waiting"])


def test_a_ticket_is_kept_under_the_workspace_that_the_bot_is_installed_in(front: FrontDoor) -> None:
    """The outer team of an event may be another one."""
    body = {
        "type": "event_callback",
        "event_id": "Ev0",
        "team_id": "T0OUTER",
        "authorizations": [{"team_id": "T0DESKHAND"}],
        "event": message_event(),
    }
    assert front.post(json.dumps(body))[0] == 200
    [ticket] = front.rows(Ticket)
    assert ticket.team == "T0DESKHAND"


def test_slackbot_asks_for_nothing(front: FrontDoor) -> None:
    """Its reminders come without the mark of an app."""
    before = front.kept()
    assert front.event(message_event(user="USLACKBOT")) == 200
    assert front.kept() == before
