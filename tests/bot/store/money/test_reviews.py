from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Event
from typing import Any

import pytest

from bot.store.db import Database
from bot.store.money import reviews
from bot.store.money.reviews import Decision
from bot.store.schema import AuditRow, BudgetNotice, BudgetReview, ReviewState, now
from tests.support.factories import put, rows

DAY = "channel:C0HELP:2026-11-22"


def open_one(database: Database, account: str = DAY, limit: int = 1_000, *, hours: float = 5, **changes: Any) -> int:
    """Open the review of a cap whose window has so many hours left."""
    number = try_to_open(database, account, limit, hours=hours, **changes)
    assert number is not None
    return number


def try_to_open(
    database: Database, account: str = DAY, limit: int = 1_000, *, hours: float = 5, **changes: Any
) -> int | None:
    scope, holder, _ = account.split(":")
    at = datetime.now(UTC)
    facts: dict[str, Any] = {
        "scope": scope,
        "holder": holder,
        "window_start": at - timedelta(hours=24 - hours),
        "resets_at": at + timedelta(hours=hours),
        "spent_nusd": 900,
        "held_nusd": 50,
        "needed_nusd": 70,
        "agent": "access",
        "channel": "C0HELP",
        "user": "U1",
    }
    with database.write() as session:
        return reviews.open_for(session, account=account, limit_nusd=limit, **(facts | changes))


def decide(
    database: Database,
    review_id: int,
    *,
    by: str = "U0LENA",
    decision: Decision = ReviewState.RAISED,
    raised: int = 250,
) -> BudgetReview | None:
    with database.write() as session:
        return reviews.decide(session, review_id, by=by, decision=decision, why="a busy Monday", raised_nusd=raised)


def raised(database: Database, account: str = DAY) -> int:
    with database.read() as session:
        return reviews.raised(session, account)


def test_an_account_has_one_open_review(database: Database) -> None:
    """The first call that does not fit opens it, whatever the limit is by then; other accounts have their own."""
    first = open_one(database)
    assert try_to_open(database) is None
    assert try_to_open(database, limit=1_250) is None
    assert open_one(database, "channel:C0HELP:2026-11-23")
    decide(database, first)
    assert open_one(database, limit=1_250, raised_before_nusd=250) > first


def test_nobody_is_asked_for_what_was_decided(database: Database) -> None:
    """Neither while a raise is on its way to the gate, nor for the limit that was denied in this window."""
    start: dict[str, Any] = {"window_start": now() - timedelta(hours=3)}
    decide(database, open_one(database, **start))
    assert try_to_open(database, **start) is None
    decide(
        database,
        open_one(database, limit=1_250, raised_before_nusd=250, **start),
        decision=ReviewState.DENIED,
        raised=0,
    )
    assert try_to_open(database, limit=1_250, raised_before_nusd=250, **start) is None
    assert open_one(database, limit=1_250, raised_before_nusd=250)  # other days of the same name: another time zone


@pytest.mark.parametrize("end", [reviews.end_expired, lambda session, _: reviews.outdate(session, 1)])
def test_a_limit_that_is_met_again_is_asked_about_again(database: Database, end: Any) -> None:
    """The file was changed and came back to a number that had a review: an account is never shut with nobody asked."""
    open_one(database, limit=1_250, hours=-1)
    with database.write() as session:
        end(session, now())
    second = open_one(database, limit=1_250)
    decide(database, second)
    assert open_one(database, limit=1_250, raised_before_nusd=250) > second


def test_a_review_waits_for_the_decision_of_this_moment(postgres: Database) -> None:
    """The owner raises it while another call is refused for the old limit: that call asks nobody again."""
    number, deciding = open_one(postgres), Event()

    def late() -> int | None:
        deciding.wait()
        return try_to_open(postgres)

    with ThreadPoolExecutor(1) as pool:
        with postgres.write() as session:
            assert reviews.decide(session, number, by="U0LENA", decision=ReviewState.RAISED, why="y", raised_nusd=250)
            opened = pool.submit(late)
            deciding.set()
            with pytest.raises(TimeoutError):
                opened.result(0.2)
        assert opened.result() is None
    assert len(rows(postgres, BudgetReview)) == 1


