"""What is written in the help channel without a mention: `bot.listeners.overhearing`."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import update

from bot.queue import RUN_TURN
from bot.slack.outbox import offers
from bot.store.schema import AuditRow, InboxEvent, Message, Ticket, Turn, now
from bot.store.tickets.threads import RESOLVED_FOR, UNRESOLVED_FOR
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.web_steps import answer_newest_turn, begin_turn, let_time_pass
from tests.support.workspace_names import BOT, HELP, QUEUE, TEAM

UNCLEAR = "can you help me?"
SHARED = "C0SHARED"


def told(front: FrontDoor, what: str) -> list[tuple[str | None, str]]:
    """Return who was told something in private, and the words."""
    return [(row.user, row.body["text"]) for row in front.rows(Message) if row.kind == what]


def forge(front: FrontDoor, value: str, user: str = "U0MAYA") -> None:
    """Press such a button with another value than any that was shown."""
    action = {"type": "button", "action_id": offers.LOOK, "block_id": "b", "value": value}
    where = {"channel": {"id": HELP}, "container": {"channel_id": HELP, "message_ts": "1.1"}}
    pressed = {
        "type": "block_actions",
        "user": {"id": user, "team_id": TEAM},
        "team": {"id": TEAM},
        "actions": [action],
    }
    assert front.payload({**pressed, **where, "trigger_id": f"forged.{len(value)}"})[0] == 200
    front.work()


def press(front: FrontDoor, user: str = "U0MAYA") -> None:
    """Press the button below the question that somebody sees."""
    front.work()
    [note] = front.sees(user)["ephemeral"]
    [buttons] = [block for block in note["blocks"] if block["type"] == "actions"]
    where = {"ephemeral_id": note["id"], "channel": HELP, "block_id": buttons["block_id"], "action_id": offers.LOOK}
    front.act("click", user, **where)
    front.work()


@pytest.fixture
def configured(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[FrontDoor]:
    """Serve the door with a card that a test has changed."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    file = config / "agents/access/card.yaml"
    card = yaml.safe_load(file.read_text("utf-8"))
    file.write_text(yaml.safe_dump({**card, **request.param}), "utf-8")
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as ctx:
        yield ctx


def test_a_plea_is_a_request(front: FrontDoor) -> None:
    """It opens a ticket in its own thread, like a mention; a reply there goes on with it."""
    ts = front.say("U0MAYA", HELP, "I can't sign in")
    front.say("U0MAYA", HELP, "since this morning", thread_ts=ts)
    [ticket], [turn] = front.rows(Ticket), front.rows(Turn)
    assert (ticket.requester, ticket.thread_ts, ticket.private) == ("U0MAYA", ts, False)
    assert [one.text for one in front.rows(InboxEvent)] == ["I can't sign in", "since this morning"]
    assert turn.id in front.jobs(RUN_TURN)
    assert front.rows(Message) == []


def test_talk_is_left_alone(front: FrontDoor) -> None:
    """Nothing of it is kept, not even who has spoken; neither is what is said in the thread of another."""
    root = front.say("U0MAYA", HELP, "morning all")
    before = front.kept()
    for text in ("Tom can't log in either", "<@U0BEN> I can't sign in", "lunch?", "anyone else's VPN slow?"):
        front.say("U0LENA", HELP, text)
    front.say("U0LENA", HELP, "I can't sign in", thread_ts=root)
    said = {"type": "message", "channel": HELP, "user": "U0LENA", "text": "I can't sign in", "ts": "1700000000.000100"}
    assert front.event({**said, "subtype": "thread_broadcast", "thread_ts": root}) == 200
    assert front.kept() == before


def test_what_may_be_a_request_is_asked_about_once(front: FrontDoor) -> None:
    """Its writer alone is asked, however often Slack delivers it, and their words are not kept."""
    ts = front.say("U0MAYA", HELP, UNCLEAR)
    said = {"type": "message", "channel": HELP, "channel_type": "channel", "user": "U0MAYA", "text": UNCLEAR}
    for number in range(3):
        assert front.event({**said, "ts": ts, "event_ts": ts}, event_id=f"Ev{number}") == 200
    [(user, text)] = told(front, "offer")
    assert (user, "Shall I look at this?" in text) == ("U0MAYA", True)
    assert [*front.rows(InboxEvent), *front.rows(Ticket)] == []
    assert [one for one in front.whispers("U0MAYA") if "Shall I look" in one] == [text]
    assert front.whispers("U0LENA") == []


