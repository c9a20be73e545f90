"""Spending that is far from what it was in the four weeks before, and the pattern that made it so.

A ticket is held against all tickets of those weeks; a user and a tool against their own days (a user with too
few of them against the days of everybody); the agent as a whole by what a turn costs. A deviation is so many
times the median, above all but a twentieth of what was seen, and dearer by an amount that matters, so that
noise is none. What one deviation explains, no other repeats: tickets come first, then users, tools, the agent.
Invariant: without enough of a past there is no deviation. All amounts are nano-US-dollars.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from bot.budget.caps import Alerts, Budgets
from bot.budget.reports import patterns, periods
from bot.budget.reports.patterns import Pattern, UsualCost
from bot.store.db import Session
from bot.store.money import daily_costs
from bot.store.money.daily_costs import DayCost, DayQuestion, Per

WEEKS = timedelta(weeks=4)
LEAST_DAYS = 7
"Days with calls that a habit is told from."
LEAST_SEEN = 30
"Tickets, or days of anybody, that one is held against which has no days of its own."
LEAST_TURNS = 10
"Turns of one day whose mean says something about the agent."
FACTOR_OF_TURNS = 1.5
"What is made of many turns varies less than what one person does."
NAMED = 1.25
"A pattern is named when it alone makes spending so many times as high."
PATTERNS = 3
HALF = 0.5
LOOP_CALLS = 4
"Calls of one tool in one turn, at least twice as many as usual, that are a loop."


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Spending of one day that is far from what is usual."""

    per: Per
    name: str
    "A ticket's number, a user's id, a tool, an agent."
    since: datetime
    "Where the day begins (UTC)."
    work: DayCost
    usual: UsualCost
    extra_nusd: int
    "Above the median."
    patterns: tuple[Pattern, ...]
    "The strongest first; at least one."


def find(session: Session, budgets: Budgets, *, agent: str, at: datetime) -> tuple[Anomaly, ...]:
    """Return how the local day that holds a moment deviates, the dearest first; none when nobody wants alerts."""
    if budgets.alerts is None:
        return ()
    since, until = budgets.bounds("day", at)
    past = periods.days(budgets, budgets.bounds("day", since - WEEKS + timedelta(hours=12))[0], since)
    day = _Day(session, budgets.alerts, DayQuestion(agent, (since, until)), DayQuestion(agent, past))
    return tuple(sorted(day.deviations(), key=lambda one: -one.extra_nusd))