def test_of_threads_that_meet_a_cap_at_once_one_opens_the_review(database: Database) -> None:
    """However many calls are refused in the same moment, the owner is asked once."""
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: try_to_open(database), range(16)))
    assert len([one for one in opened if one is not None]) == 1
    assert len(rows(database, BudgetReview)) == 1


def test_raises_add_up_for_their_account_alone(database: Database) -> None:
    """Each raise of an account counts; the next day's, a denied one and an open one do not."""
    decide(database, open_one(database))
    decide(database, open_one(database, limit=1_250, raised_before_nusd=250), raised=50)
    assert raised(database) == 300
    decide(database, open_one(database, "channel:C0HELP:2026-11-23"), decision=ReviewState.DENIED, raised=0)
    open_one(database, "channel:C0HELP:2026-W47")
    assert raised(database, "channel:C0HELP:2026-11-23") == raised(database, "channel:C0HELP:2026-W47") == 0


def test_a_decision_is_written_whole_with_its_audit(database: Database) -> None:
    """Who, how much and until when stand in the audit of the same transaction, the words in the review alone."""
    number = open_one(database)
    found = decide(database, number)
    assert found is not None
    assert (found.state, found.raised_nusd, found.decided_by, found.why) == ("raised", 250, "U0LENA", "a busy Monday")
    [record] = rows(database, AuditRow)
    assert (record.event, record.actor, record.subject) == ("budget.raised", "U0LENA", "U1")
    assert record.record == {
        "review": number,
        "account": DAY,
        "limit_nusd": 1_000,
        "raised_nusd": 250,
        "why_sha256": sha256(b"a busy Monday").hexdigest(),
        "until": found.resets_at.isoformat(),
    }


@pytest.mark.parametrize("first", ["raised", "denied"])
def test_the_first_decision_stands(database: Database, first: Decision) -> None:
    """A second one changes nothing, leaves no record and is told that it came too late."""
    number = open_one(database)
    assert decide(database, number, decision=first, raised=250 if first == ReviewState.RAISED else 0)
    assert decide(database, number, by="U0PRIYA", raised=9_999) is None
    assert raised(database) == (250 if first == ReviewState.RAISED else 0)
    assert [(row.event, row.actor) for row in rows(database, AuditRow)] == [(f"budget.{first}", "U0LENA")]


def test_of_owners_who_decide_at_once_one_decides(database: Database) -> None:
    """Two buttons pressed in the same moment are one decision, whichever it is."""
    number = open_one(database)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: decide(database, number, by=f"U{n}", raised=n + 1), range(8)))
    [winner] = [review for review in won if review is not None]
    assert raised(database) == winner.raised_nusd
    assert [row.actor for row in rows(database, AuditRow)] == [winner.decided_by]


def test_nothing_is_decided_after_the_window(database: Database) -> None:
    """When the budget has started anew there is nothing to raise."""
    number = open_one(database, hours=-0.001)
    assert decide(database, number) is None
    assert raised(database) == 0
    assert rows(database, AuditRow) == []


def test_an_unknown_review_is_not_decided(database: Database) -> None:
    """A number that stands for nothing decides nothing."""
    assert decide(database, 4711) is None


def test_a_refused_decision_is_in_the_audit(database: Database) -> None:
    """Who wanted to decide and may not is written down, and the review stays open."""
    number = open_one(database)
    with database.write() as session:
        reviews.refuse(session, number, by="U0IVAN", why="not an owner")
    [record] = rows(database, AuditRow)
    assert (record.event, record.actor, record.record) == (
        "budget.refused",
        "U0IVAN",
        {"review": number, "why": "not an owner"},
    )
    assert decide(database, number)


