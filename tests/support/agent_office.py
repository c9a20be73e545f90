"""An agent at work: a real database, a real meter on a real Redis, and a model that a test writes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.agent import attempt as agent_attempt
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.loop import Outcome
from bot.agent.model import CallModel
from bot.agent.release import fingerprint
from bot.agent.runtime import AgentRuntime
from bot.budget.caps import Budgets
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.directory.local import AccountSeed, LocalDirectory
from bot.principals import Reason, Subject
from bot.store import db
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.schema import HandoffContext, LedgerRow, TurnOutcome
from bot.store.tickets import tickets, turns
from bot.store.tickets.tickets import Attachment, Heard
from bot.store.tickets.turns import Attempt
from tests.support.delegations import issuer
from tests.support.paths import CONFIG

_MODEL = "stand-in-1"
_numbers = count(1)


def play_attempt(runtime: AgentRuntime, attempt: Attempt, subject: Subject) -> Outcome:
    """Play an attempt of somebody who is still the same when an account is about to be changed."""
    return agent_attempt.play(runtime, attempt, subject, rebind=lambda: subject)


@dataclass
class Office:
    """Desks on one database, and people who write to them."""

    database: Database
    redis_url: str
    folder: Path
    meters: list[Meter] = field(default_factory=list)
    agent: Agent = field(default_factory=lambda: card.load(CONFIG / "agents/access"))

    def runtime(self, call_model: CallModel, *, hard: str = "500.00", **changes: Any) -> AgentRuntime:
        """Put the agent to work with a model and a daily cap in US dollars on each channel."""
        (self.folder / "budgets.yaml").write_text(
            f'{{time_zone: UTC, channel: {{default: {{window: day, hard: "{hard}"}}}}}}'
        )
        budgets, prices = Budgets.load(self.folder / "budgets.yaml"), Prices.load(CONFIG / "pricing.yaml")
        self.meters.append(Meter.connect(self.redis_url, self.database, lambda: budgets, prices))
        runtime = AgentRuntime(
            agent=self.agent,
            release=fingerprint(self.agent, model=_MODEL, endpoint="http://stand-in"),
            model=_MODEL,
            database=self.database,
            directory=LocalDirectory(self.database),
            call_model=call_model,
            meter=self.meters[-1],
            issuer=issuer(),
            sleep=lambda _seconds: None,
        )
        return replace(runtime, **changes)

    def account(self, name: str, status: str = "locked", **more: Any) -> Subject:
        """Seed an account, locked for a reason that the agent may lift unless told otherwise; return its owner."""
        email = more.pop("email", f"{name}@x.example")
        reason = "too many failed sign-ins" if status == "locked" else None
        given = {"id": f"acc-{name}", "email": email, "name": name, "status": status, "lock_reason": reason, **more}
        with self.database.write() as session:
            accounts.seed(session, [AccountSeed.model_validate(given)])
        return Subject("T1", f"U0{name.upper()}", (f"acc-{name}",))

    def asks(
        self, text: str = "I am locked out", *, user: str = "U0KIM", thread: str | None = None, file: str | None = None
    ) -> int | None:
        """Let somebody write, and return the turn that it opened or joined."""
        number = next(_numbers)
        ts = f"{number}.000000"
        files = () if file is None else (Attachment(file, "https://files.example/1"),)
        heard = Heard(f"Ev{number}", "T1", "C0HELP", ts, thread, user, text, files, private=False)
        with self.database.write() as session:
            accepted = tickets.accept(session, heard, agent="access")
        assert accepted is not None
        return accepted.turn_id

    def is_given_back(self, attempt: Attempt, reason: Reason, note: str) -> int | None:
        """Let a turn end in a handoff, a colleague claim it and give it back; return the turn that goes on."""
        with self.database.write() as session:
            turns.finish(session, attempt, outcome=TurnOutcome.HANDOFF, reason=reason, category=None, release="r")
            handoff = handoffs.open_for(
                session,
                attempt.ticket.id,
                turn_id=attempt.turn_id,
                reason=reason,
                summary="Over to you.",
                context=HandoffContext(),
                queue_channel="C0QUEUE",
                actor="agent:access",
            )
            handoffs.claim(session, handoff.id, "U0PRIYA", lease_minutes=30)
            moved = handoffs.give_back(session, handoff.id, "U0PRIYA", note=note)
        assert isinstance(moved, Moved)
        return moved.turn_id

    def begin(self, turn_id: int | None, *, lease: float = 60.0) -> Attempt:
        """Take a turn for an attempt."""
        assert turn_id is not None
        with self.database.write() as session:
            attempt = turns.begin(session, turn_id, worker="w1", lease=lease)
        assert attempt is not None
        return attempt


def ledger_of(office: Office) -> list[LedgerRow]:
    """Return the row of every model call, oldest first."""
    with office.database.read() as session:
        return list(session.scalars(select(LedgerRow).order_by(LedgerRow.at)))


MakeOffice = Callable[[Database], Office]


@pytest.fixture
def office_on(redis_url: str, tmp_path: Path) -> Iterator[MakeOffice]:
    """Return a function that opens an office on a database."""
    opened: list[Office] = []

    def on(database: Database) -> Office:
        opened.append(Office(database, redis_url, tmp_path))
        return opened[-1]

    yield on
    for office in opened:
        for meter in office.meters:
            meter.close()


@pytest.fixture
def office(sqlite_url: str, office_on: MakeOffice) -> Iterator[Office]:
    """Return an office on SQLite."""
    database = db.connect(sqlite_url)
    yield office_on(database)
    database.close()
