"""Say what is owed, in Slack; `jobs.elsewhere` finds another place for what can never be said where it should be."""

from bot.slack.outbox import outbox
from jobs import elsewhere, process
from jobs.process import Process


def deliver(ticket_id: int) -> None:
    """Say everything that is owed in one ticket; with 0, anywhere."""
    house = process.current()
    _deliver(house, ticket_id or None)


def deliver_all(house: Process) -> int:
    """Say everything that is owed anywhere; return how many messages went out."""
    return _deliver(house, None)


def _deliver(house: Process, ticket_id: int | None) -> int:
    return outbox.deliver(
        house.database, house.slack, ticket_id=ticket_id, elsewhere=elsewhere.of(house), keep=house.leases.sending
    )
