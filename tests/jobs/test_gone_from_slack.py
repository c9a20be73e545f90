"""What Slack no longer has is not kept here either: `jobs.gone_from_slack`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import update

from bot.errors import Transient
from bot.store.db import Database
from bot.store.schema import AuditRow, InboxEvent, Ticket, Turn, TurnState, now
from jobs import clock, gone_from_slack
from jobs.process import WorkerContext
from tests.support.factories import rows
from tests.support.lived_person import lived_in
from tests.support.local_workspace import LocalWorkspace


def words(database: Database) -> dict[int, str]:
    """Return what was said in each ticket."""
    events = [event for event in rows(database, InboxEvent) if event.kind == "message"]
    return {int(event.ticket_id or 0): event.text for event in events}


def in_slack(database: Database, workspace: LocalWorkspace, ticket: int) -> None:
    """Let Slack have the first message of a ticket."""
    ts = workspace.say("U0MAYA", "C0HELP", "I am locked out")
    with database.write() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket).values(channel="C0HELP", thread_ts=ts))


def test_words_go_where_slack_has_the_message_no_more(
    ctx: WorkerContext, database: Database, workspace: LocalWorkspace
) -> None:
    """One ticket a round; a message that is there keeps its copy, and what cannot be asked for, too."""
    assert gone_from_slack.look in clock.ROUNDS
    lived_in(database)
    in_slack(database, workspace, 2)
    with database.write() as session:
        session.execute(update(Ticket).where(Ticket.id == 1).values(channel="C0NOWHERE"))
    before = words(database)
    for _ in range(4):
        gone_from_slack.look(ctx)
    assert words(database) == {1: before[1], 2: before[2], 3: "", 4: ""}
    erased = [row.record for row in rows(database, AuditRow) if row.event == "retention.erased"]
    assert [(record["rule"], record["tickets"]) for record in erased] == [
        ("gone from Slack", [3]),
        ("gone from Slack", [4]),
    ]


def test_a_message_that_goes_later_is_found_in_a_later_round(
    ctx: WorkerContext, database: Database, workspace: LocalWorkspace
) -> None:
    """After the last ticket the first one is looked for again."""
    lived_in(database)
    in_slack(database, workspace, 2)
    for _ in range(4):
        gone_from_slack.look(ctx)
    assert set(words(database).values()) > {""}
    with database.write() as session:
        session.execute(update(Ticket).where(Ticket.id == 2).values(thread_ts="1.1"))
    for _ in range(2):
        gone_from_slack.look(ctx)
    assert words(database)[2] == ""


def test_a_ticket_with_something_under_way_is_not_asked_for(
    ctx: WorkerContext, database: Database, workspace: LocalWorkspace
) -> None:
    """Nor one in which somebody has written within a day."""
    assert workspace.base
    lived_in(database)
    with database.write() as session:
        session.execute(update(Turn).where(Turn.ticket_id == 3).values(state=TurnState.WAITING))
        session.execute(
            update(InboxEvent).where(InboxEvent.ticket_id == 4).values(received_at=now() - timedelta(hours=9))
        )
    before = words(database)
    for _ in range(5):
        gone_from_slack.look(ctx)
    assert {number: words(database)[number] for number in (3, 4)} == {number: before[number] for number in (3, 4)}


def test_an_outage_of_slack_erases_nothing(ctx: WorkerContext, database: Database, workspace: LocalWorkspace) -> None:
    """No answer says nothing of a message; the same ticket is asked for again."""
    lived_in(database)
    before = words(database)
    workspace.faults({"method": "conversations.replies", "kind": "http_500", "times": -1})
    with outage():
        gone_from_slack.look(ctx)
    assert words(database) == before


@contextmanager
def outage() -> Iterator[None]:
    """Expect that Slack cannot be reached."""
    try:
        yield
    except Transient:
        return
    raise AssertionError("Slack was reached")
