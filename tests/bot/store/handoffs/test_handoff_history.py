"""The moves of a handoff, and what they come to: `bot.store.handoffs.handoff_history`."""

from typing import Any

import pytest

from bot.store.db import Database
from bot.store.handoffs import handoff_history
from bot.store.handoffs.handoff_history import ReplayedHandoff
from bot.store.schema import HandoffMove, HandoffState, MoveKind
from tests.support.factories import handed_off


def moves(*made: MoveKind | tuple[MoveKind, dict[str, Any]]) -> list[HandoffMove]:
    """Return rows of history, all made by Priya."""
    named = [(one, {}) if isinstance(one, MoveKind) else one for one in made]
    return [HandoffMove(handoff_id=1, move=move, actor="U0PRIYA", detail=detail) for move, detail in named]


def test_a_history_is_read_in_order(database: Database) -> None:
    """Of one handoff alone; one that is unknown has none."""
    handoff = handed_off(database)
    with database.write() as session:
        session.add(HandoffMove(handoff_id=handoff.id, move=MoveKind.RENEWED, actor="U0PRIYA"))
        session.add(HandoffMove(handoff_id=handoff.id, move=MoveKind.CLAIMED, actor="U0PRIYA"))
    with database.read() as session:
        made = [one.move for one in handoff_history.of_handoff(session, handoff.id)]
        assert made == [MoveKind.OPENED, MoveKind.RENEWED, MoveKind.CLAIMED]
        assert list(handoff_history.of_handoff(session, 4711)) == []


def test_every_opening_begins_escalation_anew() -> None:
    """Expiries and openings are counted, escalation levels only since the last opening."""
    escalated = (MoveKind.ESCALATED, {"action": "remind", "level": 0})
    life: list[MoveKind | tuple[MoveKind, dict[str, Any]]] = [
        MoveKind.OPENED,
        escalated,
        escalated,
        MoveKind.CLAIMED,
        MoveKind.UNCLAIMED,
        escalated,
        MoveKind.CLAIMED,
        MoveKind.EXPIRED,
    ]
    assert handoff_history.replay(moves(*life)) == ReplayedHandoff(
        HandoffState.OPEN, None, expiries=1, openings=3, escalation_level=0
    )
    assert handoff_history.replay(moves(*life[:6])) == ReplayedHandoff(
        HandoffState.OPEN, None, openings=2, escalation_level=1
    )


def test_an_ended_handoff_says_who_had_it() -> None:
    """The last holder, after a change of hands; nobody when nobody had it."""
    handed = (MoveKind.REASSIGNED, {"from": "U0PRIYA", "to": "U0BEN"})
    for end in (MoveKind.RESOLVED, MoveKind.RETURNED):
        assert handoff_history.replay(
            moves(MoveKind.OPENED, MoveKind.CLAIMED, handed, MoveKind.RENEWED, MoveKind.WARNED, end)
        ) == ReplayedHandoff(HandoffState(end), "U0BEN")
    assert handoff_history.replay(moves(MoveKind.OPENED, MoveKind.CANCELLED)) == ReplayedHandoff(
        HandoffState.CANCELLED, None
    )


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ((), "no history"),
        ((MoveKind.CLAIMED,), "a history that begins with claimed"),
        ((MoveKind.OPENED, MoveKind.OPENED), "opened twice"),
    ],
)
def test_what_is_no_history_is_refused(made: tuple[MoveKind, ...], why: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(ValueError, match=why):
        handoff_history.replay(moves(*made))