@dataclass(slots=True)
class _Day:
    """One day of an agent, held against the days before."""

    session: Session
    wanted: Alerts
    today: DayQuestion
    past: DayQuestion
    read: dict[Per, Mapping[str, Sequence[DayCost]]] = field(default_factory=dict)

    def deviations(self) -> Iterator[Anomaly]:
        """Look at tickets, users, tools and the agent, leaving out what is explained."""
        if not self._dear("agent") or len(self._own("agent", self.past.agent)) < LEAST_DAYS:
            return
        tickets = [one for one in self._tickets() if one is not None]
        yield from tickets
        self._leave_out(tickets=[one.name for one in tickets])
        users = [one for one in self._people() if one is not None]
        yield from users
        self._leave_out(users=[one.name for one in users])
        yield from (one for one in self._tools() if one is not None)
        yield from (one for one in [self._agent()] if one is not None)

    def _tickets(self) -> Iterator[Anomaly | None]:
        dear = self._dear("ticket")
        if not dear:
            return
        costs = daily_costs.ticket_costs(self.session, self.past)
        if len(costs) < LEAST_SEEN:
            return
        work = DayCost.total(self._own("agent", self.past.agent))
        usual = UsualCost(_median(costs), _high(costs), len(costs), "tickets", replace(work, tickets=len(costs)))
        for name, now in dear.items():
            yield self._judged("ticket", name, now, usual)

    def _people(self) -> Iterator[Anomaly | None]:
        dear = self._dear("user")
        days = [day for own in self._past("user").values() for day in own] if dear else []
        everybody = _usual(days, "days of everybody") if len(days) >= LEAST_SEEN else None
        for name, now in dear.items():
            own = self._own("user", name)
            usual = _usual(own, "own days") if len(own) >= LEAST_DAYS else everybody
            if usual is not None:
                yield self._judged("user", name, now, usual)

    def _tools(self) -> Iterator[Anomaly | None]:
        for name, now in self._dear("tool").items():
            own = self._own("tool", name)
            if len(own) >= LEAST_DAYS:
                yield self._judged("tool", name, now, _usual(own, "own days"))

    def _agent(self) -> Anomaly | None:
        [(name, now)] = self._dear("agent").items() or [("", DayCost())]
        if now.turns < LEAST_TURNS:
            return None
        own = self._own("agent", name)
        a_turn = sorted(one.cost_nusd // one.turns for one in own if one.turns)
        usual = UsualCost(_median(a_turn), _high(a_turn), len(own), "own days", DayCost.total(own))
        return self._judged("agent", name, now, usual)

    def _judged(self, per: Per, name: str, now: DayCost, usual: UsualCost) -> Anomaly | None:
        """Return the deviation that this is, or None."""
        units = now.turns if per == "agent" else 1
        factor = min(FACTOR_OF_TURNS, self.wanted.factor) if per == "agent" else self.wanted.factor
        extra = now.cost_nusd - usual.cost_nusd * units
        deviates = now.cost_nusd >= factor * usual.cost_nusd * units and now.cost_nusd > usual.high_nusd * units
        if not deviates or extra < max(1, self.wanted.least):
            return None
        return Anomaly(per, name, self.today.days[0], now, usual, extra, self._patterns(per, name, now, usual))

    def _patterns(self, per: Per, name: str, now: DayCost, usual: UsualCost) -> tuple[Pattern, ...]:
        found = [*patterns.measured(per, now, usual), *self._user_of(per, name, now, usual)]
        strong = sorted((one for one in found if one.times >= NAMED), key=lambda one: -one.times)[:PATTERNS]
        shown = strong or [max(found, key=lambda one: one.times)]
        return tuple(self._loop(per, name, one) if one.cause == "calls" else one for one in shown)

    def _loop(self, per: Per, name: str, more: Pattern) -> Pattern:
        """Name the tool that was called again and again in one turn, where that is behind more calls."""
        found = daily_costs.longest_loop(self.session, replace(self.today, only=(per, name)))
        if found is None or found.calls < LOOP_CALLS:
            return more
        before = DayCost.total(self._own("tool", found.tool))
        usual = before.calls / before.turns if before.turns else None
        if usual is not None and found.calls < 2 * usual:
            return more
        return Pattern("loop", more.times, found.calls, usual, name=found.tool, ticket=found.ticket)

    def _user_of(self, per: Per, name: str, now: DayCost, usual: UsualCost) -> Iterator[Pattern]:
        """Give the user who alone made at least half of what a tool or an agent cost, where that is news."""
        if per not in ("tool", "agent"):
            return
        costs = self._costs_by_user(replace(self.today, only=(per, name)))
        user = max(costs, key=lambda user: costs[user])
        before = self._costs_by_user(replace(self.past, only=(per, name)))
        share, was = costs[user] / now.cost_nusd, before.get(user, 0) / max(1, sum(before.values()))
        if share >= HALF > was:
            times = now.cost_nusd / max(1, now.cost_nusd - costs[user], usual.cost_nusd)
            yield Pattern("user", times, share, was, name=user)

    def _costs_by_user(self, asked: DayQuestion) -> dict[str, int]:
        found = daily_costs.by_day(self.session, "user", asked)
        return {user: sum(day.cost_nusd for day in days.values()) for user, days in found.items()}

    def _dear(self, per: Per) -> Mapping[str, DayCost]:
        """Return what has cost enough today to be worth a look."""
        found = daily_costs.by_day(self.session, per, self.today, least_nusd=max(1, self.wanted.least))
        return {name: days[0] for name, days in found.items()}

    def _own(self, per: Per, name: str) -> Sequence[DayCost]:
        """Return the days before on which something was done, of one name."""
        return self._past(per).get(name, ())

    def _past(self, per: Per) -> Mapping[str, Sequence[DayCost]]:
        """Return the days before by name, read once: most of what is dear today needs most of it."""
        if per not in self.read:
            found = daily_costs.by_day(self.session, per, self.past)
            self.read[per] = {name: tuple(days.values()) for name, days in found.items()}
        return self.read[per]

    def _leave_out(self, *, tickets: Sequence[str] = (), users: Sequence[str] = ()) -> None:
        others = self.today.without
        self.today = replace(self.today, without=((*others[0], *tickets), (*others[1], *users)))


def _usual(days: Sequence[DayCost], of: Literal["own days", "days of everybody"]) -> UsualCost:
    costs = sorted(day.cost_nusd for day in days)
    return UsualCost(_median(costs), _high(costs), len(costs), of, DayCost.total(days))


def _median(rising: Sequence[int]) -> int:
    return rising[(len(rising) - 1) // 2]


def _high(rising: Sequence[int]) -> int:
    """Return the smallest value with at least nineteen twentieths of them up to it."""
    return rising[-(-len(rising) * 19 // 20) - 1]
