"""What is owed to people about budgets: `jobs.budgets`."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.budget.admission import Holds
from bot.errors import Transient
from bot.slack.money import budget_messages
from bot.store import members
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.money import soft_cap_alerts
from bot.store.schema import BudgetNotice, BudgetReview, Handoff, Message, Turn, now
from jobs import budgets, clock
from jobs.turn import run_turn
from tests.support.budget_rows import notice, opened_review, passed, person
from tests.support.factories import at_once, put, rows
from tests.support.product_harness import LOCKED, Place, furnished
from tests.support.product_steps import (
    decide_review,
    raises_below_cards,
    small_budgets,
    texts_told_directly,
    told_directly,
    whole_thread,
)
from tests.support.workspace_names import BOT

SAID = "% of what I may spend"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with small budgets."""
    return small_budgets(tmp_path / "config")


def test_a_soft_cap_is_told_to_the_requester_and_to_one_owner(place: Place) -> None:
    """Below the answer in which it was passed, and directly, the highest percentage alone; and never again."""
    first, second = place.asks("U0IVAN", LOCKED), place.asks("U0IVAN", f"<@{BOT}> When is the next payday?")
    assert whole_thread(place, "U0IVAN", first).count(SAID) == 1
    assert "2 % of what I may spend on your requests this week is used. It resets" in whole_thread(
        place, "U0IVAN", first
    )
    assert SAID not in whole_thread(place, "U0IVAN", second)
    assert SAID not in place.thread("U0IVAN", first)[0]  # nobody is notified of it, and transcripts do not repeat it
    for _ in range(2):
        budgets.look(place.ctx)
    [said] = texts_told_directly(place, "U0OLIVIA")
    assert said.startswith("*2 % of the weekly budget of <@U0IVAN> is used:* $0.00")
    assert "of $0.05. It resets" in said
    assert told_directly(place, "U0RUTH") == []
    assert [one.percent for one in place.front.rows(BudgetNotice) if one.told_at] == [1, 2]


def test_a_soft_cap_is_told_below_the_notice_of_a_handoff_too(place: Place) -> None:
    """A turn that ends with a person has no answer to tell it below."""
    ts = place.asks("U0IVAN", f"<@{BOT}> I lost my phone")
    assert place.last_handoff().reason == "out_of_policy"
    assert whole_thread(place, "U0IVAN", ts).count(SAID) == 1


