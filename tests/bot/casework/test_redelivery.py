"""A message that is delivered more than once, and brings more the second time: `bot.casework.redelivery`."""

from dataclasses import replace
from itertools import permutations
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from bot.agent import card
from bot.casework import lately_stored, redelivery
from bot.casework.lately_stored import LatelyStored
from bot.errors import Transient
from bot.listeners import messages
from bot.listeners.context import ListenerContext
from bot.queue import JobQueue
from bot.store.db import Database
from bot.store.schema import InboxEvent, Message, MessageKind, Ticket, Turn
from tests.support.asked_statements import asked_of
from tests.support.factories import finish, rows, running
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.web_harness import FrontDoor
from tests.support.workspace_names import BOT, HELP, QUEUE, TEAM

FILES = [{"id": "F1", "name": "screen.png", "permalink": "https://a.example/F1"}]
CLIP = {"id": "F2", "name": "clip.m4a", "subtype": "slack_audio", "transcription": {"preview": {"content": "I can't"}}}
SHARE = [{"is_share": True, "author_name": "Dana", "text": "locked"}]


@pytest.fixture
def ctx(database: Database, redis_url: str) -> Any:
    """Return a door that looks no one up."""
    queue = JobQueue.connect(redis_url)
    yield ListenerContext(database, queue, card.load_all(CONFIG), {})
    queue.close()


def said(number: int, *, user: str = "U0MAYA", **more: Any) -> list[Json]:
    """Return the events of a mention with something beside its text: without it, and with it."""
    where = {"channel": HELP, "ts": f"17{number:08}.000100", "user": user}
    mention = {**where, "type": "app_mention", "text": f"<@{BOT}> see"}
    return [mention, {**mention, "type": "message", "channel_type": "channel", "subtype": "file_share", **more}]


def hear(ctx: ListenerContext, event: Json, event_id: str) -> None:
    """Hear an event as the web process does."""
    body = {"event_id": event_id, "team_id": TEAM, "event": event}
    messages.hear(ctx, body, BOT, mentioned=event["type"] == "app_mention")


def test_a_question_asks_little_of_the_database(ctx: ListenerContext) -> None:
    """A new question takes six statements, besides those that begin and commit.

    Its second delivery takes none in the process that has stored it, and two in another.
    """
    first, second = said(1)
    another = replace(ctx, stored=LatelyStored())
    for process, event, most in ((ctx, first, 6), (ctx, second, 0), (another, second, 2)):
        with asked_of(ctx.database) as asked:
            hear(process, event, f"Ev:{event['type']}")
        assert len(asked) <= most, asked
    assert [len(rows(ctx.database, table)) for table in (InboxEvent, Ticket, Turn)] == [1, 1, 1]


def test_a_reply_asks_little_of_the_database(ctx: ListenerContext) -> None:
    """What a requester writes in the thread of their answered request takes at most ten statements."""
    first, _ = said(1)
    hear(ctx, first, "Ev1")
    [turn] = rows(ctx.database, Turn)
    finish(ctx.database, running(ctx.database, turn.id))
    reply = {**first, "type": "message", "text": "and now?", "ts": "1700000002.000100", "thread_ts": first["ts"]}
    with asked_of(ctx.database) as asked:
        hear(ctx, reply, "Ev2")
    assert len(asked) <= 10, asked
    assert len(rows(ctx.database, Turn)) == 2


def test_what_was_not_committed_is_heard_when_it_comes_again(ctx: ListenerContext, monkeypatch: Any) -> None:
    """Only a row that is there makes a second delivery nothing new."""
    first, second = said(1)
    with monkeypatch.context() as patch:
        patch.setattr(redelivery, "joined", broken)
        with pytest.raises(Transient):
            hear(ctx, first, "Ev1")
    hear(ctx, second, "Ev2")
    assert [one.event_id for one in rows(ctx.database, InboxEvent)] == ["Ev2"]


def broken(*_: object) -> Any:
    """Fail as the database does when it is away."""
    raise Transient("database: away")


