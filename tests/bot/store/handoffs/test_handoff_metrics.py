"""How handoffs go: `bot.store.handoffs.handoff_metrics`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.store.db import Database
from bot.store.handoffs import handoff_metrics, handoffs
from bot.store.handoffs.handoff_metrics import Cohort, Figures, Spread
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import Handoff, HandoffMove, Ticket, Turn, now
from tests.support.factories import handed_off

FRIDAY = datetime(2026, 11, 20, 10, tzinfo=UTC)
AT = datetime(2026, 11, 28, 11, tzinfo=UTC)
IN_SCOPE = {"access": ("locked", "password"), "software": ("licence",)}
EIGHT_DAYS = Cohort(FRIDAY - timedelta(hours=10), AT, AT, "access", IN_SCOPE)
Moves = Sequence[tuple[str, float]]


def add_ticket(session: Session, number: int, agent: str = "access") -> None:
    """Open a ticket of one agent."""
    fields: dict[str, Any] = {"team": "T1", "channel": "C0HELP", "thread_ts": str(number), "private": False}
    session.add(Ticket(id=number, requester="U0MAYA", agent=agent, **fields))
    session.flush()


def add_handoff(
    session: Session,
    number: int,
    wait: datetime = FRIDAY,
    *,
    moves: Moves = (),
    word: float | None = None,
    closed: float | None = None,
    agent: str = "access",
    **more: Any,
) -> None:
    """Open a handoff a minute after its requester's first wait; the rest is given in seconds since that."""
    add_ticket(session, number, agent)

    def after(seconds: float | None) -> datetime | None:
        return None if seconds is None else wait + timedelta(seconds=seconds)

    fields = {"reason": "requested", "opened_at": after(60), "state": "open"}
    fields |= {"waiting_since": wait, "first_response_at": after(word), "closed_at": after(closed)}
    session.add(Handoff(id=number, ticket_id=number, summary="", queue_channel="C0QUEUE", **(fields | more)))
    session.flush()
    session.add_all(HandoffMove(handoff_id=number, move=move, actor="U0PRIYA", at=after(at)) for move, at in moves)


def add_turn(session: Session, number: int, at: datetime, outcome: str = "reply", agent: str = "access") -> None:
    """Let a turn end."""
    add_ticket(session, number, agent)
    session.add(Turn(ticket_id=number, state="done", outcome=outcome, finished_at=at))


def said(category: str, **more: bool) -> dict[str, Any]:
    """Return what a responder said on resolving."""
    return {"state": "resolved", "resolution": {"done": "It.", "category": category, **more}}


@pytest.fixture
def books(database: Database) -> Database:
    """Keep eight days of one agent, and a little of another.

    Of the first agent, in seconds since the requester's first wait:

        no. opened       reason     claimed  word  closed
        1   Fri 20, 10h  requested  120      700    1000  let go and claimed again; reopened 23 hours later
        2   Fri 20, 10h  requested   60       90    2000  expired twice; reopened 25 hours later; nobody judged
        3   Fri 20, 10h  budget      30        -     500  reassigned
        4   Sat 21, 10h  budget       -        -     300  cancelled
        5   Sat 21, 10h  requested  240      250     900  let go, then cancelled
        6   Sat 21,  9h  reopened    15       20      25  given back
        7   Sat 21, 11h  reopened    10        -     100
        8   Fri 27, 10h  requested   45       50   10800  resolved 22 hours ago
    """
    saturday, second_friday = FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=7)
    again = (("claimed", 120), ("unclaimed", 300), ("claimed", 600))
    expiries = (("claimed", 60), ("expired", 1000), ("claimed", 1200), ("expired", 1900), ("claimed", 1950))
    budget: dict[str, Any] = {"reason": "budget"}
    reopened: dict[str, Any] = {"reason": "reopened"}
    with database.write() as session:
        add_handoff(session, 1, moves=again, word=700, closed=1000, **said("locked", agent_could=False))
        add_handoff(session, 2, moves=expiries, word=90, closed=2000, **said("access"))
        moves: Moves = (("claimed", 30), ("reassigned", 200))
        add_handoff(session, 3, moves=moves, closed=500, **budget, **said("other", agent_could=True))
        add_handoff(session, 4, saturday, closed=300, state="cancelled", **budget)
        moves = (("claimed", 240), ("unclaimed", 800), ("cancelled", 900))
        add_handoff(session, 5, saturday, moves=moves, word=250, closed=900, state="cancelled")
        wait = FRIDAY + timedelta(hours=23, seconds=1000 - 60)
        moves = (("claimed", 15), ("returned", 25))
        add_handoff(session, 6, wait, moves=moves, word=20, closed=25, state="returned", previous_id=1, **reopened)
        wait = FRIDAY + timedelta(hours=25, seconds=2000 - 60)
        could = said("password", agent_could=True)
        add_handoff(session, 7, wait, moves=(("claimed", 10),), closed=100, previous_id=2, **reopened, **could)
        could = said("other", agent_could=True)
        add_handoff(session, 8, second_friday, moves=(("claimed", 45),), word=50, closed=10_800, **could)
        add_handoff(session, 9, agent="vpn", **budget)
        for number, at in enumerate((FRIDAY, FRIDAY, FRIDAY, FRIDAY + timedelta(days=2)), 10):
            add_turn(session, number, at)
        add_turn(session, 14, FRIDAY, agent="vpn")
        for number, outcome in enumerate(("handoff", "withdrawn"), 15):
            add_turn(session, number, FRIDAY, outcome)
        add_turn(session, 17, EIGHT_DAYS.since - timedelta(seconds=1))
        add_turn(session, 18, AT)
    return database


