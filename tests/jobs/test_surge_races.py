"""A surge under threads: one begins whatever ends at once, and each follower is told once whoever is killed."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from bot.casework import surge_followers
from bot.errors import Transient
from bot.store.schema import FollowerState, Handoff, HandoffState, Surge, Ticket, Turn, now
from bot.store.tickets import surges as store
from jobs import surges
from jobs.turn import run_turn
from tests.support.crowd import all_like, member
from tests.support.scripted_models import Unlocker
from tests.support.surge_house import SurgeHouse, surge_house
from tests.support.workspace_names import BOT

LOCKED = f"<@{BOT}> I am locked out of my account"


@pytest.fixture
def house(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[SurgeHouse]:
    """Open the house on PostgreSQL."""
    with surge_house(
        monkeypatch, database_url=postgres_url, redis_url=redis_url, config=config, file=tmp_path / "deskhand.db"
    ) as opened:
        yield opened


def test_turns_under_way_when_the_directory_fails_make_three_handoffs_at_most(house: SurgeHouse) -> None:
    """Twelve have looked at their accounts and try to unlock them at once; only the first of them go to people."""
    size = 12
    together, fails = Barrier(size), Counter[str]()

    def fail_to_unlock(call: str) -> None:
        if call == "unlock":
            fails[call] += 1
            if fails[call] <= size:
                together.wait(30)
            raise Transient("no answer")

    house.change_desk(call_model=Unlocker())
    house.directory.meanwhile = fail_to_unlock
    house.ask_all(all_like("U0MAYA")[:size], lambda _user: LOCKED)
    turns = house.owed()
    assert len(turns) == size
    with ThreadPoolExecutor(size) as hands:
        list(hands.map(run_turn, turns))
    house.play_all()
    house.look()  # links those that were locked when it began
    [surge] = house.front.rows(Surge)
    handoffs = house.front.rows(Handoff)
    assert 1 <= len(handoffs) <= 3
    assert {row.following for row in house.front.rows(Ticket)} == {FollowerState.WAITING, FollowerState.WITH_PEOPLE}
    assert {row.surge_id for row in house.front.rows(Ticket)} == {surge.id}
    assert store_count(house, surge.id) == size


def test_a_ticket_that_is_locked_when_the_surge_begins_is_linked_by_the_clock(house: SurgeHouse) -> None:
    """The surge does not wait for it, and its requester is not forgotten at the end."""

    def fail_to_unlock(call: str) -> None:
        if call == "unlock":
            raise Transient("no answer")

    house.change_desk(call_model=Unlocker())
    house.directory.meanwhile = fail_to_unlock
    house.ask_all(all_like("U0MAYA")[:3], lambda _user: LOCKED)
    *before, last = house.owed()
    for turn_id in before:
        run_turn(turn_id)
    [first, second] = [row.ticket_id for row in house.front.rows(Handoff)]
    with house.front.database.write() as session:
        session.get_one(Ticket, second, with_for_update=True)
        run_turn(last)
    [surge] = house.front.rows(Surge)
    assert surge.left_out == [second]
    assert store_count(house, surge.id) == 2
    house.look()
    [surge] = house.front.rows(Surge)
    assert (surge.left_out, surge.people) == ([], 3)
    assert {row.following for row in house.front.rows(Ticket)} == {FollowerState.WITH_PEOPLE}
    house.directory.meanwhile = lambda _call: None
    house.look(times=4)
    ends = {row.ticket_id: row.state for row in house.front.rows(Handoff)}
    assert (ends[first], ends[second]) == (HandoffState.RETURNED, HandoffState.RETURNED)


def store_count(house: SurgeHouse, surge_id: int) -> int:
    """Return how many people a surge affects."""
    with house.front.database.read() as session:
        return store.people(session, surge_id)


def test_a_clock_that_dies_half_way_loses_nobody_and_tells_nobody_twice(
    house: SurgeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message, the turn and the place on the list are one transaction, and eight clocks at once share the list."""
    house.directory.is_down = True
    house.ask_all([member(number) for number in range(12)], lambda _user: LOCKED)
    house.play_all()
    real, died = surge_followers.go_on, list[int]()

    def dies_first(session: Any, agent: Any, ticket_id: int, surge: Surge) -> int | None:
        turn_id = real(session, agent, ticket_id, surge)
        if ticket_id not in died:
            died.append(ticket_id)
            raise RuntimeError("killed before the commit")
        return turn_id

    monkeypatch.setattr(surge_followers, "go_on", dies_first)
    house.directory.is_down = False
    house.look(times=3)
    for _ in range(40):
        together = Barrier(8)

        def look(_clock: int, together: Barrier = together) -> None:
            together.wait(30)
            surges.look(house.ctx)

        with ThreadPoolExecutor(8) as clocks:
            list(clocks.map(look, range(8)))
        house.play_all()
        if house.front.rows(Surge)[0].settled_at is not None:
            break
    house.look()
    assert len(died) >= 11
    parents = {row.ticket_id for row in house.front.rows(Handoff)}
    others = [row.id for row in house.front.rows(Ticket) if row.id not in parents]
    assert Counter(row.ticket_id for row in house.said("ended")) == Counter(dict.fromkeys(others, 1))
    per_ticket = Counter(row.ticket_id for row in house.front.rows(Turn) if row.outcome == "reply")
    assert {per_ticket[one] for one in others} == {1}
    assert house.owed() == []


def test_of_many_that_begin_a_surge_one_does(house: SurgeHouse) -> None:
    """An agent has one surge of a cause: the index holds it, without the lock too."""
    house.directory.is_down = True
    house.ask_all([member(number) for number in range(3)], lambda _user: LOCKED)
    house.play_all()
    [surge] = house.front.rows(Surge)

    def begin(_hand: int) -> object:
        with house.front.database.write() as session:
            handoff = session.get_one(Handoff, surge.handoff_id)
            return store.begin(
                session,
                handoff,
                agent="access",
                cause=surge.cause,
                words=(),
                channel="C0HELP",
                language="en",
                others=(),
            )

    with house.front.database.write() as session:
        session.execute(update(Surge).values(over_at=now()))
    with ThreadPoolExecutor(8) as hands:
        begun = [one for one in hands.map(begin, range(8)) if one is not None]
    assert len(begun) == 1
