"""What must hold once a trial is quiet, by the witness, the ledger and Redis."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.budget.admission import HOLDS, LEASES
from bot.budget.metering import Meter
from bot.budget.scripts import ACCOUNTS
from bot.store.money import reviews
from bot.store.schema import BudgetNotice, BudgetReview, LedgerRow


@dataclass
class BudgetBooks:
    """What left, and what the ledger says of it."""

    billed: Mapping[str, int]
    "By reservation: what the witness saw leave, in nano-USD."
    rows: Mapping[str, LedgerRow]
    raised: Mapping[str, int]
    "By account key."

    @property
    def true_spend(self) -> int:
        """Return what the vendor bills for everything, in nano-USD."""
        return sum(self.billed.values())

    @property
    def booked(self) -> int:
        """Return what the ledger says was spent, in nano-USD."""
        return sum(row.cost_nusd for row in self.rows.values())

    def by_account(self, costs: Mapping[str, int]) -> Counter[str]:
        """Return the sum of some calls' costs on each account that they were held on."""
        sums: Counter[str] = Counter()
        for rid, cost in costs.items():
            for account in self.rows[rid].accounts if rid in self.rows else ():
                sums[account.removeprefix(ACCOUNTS)] += cost
        return sums


@dataclass
class BudgetVerdict:
    """What a trial showed."""

    over_nusd: int = 0
    "The most that was spent beyond any limit in force."
    short_nusd: int = 0
    "What the ledger misses of what the vendor bills."
    differs: list[str] = field(default_factory=list)
    "Accounts of Redis that are not as the ledger says, and holds that nobody has any more."
    broken: list[str] = field(default_factory=list)
    "Everything else."
    unsent_nusd: int = 0
    "Charged although it never left: what a process that died in between had written down."

    @property
    def kept(self) -> bool:
        """Tell whether every law was kept."""
        return not (self.over_nusd or self.short_nusd or self.differs or self.broken)


def read(meter: Meter, team: str, folder: Path) -> BudgetBooks:
    """Read the witness, then the ledger: what left had its row before."""
    witness = folder / "witness"
    lines = witness.read_text().splitlines() if witness.exists() else []
    billed = {rid: int(cost) for rid, cost in (line.split() for line in lines)}
    with meter.database.read() as session:
        rows = {row.rid: row for row in session.scalars(select(LedgerRow).where(LedgerRow.team == team))}
        keys = {account.removeprefix(ACCOUNTS) for row in rows.values() for account in row.accounts}
        raised = {key: reviews.raised(session, key) for key in keys}
    return BudgetBooks(billed, rows, raised)


def overspent(meter: Meter, books: BudgetBooks) -> int:
    """Return the most that was spent beyond a limit in force, in nano-USD: by the vendor's bill, and by the ledger.

    The ledger counts what it has charged without knowing; of that only what did leave.
    """
    at = datetime.now(UTC)
    in_ledger = {rid: row.cost_nusd for rid, row in books.rows.items() if rid in books.billed or row.state == "settled"}
    over = 0
    for costs in (books.billed, in_ledger):
        for key, spent in books.by_account(costs).items():
            cap = meter.budgets.cap(key, at)
            if cap is not None:
                over = max(over, spent - cap.limit_nusd - books.raised[key])
    return over


def judge_budgets(meter: Meter, raw: Any, team: str, folder: Path) -> tuple[BudgetVerdict, BudgetBooks]:
    """Hold a trial that is quiet to the laws."""
    books, verdict = read(meter, team, folder), BudgetVerdict()
    broken = folder / "broken"
    verdict.broken += broken.read_text().splitlines() if broken.exists() else []
    verdict.over_nusd = overspent(meter, books)
    for rid, cost in books.billed.items():
        row = books.rows.get(rid)
        if row is None:
            verdict.broken.append(f"{rid} left without a row")
            verdict.short_nusd += cost
        else:
            verdict.short_nusd += max(0, cost - row.cost_nusd)
            if row.state == "settled" and row.cost_nusd != cost:
                verdict.broken.append(f"{rid} is settled at {row.cost_nusd}, billed {cost}")
    left_out = (row for rid, row in books.rows.items() if rid not in books.billed)
    verdict.unsent_nusd = sum(row.cost_nusd for row in left_out)
    verdict.broken += [f"{row.rid} is still open" for row in books.rows.values() if row.state == "sent"]
    verdict.differs += [f"hold {key} is left" for key in raw.keys(f"{HOLDS}*")]
    verdict.differs += [f"lease {rid} is left" for rid in raw.zrange(LEASES, 0, -1)]
    verdict.differs += _accounts(meter, raw)
    verdict.broken += _told(meter, books)
    return verdict, books


def _accounts(meter: Meter, raw: Any) -> list[str]:
    """Compare every open account with the ledger."""
    at, found = datetime.now(UTC), []
    for key in raw.keys(f"{ACCOUNTS}*"):
        account = raw.hgetall(key)
        cap = meter.budgets.cap(key.removeprefix(ACCOUNTS), at)
        if account.get("state") != "open" or cap is None:
            continue
        stands = meter.budget_state(cap)
        says = (int(account["spent"]), int(account["held"]), int(account["raised"]))
        if says != (stands.spent_nusd, 0, stands.raised_nusd):
            found.append(f"{key} has spent, held, raised {says}; the ledger says {stands}")
    return found


def _told(meter: Meter, books: BudgetBooks) -> list[str]:
    """See that every soft cap that was passed has its notice, and every limit one review at most."""
    spent = books.by_account({rid: row.cost_nusd for rid, row in books.rows.items()})
    with meter.database.read() as session:
        noticed = Counter((row.account, row.percent) for row in session.scalars(select(BudgetNotice)))
        asked = Counter((row.account, row.limit_nusd) for row in session.scalars(select(BudgetReview)))
    wrong = [f"{times} notices of {what}" for what, times in noticed.items() if times > 1]
    wrong += [f"{times} reviews of {what}" for what, times in asked.items() if times > 1]
    for key, total in spent.items():
        cap = meter.budgets.cap(key, datetime.now(UTC))
        passed = cap.passed(total, books.raised[key]) if cap else ()
        wrong += [f"{key} has passed {percent} % unseen" for percent in passed if not noticed[(key, percent)]]
    return wrong