def test_the_button_makes_it_a_request(front: FrontDoor) -> None:
    """As the message stands by then, in its own thread; the question says so in its place."""
    ts = front.say("U0MAYA", HELP, UNCLEAR)
    front.act("edit", "U0MAYA", channel=HELP, ts=ts, text=f"{UNCLEAR} I need my mails")
    press(front)
    [ticket], [turn] = front.rows(Ticket), front.rows(Turn)
    heard = [one.text for one in front.rows(InboxEvent) if one.kind == "message"]
    assert (ticket.requester, ticket.thread_ts, heard) == ("U0MAYA", ts, [f"{UNCLEAR} I need my mails"])
    assert turn.id in front.jobs(RUN_TURN)
    [shown] = front.whispers("U0MAYA")
    assert "I am looking at it" in shown


def test_the_button_of_a_message_that_is_gone(front: FrontDoor) -> None:
    """Nothing is looked at, and the person who pressed it is told."""
    ts = front.say("U0MAYA", HELP, UNCLEAR)
    front.work()
    front.act("delete", "U0MAYA", channel=HELP, ts=ts)
    press(front)
    assert front.rows(Ticket) == []
    assert "That message is gone" in front.whispers("U0MAYA")[0]


def test_no_one_has_another_persons_words_looked_at(front: FrontDoor) -> None:
    """A forged value names a message of somebody else, or none at all."""
    theirs = front.say("U0LENA", HELP, "I would rather not say")
    forge(front, theirs)
    assert [*front.rows(Ticket), *front.rows(Message)] == []
    assert [one.kind for one in front.rows(InboxEvent)] == ["plea"]


@pytest.mark.parametrize("value", ["", "1", "../1.1", "1.1; DROP", "9" * 40 + ".1"])
def test_a_value_that_names_no_message(front: FrontDoor, value: str) -> None:
    """Is out of date, and nothing is read for it."""
    forge(front, value)
    assert front.rows(InboxEvent) == []
    assert any("out of date" in one for one in front.whispers("U0MAYA"))


def test_a_button_pressed_twice_is_pressed_once(front: FrontDoor) -> None:
    """And when its writer has asked in other words meanwhile, the message is added to that request."""
    front.say("U0MAYA", HELP, UNCLEAR)
    front.work()
    first = front.say("U0MAYA", HELP, "I can't sign in")
    press(front)
    [ticket] = front.rows(Ticket)
    assert ticket.thread_ts == first
    assert [one.ticket_id for one in front.rows(InboxEvent) if one.kind == "message"] == [ticket.id] * 2


@pytest.mark.parametrize("configured", [{"mention": "required"}], indirect=True)
def test_a_card_may_require_a_mention(configured: FrontDoor) -> None:
    """Then nothing else is heard."""
    for said in ("I can't sign in", UNCLEAR):
        configured.say("U0MAYA", HELP, said)
    assert [*configured.rows(InboxEvent), *configured.rows(Message)] == []
    configured.say("U0MAYA", HELP, f"<@{BOT}> I can't sign in")
    assert len(configured.rows(Ticket)) == 1


def test_only_help_channels_are_listened_to(front: FrontDoor) -> None:
    """What responders say in the queue channel, and what is said anywhere else, is nothing to us."""
    front.invite("C0RANDOM")
    for user, channel in (("U0PRIYA", QUEUE), ("U0MAYA", "C0RANDOM"), ("U0MAYA", SHARED)):
        for said in ("I can't sign in", UNCLEAR):
            front.say(user, channel, said)
    assert [*front.rows(InboxEvent), *front.rows(Message)] == []


def test_responders_are_not_asked(front: FrontDoor) -> None:
    """They talk about sign-ins all day; a plea of their own is one."""
    front.say("U0PRIYA", HELP, UNCLEAR)
    assert front.rows(Message) == []
    front.say("U0PRIYA", HELP, "I can't sign in")
    assert len(front.rows(Ticket)) == 1


