"""What used-up budgets hold up: `bot.store.money.blocked_tickets`."""

from datetime import timedelta
from typing import Any

import pytest

from bot.principals import Reason
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.money import blocked_tickets, reviews
from bot.store.schema import BudgetReview, Handoff, Message, ReviewState, TurnOutcome, now
from tests.support.budget_rows import opened_review
from tests.support.factories import FIRST, finish, hand_off, put, running, store
from tests.support.factories import new_turn as asked


def blocked(database: Database, review_id: int) -> list[int]:
    """Return the handoffs that a review holds up."""
    with database.read() as session:
        review = reviews.find(session, review_id)
        assert review is not None
        return [handoff.id for handoff, _ in blocked_tickets.blocked(session, review)]


def penniless(database: Database, **changes: Any) -> Handoff:
    """Hand a request off that no budget had room for."""
    attempt = running(database, asked(database))
    finish(database, attempt, TurnOutcome.HANDOFF)
    handoff = hand_off(database, attempt.ticket.id, reason=Reason.BUDGET)
    if changes:
        put(database, Handoff, handoff.id, **changes)
    return handoff


@pytest.mark.parametrize(
    ("scope", "holder"), [("channel", FIRST.channel), ("user", FIRST.user), ("team", FIRST.team), ("agent", "access")]
)
def test_a_budget_holds_up_the_requests_that_it_is_for(database: Database, scope: str, holder: str) -> None:
    """Of each scope: its own, in a person's hands or waiting for one, and nobody else's."""
    handoff = penniless(database)
    mine = opened_review(database, account=f"{scope}:{holder}:now", scope=scope, holder=holder)
    other = opened_review(database, account=f"{scope}:other:now", scope=scope, holder="other")
    assert (blocked(database, mine), blocked(database, other)) == ([handoff.id], [])
    with database.write() as session:
        handoffs.claim(session, handoff.id, "U0PRIYA", lease_minutes=30)
    assert blocked(database, mine) == [handoff.id]


@pytest.mark.parametrize(
    "changes", [{"state": "returned"}, {"reason": "requested"}, {"opened_at": now() - timedelta(days=2)}]
)
def test_what_a_raise_cannot_help_is_not_held_up(database: Database, changes: dict[str, Any]) -> None:
    """Neither what has ended, nor what went to people for another reason, nor what did so in another window."""
    penniless(database, **changes)
    assert blocked(database, opened_review(database)) == []


def test_another_budget_that_is_used_up_holds_it_up(database: Database) -> None:
    """One that waits for its owner, or was denied; once it is raised or over, it is in nobody's way."""
    handoff = penniless(database)
    review = opened_review(database)
    other = opened_review(database, account="user:U0MAYA:now", scope="user", holder=FIRST.user)
    assert blocked(database, review) == []
    with database.write() as session:
        assert reviews.decide(session, other, by="U0OLIVIA", decision=ReviewState.RAISED, why="y", raised_nusd=1)
    assert blocked(database, review) == [handoff.id]
    mine = {"account": "user:U0MAYA:now", "scope": "user", "holder": FIRST.user}
    again = opened_review(database, **mine, limit_nusd=9, raised_before_nusd=1)
    with database.write() as session:
        assert reviews.decide(session, again, by="U0OLIVIA", decision=ReviewState.DENIED, why="y")
    assert blocked(database, review) == []
    put(database, BudgetReview, again, resets_at=now())
    assert blocked(database, review) == [handoff.id]


def test_the_undecided_are_found_whether_or_not_they_are_over(database: Database) -> None:
    """An open review stays among them until somebody decides it or it is ended."""
    first = opened_review(database)
    second = opened_review(database, account="agent:access:now", scope="agent", holder="access", resets_at=now())
    with database.read() as session:
        assert [one.id for one in blocked_tickets.undecided(session)] == [first, second]
    with database.write() as session:
        reviews.end_expired(session, now())
    with database.read() as session:
        assert [one.id for one in blocked_tickets.undecided(session)] == [first]


def test_a_later_review_of_the_same_budget_holds_it_up(database: Database) -> None:
    """What was added is used up as well; an earlier denial, of a lower limit, is in nobody's way."""
    handoff = penniless(database)
    first = opened_review(database)
    with database.write() as session:
        assert reviews.decide(session, first, by="U0OLIVIA", decision=ReviewState.DENIED, why="y")
    second = opened_review(database, limit_nusd=6_000_000_000)
    assert (blocked(database, first), blocked(database, second)) == ([], [handoff.id])


def test_the_budget_that_is_raised_last_holds_it_up(database: Database) -> None:
    """Two were used up and both are raised: responders are told of it once."""
    handoff = penniless(database)
    numbers = [
        opened_review(database),
        opened_review(database, account="user:U0MAYA:now", scope="user", holder=FIRST.user),
    ]
    for number in numbers:
        with database.write() as session:
            assert reviews.decide(session, number, by="U0OLIVIA", decision=ReviewState.RAISED, why="y", raised_nusd=1)
    assert [blocked(database, number) for number in numbers] == [[], [handoff.id]]


def test_a_lane_tells_who_was_asked(database: Database) -> None:
    """Each by name, with the state of the message; nobody of another review."""
    lane = blocked_tickets.lane(7)
    store(database, "review:7:U0OLIVIA", lane=lane)
    put(database, Message, store(database, "review:7:U0BEN", lane=lane), state="failed")
    store(database, "review:71:U0RUTH", lane=blocked_tickets.lane(71))
    with database.read() as session:
        assert blocked_tickets.asked(session, 7) == {"U0OLIVIA": "stored", "U0BEN": "failed"}
