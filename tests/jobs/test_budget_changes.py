"""What becomes of reviews and notices while the file changes, people leave and things fail: `jobs.budgets`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import budget_owners
from bot.errors import Transient
from bot.slack.api import client
from bot.slack.money import budget_cards, budget_messages
from bot.store import members
from bot.store.money import reviews
from bot.store.schema import BudgetNotice, BudgetReview, Handoff, Message, ReviewState
from jobs import budgets
from jobs.budgets import see_to
from tests.support.budget_rows import opened_review, passed, person
from tests.support.factories import put
from tests.support.product_harness import LOCKED, Place
from tests.support.product_steps import (
    decide_review,
    raises_below_cards,
    small_budgets,
    texts_told_directly,
    told_directly,
)

pytestmark = pytest.mark.usefixtures("budget_file_read_at_once")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with small budgets."""
    return small_budgets(tmp_path / "config")


@pytest.fixture
def change(config: Path) -> Callable[..., None]:
    """Return what changes the budget file."""
    caps = config / "budgets.yaml"

    def changed(user: str = "U0MAYA", *, time_zone: str = "UTC", **limit: Any) -> None:
        content = yaml.safe_load(caps.read_text())
        content["user"]["named"][user] |= limit
        caps.write_text(yaml.safe_dump({**content, "time_zone": time_zone}))

    return changed


def stands(place: Place) -> list[tuple[str, int]]:
    """Return state and limit of every review."""
    return [(row.state, row.limit_nusd) for row in place.front.rows(BudgetReview)]


def raise_unseen(place: Place) -> None:
    """Raise the newest review, of which no clock has heard."""
    review = place.front.rows(BudgetReview)[-1]
    with place.front.database.write() as session:
        assert reviews.decide(
            session, review.id, by="U0OLIVIA", decision=ReviewState.RAISED, why="x", raised_nusd=10**9
        )


def test_a_raise_that_took_effect_first_is_told_all_the_same(place: Place) -> None:
    """Another look has let the gate know, or telling has failed before: responders are told, once."""
    place.asks("U0MAYA", LOCKED)
    raise_unseen(place)
    place.ctx.meter.cap_events.apply_raises()
    assert raises_below_cards(place) == []
    for _ in range(2):
        budgets.look(place.ctx)
    assert len(raises_below_cards(place)) == 1


def test_a_ticket_that_comes_late_is_told_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its call was refused before the raise, and it went to people after everybody was told."""
    place.asks("U0MAYA", LOCKED)
    permalink, left = client.permalink, [True]

    def slow(*given: Any) -> Any:
        if left and left.pop():
            raise_unseen(place)
            budgets.look(place.ctx)
        return permalink(*given)

    monkeypatch.setattr(client, "permalink", slow)
    place.asks_anew("U0MAYA", LOCKED)
    budgets.look(place.ctx)
    assert (left, len(place.front.rows(Handoff)), len(raises_below_cards(place))) == ([], 2, 2)


def test_whoever_waits_for_the_next_raise_is_not_told_of_the_last(place: Place) -> None:
    """What was added is too little for either: the agent cannot go on with what came before it, or after it."""
    place.asks("U0MAYA", LOCKED)
    decide_review(place, "raised", 1)
    place.asks_anew("U0MAYA", LOCKED)
    budgets.look(place.ctx)
    assert stands(place) == [("raised", 5_000_000), ("open", 5_000_001)]
    assert raises_below_cards(place) == []


@pytest.mark.parametrize(("hard", "told"), [("3", 1), ("0.004", 0)])
def test_a_question_about_another_limit_is_taken_back(
    place: Place, change: Callable[..., None], hard: str, told: int
) -> None:
    """The file was changed: nobody adds to a number that is not in force, and whoever waits learns of more room."""
    place.asks("U0MAYA", LOCKED)
    budgets.look(place.ctx)
    change(hard=hard)
    for _ in range(2):
        budgets.look_again(place.ctx)
    assert stands(place) == [("changed", 5_000_000)]
    [card] = told_directly(place, "U0OLIVIA")
    assert budget_cards.CHANGED in card["text"]
    assert "budget.raise" not in json.dumps(card["blocks"])
    said = raises_below_cards(place)
    assert len(said) == told
    assert all("was changed, so the agent can work on this again" in text for text in said)


def test_a_limit_that_comes_back_is_asked_about_again(place: Place, change: Callable[..., None]) -> None:
    """Raised by as much as the file takes away, it is the number that was decided: nobody is shut out by that."""
    place.asks("U0MAYA", LOCKED)
    decide_review(place, "raised", 1_000_000)
    change(hard="0.004")
    place.asks_anew("U0MAYA", LOCKED)
    assert stands(place) == [("raised", 5_000_000), ("open", 5_000_000)]


def test_a_question_about_other_days_is_taken_back(place: Place, change: Callable[..., None]) -> None:
    """The time zone was changed: the day of this name has other bounds now, or is none of today's."""
    opened_review(place.front.database, **person("U0MAYA"), limit_nusd=5_000_000)
    budgets.look(place.ctx)
    budgets.look_again(place.ctx)
    assert stands(place) == [("open", 5_000_000)]
    change(time_zone="Asia/Kathmandu")
    budgets.look_again(place.ctx)
    assert stands(place) == [("changed", 5_000_000)]