def test_a_used_up_budget_is_told_without_a_soft_cap(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """That a part of it is used would gainsay the notice, which tells that all is."""
    monkeypatch.setattr(soft_cap_alerts, "of_turn", lambda *_: [notice()])
    ts = place.asks("U0MAYA", LOCKED)
    assert place.last_handoff().reason == "budget"
    assert SAID not in whole_thread(place, "U0MAYA", ts)


def test_a_soft_cap_that_nobody_saw_is_found(place: Place) -> None:
    """The process died between the settlement and the notice: a later look writes it down, and it is told."""
    place.asks("U0IVAN", LOCKED)
    with place.front.database.write() as session:
        for one in session.query(BudgetNotice):
            session.delete(one)
    place.ctx.meter.cap_events.seen.clear()
    budgets.look_again(place.ctx)
    budgets.look(place.ctx)
    assert [one.turn_id for one in place.front.rows(BudgetNotice)] == [None, None]
    assert [said[:35] for said in texts_told_directly(place, "U0OLIVIA")] == ["*2 % of the weekly budget of <@U0IV"]


def test_a_hard_cap_is_reviewed_once_and_at_once(place: Place) -> None:
    """The requester is handed over and told when, without amounts; every owner is asked with no clock's help."""
    ts = place.asks("U0MAYA", LOCKED)
    [said] = place.thread("U0MAYA", ts)
    assert "I can help again from" in said
    assert "$" not in whole_thread(place, "U0MAYA", ts)
    assert place.last_handoff().reason == "budget"
    place.front.work()
    for owner in ("U0OLIVIA", "U0RUTH"):
        [card] = [one for one in place.front.sees(owner)["messages"][f"D{owner[1:]}"] if one.get("bot_id")]
        assert "budget.raise" in json.dumps(card["blocks"])
        assert "<@U0MAYA> (ticket 1)" in json.dumps(card["blocks"])
    for _ in range(2):
        place.asks_anew("U0MAYA", LOCKED)
    place.front.work()
    assert len(place.front.rows(BudgetReview)) == 1
    assert [len(told_directly(place, owner)) for owner in ("U0OLIVIA", "U0RUTH")] == [1, 1]
    assert [handoff.reason for handoff in place.front.rows(Handoff)] == ["budget"] * 3


def test_after_a_raise_the_next_request_is_answered(place: Place) -> None:
    """Whoever has a ticket that it held up is told that the agent can go on; given back, it does."""
    for _ in range(2):
        place.asks_anew("U0MAYA", LOCKED)
    _, taken = place.front.rows(Handoff)
    with place.front.database.write() as session:
        handoffs.claim(session, taken.id, "U0PRIYA", lease_minutes=30)
    decide_review(place, "raised", 10**9)
    assert [said.startswith("<@U0PRIYA> <@U0OLIVIA> has raised") for said in raises_below_cards(place)] == [False, True]
    assert place.last_turn().outcome == "handoff"
    place.asks_anew("U0MAYA", f"<@{BOT}> When is the next payday?")
    assert place.last_turn().outcome == "reply"
    with place.front.database.write() as session:
        moved = handoffs.give_back(session, taken.id, "U0PRIYA", note="Go on.")
        assert isinstance(moved, Moved)
    run_turn(int(moved.turn_id or 0))
    assert (place.last_turn().outcome, place.writes()) == ("reply", [("acc-maya", "unlock")])
    budgets.look(place.ctx)
    assert (len(place.front.rows(BudgetReview)), len(raises_below_cards(place))) == (1, 2)


def test_after_a_denial_requests_go_to_people_and_nobody_is_asked_again(place: Place) -> None:
    """It stays as it is until the window ends."""
    place.asks("U0MAYA", LOCKED)
    decide_review(place, "denied")
    place.asks_anew("U0MAYA", LOCKED)
    place.front.work()
    assert [turn.reason for turn in place.front.rows(Turn)] == ["budget"] * 2
    assert len(place.front.rows(BudgetReview)) == 1
    assert "left it as it is" in texts_told_directly(place, "U0OLIVIA")[0]
    assert raises_below_cards(place) == []


def test_a_raise_that_is_used_up_too_is_reviewed_again(place: Place) -> None:
    """One more review for the higher limit, and another card."""
    place.asks("U0MAYA", LOCKED)
    decide_review(place, "raised", 1)
    place.asks_anew("U0MAYA", LOCKED)
    place.front.work()
    assert [(row.state, row.limit_nusd) for row in place.front.rows(BudgetReview)] == [
        ("raised", 5_000_000),
        ("open", 5_000_001),
    ]
    assert len(told_directly(place, "U0OLIVIA")) == 2


def test_a_raise_takes_effect_once_redis_is_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate could not be told: it is told by the next look, and until then nothing is lost."""

    def away(_gate: Holds, _key: str) -> None:
        raise Transient("redis: away")

    place.asks("U0MAYA", LOCKED)
    drop = Holds.drop
    monkeypatch.setattr(Holds, "drop", away)
    with pytest.raises(Transient):
        decide_review(place, "raised", 10**9)
    monkeypatch.setattr(Holds, "drop", drop)
    budgets.look(place.ctx)
    assert "unlocked your account" in place.thread("U0MAYA", place.asks_anew("U0MAYA", LOCKED))[-1]
    assert len(raises_below_cards(place)) == 1


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_window_that_ends_ends_its_review(place: Place, asked_before: bool) -> None:  # noqa: FBT001 - a row of a table
    """Nobody has decided: the card says so and asks nothing any more, whether or not it stood before."""
    review = opened_review(place.front.database)
    if asked_before:
        budgets.look(place.ctx)
        assert "budget.raise" in json.dumps(told_directly(place, "U0OLIVIA"))
    put(place.front.database, BudgetReview, review, resets_at=now())
    budgets.look(place.ctx)
    [card] = told_directly(place, "U0OLIVIA")
    assert "Nobody decided before it reset" in json.dumps(card["blocks"])
    assert "budget.raise" not in json.dumps(card["blocks"])
    assert place.front.rows(BudgetReview)[0].state == "ended"


def test_a_notice_that_comes_after_its_window_says_so(place: Place) -> None:
    """The clock was away for a day."""
    passed(place.front.database, resets_at=now() - timedelta(hours=3))
    budgets.look(place.ctx)
    assert "was used" in texts_told_directly(place, "U0OLIVIA")[0]


def test_another_owner_is_asked_when_the_named_one_has_left(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Or a budget whose owner is gone would be closed until its window ends; who is asked is asked once."""
    opened_review(place.front.database, **person("U0GRACE"), limit_nusd=5_000_000)
    budgets.look(place.ctx)
    budgets.look_again(place.ctx)
    assert [len(told_directly(place, user)) for user in ("U0BEN", "U0OLIVIA", "U0RUTH")] == [1, 0, 0]
    with place.front.database.write() as session:
        members.note_departure(session, "U0BEN")
    for _ in range(2):
        budgets.look_again(place.ctx)
    assert [len(told_directly(place, user)) for user in ("U0BEN", "U0OLIVIA", "U0RUTH")] == [1, 1, 1]
    assert [record.levelname for record in caplog.records if "budget.asked" in str(record.msg)] == ["INFO", "WARNING"]


def test_a_budget_that_is_broken_keeps_no_other_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in what is said of one is logged, and the others are told."""
    warn = budget_messages.warn

    def broken(session: Any, one: BudgetNotice, owner: str) -> None:
        if one.percent == 50:
            raise ZeroDivisionError
        warn(session, one, owner)

    monkeypatch.setattr(budget_messages, "warn", broken)
    passed(place.front.database, percent=50)
    passed(place.front.database, account="team:T1:now", scope="team", holder="T1")
    opened_review(place.front.database)
    budgets.look(place.ctx)
    assert [one.key.split(":")[0] for one in place.front.rows(Message)] == ["notice", "review", "review"]
    assert [one.told_at is None for one in place.front.rows(BudgetNotice)] == [True, False]


@pytest.fixture
def on_postgres(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[Place]:
    """Open the house on PostgreSQL, whose transactions do not queue."""
    with furnished(monkeypatch, database_url=postgres_url, redis_url=redis_url, config=config) as front_and_model:
        yield Place(*front_and_model, tmp_path / "none")


def test_of_several_clocks_one_tells(on_postgres: Place) -> None:
    """Four look at once: each owner gets one card, one of them one notice, and each review ends once."""
    database, ctx = on_postgres.front.database, on_postgres.ctx
    for number in range(5):
        passed(database, account=f"team:T{number}:now", scope="team", holder=f"T{number}")
        opened_review(database, account=f"user:U{number}:now", scope="user", holder=f"U{number}")
    over = opened_review(database, resets_at=now())
    at_once(4, lambda _: budgets.look(ctx))
    said = [one.key.split(":")[0] for one in rows(database, Message)]
    assert (said.count("notice"), said.count("review")) == (5, 12)
    assert {one.revision for one in rows(database, Message)} == {1}
    assert [one.state for one in rows(database, BudgetReview) if one.id == over] == ["ended"]


def test_the_clock_looks_often() -> None:
    """What a worker could not queue is told within seconds, and what nobody saw within half a minute."""
    assert clock.ROUNDS[budgets.look] <= 1
    assert clock.ROUNDS[budgets.look_again] <= 15
