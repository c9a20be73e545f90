"""Many people ask at once, in many threads of several processes, and Slack is asked once about each of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot import durations
from bot.admission import Admitted
from bot.directory import seed_file
from bot.slack.api.membership import Members
from bot.store import db
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.tickets.turns import Attempt
from jobs import requester
from tests.support import crowd
from tests.support.agent_office import MakeOffice
from tests.support.local_workspace import WORKSPACE, ListeningBot, LocalWorkspace, calls_of, workspace_served
from tests.support.scripted_models import Script

BURSTS = {"postgresql": (150, 200), "sqlite": (30, 40)}
"People and requests; SQLite has one writer, so that a smaller burst meets all that a large one would."
THREADS, PROCESSES = 24, 2


@pytest.fixture
def crowded() -> Iterator[LocalWorkspace]:
    """Serve a workspace with a crowd."""
    with workspace_served(replace(WORKSPACE, people=crowd.crowd_people()), ListeningBot()) as served:
        yield served


def test_a_burst_asks_slack_once_about_each_person(
    crowded: LocalWorkspace,
    database: Database,
    database_url: str,
    office_on: MakeOffice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """200 requests of 150 people, each of whom is looked up when a turn begins and again before a change: 150 calls."""
    people, requests = BURSTS[database.engine.dialect.name]
    monkeypatch.setattr(durations, "PROFILE_KEPT", 3_600.0)  # so that a busy machine makes no second minute of it
    office = office_on(database)
    with database.write() as session:
        accounts.seed(session, seed_file.read(crowd.crowd_people()))
    runtime = office.runtime(Script([]))
    users = [crowd.member(number * people // requests) for number in range(requests)]
    attempts = [office.begin(office.asks(user=user)) for user in users]
    databases = [db.connect(database_url) for _ in range(PROCESSES)]
    contexts: list[Any] = [SimpleNamespace(members=Members(crowded.slack, one), database=one) for one in databases]

    def play(number: int, attempt: Attempt) -> tuple[bool, str | None]:
        ctx = contexts[number % PROCESSES]
        asker = requester.find_out(ctx, runtime, attempt)
        subject = requester.still(ctx, runtime, attempt)
        assert subject == asker.subject
        return isinstance(asker.who, Admitted), subject.account

    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(play, range(requests), attempts))
    for one in databases:
        one.close()
    assert found == [(True, f"acc-crowd.{user.lower()}") for user in users]
    assert calls_of(crowded, "users.info") == people
