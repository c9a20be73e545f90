"""A directory that is down: one handoff for all, nobody forgotten, and nobody kept who needs something else."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.schema import (
    FollowerState,
    Handoff,
    LedgerRow,
    Surge,
    SurgeCause,
    SurgeEnd,
    Ticket,
    Turn,
    TurnOutcome,
)
from jobs import surges
from tests.support.crowd import member
from tests.support.surge_house import SurgeHouse, surge_house
from tests.support.volumes import volume
from tests.support.workspace_names import BOT

LOCKED = f"<@{BOT}> I am locked out of my account"
CROWD = {"postgresql": volume(40, long=200), "sqlite": 20}
IN_FLIGHT, AT_ONCE = volume(10, long=50), volume(4, long=10)
"""People who ask, turns in flight, and followers that go on at a time. On PostgreSQL people are four times the turns in
flight, so that some meet the surge as it begins and others when it is known, and ten times as many as go on at a time
after it. With the figures of a worker, two hundred must ask for that, which they do in `make check-long`."""


@pytest.fixture
def house(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[SurgeHouse]:
    """Open the house, once on SQLite and once on PostgreSQL."""
    with surge_house(
        monkeypatch, database_url=database_url, redis_url=redis_url, config=config, file=tmp_path / "deskhand.db"
    ) as opened:
        yield opened


@pytest.mark.both_databases
def test_a_crowd_and_a_directory_that_is_down(house: SurgeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """One handoff, no model call, each told once at the start and once at the end, and each answered after it."""
    size = CROWD[house.front.database.engine.dialect.name]
    monkeypatch.setattr(surges, "AT_ONCE", AT_ONCE)
    house.directory.is_down = True
    house.ask_all([member(number) for number in range(size)], lambda _user: LOCKED)
    house.play_all(at_once=IN_FLIGHT)
    [surge], tickets = house.front.rows(Surge), house.front.rows(Ticket)
    assert (surge.cause, surge.over_at, len(tickets)) == (SurgeCause.DIRECTORY, None, size)
    assert len(house.front.rows(Handoff)) <= 3
    assert (house.asked_model, house.front.rows(LedgerRow)) == (0, [])
    house.look()
    told = Counter(row.ticket_id for row in house.said("joined"))
    parents = {row.ticket_id for row in house.front.rows(Handoff)}
    assert told == Counter({row.id: 1 for row in tickets if row.id not in parents})
    assert f"{size} people are affected" in str(house.front.card(surge.handoff_id))

    house.directory.is_down = False
    house.look(times=3)
    while not house.front.rows(Surge)[0].settled_at or house.owed():
        house.look()
        house.play_all()
    house.look()
    [surge] = house.front.rows(Surge)
    assert surge.over_by is SurgeEnd.ANSWERS
    assert surge.settled_at is not None
    ended = Counter(row.ticket_id for row in house.said("ended"))
    assert ended == Counter({row.id: 1 for row in tickets if row.id not in parents})
    last = {turn.ticket_id: turn for turn in house.front.rows(Turn)}
    assert {turn.outcome for turn in last.values()} <= {TurnOutcome.REPLY, TurnOutcome.HANDOFF}
    assert {row.following for row in house.front.rows(Ticket)} == {FollowerState.GONE_ON}
    assert house.owed() == []
    assert house.unposted() == []