def test_all_of_a_cohort_by_hand(books: Database) -> None:
    """Every measure over eight handoffs is the figure worked out by hand from the table above."""
    with books.read() as session:
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
    assert seen == Figures(
        day=None,
        reason=None,
        outcomes=8 + 4,
        handoffs=8,
        requested_in_scope=2,  # 1 was a locked account, 8 the agent could have done; 2 and 5 are neither
        budget=2,  # 3, 4
        to_claim=Spread(7, 45, 240),  # 10 15 30 [45] 60 120 [240]
        to_first_response=Spread(5, 90, 700),  # 20 50 [90] 250 [700]
        to_resolve=Spread(5, 1000, 10_800),  # 100 500 [1000] 2000 [10800]
        expired=2,
        unclaimed=2,  # 1, 5
        reassigned=1,
        returned=1,
        cancelled=2,  # 4, 5
        resolved=5,  # 1, 2, 3, 7, 8
        reopened=2,  # 1, 2
        day_old=4,  # not 8
        lasted_day=3,  # 2, 3, 7: 1 came back after 23 hours
        week_old=3,  # 1, 2, 3
        lasted_week=1,  # 3
        judged=4,  # not 2
        agent_could=3,  # 3, 7, 8
    )
    rates = (seen.rate, seen.reopen_rate, seen.durable_day, seen.durable_week, seen.agent_could_rate)
    assert rates == (8 / 12, 2 / 5, 3 / 4, 1 / 3, 3 / 4)


def test_each_reason_has_its_own_figures(books: Database) -> None:
    """Most frequent first; quantiles are those of the reason alone, the rates share all outcomes."""
    with books.read() as session:
        requested, budget, reopened = handoff_metrics.by_reason(session, EIGHT_DAYS)
    assert [(one.reason, one.handoffs, one.rate) for one in (requested, budget, reopened)] == [
        ("requested", 4, 4 / 12),
        ("budget", 2, 2 / 12),
        ("reopened", 2, 2 / 12),
    ]
    assert requested.to_claim == Spread(4, 60, 240)  # 45 [60] 120 [240]
    assert requested.to_resolve == Spread(3, 2000, 10_800)  # 1000 [2000] [10800]
    assert (requested.reopened, requested.resolved, requested.lasted_day, requested.day_old) == (2, 3, 1, 2)
    assert budget == Figures(
        day=None,
        reason="budget",
        outcomes=12,
        handoffs=2,
        budget=2,
        to_claim=Spread(1, 30, 30),
        to_resolve=Spread(1, 500, 500),
        reassigned=1,
        cancelled=1,
        resolved=1,
        day_old=1,
        lasted_day=1,
        week_old=1,
        lasted_week=1,
        judged=1,
        agent_could=1,
    )
    assert reopened.to_first_response == Spread(1, 20, 20)


def test_each_day_has_its_own_figures(books: Database) -> None:
    """By the date of opening, with the days on which the agent needed nobody; on a day without either there is none."""
    with books.read() as session:
        days = handoff_metrics.by_day(session, EIGHT_DAYS)
    assert [(one.day, one.reason, one.handoffs, one.outcomes) for one in days] == [
        (date(2026, 11, 20), None, 3, 6),
        (date(2026, 11, 21), None, 4, 4),
        (date(2026, 11, 22), None, 0, 1),
        (date(2026, 11, 27), None, 1, 1),
    ]
    assert [one.to_claim for one in days] == [Spread(3, 60, 120), Spread(3, 15, 240), Spread(), Spread(1, 45, 45)]
    assert (days[2].rate, days[2].reopen_rate) == (0.0, None)


