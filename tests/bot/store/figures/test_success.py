"""The success criterion: `bot.store.figures.success`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.store.db import Database
from bot.store.figures import success
from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Cohort, Spread
from bot.store.money.ticket_costs import TicketCosts
from tests.support.request_histories import AGENTS, MEASURED, RATES, History, computed, random_history, with_rows

WEEK = Cohort(MEASURED - timedelta(days=7), MEASURED, MEASURED)
MINUTE, HOUR, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=1)
OPENED = MEASURED - timedelta(days=3)
DONE = OPENED + MINUTE
SOLVED, PEOPLE, CONTRADICTED, OPEN = (
    *(Requests(solved=1), Requests(to_people=1), Requests(contradicted=1), Requests(unconfirmed=1)),
)
NONE = Requests()


def measured(database: Database, history: History, cohort: Cohort = WEEK) -> Success:
    """Write a history down, and return the figures over all of it."""
    with database.write() as session:
        history.write(session)
    with database.read() as session:
        return success.total(session, cohort)


@pytest.mark.parametrize("seed", range(6))
def test_each_figure_is_that_of_the_slow_computation(database: Database, seed: int) -> None:
    """Over random histories: in total, of one agent, by day, by agent, and by both, on both databases."""
    with database.write() as session:
        random_history(seed).write(session)
    priced = replace(WEEK, rates=RATES)
    with database.read() as session:
        history = with_rows(session)
        whole, mine = success.total(session, priced), replace(priced, agent="access")
        assert whole == computed(history, priced)
        assert success.total(session, WEEK) == computed(history, WEEK)
        for some in (mine, replace(priced, among=("vpn", "access")), replace(mine, among=("vpn",))):
            assert success.total(session, some) == computed(history, some)
        days, agents = success.by_day(session, priced), success.by_agent(session, priced)
        cells = success.by_day_and_agent(session, priced)
        assert [one.agent for one in agents] == list(AGENTS)
        for parts in (days, agents, cells):
            assert list(parts) == sorted(parts, key=lambda one: (str(one.day), str(one.agent)))
            for one in parts:
                assert one == computed(history, priced, day=None if one.day is None else str(one.day), agent=one.agent)
            assert sum(one.settled.all + one.unsettled.all for one in parts) == whole.settled.all + whole.unsettled.all
            assert sum(one.costs.ai_nusd for one in parts) == whole.costs.ai_nusd
            assert sum(one.costs.priced_nusd for one in parts) == whole.costs.priced_nusd > 0
    assert 0 < whole.settled.solved < whole.settled.all
    assert min(whole.settled.contradicted, whole.unsettled.solved, whole.costs.claimed_seconds) > 0


def _solved(history: History) -> None:
    history.turn(history.ticket(OPENED, state="resolved", resolved_at=DONE))


def _contradicted(after: timedelta) -> Callable[[History], None]:
    def tell(history: History) -> None:
        history.ticket(OPENED, state="open", resolved_at=DONE, contradicted_at=DONE + after)

    return tell


def _resolved_again(history: History) -> None:
    history.ticket(OPENED, state="resolved", resolved_at=DONE + HOUR, contradicted_at=DONE + MINUTE)


def _by_person(history: History) -> None:
    ticket = history.ticket(OPENED, state="resolved", resolved_at=DONE)
    history.handoff(ticket, OPENED, [("claimed", OPENED), ("resolved", DONE)])


def _given_back(history: History) -> None:
    ticket = history.ticket(OPENED, state="resolved", resolved_at=DONE)
    history.handoff(ticket, OPENED, [("claimed", OPENED), ("returned", OPENED + SECOND)], state="returned")


def _answered_by_person(history: History) -> None:
    history.heard(history.ticket(OPENED, state="resolved", resolved_at=DONE), DONE + HOUR, "answer")


def _withdrawn(history: History) -> None:
    history.ticket(OPENED, state="resolved", category="withdrawn")


def _withdrawn_from_people(history: History) -> None:
    history.handoff(history.ticket(OPENED, state="resolved", category="withdrawn"), OPENED, state="cancelled")


def _refused(history: History) -> None:
    history.ticket(OPENED, state="resolved", category="refused")


def _refused_after(history: History) -> None:
    history.ticket(OPENED, state="resolved", category="locked", resolved_at=DONE)


def _only_thanked(history: History) -> None:
    ticket = history.ticket(OPENED, state="resolved", category="locked", resolved_at=DONE)
    history.turn(ticket, outcome="reply", category="locked", finished_at=DONE + HOUR)


def _unconfirmed(history: History) -> None:
    history.ticket(OPENED, state="open", category="locked")


def _no_help(user: str) -> Callable[[History], None]:
    def tell(history: History) -> None:
        turn = history.turn(history.ticket(OPENED, state="resolved", resolved_at=DONE))
        history.thumb(turn, DONE + HOUR, good=False, user=user)

    return tell


@pytest.mark.parametrize(
    ("tell", "settled"),
    [
        (_solved, SOLVED),
        (_contradicted(timedelta(hours=23, minutes=59)), CONTRADICTED),
        (_contradicted(timedelta(hours=24, minutes=1)), SOLVED),
        (_contradicted(timedelta(hours=24)), SOLVED),
        (_resolved_again, SOLVED),
        (_by_person, PEOPLE),
        (_given_back, PEOPLE),
        (_answered_by_person, PEOPLE),
        (_withdrawn, NONE),
        (_withdrawn_from_people, PEOPLE),
        (_refused, NONE),
        (_refused_after, SOLVED),
        (_only_thanked, SOLVED),
        (_unconfirmed, OPEN),
        (_no_help("U0MAYA"), CONTRADICTED),
        (_no_help("U0BEN"), SOLVED),
    ],
)
def test_each_end_of_a_request(database: Database, tell: Callable[[History], None], settled: Requests) -> None:
    """Each history of three days ago counts as what it came to, and is settled."""
    history = History()
    tell(history)
    seen = measured(database, history)
    assert (seen.settled, seen.unsettled) == (settled, NONE)
    assert seen.share == (settled.solved if settled.all else None)


@pytest.mark.parametrize(
    ("opened", "resolved", "settled"),
    [
        (timedelta(days=2), timedelta(hours=24), True),
        (timedelta(days=2), timedelta(hours=23, minutes=59), False),
        (timedelta(hours=24), None, True),
        (timedelta(hours=23, minutes=59), None, False),
    ],
)
def test_when_a_request_is_settled(
    database: Database, opened: timedelta, resolved: timedelta | None, *, settled: bool
) -> None:
    """It is settled 24 hours after it was opened and, when the agent resolved it, 24 hours after that; not earlier."""
    history = History()
    history.ticket(MEASURED - opened, state="open", resolved_at=None if resolved is None else MEASURED - resolved)
    seen = measured(database, history)
    assert (seen.settled.all, seen.unsettled.all) == ((1, 0) if settled else (0, 1))
    assert (seen.share is None) is (seen.interval is None) is not settled


def test_what_went_to_a_person_is_settled_at_the_same_pace(database: Database) -> None:
    """A handoff of an hour ago is in the share no earlier than what was solved at that time, but is shown so far."""
    history = History()
    history.handoff(history.ticket(MEASURED - HOUR, state="handed_off"), MEASURED - HOUR, state="open")
    seen = measured(database, history)
    assert (seen.settled, seen.unsettled, seen.share) == (NONE, PEOPLE, None)


def test_a_message_that_is_not_answered_yet_may_still_contradict(database: Database) -> None:
    """While the turn for it is under way, the request is not settled, even if the 24 hours are over."""
    history = History()
    history.turn(history.ticket(OPENED, state="open", resolved_at=DONE), state="running")
    seen = measured(database, history)
    assert (seen.settled, seen.unsettled) == (NONE, SOLVED)


def test_times_and_costs(database: Database) -> None:
    """The first posted answer counts, of whomever; a resolution counts whoever resolved; what is open has neither."""
    history = History()
    first = history.ticket(OPENED, state="resolved", resolved_at=OPENED + timedelta(seconds=90))
    for after, kind in ((20, "notice"), (60, "reply"), (200, "reply")):
        history.said(first, OPENED + timedelta(seconds=after), kind)
    second = history.ticket(OPENED, state="resolved", resolved_at=OPENED + HOUR, category="access")
    history.handoff(second, OPENED, [("claimed", OPENED), ("resolved", OPENED + timedelta(minutes=30))])
    history.said(second, None)
    history.heard(second, OPENED + timedelta(seconds=300), "answer")
    third = history.ticket(OPENED)
    for ticket, nusd, purpose in ((first, 10, "turn"), (second, 20, "turn"), (third, 400, "turn"), (third, 7, "eval")):
        history.call(ticket, nusd, purpose)
    seen = measured(database, history)
    assert (seen.to_answer, seen.to_resolution) == (Spread(2, 60, 300), Spread(2, 90, 3_600))
    assert seen.costs == TicketCosts(3, 430, 1_800.0, 0, 1)
    assert (seen.resolved.human_nusd, seen.resolved.per_ticket) == (None, None)
    with database.read() as session:
        seen = success.total(session, replace(WEEK, rates={"access": 4_000}))
    assert seen.resolved == TicketCosts(2, 30, 1_800.0, 2_000)
    assert (seen.resolved.human_nusd, seen.resolved.per_ticket) == (2_000, 1_015)
    assert TicketCosts(2, 30).per_ticket == 15
    assert TicketCosts().per_ticket is None


def test_of_nothing_nothing_is_known(database: Database) -> None:
    """Without a request there are counts of zero, and no share, bound, time or cost."""
    seen = measured(database, History())
    assert seen == Success()
    known = (seen.share, seen.interval, seen.to_answer.median, seen.to_resolution.p90, seen.resolved.per_ticket)
    assert known == (None,) * 5


def test_a_day_is_that_of_opening_in_utc(database: Database) -> None:
    """A request of a second before midnight that is resolved after it belongs to the day before."""
    history, midnight = History(), MEASURED.replace(hour=0) - timedelta(days=2)
    history.ticket(midnight - SECOND, state="resolved", resolved_at=midnight + HOUR)
    history.ticket(midnight, state="open")
    with database.write() as session:
        history.write(session)
    with database.read() as session:
        days = success.by_day(session, WEEK)
    assert [(one.day, one.settled) for one in days] == [(date(2026, 10, 25), SOLVED), (date(2026, 10, 26), OPEN)]
