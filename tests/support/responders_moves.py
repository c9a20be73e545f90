"""What a responder does with a handoff, as the listeners do it: the move, and all that is said of it."""

from collections.abc import Callable

from bot.slack.handoffs import handoff_messages
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from tests.support.web_harness import TEAM, FrontDoor

PRIYA = "U0PRIYA"

Move = Callable[[Session, int], None]


def claim(session: Session, handoff: int) -> None:
    """Let Priya claim it."""
    moved = handoffs.claim(session, handoff, PRIYA, lease_minutes=30)
    assert isinstance(moved, Moved), moved
    handoff_messages.claimed(session, moved, PRIYA)


def release(session: Session, handoff: int) -> None:
    """Let Priya let go of it."""
    moved = handoffs.release(session, handoff, PRIYA)
    assert isinstance(moved, Moved), moved
    handoff_messages.released(session, moved, PRIYA, call=("U0BEN",))


def give_back(session: Session, handoff: int) -> None:
    """Let Priya give it back to the agent."""
    moved = handoffs.give_back(session, handoff, PRIYA, note="please go on")
    assert isinstance(moved, Moved), moved
    handoff_messages.returned(session, moved, PRIYA, note="please go on")


def resolve(session: Session, handoff: int) -> None:
    """Let Priya resolve it."""
    moved = handoffs.resolve(session, handoff, PRIYA, done="Rang.", category="other", agent_could=False)
    assert isinstance(moved, Moved), moved
    handoff_messages.resolved(session, moved, PRIYA)


def cancel(session: Session, handoff: int) -> None:
    """Let its requester take it back."""
    found = handoffs.find(session, handoff)
    assert found is not None
    moved = handoffs.cancel(session, handoff, by=found[1].requester)
    assert isinstance(moved, Moved), moved
    handoff_messages.cancelled(session, moved)


def press_at_home(front: FrontDoor, user: str, action: str, handoff: int) -> None:
    """Press a button in App Home, which does not wait for the card; what it owes is queued."""
    person = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0"}
    pressed = {"action_id": f"handoff.{action}", "type": "button", "block_id": "b", "value": str(handoff)}
    where = {"container": {"type": "view", "view_id": "V0"}, "trigger_id": f"{handoff}.{action}.{user}"}
    assert front.payload({**person, **where, "type": "block_actions", "actions": [pressed]})[0] == 200