def test_each_reason_of_each_day_has_its_own_figures(books: Database) -> None:
    """In order of days, the most frequent reason of a day first."""
    with books.read() as session:
        rows = handoff_metrics.by_day_and_reason(session, EIGHT_DAYS)
    assert [(one.day, one.reason, one.handoffs, one.outcomes) for one in rows] == [
        (date(2026, 11, 20), "requested", 2, 6),
        (date(2026, 11, 20), "budget", 1, 6),
        (date(2026, 11, 21), "reopened", 2, 4),
        (date(2026, 11, 21), "budget", 1, 4),
        (date(2026, 11, 21), "requested", 1, 4),
        (date(2026, 11, 27), "requested", 1, 1),
    ]
    assert rows[0].to_claim == Spread(2, 60, 120)
    assert rows[2].to_claim == Spread(2, 10, 15)


def test_without_an_agent_all_agents_count(books: Database) -> None:
    """The other agent's handoff and reply are in."""
    with books.read() as session:
        seen = handoff_metrics.totals(session, replace(EIGHT_DAYS, agent=None))
    assert (seen.handoffs, seen.outcomes, seen.budget) == (9, 14, 3)


def test_of_nothing_nothing_is_known(database: Database) -> None:
    """An empty database gives counts of zero, and neither a time nor a rate."""
    with database.read() as session:
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
        parts = [
            measure(session, EIGHT_DAYS)
            for measure in (handoff_metrics.by_reason, handoff_metrics.by_day, handoff_metrics.by_day_and_reason)
        ]
    assert seen == Figures(day=None, reason=None, outcomes=0)
    assert (seen.rate, seen.reopen_rate, seen.durable_day, seen.durable_week, seen.agent_could_rate) == (None,) * 5
    assert seen.to_claim == Spread(0, None, None)
    assert parts == [(), (), ()]


@pytest.mark.parametrize(("count", "median", "p90"), [(1, 1, 1), (2, 1, 2), (3, 2, 3), (10, 5, 9), (20, 10, 18)])
def test_quantiles_are_by_nearest_rank(database: Database, count: int, median: float, p90: float) -> None:
    """Of the seconds 1 to n: the smallest with half (nine tenths) of them up to it; those without are aside."""
    with database.write() as session:
        for number in range(1, count + 1):
            add_handoff(session, number, moves=(("claimed", number),))
        add_handoff(session, 100)
        add_handoff(session, 101)
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
    assert (seen.handoffs, seen.to_claim) == (count + 2, Spread(count, median, p90))


def test_times_are_kept_to_the_millisecond(database: Database) -> None:
    """A claim within a second is not rounded to none."""
    with database.write() as session:
        add_handoff(session, 1, moves=(("claimed", 0.2517),), word=1.25)
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
    assert seen.to_claim.median == pytest.approx(0.252, abs=0.001)
    assert seen.to_first_response.median == pytest.approx(1.25, abs=0.0005)


@pytest.mark.parametrize(("seconds", "lasted"), [(86_399, 0), (86_400, 0), (86_401, 1)])
def test_what_comes_back_within_the_day_did_not_last(database: Database, seconds: float, lasted: int) -> None:
    """Reopened up to 24 hours after it was resolved counts against it, a second later no more."""
    with database.write() as session:
        add_handoff(session, 1, closed=300, **said("locked", agent_could=False))
        wait = FRIDAY + timedelta(seconds=300 + seconds - 60)
        add_handoff(session, 2, wait, reason="reopened", previous_id=1)
        add_handoff(session, 3, wait + timedelta(days=2), reason="reopened", previous_id=1)
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
    assert (seen.day_old, seen.lasted_day, seen.week_old, seen.lasted_week) == (1, lasted, 1, 0)


@pytest.mark.parametrize(
    ("late", "day_old", "week_old"), [(-1, 0, 0), (0, 1, 0), (6 * 86_400 - 1, 1, 0), (6 * 86_400, 1, 1)]
)
def test_only_what_is_old_enough_can_have_lasted(database: Database, late: int, day_old: int, week_old: int) -> None:
    """What was resolved less than 24 hours (7 days) before the measuring is neither for nor against."""
    with database.write() as session:
        add_handoff(session, 1, closed=300, **said("locked", agent_could=False))
        at = FRIDAY + timedelta(seconds=300 + 86_400 + late)
        seen = handoff_metrics.totals(session, replace(EIGHT_DAYS, at=at))
    assert (seen.day_old, seen.lasted_day, seen.week_old, seen.lasted_week) == (day_old, day_old, week_old, week_old)


@pytest.mark.parametrize(
    ("reason", "resolution", "counted"),
    [
        ("requested", {"category": "locked", "agent_could": False}, 1),
        ("requested", {"category": "password"}, 1),
        ("requested", {"category": "other", "agent_could": True}, 1),
        ("requested", {"category": "other", "agent_could": False}, 0),
        ("frustration", {"category": "locked", "agent_could": True}, 0),
        ("requested", None, 0),
    ],
)
def test_asked_for_a_person_while_in_scope(
    database: Database, reason: str, resolution: dict[str, Any] | None, counted: int
) -> None:
    """In scope is a locked account, a password, or what the agent could have done; unresolved, it is unknown."""
    state = "claimed" if resolution is None else "resolved"
    with database.write() as session:
        add_handoff(session, 1, closed=300, state=state, reason=reason, resolution=resolution)
        assert handoff_metrics.totals(session, EIGHT_DAYS).requested_in_scope == counted