@pytest.mark.parametrize("of", [{"user_team": "T0OTHER"}, {"source_team": "T0OTHER"}])
def test_somebody_of_another_organisation(front: FrontDoor, of: Json) -> None:
    """They are told in private that they are not helped, once a day, and never asked; nothing of theirs is kept."""
    said = {"type": "message", "channel": HELP, "channel_type": "channel", "user": "U0FOREIGN", **of}
    for number, text in enumerate(("I can't sign in", UNCLEAR, "my account is locked", "morning all")):
        ts = f"170000000{number}.000100"
        assert front.event({**said, "text": text, "ts": ts, "event_ts": ts}, event_id=f"Ev{number}") == 200
    assert [*front.rows(InboxEvent), *front.rows(Ticket)] == []
    [(user, words)] = front.only()
    assert (user, "members of this workspace" in words) == ("U0FOREIGN", True)
    assert [row.event for row in front.rows(AuditRow)] == ["requester.refused"]
    assert all(row.op == "ephemeral" for row in front.rows(Message))


def test_questions_to_one_person_are_bounded(front: FrontDoor) -> None:
    """No more an hour than they may open tickets; another person is asked all the same."""
    for _ in range(12):
        front.say("U0MAYA", HELP, UNCLEAR)
    front.say("U0LENA", HELP, UNCLEAR)
    assert [user for user, _ in told(front, "offer")] == ["U0MAYA"] * 10 + ["U0LENA"]
    with front.database.write() as session:
        session.execute(update(Message).values(created_at=now() - timedelta(hours=1, seconds=1)))
    front.say("U0MAYA", HELP, UNCLEAR)
    assert len(told(front, "offer")) == 12


def test_an_edit_may_make_it_a_request(front: FrontDoor) -> None:
    """Of what was said a moment ago; a preview that Slack adds, and an edit of something old, make none."""
    ts = front.say("U0MAYA", HELP, "I can't sing in")
    front.act("edit", "U0MAYA", channel=HELP, ts=ts, text="I can't sign in")
    [ticket] = front.rows(Ticket)
    assert ticket.thread_ts == ts
    message = {"type": "message", "user": "U0LENA", "text": "my account is locked", "ts": "1700000000.000100"}
    old = {"type": "message", "subtype": "message_changed", "channel": HELP, "channel_type": "channel", "ts": "1.1"}
    for number, before in enumerate(("my account", "my account is locked")):
        said = {**message, "ts": message["ts"] if number == 0 else f"{now().timestamp():.6f}"}
        previous = {**said, "text": before}
        assert front.event({**old, "message": said, "previous_message": previous}, event_id=f"Ev{number}") == 200
    assert len(front.rows(Ticket)) == 1


def test_five_messages_are_one_request(front: FrontDoor) -> None:
    """With a mention or without, at the top level of the channel; of each they are told where it went."""
    first = front.say("U0MAYA", HELP, "I can't sign in")
    more = ("my account is locked", f"<@{BOT}> please!", "can someone help?", f"<@{BOT}> hello?")
    all_ts = [first, *(front.say("U0MAYA", HELP, text) for text in more)]
    [ticket], [turn] = front.rows(Ticket), front.rows(Turn)
    assert [(one.ts, one.ticket_id, one.turn_id) for one in front.rows(InboxEvent)] == [
        (ts, ticket.id, turn.id) for ts in all_ts
    ]
    assert ticket.thread_ts == first
    assert [user for user, _ in told(front, "added")] == ["U0MAYA"] * 4
    address = f"/archives/{HELP}/p{first.replace('.', '')}"
    assert all(address in said and "added this" in said for said in front.whispers("U0MAYA"))


def test_what_says_nothing_by_itself_is_added_to_an_open_request(front: FrontDoor) -> None:
    """Of who has none, nothing is kept, and nobody is asked."""
    more = ("and my phone asks for the code", "my login is maya.okafor")
    for text in more:
        front.say("U0LENA", HELP, text)
    assert (front.rows(InboxEvent), front.rows(Message)) == ([], [])
    front.say("U0MAYA", HELP, "I can't sign in")
    for text in (*more, "lunch anyone?", "<@U0BEN> are you in?"):
        front.say("U0MAYA", HELP, text)
    assert len(front.rows(Ticket)) == 1
    assert [one.text for one in front.rows(InboxEvent)] == ["I can't sign in", *more]
    assert len(told(front, "added")) == len(more)