def test_reviews_whose_window_is_over_are_ended_once(database: Database) -> None:
    """Open ones end with their window; decided ones and those of running windows are left alone."""
    over, running = open_one(database, hours=-1), open_one(database, "team:T1:2026-11-22")
    denied = open_one(database, "user:U1:2026-11-22")
    decide(database, denied, decision=ReviewState.DENIED, raised=0)
    with database.write() as session:
        assert [review.id for review in reviews.end_expired(session, now())] == [over]
    with database.write() as session:
        assert reviews.end_expired(session, now()) == []
    with database.read() as session:
        found = {number: reviews.find(session, number) for number in (over, running, denied)}
    assert {number: review.state for number, review in found.items() if review} == {
        over: "ended",
        running: "open",
        denied: "denied",
    }


def test_a_review_is_out_of_date_once(database: Database) -> None:
    """Its limit is in force no more: nobody decides it, and what was decided before stays."""
    number = open_one(database)
    with database.write() as session:
        found = reviews.outdate(session, number)
        assert found is not None
        assert found.state == "changed"
        assert reviews.outdate(session, number) is None
    assert decide(database, number) is None
    denied = open_one(database)
    decide(database, denied, decision=ReviewState.DENIED, raised=0)
    with database.write() as session:
        assert reviews.outdate(session, denied) is None


def test_owners_are_asked_once(database: Database) -> None:
    """The second to ask is told that they are asked."""
    number = open_one(database)
    with database.write() as session:
        assert [review.id for review in reviews.untold(session)] == [number]
        assert reviews.mark_told(session, number)
    with database.write() as session:
        assert not reviews.mark_told(session, number)
        assert reviews.untold(session) == []


def test_a_raise_is_owed_to_the_gate_until_it_is_told(database: Database) -> None:
    """Open and denied reviews are nothing to the gate; a raise is, until somebody notes that it is told, once."""
    number = open_one(database)
    decide(database, open_one(database, "team:T1:2026-11-22"), decision=ReviewState.DENIED, raised=0)
    with database.read() as session:
        assert reviews.unapplied(session) == []
    decide(database, number)
    before = now()
    with database.write() as session:
        assert [review.id for review in reviews.unapplied(session)] == [number]
        assert [review.id for review in reviews.in_effect(session, before)] == [number]
        assert reviews.mark_applied(session, number)
    with database.write() as session:
        assert not reviews.mark_applied(session, number)
        assert reviews.unapplied(session) == []
        assert [review.id for review in reviews.in_effect(session, before)] == [number]
        assert reviews.in_effect(session, now()) == []
    put(database, BudgetReview, number, resets_at=now())
    with database.read() as session:
        assert reviews.in_effect(session, before) == []


def test_nothing_can_be_due_unless_something_is_under_way(database: Database) -> None:
    """An open review, one whose owner was not asked, a raise that counts, or a soft cap of which nobody was told."""

    def under_way() -> bool:
        with database.read() as session:
            return reviews.any_under_way(session)

    assert not under_way()
    number = open_one(database)
    assert under_way()
    put(database, BudgetReview, number, state=ReviewState.DENIED)
    assert under_way()
    put(database, BudgetReview, number, told_at=now())
    assert not under_way()
    put(database, BudgetReview, number, state=ReviewState.OPEN)
    assert under_way()
    put(database, BudgetReview, number, state=ReviewState.RAISED, applied_at=now())
    assert under_way()
    put(database, BudgetReview, number, resets_at=now() - timedelta(seconds=1))
    assert not under_way()
    put(database, BudgetReview, number, applied_at=None)
    assert under_way()
    put(database, BudgetReview, number, state=ReviewState.ENDED)
    assert not under_way()
    soft = BudgetNotice(
        account="team:T1:2026-11-22",
        percent=80,
        scope="team",
        holder="T1",
        window_start=now(),
        resets_at=now() + timedelta(days=1),
        limit_nusd=100,
        spent_nusd=80,
    )
    with database.write() as session:
        session.add(soft)
    assert under_way()
    put(database, BudgetNotice, 1, told_at=now())
    assert not under_way()