@pytest.mark.parametrize(("agent", "counted"), [("access", 1), ("software", 1), ("gone", 0), (None, 2)])
def test_what_is_in_scope_is_said_by_each_agents_own_card(database: Database, agent: str | None, counted: int) -> None:
    """Of several agents each handoff is held against the categories of its ticket's agent, and no other's."""
    with database.write() as session:
        for number, (name, category) in enumerate(
            [("access", "locked"), ("access", "licence"), ("software", "licence"), ("software", "locked")], start=1
        ):
            add_handoff(session, number, closed=300, agent=name, **said(category, agent_could=False))
        add_handoff(session, 5, closed=300, agent="gone", **said("locked", agent_could=False))
        assert handoff_metrics.totals(session, replace(EIGHT_DAYS, agent=agent)).requested_in_scope == counted


def test_any_later_handoff_of_a_resolved_ticket_reopens_it(database: Database) -> None:
    """Whatever its reason: the requester needed a person again. After one that was given back it is none."""
    with database.write() as session:
        add_handoff(session, 1, closed=300, **said("locked", agent_could=False))
        add_handoff(session, 2, closed=300, state="returned")
        add_handoff(session, 3, FRIDAY + timedelta(hours=1), reason="frustration", previous_id=1)
        add_handoff(session, 4, FRIDAY + timedelta(hours=1), reason="reopened", previous_id=2)
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
    assert (seen.resolved, seen.reopened, seen.lasted_day) == (1, 1, 0)


def test_a_cohort_has_a_first_and_a_last_moment(database: Database) -> None:
    """What was opened at its first moment is in, what was opened at its end is not; what came of it later is."""
    minute, second = timedelta(minutes=1), timedelta(seconds=1)
    with database.write() as session:
        add_handoff(session, 1, EIGHT_DAYS.since - minute - second)
        add_handoff(session, 2, EIGHT_DAYS.since - minute, moves=(("claimed", 3 * 86_400),))
        add_handoff(session, 3, EIGHT_DAYS.until - minute - second)
        add_handoff(session, 4, EIGHT_DAYS.until - minute)
        seen = handoff_metrics.totals(session, EIGHT_DAYS)
        first = handoff_metrics.totals(session, replace(EIGHT_DAYS, until=FRIDAY))
    assert (seen.handoffs, seen.outcomes) == (2, 2)
    assert (first.handoffs, first.to_claim.median) == (1, 3 * 86_400)


def test_the_moves_of_the_house_are_the_ones_counted(database: Database) -> None:
    """Claimed, let go, expired, reassigned and given back: each is found in the history under the name it has there."""
    number = handed_off(database).id
    moves: tuple[Callable[[Session], Moved | NotMoved], ...] = (
        lambda session: handoffs.claim(session, number, "U0PRIYA", lease_minutes=30),
        lambda session: handoffs.unclaim(session, number, "U0PRIYA"),
        lambda session: handoffs.claim(session, number, "U0BEN", lease_minutes=0),
        lambda session: handoffs.expire(session, number, holder="U0BEN"),
        lambda session: handoffs.claim(session, number, "U0BEN", lease_minutes=30),
        lambda session: handoffs.reassign(session, number, holder="U0BEN", to="U0PRIYA", by="U0BEN", lease_minutes=30),
        lambda session: handoffs.spoke(session, number, "U0PRIYA", lease_minutes=30),
        lambda session: handoffs.give_back(session, number, "U0PRIYA", note="It is unlocked."),
    )
    for move in moves:
        with database.write() as session:
            assert isinstance(move(session), Moved)
    with database.read() as session:
        seen = handoff_metrics.totals(session, handoff_metrics.last_days(2, at=now()))
    assert (seen.handoffs, seen.to_claim.count, seen.to_first_response.count) == (1, 1, 1)
    assert (seen.expired, seen.unclaimed, seen.reassigned, seen.returned) == (1, 1, 1, 1)


def test_the_last_days_are_whole_and_end_now() -> None:
    """Seven days are six midnights in UTC before the one of today, whatever zone the clock shows."""
    west = datetime(2026, 11, 28, 1, 30, tzinfo=UTC).astimezone(timezone(timedelta(hours=-5)))
    cohort = handoff_metrics.last_days(7, at=west, agent="access")
    assert cohort == Cohort(datetime(2026, 11, 22, tzinfo=UTC), west, west, "access")
    assert handoff_metrics.last_days(1, at=west).since == datetime(2026, 11, 28, tzinfo=UTC)
