"""What the clock looks at: `bot.store.handoffs.handoffs_due`."""

import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.escalation import EscalationAction
from bot.store import db, members
from bot.store.db import Database, Session
from bot.store.handoffs import handoffs, handoffs_due
from bot.store.handoffs.handoffs_due import Claim, OpenHandoff
from bot.store.schema import ExpiryCause, Handoff, Ticket, now
from tests.support.factories import FIRST, Clock, hand_off, new_turn, plans, put, rows


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that stands still."""
    return Clock().rule(monkeypatch)


SERVING = {"access": ("U0PRIYA", "U0BEN")}


def handed_off(database: Database, count: int, clock: Clock) -> list[int]:
    """Open so many handoffs, a minute apart, and return their ids."""
    opened = []
    for number in range(1, count + 1):
        clock.passes(minutes=1)
        new_turn(database, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"))
        opened.append(hand_off(database, rows(database, Ticket)[-1].id).id)
    return opened


def claim(database: Database, handoff_id: int, *, lease_minutes: float = 30, user: str = "U0PRIYA") -> None:
    """Claim a handoff."""
    with database.write() as session:
        handoffs.claim(session, handoff_id, user, lease_minutes=lease_minutes)


def escalate(database: Database, handoff_id: int, *, openings: int, steps: str) -> None:
    """Take escalation levels, from the first."""
    with database.write() as session:
        for level, step in enumerate(steps.split()):
            handoffs.escalate(session, handoff_id, openings=openings, level=level, action=EscalationAction(step))


def test_what_nobody_has_is_told_from_what_somebody_has(database: Database, clock: Clock) -> None:
    """The longest open comes first; what has ended is neither."""
    first, second, third, ended = handed_off(database, 4, clock)
    claim(database, second)
    with database.write() as session:
        handoffs.cancel(session, ended, by="U0MAYA")
    put(database, Handoff, first, open_since=clock.at)
    with database.read() as session:
        assert [one.id for one in handoffs_due.open_below_level(session, 1)] == [third, first]
        assert handoffs_due.open_below_level(session, 1)[1] == OpenHandoff(first, "access", 1, clock.at, ())
        assert handoffs_due.holders(session) == ["U0PRIYA"]


def test_the_steps_of_this_opening_are_told(database: Database, clock: Clock) -> None:
    """Not those of one before it, nor another handoff's; one that is at its last level is left out."""
    first, second = handed_off(database, 2, clock)
    escalate(database, first, openings=1, steps="remind mention tell")
    escalate(database, second, openings=1, steps="tell")
    with database.read() as session:
        assert [(one.id, one.taken) for one in handoffs_due.open_below_level(session, 3)] == [(second, ("tell",))]
    claim(database, first)
    clock.passes(minutes=1)
    with database.write() as session:
        handoffs.unclaim(session, first, "U0PRIYA")
    with database.read() as session:
        assert [one.taken for one in handoffs_due.open_below_level(session, 3)] == [("tell",), ()]
    escalate(database, first, openings=2, steps="mention remind")
    with database.read() as session:
        told = [(one.openings, one.taken) for one in handoffs_due.open_below_level(session, 3)]
    assert told == [(1, ("tell",)), (2, ("mention", "remind"))]


def test_a_claim_ends_soon_or_is_over(database: Database, clock: Clock) -> None:
    """Soon: up to the very moment that was asked for, if its holder does not know; over: known or not."""
    far, late, soon, over, warned, over_and_warned, _free = handed_off(database, 7, clock)
    lives = ((far, 5.1), (late, 5.0), (soon, 0.1), (over, 0.0), (warned, 1.0), (over_and_warned, 0.0))
    for handoff_id, minutes in lives:
        claim(database, handoff_id, lease_minutes=minutes)
    for handoff_id in (warned, over_and_warned):
        put(database, Handoff, handoff_id, warned=True)
    with database.read() as session:
        ending = handoffs_due.ending(session, before=clock.at + timedelta(minutes=5), serving=SERVING)
    assert [one.id for one in ending] == [over, over_and_warned, soon, late]
    assert ending[0] == Claim(over, "access", "U0PRIYA", clock.at, ExpiryCause.LEASE)
    clock.passes(minutes=2)
    with database.read() as session:
        ending = handoffs_due.ending(session, before=clock.at, serving=SERVING)
    assert [one.id for one in ending] == [over, over_and_warned, soon, warned]


def test_the_claim_of_who_has_left_is_over(database: Database, clock: Clock) -> None:
    """However long it would last; each holder is told once, and no one else."""
    first, second, third = handed_off(database, 3, clock)
    for handoff_id, user in ((first, "U0PRIYA"), (second, "U0BEN"), (third, "U0BEN")):
        claim(database, handoff_id, user=user)
    with database.write() as session:
        for user in ("U0BEN", "U0CHEN"):
            members.note_departure(session, user)
    with database.read() as session:
        assert [(one.id, one.why) for one in handoffs_due.ending(session, before=clock.at, serving=SERVING)] == [
            (second, "left"),
            (third, "left"),
        ]
        assert handoffs_due.holders(session) == ["U0BEN", "U0PRIYA"]
    with database.write() as session:
        handoffs.expire(session, second, holder="U0BEN", why=ExpiryCause.LEFT)
        handoffs.resolve(session, third, "U0BEN", done="d", category="other", agent_could=False)
    with database.read() as session:
        assert handoffs_due.ending(session, before=clock.at, serving=SERVING) == []
        assert handoffs_due.holders(session) == ["U0PRIYA"]


def test_the_claim_of_who_may_act_no_more_is_over(database: Database, clock: Clock) -> None:
    """Taken off the card, or the agent gone without an heir; whoever has left besides has left."""
    first, second, third = handed_off(database, 3, clock)
    for handoff_id, user in ((first, "U0PRIYA"), (second, "U0BEN"), (third, "U0CHEN")):
        claim(database, handoff_id, user=user)
    with database.write() as session:
        members.note_departure(session, "U0CHEN")
    for serving, over in (
        ({"access": ("U0PRIYA",)}, [(second, "off_card"), (third, "left")]),
        ({"access": ("U0PRIYA", "U0BEN", "U0CHEN")}, [(third, "left")]),
        ({"vpn": ("U0PRIYA", "U0BEN")}, [(first, "off_card"), (second, "off_card"), (third, "left")]),
        ({}, [(first, "off_card"), (second, "off_card"), (third, "left")]),
    ):
        with database.read() as session:
            ending = handoffs_due.ending(session, before=clock.at, serving=serving)
        assert sorted((one.id, one.why) for one in ending) == over


def test_what_has_ended_is_not_read(sqlite_url: str) -> None:
    """SQLite plans by the words of a question: each goes by the index of what is active."""

    def look(session: Session) -> None:
        handoffs_due.open_below_level(session, 3)
        handoffs_due.ending(session, before=now(), serving=SERVING)
        handoffs_due.holders(session)
        handoffs_due.private(session)
        handoffs_due.stranded(session, SERVING)
        handoffs.active(session, 1)

    with closing(db.connect(sqlite_url)) as database:
        new_turn(database, FIRST)
        escalate(database, hand_off(database, 1).id, openings=1, steps="remind")  # without it no steps are read
        found = plans(database, look)
    assert len(found) == 7
    for plan in found.values():
        assert "uq_handoffs_active" in plan, plan
        assert not [scan for scan in re.findall("SCAN .*", plan) if "uq_handoffs_active" not in scan], plan