def test_a_notice_that_reaches_nobody_goes_to_the_next(place: Place) -> None:
    """Who is named cannot be written to: the agent's owners are told one after the other, until one can be."""
    passed(place.front.database, **person("U0GRACE"))
    budgets.look(place.ctx)
    said = []
    for _ in range(4):
        last = place.front.rows(Message)[-1]
        said.append((last.key, last.channel))
        put(place.front.database, Message, last.id, state="failed")
        for _ in range(2):
            budgets.look_again(place.ctx)
    keys = [f"notice:budget:1:{owner}" for owner in ("U0BEN", "U0OLIVIA", "U0RUTH", "U0RUTH")]
    assert [key for key, _ in said] == keys
    assert [channel for _, channel in said] == [key.rpartition(":")[2] for key in keys]
    assert len(place.front.rows(Message)) == 3


def test_a_review_that_is_broken_keeps_nobody_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in one is logged: the next in line is asked about the others, and soft caps are looked for."""
    place.asks("U0IVAN", LOCKED)
    broken = opened_review(place.front.database)
    opened_review(place.front.database, **person("U0GRACE"), limit_nusd=5_000_000)
    budgets.look(place.ctx)
    with place.front.database.write() as session:
        members.note_departure(session, "U0BEN")
        session.query(BudgetNotice).delete()
    place.ctx.meter.cap_events.seen.clear()
    deciding = budget_owners.deciders

    def breaks(session: Any, review: BudgetReview, *given: Any) -> tuple[str, ...]:
        if review.id == broken:
            raise ZeroDivisionError
        return deciding(session, review, *given)

    monkeypatch.setattr(budget_owners, "deciders", breaks)
    budgets.look_again(place.ctx)
    assert "review:2:U0OLIVIA" in {one.key for one in place.front.rows(Message)}
    assert [one.percent for one in place.front.rows(BudgetNotice)] == [1, 2]


def test_what_is_owed_is_said_though_redis_is_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate cannot be told of a raise: the owner sees all the same what came of it."""

    def away(*_: object) -> None:
        raise Transient("redis: away")

    opened_review(place.front.database)
    budgets.look(place.ctx)
    [card] = texts_told_directly(place, "U0OLIVIA")
    raise_unseen(place)
    with place.front.database.write() as session:
        budget_messages.show(session, session.get_one(BudgetReview, 1))
    monkeypatch.setattr(type(place.ctx.meter.cap_events), "apply_raises", away)
    with pytest.raises(Transient):
        see_to(0)
    [shown] = place.front.sees("U0OLIVIA")["messages"]["D0OLIVIA"]
    assert "raised it by" in shown["text"]
    assert shown["text"] != card