def test_what_is_said_below_an_added_message_is_heard(front: FrontDoor) -> None:
    """It goes on with the request; talk of theirs at the top level does not."""
    front.say("U0MAYA", HELP, "I can't sign in")
    second = front.say("U0MAYA", HELP, "my account is locked")
    front.say("U0MAYA", HELP, "for an hour now", thread_ts=second)
    front.say("U0MAYA", HELP, "lunch anyone?")
    front.say("U0MAYA", HELP, "<@U0BEN> I can't sign in, you?")
    [ticket] = front.rows(Ticket)
    assert [one.text for one in front.rows(InboxEvent)][2:] == ["for an hour now"]
    assert {one.ticket_id for one in front.rows(InboxEvent)} == {ticket.id}


def test_another_person_or_another_day_is_another_request(front: FrontDoor) -> None:
    """So is what is asked after an answer that was given long ago, or once the directory agrees that it is resolved."""
    for user in ("U0MAYA", "U0LENA"):
        front.say(user, HELP, "I can't sign in")
    assert len(front.rows(Ticket)) == 2
    begin_turn(front, front.rows(Turn)[-1].id)
    with front.database.write() as session:
        session.execute(update(Turn).values(state="waiting", lease_until=None))
    answer_newest_turn(front)
    front.say("U0LENA", HELP, "my account is locked")
    assert len(front.rows(Ticket)) == 2
    answer_newest_turn(front)
    let_time_pass(front, RESOLVED_FOR + timedelta(minutes=1))
    front.say("U0LENA", HELP, "my account is locked")
    assert len(front.rows(Ticket)) == 3
    answer_newest_turn(front)
    with front.database.write() as session:
        session.execute(update(Turn).values(category="password"))
    let_time_pass(front, RESOLVED_FOR + timedelta(minutes=1))
    front.say("U0LENA", HELP, "the link has not come, I can't sign in")
    assert len(front.rows(Ticket)) == 3  # the directory has not agreed yet
    let_time_pass(front, UNRESOLVED_FOR + timedelta(minutes=1))
    answer_newest_turn(front)
    front.say("U0LENA", HELP, "my account is locked")
    assert len(front.rows(Ticket)) == 4
    front.resolve_all()
    front.say("U0LENA", HELP, "my account is locked")
    assert len(front.rows(Ticket)) == 5


def test_people_who_have_it_get_it(front: FrontDoor) -> None:
    """However much later; it is shown below the card, and the bot says nothing in public."""
    card = front.claimed()
    let_time_pass(front, timedelta(days=3))
    front.say("U0LENA", HELP, "I still can't sign in")
    [ticket] = front.rows(Ticket)
    assert [one.state for one in front.rows(InboxEvent)][-1] == "relayed"
    front.work()
    assert any("I still can't sign in" in said for said in front.said_below(card))
    [(user, words)] = told(front, "added")
    assert (user, "people who have it" in words) == (ticket.requester, True)


def test_many_at_once_are_one_request(monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str) -> None:
    """Ten messages of one person that arrive at the same moment, on a real PostgreSQL."""
    with web_opened(monkeypatch, database_url=postgres_url, redis_url=redis_url) as front:
        said = {"type": "message", "channel": HELP, "channel_type": "channel", "user": "U0MAYA"}

        def write(number: int) -> int:
            ts = f"170000000{number}.000100"
            event = {**said, "text": "I can't sign in", "ts": ts, "event_ts": ts}
            return front.event(event, event_id=f"Ev{number}")

        with ThreadPoolExecutor(10) as pool:
            assert set(pool.map(write, range(10))) == {200}
        [ticket] = front.rows(Ticket)
        assert [one.ticket_id for one in front.rows(InboxEvent)] == [ticket.id] * 10
        assert len(told(front, "added")) == 9
