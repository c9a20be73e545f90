"""The moves of a handoff, and what they come to: `bot.store.handoffs.handoff_history`."""

from typing import Any

import pytest

from bot.store.db import Database
from bot.store.handoffs import handoff_history
from bot.store.handoffs.handoff_history import ReplayedHandoff
from bot.store.schema import HandoffMove
from tests.support.factories import handed_off


def moves(*made: str | tuple[str, dict[str, Any]]) -> list[HandoffMove]:
    """Return rows of history, all made by Priya."""
    named = [(one, {}) if isinstance(one, str) else one for one in made]
    return [HandoffMove(handoff_id=1, move=move, actor="U0PRIYA", detail=detail) for move, detail in named]


def test_a_history_is_read_in_order(database: Database) -> None:
    """Of one handoff alone; one that is unknown has none."""
    handoff = handed_off(database)
    with database.write() as session:
        session.add_all([HandoffMove(handoff_id=handoff.id, move=move, actor="U0PRIYA") for move in ("b", "a")])
    with database.read() as session:
        assert [one.move for one in handoff_history.of_handoff(session, handoff.id)] == ["opened", "b", "a"]
        assert list(handoff_history.of_handoff(session, 4711)) == []


def test_every_opening_begins_the_ladder_anew() -> None:
    """Lapses and openings are counted, steps only since the last opening."""
    climbed = ("climbed", {"step": "remind", "rung": 0})
    life: list[str | tuple[str, dict[str, Any]]] = [
        "opened",
        climbed,
        climbed,
        "claimed",
        "released",
        climbed,
        "claimed",
        "lapsed",
    ]
    assert handoff_history.replay(moves(*life)) == ReplayedHandoff("open", None, lapses=1, openings=3, rung=0)
    assert handoff_history.replay(moves(*life[:6])) == ReplayedHandoff("open", None, openings=2, rung=1)


def test_an_ended_handoff_says_who_had_it() -> None:
    """The last holder, after a change of hands; nobody when nobody had it."""
    handed = ("reassigned", {"from": "U0PRIYA", "to": "U0BEN"})
    for end in ("resolved", "returned"):
        assert handoff_history.replay(moves("opened", "claimed", handed, "renewed", "warned", end)) == ReplayedHandoff(
            end, "U0BEN"
        )
    assert handoff_history.replay(moves("opened", "cancelled")) == ReplayedHandoff("cancelled", None)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ((), "no history"),
        (("claimed",), "a history that begins with claimed"),
        (("opened", "opened"), "no such move: opened"),
        (("opened", "stolen"), "no such move: stolen"),
    ],
)
def test_what_is_no_history_is_refused(made: tuple[str, ...], why: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(ValueError, match=why):
        handoff_history.replay(moves(*made))
