"""What Slack shows of the agent: `bot.slack.api.status`, against a served workspace."""

import pytest

from bot.slack.api import status
from bot.slack.api.client import WebClient
from bot.store.db import Database
from bot.store.schema import Ticket
from tests.support.factories import new_turn, put, ticket
from tests.support.local_workspace import LocalWorkspace


@pytest.fixture
def asked(database: Database, workspace: LocalWorkspace) -> Ticket:
    """Return the ticket of a request that stands in Slack."""
    ts = workspace.say("U0MAYA", "C0HELP", "I cannot sign in")
    new_turn(database)
    put(database, Ticket, ticket(database).id, thread_ts=ts)
    return ticket(database)


def test_a_thread_shows_that_the_agent_is_at_it_and_then_not(
    workspace: LocalWorkspace, client: WebClient, asked: Ticket
) -> None:
    """The status stands in the thread of the ticket, and only there."""
    shown = []
    states: tuple[status.Status, ...] = ("processing", "active")
    for said in states:
        status.show(client, asked, said)
        shown.append({place: one["status"] for place, one in workspace.world.state.sessions.items()})
    assert shown == [{("C0HELP", asked.thread_ts): said} for said in states]


@pytest.mark.parametrize(
    "trouble", [{"kind": "http_500"}, {"kind": "rate_limit"}, {"kind": "fail", "error": "channel_not_found"}]
)
def test_what_goes_wrong_with_it_stops_nobody(
    workspace: LocalWorkspace, client: WebClient, asked: Ticket, trouble: dict[str, str]
) -> None:
    """Down, busy or refused: the caller goes on, and nothing is shown."""
    workspace.faults({"method": "agents.sessions.setStatus", "times": 1, **trouble})
    status.show(client, asked, "processing")
    assert workspace.world.state.sessions == {}
    status.show(client, asked, "active")
    assert len(workspace.world.state.sessions) == 1
