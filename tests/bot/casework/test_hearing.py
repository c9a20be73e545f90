"""What a heard message becomes, whoever has heard it: `bot.casework.hearing`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.admission import Bar, NotAdmitted
from bot.agent import card
from bot.casework import heard, hearing
from bot.casework.context import HearingContext
from bot.casework.heard import HeardMessage
from bot.listeners import messages
from bot.listeners.context import ListenerContext
from bot.queue import JobQueue
from bot.slack.sentences import say
from bot.store.db import Database
from bot.store.schema import InboxEvent, Message, Ticket, Turn
from tests.support.factories import rows
from tests.support.paths import CONFIG
from tests.support.workspace_names import BOT, HELP, QUEUE, TEAM

ASKS = f"<@{BOT}> I am locked out"


@pytest.fixture
def ctx(database: Database, redis_url: str) -> Iterator[HearingContext]:
    """Return what the use cases are handed."""
    queue = JobQueue.connect(redis_url)
    yield HearingContext(database, queue, card.load_all(CONFIG))
    queue.close()


def shown(text: str, *, user: str = "U0MAYA", ts: str = "2.5", **more: Any) -> dict[str, Any]:
    """Return a message as Slack has it."""
    return {"type": "message", "user": user, "text": text, "ts": ts, **more}


def found(message: dict[str, Any], channel: str = HELP) -> HeardMessage:
    """Return a message as a worker finds it in Slack."""
    return heard.read_again(message, lambda _: None, team=TEAM, channel=channel, bot_user=BOT)


def by_worker(ctx: HearingContext, message: dict[str, Any], channel: str) -> None:
    """Hear what a worker has found."""
    hearing.hear(ctx, found(message, channel))


def by_listener(ctx: HearingContext, message: dict[str, Any], channel: str) -> None:
    """Hear what an event tells."""
    body = {"event_id": f"Ev{message['ts']}", "team_id": TEAM, "event": {**message, "channel": channel}}
    messages.hear(ListenerContext(ctx.database, ctx.queue, ctx.agents), body, BOT, mentioned=False)


Hears = Callable[[HearingContext, dict[str, Any], str], None]
TALK: list[tuple[dict[str, Any], str]] = [
    (shown(ASKS), HELP),
    (shown("since this morning", ts="2.6", thread_ts="2.5"), HELP),
    (shown("same here", user="U0SAM", ts="2.7", thread_ts="2.5"), HELP),
    (shown("<@U0SAM> any idea?", ts="2.8", thread_ts="2.5"), HELP),
    (shown("lunch?", user="U0SAM", ts="2.9"), HELP),
    (shown(ASKS, user="U0SAM", ts="3.0"), QUEUE),
    (shown("I am locked out", user="U0LENA", ts="3.1"), "D0LENA"),
    (shown(ASKS, user="U0LENA", ts="3.2"), "C0RANDOM"),
]


def kept(ctx: HearingContext) -> list[object]:
    """Return all that was made of what was heard."""
    events = [(one.kind, one.state, one.text, one.user, one.ticket_id, one.turn_id) for one in rows_of(ctx, InboxEvent)]
    tickets = [(one.requester, one.channel, one.state) for one in rows_of(ctx, Ticket)]
    turns = [(one.ticket_id, one.state) for one in rows_of(ctx, Turn)]
    said = [(one.kind, one.op, one.channel, one.user, one.body) for one in rows_of(ctx, Message)]
    return [events, tickets, turns, said]


def rows_of(ctx: HearingContext, table: Any) -> list[Any]:
    """Return the rows of a table."""
    return rows(ctx.database, table)


def test_a_message_becomes_the_same_whoever_has_heard_it(ctx: HearingContext) -> None:
    """What a listener has stored of a conversation stays as it is when a worker reads all of it once more."""
    for message, channel in TALK:
        by_listener(ctx, message, channel)
    before = kept(ctx)
    for message, channel in TALK:
        by_worker(ctx, message, channel)
    assert kept(ctx) == before
    assert [(one.requester, one.channel) for one in rows_of(ctx, Ticket)] == [("U0MAYA", HELP), ("U0LENA", "D0LENA")]


@pytest.mark.parametrize("hears", [by_worker, by_listener])
def test_each_message_is_what_it_is(ctx: HearingContext, hears: Hears) -> None:
    """A request, what is added to it, an aside, and what concerns no agent: told apart for either."""
    for message, channel in TALK:
        hears(ctx, message, channel)
    events = [(one.kind, one.text, one.ticket_id) for one in rows_of(ctx, InboxEvent)]
    assert [(kind, ticket) for kind, _, ticket in events] == [
        ("message", 1),
        ("message", 1),
        ("overheard", 1),
        ("message", 2),
    ]
    assert {one.channel for one in rows_of(ctx, Message)} == {QUEUE, "C0RANDOM"}


def test_somebody_of_another_organisation_is_told_once(ctx: HearingContext) -> None:
    """What an event says against its sender is told them in private, and nothing that they wrote is kept."""
    barred = replace(found(shown(ASKS)), barred=NotAdmitted(Bar.ELSEWHERE, "team"))
    hearing.hear(ctx, barred)
    hearing.hear(ctx, barred)
    assert rows_of(ctx, InboxEvent) == rows_of(ctx, Ticket) == []
    assert [(one.user, one.op) for one in rows_of(ctx, Message)] == [("U0MAYA", "ephemeral")]


@pytest.mark.parametrize("channel", [HELP, "D0MAYA"])
def test_without_any_agent_nobody_is_sent_to_a_help_channel(ctx: HearingContext, channel: str) -> None:
    """The only folder is gone: what they read sends them to people."""
    hearing.hear(replace(ctx, agents={}), found(shown(ASKS), channel))
    [said] = rows_of(ctx, Message)
    assert said.body["text"] == say("where.nowhere", "en")
    assert rows_of(ctx, Ticket) == []
