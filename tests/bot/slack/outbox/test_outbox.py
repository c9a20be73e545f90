"""Saying what is written down, once and in order, against a served workspace that misbehaves."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import durations
from bot.slack.api.client import WebClient
from bot.slack.outbox import outbox, posting
from bot.store.db import Database, Session
from bot.store.outbox import deliveries, messages
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import now
from tests.support import factories
from tests.support.delivery_steps import assign_ticket, due, store_reply, taken
from tests.support.factories import at_once, message, store, ticket
from tests.support.live_server import PATIENCE
from tests.support.local_workspace import POST, LocalWorkspace, bot_said, calls_of


def test_what_is_owed_is_said_in_order(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Three messages of a lane go out in one go, in the thread, and each is posted where Slack says."""
    for text in ("one", "two", "three"):
        store(database, text, thread_ts=thread)
    assert outbox.deliver(database, client) == 3
    assert bot_said(workspace) == ["one", "two", "three"]
    assert outbox.deliver(database, client) == 0
    found = message(database, "two")
    placed = workspace.world.state.channels["C0HELP"].messages[str(found.ts)]
    assert (found.state, placed["text"], placed["thread_ts"]) == ("posted", "two", thread)


FAULTS: dict[str, dict[str, Any]] = {
    "in trouble": {"kind": "fail", "error": "service_unavailable"},
    "rate-limited": {"kind": "rate_limit", "seconds": 3},
    "down": {"kind": "http_500"},
    "lost on the way back": {"kind": "drop_answer"},
    "lost twice": {"kind": "drop_answer", "method": "*", "times": 2},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_message_is_said_once_whatever_slack_does(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str, fault: str
) -> None:
    """It goes out after the pause, before what comes after it, and never twice."""
    workspace.faults({"method": POST, "times": 1, **FAULTS[fault]})
    for text in ("first", "second"):
        store(database, text, thread_ts=thread)
    assert outbox.deliver(database, client) == 0
    assert message(database, "first").error is not None
    assert bot_said(workspace) in ([], ["first"])  # the second one waits
    for _ in range(2):
        due(database, "first")
        outbox.deliver(database, client)
    assert bot_said(workspace) == ["first", "second"]


def test_the_pause_is_as_long_as_slack_asks(database: Database, workspace: LocalWorkspace, client: WebClient) -> None:
    """A rate limit of half a minute is kept, though our own first pause is a second."""
    workspace.faults({"method": POST, "kind": "rate_limit", "seconds": 30})
    store(database, "a")
    before = now()
    outbox.deliver(database, client)
    assert message(database, "a").due_at - before > timedelta(seconds=29)


def test_a_message_that_slack_took_slowly_is_said_once(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """We stopped listening before Slack had done it; it is looked up before it is said again."""
    workspace.faults({"method": POST, "kind": "slow", "seconds": 0.6})
    client.timeout = 0.2  # type: ignore[assignment]  # seconds may be a fraction
    store(database, "slow", thread_ts=thread)
    assert outbox.deliver(database, client) == 0
    until = time.monotonic() + PATIENCE
    while not bot_said(workspace) and time.monotonic() < until:
        time.sleep(0.01)
    due(database, "slow")
    client.timeout = 5
    outbox.deliver(database, client)
    assert bot_said(workspace) == ["slow"]
    assert message(database, "slow").state == "posted"


@pytest.mark.both_databases
def test_two_senders_say_a_message_once(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """However many deliver at once, and however long Slack takes."""
    workspace.faults({"method": POST, "kind": "slow", "seconds": 0.1, "times": -1})
    for text in ("one", "two"):
        store(database, text, thread_ts=thread)
    at_once(6, lambda _: outbox.deliver(database, client))
    assert bot_said(workspace) == ["one", "two"]


def test_a_reply_is_not_said_after_a_claim(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Law 4: what was stored before the claim and would be said after it is withdrawn."""
    store_reply(database, thread)
    assign_ticket(database)
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "reply").state) == ([], "withdrawn")


def test_a_reply_in_doubt_is_not_said_after_a_claim(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Slack did not have it, and by now a person has the ticket: it is withdrawn."""
    store_reply(database, thread)
    workspace.faults({"method": POST, "kind": "http_500"})
    outbox.deliver(database, client)
    assign_ticket(database)
    due(database, "reply")
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "reply").state, calls_of(workspace)) == ([], "withdrawn", 1)


def test_a_reply_in_doubt_that_is_out_is_known_to_be_out(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Slack had it before the claim: that is written down, and nothing is said again."""
    store_reply(database, thread)
    workspace.faults({"method": POST, "kind": "drop_answer"})
    outbox.deliver(database, client)
    assign_ticket(database)
    due(database, "reply")
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "reply").state, calls_of(workspace)) == (["reply"], "posted", 1)


@pytest.mark.parametrize("had_posted", [True, False])
def test_a_sender_that_dies_leaves_one_message(
    database: Database,
    workspace: LocalWorkspace,
    client: WebClient,
    had_posted: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """It is left alone until its sender is given up, then looked up in Slack, and said only if it is not there."""
    store(database, "a")
    if had_posted:
        metadata = {"event_type": posting.EVENT_TYPE, "event_payload": {"key": "a"}}
        client.chat_postMessage(channel="C0HELP", text="a", metadata=metadata)
    taken(database, "a")
    assert outbox.deliver(database, client) == 0
    assert calls_of(workspace, "conversations.history") == 0
    due(database, "a")
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "a").state) == (["a"], "posted")


def test_a_message_is_found_on_a_later_page(database: Database, workspace: LocalWorkspace, client: WebClient) -> None:
    """A busy channel does not hide it."""
    store(database, "a")
    workspace.faults({"method": POST, "kind": "drop_answer"})
    outbox.deliver(database, client)
    world = workspace.world
    for number in range(450):
        world.state.post(world.state.channels["C0HELP"], {"user": "U0MAYA", "text": str(number)})
    due(database, "a")
    outbox.deliver(database, client)
    assert (bot_said(workspace), calls_of(workspace, "conversations.history")) == (["a"], 3)


def test_who_looked_for_too_long_does_not_speak(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Another sender took the message meanwhile and says it; the slow one leaves it alone."""
    store(database, "a")
    taken(database, "a")
    due(database, "a")
    workspace.faults(
        {"method": "conversations.history", "kind": "slow", "seconds": 0.5},
        {"method": POST, "kind": "slow", "seconds": 1.0},
    )
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(outbox.deliver, database, client)
        while message(database, "a").attempts < 2:
            time.sleep(0.01)
        due(database, "a")
        outbox.deliver(database, client)
        slow.result()
    assert (bot_said(workspace), message(database, "a").state) == (["a"], "posted")


def test_a_message_that_can_no_longer_be_looked_for_is_given_up(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """The bot was put out of the channel: this one fails, and all others still go out."""
    for key, channel in (("a", "C0HELP"), ("b", "D0MAYA")):
        workspace.act("dm", "U0MAYA")
        store(database, key, lane=key, channel=channel)
    taken(database, "a")
    due(database, "a")
    assert workspace.send("/sandbox/channel", {"channel": "C0HELP", "bot_member": False})["ok"]
    outbox.deliver(database, client)
    assert (message(database, "a").state, message(database, "a").error) == ("failed", "not_in_channel")
    assert bot_said(workspace, "D0MAYA") == ["b"]


def test_what_slack_will_never_take_fails_and_lets_the_next_go(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """It is tried once; the lane goes on."""
    workspace.faults({"method": POST, "kind": "fail", "error": "restricted_action"})
    store(database, "wrong")
    store(database, "right")
    outbox.deliver(database, client)
    assert (bot_said(workspace), calls_of(workspace)) == (["right"], 2)
    assert (message(database, "wrong").state, message(database, "wrong").error) == ("failed", "restricted_action")


def test_who_may_have_lost_a_message_does_not_say_it(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Another sender may have it by now; it is looked up and said when its time is over."""
    store(database, "a")
    kept: list[str] = []

    @contextmanager
    def lost(delivery: Delivery) -> Iterator[Callable[[], bool]]:
        kept.append(delivery.key)
        yield lambda: False

    assert outbox.deliver(database, client, keep=lost) == 0
    assert (kept, bot_said(workspace), message(database, "a").state) == (["a"], [], "sending")
    due(database, "a")
    assert outbox.deliver(database, client) == 1
    assert bot_said(workspace) == ["a"]


def test_the_time_of_a_message_begins_before_it_is_taken(
    database: Database, workspace: LocalWorkspace, client: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was frozen for longer than that between the taking and the call says nothing."""
    store(database, "a")
    take = deliveries.take

    def slowly(session: Session, message_id: int) -> Delivery | None:
        delivery = take(session, message_id)
        return None if delivery is None else replace(delivery, taken_at=delivery.taken_at - durations.SENDING_LEASE)

    monkeypatch.setattr(deliveries, "take", slowly)
    assert outbox.deliver(database, client) == 0
    assert (bot_said(workspace), message(database, "a").state) == ([], "sending")


def test_a_message_that_breaks_the_sender_holds_nobody_up(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """A bug in one is logged, and all others go out."""
    store(database, "broken", body={"text": "broken", "channel": "given twice"})
    store(database, "fine", lane="m")
    outbox.deliver(database, client)
    assert bot_said(workspace) == ["fine"]


def test_a_message_goes_elsewhere_when_its_channel_is_closed(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """The caller names the other place; what belongs below the message follows it there."""
    head = store(database, "card", kind="card", channel="C0QUEUE")
    store(database, "transcript", channel="C0QUEUE", thread_of=head)
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "archived": True})
    outbox.deliver(database, client, elsewhere=lambda _delivery, code: ("U0OLIVIA", {"text": f"card: {code}"}))
    assert bot_said(workspace, "D0OLIVIA") == ["card: is_archived", "transcript"]
    placed = list(workspace.world.state.channels["D0OLIVIA"].messages.values())
    assert (placed[1]["thread_ts"], message(database, "card").channel) == (placed[0]["ts"], "D0OLIVIA")
    assert bot_said(workspace, "C0QUEUE") == []


def test_a_card_in_doubt_that_goes_to_a_person_is_said(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Their direct messages cannot be searched by their id, and a card said twice is better than none."""
    store(database, "card", channel="U0OLIVIA")
    taken(database, "card")
    due(database, "card")
    outbox.deliver(database, client)
    assert bot_said(workspace, "D0OLIVIA") == ["card"]


def test_a_posted_message_is_updated_in_place(database: Database, workspace: LocalWorkspace, client: WebClient) -> None:
    """Every revision shows in the one message, also after an update that Slack lost."""
    store(database, "card")
    outbox.deliver(database, client)
    for text, fault in (("claimed", "drop_answer"), ("resolved", "http_500")):
        with database.write() as session:
            messages.revise(session, "card", {"text": text})
        workspace.faults({"method": "chat.update", "kind": fault})
        assert outbox.deliver(database, client) == 0
        due(database, "card")
        assert outbox.deliver(database, client) == 1
        assert bot_said(workspace) == [text]
    assert calls_of(workspace) == 1


def test_a_card_in_doubt_shows_its_last_revision(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Posted, its answer lost, then claimed: when it is found, it is brought up to date."""
    store(database, "card")
    workspace.faults({"method": POST, "kind": "drop_answer"})
    outbox.deliver(database, client)
    with database.write() as session:
        messages.revise(session, "card", {"text": "claimed"})
    due(database, "card")
    outbox.deliver(database, client)
    assert (bot_said(workspace), calls_of(workspace)) == (["claimed"], 1)


def test_a_card_whose_channel_is_closed_by_now_is_said_elsewhere(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """An update that the channel refuses becomes a new message where it is still heard."""
    store(database, "card", kind="card", channel="C0QUEUE")
    outbox.deliver(database, client)
    with database.write() as session:
        messages.revise(session, "card", {"text": "claimed"})
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "archived": True})
    outbox.deliver(database, client, elsewhere=lambda delivery, _code: ("U0OLIVIA", delivery.body))
    assert bot_said(workspace, "D0OLIVIA") == ["claimed"]
    assert message(database, "card").state == "posted"


def rewrite(database: Database, key: str, text: str | None) -> None:
    """Change a message, or with None take it back."""
    with database.write() as session:
        if text is None:
            assert messages.take_back(session, key)
        else:
            messages.revise(session, key, {"text": text})


def test_a_message_that_is_taken_back_is_deleted_in_slack(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Once, whether or not the answer comes; words again, it is a new message in the same thread."""
    store(database, "a", thread_ts=thread)
    outbox.deliver(database, client)
    first = message(database, "a").ts
    workspace.faults({"method": "chat.delete", "kind": "drop_answer"})
    rewrite(database, "a", None)
    assert outbox.deliver(database, client) == 0
    due(database, "a")
    outbox.deliver(database, client)
    assert (bot_said(workspace), calls_of(workspace, "chat.delete")) == ([], 2)
    assert outbox.deliver(database, client) == 0
    rewrite(database, "a", "again")
    outbox.deliver(database, client)
    found = message(database, "a")
    placed = workspace.world.state.channels["C0HELP"].messages[str(found.ts)]
    assert (bot_said(workspace), placed["thread_ts"], found.ts != first) == (["again"], thread, True)
    assert calls_of(workspace, "chat.update") == 0


def test_a_message_that_is_taken_back_before_it_was_said_is_not_said(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """It holds nothing up, and is said when it gets words again before anybody looked."""
    for key in ("a", "b"):
        store(database, key)
    rewrite(database, "a", None)
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "a").state) == (["b"], "withdrawn")
    rewrite(database, "a", "again")
    outbox.deliver(database, client)
    assert (bot_said(workspace), calls_of(workspace, "chat.delete")) == (["b", "again"], 0)


@pytest.mark.parametrize("was_out", [True, False])
def test_a_message_in_doubt_that_is_taken_back_is_not_said_again(
    database: Database,
    workspace: LocalWorkspace,
    client: WebClient,
    was_out: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Where Slack has it, it is found and deleted; where not, it stays unsaid."""
    store(database, "a")
    workspace.faults({"method": POST, "kind": "drop_answer" if was_out else "http_500"})
    outbox.deliver(database, client)
    rewrite(database, "a", None)
    due(database, "a")
    outbox.deliver(database, client)
    assert (bot_said(workspace), calls_of(workspace), calls_of(workspace, "chat.delete")) == ([], 1, int(was_out))


def test_what_somebody_else_has_deleted_counts_as_deleted(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """An administrator was faster: nothing fails, nothing is tried again."""
    store(database, "a")
    outbox.deliver(database, client)
    client.chat_delete(channel="C0HELP", ts=str(message(database, "a").ts))
    rewrite(database, "a", None)
    assert outbox.deliver(database, client) == 1
    assert (message(database, "a").error, outbox.deliver(database, client)) == (None, 0)


def test_a_channel_that_is_closed_keeps_what_was_taken_back(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Slack refuses to delete it: that is the end of it, and it is not sent anywhere else."""
    store(database, "a")
    outbox.deliver(database, client)
    workspace.faults({"method": "chat.delete", "kind": "fail", "error": "is_archived", "times": -1})
    rewrite(database, "a", None)
    for _ in range(2):
        outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "a").error, calls_of(workspace, "chat.delete")) == (
        ["a"],
        "is_archived",
        1,
    )


def test_only_what_a_ticket_owes_is_said(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Another ticket's trouble holds nobody up."""
    store_reply(database, thread)
    store(database, "other", lane="m")
    assert outbox.deliver(database, client, ticket_id=ticket(database).id) == 1
    assert bot_said(workspace) == ["reply"]
    assert factories.message(database, "other").state == "stored"