def test_who_may_not_ask_is_told_so_whichever_delivery_shows_it(ctx: ListenerContext) -> None:
    """That a request is stored keeps nobody from hearing that they get no help."""
    first, second = said(1)
    hear(ctx, first, "Ev1")
    hear(ctx, {**second, "source_team": "T0OTHER"}, "Ev2")
    assert [row.kind for row in rows(ctx.database, Message)] == [MessageKind.ONLY_YOU]


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process does not grow with what it hears."""
    monkeypatch.setattr(lately_stored, "MOST", 2)
    stored = LatelyStored()
    for ts in ("1.1", "1.2", "1.3"):
        stored.add(HELP, ts)
    assert [stored.has(HELP, ts) for ts in ("1.1", "1.2", "1.3")] == [False, True, True]


def at_once(ctx: ListenerContext, both: list[Json], event_id: str) -> None:
    """Hear two events in the same moment."""
    ready = Barrier(len(both))

    def deliver(event: Json) -> None:
        ready.wait()
        hear(ctx, event, f"{event_id}:{event['type']}")

    threads = [Thread(target=deliver, args=(event,)) for event in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def kept(database: Database) -> list[tuple[str, list[Any], Json]]:
    """Return what is kept of each message: its words, its files, and what came with it."""
    with database.read() as session:
        rows = session.scalars(select(InboxEvent).order_by(InboxEvent.id)).all()
        return [(row.text, row.files, row.detail) for row in rows]


@pytest.mark.parametrize("order", [*permutations(range(2)), (0, 1, 0, 1, 1), (1, 0, 1, 0)])
def test_files_come_with_whichever_delivery_has_them(ctx: ListenerContext, order: tuple[int, ...]) -> None:
    """In either order and however often: one message, one turn, its files and quotations once."""
    both = said(1, files=FILES, attachments=SHARE)
    for number, index in enumerate(order):
        hear(ctx, both[index], f"Ev{number}")
    quotation = {"by": "Dana", "kind": "forwarded", "text": "locked"}
    files = [{"name": "screen.png", "link": "https://a.example/F1"}]
    assert kept(ctx.database) == [("see", files, {"quoted": [quotation]})]
    with ctx.database.read() as session:
        assert len(session.scalars(select(Turn)).all()) == len(session.scalars(select(Ticket)).all()) == 1


def test_both_at_once_lose_nothing(postgres: Database, redis_url: str) -> None:
    """Two web processes hear the two events of a mention in the same moment."""
    queue = JobQueue.connect(redis_url)
    ctx = ListenerContext(postgres, queue, card.load_all(CONFIG), {})
    for number in range(25):
        at_once(ctx, said(number, user=f"U0X{number}", files=FILES), f"Ev{number}")
    queue.close()
    assert [len(files) for _, files, _ in kept(postgres)] == [1] * 25


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_the_words_of_a_clip_come_with_its_file(ctx: ListenerContext, order: tuple[int, ...]) -> None:
    """What was typed with it stays, and a turn that has begun on less answers all of it."""
    both = said(1, files=[CLIP])
    for index in order:
        hear(ctx, both[index], f"Ev{index}")
    assert [text for text, _, _ in kept(ctx.database)] == ["see\nI can't"]


def test_a_late_delivery_takes_no_edit_back(ctx: ListenerContext) -> None:
    """The words of an edit stand, whatever comes of the message as it was first; its files are added all the same."""
    mention, message = said(1, files=[CLIP])
    hear(ctx, mention, "Ev1")
    edited = {**mention, "text": f"<@{BOT}> solved", "edited": {"ts": "1800000000.000100"}}
    change = {"type": "message", "subtype": "message_changed", "channel": HELP, "ts": "9.9", "message": edited}
    hear(ctx, change, "Ev2")
    hear(ctx, message, "Ev3")
    [(text, files, _)] = kept(ctx.database)
    assert (text, [file["name"] for file in files]) == ("solved", ["clip.m4a"])


def test_what_was_deleted_stays_deleted(ctx: ListenerContext) -> None:
    """Nothing is added to a message that is gone, and its quotations went with it."""
    both = said(1, files=FILES, attachments=SHARE)
    hear(ctx, both[1], "Ev1")
    gone = {"type": "message", "subtype": "message_deleted", "channel": HELP, "ts": "9.9", "deleted_ts": both[1]["ts"]}
    hear(ctx, gone, "Ev2")
    hear(ctx, both[1], "Ev3")
    assert kept(ctx.database) == [("", [], {})]


@pytest.mark.parametrize("first", ["app_mention", "message"])
def test_people_see_the_files_too(front: FrontDoor, first: str) -> None:
    """What the requester attaches is named below the card, in one copy of their message."""
    handed = front.claimed()
    if first == "message":
        front.faults({"method": "mentions", "kind": "message_first", "times": -1})
    front.say("U0LENA", HELP, f"<@{BOT}> see", thread_ts=handed.thread_ts, files=[{"name": "screen.png", "size": 3}])
    front.work()
    [shown] = [one for one in front.below(handed) if "see" in str(one["blocks"])]
    assert "screen.png" in str(shown["blocks"])


@pytest.mark.parametrize("first", ["app_mention", "message"])
def test_a_draft_gets_its_files(front: FrontDoor, first: str) -> None:
    """What a responder attaches to words for the requester goes with them, once it is sent."""
    handed = front.claimed()
    if first == "message":
        front.faults({"method": "mentions", "kind": "message_first", "times": -1})
    files = [{"name": "screen.png", "size": 3}]
    front.say("U0PRIYA", QUEUE, f"> <@{BOT}> see", thread_ts=handed.message["ts"], files=files)
    [draft] = [row for row in front.rows(InboxEvent) if row.kind == "draft"]
    assert ([file["name"] for file in draft.files], draft.text) == (["screen.png"], ">  see")
    front.work()
    question = next(one for one in front.below(handed) if "handoff.send" in str(one))
    front.choose("U0PRIYA", question, QUEUE, "send")
    said = [one for one in front.sees("U0LENA")["messages"][HELP] if one.get("thread_ts") == handed.thread_ts]
    assert ["screen.png" in str(one) for one in said if "see" in one["text"]] == [True]


def test_a_quotation_keeps_no_secret(ctx: ListenerContext) -> None:
    """Neither in its words nor in the address of who sent an e-mail."""
    share = [{**SHARE[0], "text": "the password is Hunter2-Orange!"}]
    mail = {"name": "Fwd", "mode": "email", "from": [{"address": "dana@home.example"}], "plain_text": "Hi"}
    hear(ctx, said(1, attachments=share, files=[mail])[1], "Ev1")
    [(_, _, detail)] = kept(ctx.database)
    assert "Hunter2" not in str(detail)
    assert "dana@home.example" not in str(detail)
    assert [one["kind"] for one in detail["quoted"]] == ["forwarded", "attached"]


GRID = {"type": "table", "rows": [[{"type": "raw_text", "text": one} for one in ("account", "locked")]]}
TYPED_BLOCK = {"type": "rich_text", "elements": []}


def edited(number: int, **more: Any) -> Json:
    """Return an edit of `said(number)` which leaves its text as it was."""
    [_, told] = said(number, **more)
    event = {"type": "message", "subtype": "message_changed", "channel": HELP, "ts": f"18{number:08}.000100"}
    return {**event, "message": {**told, "subtype": None}, "previous_message": {**told, "attachments": None}}


@pytest.mark.parametrize(
    ("more", "quoted"),
    [
        ({"attachments": SHARE}, [("forwarded", "locked")]),
        ({"attachments": [{"blocks": [GRID]}]}, [("pasted", "account | locked")]),
        ({"blocks": [TYPED_BLOCK, GRID]}, [("pasted", "account | locked")]),
        ({"attachments": SHARE, "blocks": [GRID]}, [("forwarded", "locked"), ("pasted", "account | locked")]),
    ],
    ids=["forward", "table", "table in blocks", "both"],
)
def test_an_edit_adds_and_takes_what_comes_with_a_message(
    ctx: ListenerContext, database: Database, more: Json, quoted: list[tuple[str, str]]
) -> None:
    """The row follows Slack, and the turn that has answered the words alone is followed by one that has it all."""
    hear(ctx, said(1)[0], "Ev1")
    finish(database, running(database, rows(database, Turn)[0].id))
    for event_id in ("Ev2", "Ev3"):  # delivered again, nothing happens
        hear(ctx, edited(1, **more), event_id)
    [(_, _, detail)] = kept(database)
    assert [(one["kind"], one["text"]) for one in detail["quoted"]] == quoted
    assert [turn.state for turn in rows(database, Turn)] == ["done", "waiting"]
    hear(ctx, {**edited(1), "message": {"ts": said(1)[0]["ts"], "user": "U0MAYA", "text": f"<@{BOT}> see"}}, "Ev4")
    assert "quoted" in kept(database)[0][2]  # it tells of the text alone
    hear(ctx, edited(1, blocks=[TYPED_BLOCK]), "Ev5")
    assert "quoted" not in kept(database)[0][2]
    assert len(rows(database, Turn)) == 2


def test_a_mention_that_an_edit_is_too_takes_nothing_away(ctx: ListenerContext, database: Database) -> None:
    """It has no files, and not all that comes with the message."""
    hear(ctx, said(1, attachments=SHARE)[1], "Ev1")
    hear(ctx, {**said(1)[0], "text": f"<@{BOT}> see this", "edited": {"ts": "1900000000.1"}, "blocks": []}, "Ev2")
    [(text, _, detail)] = kept(database)
    assert (text, [one["text"] for one in detail["quoted"]]) == ("see this", ["locked"])
