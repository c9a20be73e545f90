"""An anomaly of spending, as owners are told of it."""

from datetime import UTC, datetime

from bot.budget.reports.anomalies import Anomaly
from bot.budget.reports.patterns import Pattern, UsualCost
from bot.store.money.daily_costs import DayCost

CENT = 10**7
USUAL_COST = UsualCost(
    4 * CENT, 9 * CENT, 19, "own days", DayCost(cost_nusd=100 * CENT, calls=90, turns=40, tickets=30)
)
MORE_REQUESTS = Pattern("requests", 7.0, 14, 2.04)
COSTLY_PERSON = Anomaly(
    "user",
    "U0MAYA",
    datetime(2026, 11, 22, tzinfo=UTC),
    DayCost(cost_nusd=50 * CENT, turns=20),
    USUAL_COST,
    46 * CENT,
    (MORE_REQUESTS,),
)
