"""Anomalies: spending that is far above that of the four weeks before, and the patterns that caused it.

A ticket is compared with all tickets of those weeks; a user and a tool with their own days (a user with too few days
with the days of everybody); the agent as a whole by the cost of a turn. An anomaly is a multiple of the median, above
the 95th percentile, and above the usual by an amount that matters, so that noise raises no alert. What one anomaly
explains is not reported by another: tickets come first, then users, tools, the agent. Invariant: without enough days to
compare with there is no anomaly. All amounts are nano-US-dollars.
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
"Least number of days with calls for a comparison with own days."
LEAST_SEEN = 30
"Least number of tickets, or of days of everybody, to compare with."
LEAST_TURNS = 10
"Least number of turns of a day for a mean cost of a turn."
FACTOR_OF_TURNS = 1.5
"Factor for the mean of many turns, which varies less than the spending of one person."
NAMED = 1.25
"A pattern is named if it alone multiplies spending by at least this factor."
PATTERNS = 3
HALF = 0.5
LOOP_CALLS = 4
"This many calls of one tool in one turn, if at least twice as many as usual, are a loop."


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Unusual spending of one day."""

    per: Per
    name: str
    "The ticket's id, the user's id, the tool or the agent."
    since: datetime
    "Start of the day (UTC)."
    work: DayCost
    usual: UsualCost
    extra_nusd: int
    "The amount above the usual one."
    patterns: tuple[Pattern, ...]
    "The strongest first; at least one."


def find(session: Session, budgets: Budgets, *, agent: str, at: datetime) -> tuple[Anomaly, ...]:
    """Return the anomalies of the local day that contains a time, the most expensive first; none if alerts are off."""
    if budgets.alerts is None:
        return ()
    since, until = budgets.bounds("day", at)
    past = periods.days(budgets, budgets.bounds("day", since - WEEKS + timedelta(hours=12))[0], since)
    day = _Day(session, budgets.alerts, DayQuestion(agent, (since, until)), DayQuestion(agent, past))
    return tuple(sorted(day.anomalies(), key=lambda one: -one.extra_nusd))


@dataclass(slots=True)
class _Day:
    """One day of an agent, compared with the days before."""

    session: Session
    wanted: Alerts
    today: DayQuestion
    past: DayQuestion
    read: dict[Per, Mapping[str, Sequence[DayCost]]] = field(default_factory=dict)

    def anomalies(self) -> Iterator[Anomaly]:
        """Yield the anomalies of tickets, users, tools and the agent, each without what others explain."""
        if not self._costly("agent") or len(self._own("agent", self.past.agent)) < LEAST_DAYS:
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
        costly = self._costly("ticket")
        if not costly:
            return
        costs = daily_costs.ticket_costs(self.session, self.past)
        if len(costs) < LEAST_SEEN:
            return
        work = DayCost.total(self._own("agent", self.past.agent))
        usual = UsualCost(_median(costs), _high(costs), len(costs), "tickets", replace(work, tickets=len(costs)))
        for name, now in costly.items():
            yield self._judged("ticket", name, now, usual)

    def _people(self) -> Iterator[Anomaly | None]:
        costly = self._costly("user")
        days = [day for own in self._past("user").values() for day in own] if costly else []
        everybody = _usual(days, "days of everybody") if len(days) >= LEAST_SEEN else None
        for name, now in costly.items():
            own = self._own("user", name)
            usual = _usual(own, "own days") if len(own) >= LEAST_DAYS else everybody
            if usual is not None:
                yield self._judged("user", name, now, usual)

    def _tools(self) -> Iterator[Anomaly | None]:
        for name, now in self._costly("tool").items():
            own = self._own("tool", name)
            if len(own) >= LEAST_DAYS:
                yield self._judged("tool", name, now, _usual(own, "own days"))

    def _agent(self) -> Anomaly | None:
        [(name, now)] = self._costly("agent").items() or [("", DayCost())]
        if now.turns < LEAST_TURNS:
            return None
        own = self._own("agent", name)
        a_turn = sorted(one.cost_nusd // one.turns for one in own if one.turns)
        usual = UsualCost(_median(a_turn), _high(a_turn), len(own), "own days", DayCost.total(own))
        return self._judged("agent", name, now, usual)

    def _judged(self, per: Per, name: str, now: DayCost, usual: UsualCost) -> Anomaly | None:
        """Return the anomaly of a subject, or None."""
        units = now.turns if per == "agent" else 1
        factor = min(FACTOR_OF_TURNS, self.wanted.factor) if per == "agent" else self.wanted.factor
        extra = now.cost_nusd - usual.cost_nusd * units
        is_unusual = now.cost_nusd >= factor * usual.cost_nusd * units and now.cost_nusd > usual.high_nusd * units
        if not is_unusual or extra < max(1, self.wanted.least):
            return None
        return Anomaly(per, name, self.today.days[0], now, usual, extra, self._patterns(per, name, now, usual))

    def _patterns(self, per: Per, name: str, now: DayCost, usual: UsualCost) -> tuple[Pattern, ...]:
        found = [*patterns.measured(per, now, usual), *self._user_of(per, name, now, usual)]
        strong = sorted((one for one in found if one.times >= NAMED), key=lambda one: -one.times)[:PATTERNS]
        shown = strong or [max(found, key=lambda one: one.times)]
        return tuple(self._loop(per, name, one) if one.cause == "calls" else one for one in shown)

    def _loop(self, per: Per, name: str, more: Pattern) -> Pattern:
        """Return the pattern of a tool that was called many times in one turn, if that explains more calls."""
        found = daily_costs.longest_loop(self.session, replace(self.today, only=(per, name)))
        if found is None or found.calls < LOOP_CALLS:
            return more
        before = DayCost.total(self._own("tool", found.tool))
        usual = before.calls / before.turns if before.turns else None
        if usual is not None and found.calls < 2 * usual:
            return more
        return Pattern("loop", more.times, found.calls, usual, name=found.tool, ticket=found.ticket)

    def _user_of(self, per: Per, name: str, now: DayCost, usual: UsualCost) -> Iterator[Pattern]:
        """Yield the user who caused at least half of the cost of a tool or an agent, if that was not so before."""
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

    def _costly(self, per: Per) -> Mapping[str, DayCost]:
        """Return what has cost enough today to be compared."""
        found = daily_costs.by_day(self.session, per, self.today, least_nusd=max(1, self.wanted.least))
        return {name: days[0] for name, days in found.items()}

    def _own(self, per: Per, name: str) -> Sequence[DayCost]:
        """Return the earlier days with calls of one subject."""
        return self._past(per).get(name, ())

    def _past(self, per: Per) -> Mapping[str, Sequence[DayCost]]:
        """Return the earlier days of all subjects by name, read once."""
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
    """Return the 95th percentile by nearest rank."""
    return rising[-(-len(rising) * 19 // 20) - 1]
