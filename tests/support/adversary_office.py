"""An agent at work for an adversary: a database in memory for each case, real delegations, and no money."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

from bot.agent.model import CallModel
from bot.agent.runtime import AgentRuntime
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Usage
from bot.budget.reservation import Charge, Reservation
from bot.store.db import Session
from bot.store.installation import scratch_database
from bot.store.schema import now
from tests.support.agent_office import Office


class Unmetered(Meter):
    """Lets every call leave and writes down no money: that is not what is tried here."""

    def begin(self, charge: Charge, *, also: Callable[[Session], object] | None = None, **_more: object) -> Reservation:
        """Let it leave, once what belongs to it is written."""
        if also is not None:
            with self.database.write() as session:
                also(session)
        return Reservation("r", 0, (), now(), charge)

    def end(
        self,
        _reservation: Reservation,
        _usage: Usage,
        *,
        tool: str | None,
        also: Callable[[Session, int], object] | None = None,
    ) -> int:
        """Charge nothing."""
        if also is not None:
            with self.database.write() as session:
                also(session, 0)
        return 0

    def void(self, _reservation: Reservation) -> None:
        """Free nothing."""


def unmetered(office: Office, call_model: CallModel) -> AgentRuntime:
    """Put the office's agent to work for nothing."""
    runtime = office.runtime(call_model)
    return replace(runtime, meter=Unmetered(**{part.name: getattr(runtime.meter, part.name) for part in fields(Meter)}))


@contextmanager
def in_memory(office: Office) -> Iterator[Office]:
    """Move an office to an empty database in memory."""
    with scratch_database.database() as database:
        yield Office(database, office.redis_url, office.folder)
