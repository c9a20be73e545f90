"""Say what is owed, in Slack; and where a message can never be said, say it where it can."""

from typing import Any

from bot.slack import outbox
from bot.store import handoffs
from bot.store.messages import Errand
from jobs import process
from jobs.process import Process


def deliver(ticket_id: int) -> None:
    """Say everything that is owed in one ticket; with 0, anywhere."""
    house = process.current()
    outbox.deliver(house.database, house.slack, ticket_id=ticket_id or None, elsewhere=_to_owner(house))


def deliver_all(house: Process) -> int:
    """Say everything that is owed anywhere; return how many messages went out."""
    return outbox.deliver(house.database, house.slack, elsewhere=_to_owner(house))


def _to_owner(house: Process) -> outbox.Elsewhere:
    """A card that its queue channel cannot take goes to the agent's first owner, and says so."""

    def elsewhere(errand: Errand, code: str) -> tuple[str, dict[str, Any]] | None:
        if errand.kind != "card":
            return None
        owners = {agent.card.handoff.queue_channel: agent.card.owners[0] for agent in house.agents.values()}
        owner = owners.get(errand.channel)
        if owner is None:
            return None
        if errand.handoff_id is not None:
            with house.database.write() as session:
                handoffs.fell_back(session, errand.handoff_id)
        note = f":warning: I could not post this in <#{errand.channel}> ({code}), so it comes to you."
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": note}}, *errand.body.get("blocks", [])]
        return owner, {**errand.body, "text": f"{note}\n{errand.body['text']}", "blocks": blocks}

    return elsewhere
