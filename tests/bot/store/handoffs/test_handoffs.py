"""Tickets given to people: `bot.store.handoffs.handoffs`."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bot.escalation import EscalationAction
from bot.principals import Reason
from bot.store.db import Database
from bot.store.handoffs import handoff_history, handoffs, handoffs_due, moves, responses, shown
from bot.store.handoffs.handoff_history import ReplayedHandoff
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import (
    Handoff,
    HandoffContext,
    HandoffMove,
    HandoffState,
    InboxEvent,
    TurnOutcome,
    now,
)
from bot.store.tickets import rewriting, ticket_messages, tickets, turns
from tests.support import factories
from tests.support.factories import (
    FIRST,
    Clock,
    at_once,
    everything,
    finish,
    hand_off,
    handed_off,
    heard,
    new_turn,
    put,
    rows,
    running,
    ticket,
)
from tests.support.handoff_moves import HOLDER, MOVES, NEXT, OTHER, move, must_move, standing, trail

LEASE = timedelta(minutes=30)
HOLDERS = {(move, HOLDER) for move in ("renew", "spoke", "reassign", "unclaim", "leave", "give back", "resolve")}
ANYBODYS = {("warn", HOLDER), ("warn", OTHER)}

DRAWN: dict[str, set[tuple[str, str]]] = {
    "open": set(product(("claim", "escalate", "cancel"), (HOLDER, OTHER))),
    "claimed": HOLDERS | ANYBODYS,
    "overdue": HOLDERS | ANYBODYS | {("expire", HOLDER)},
    "resolved": set(),
    "returned": set(),
    "cancelled": set(),
}
"The drawing at the head of the module: what may be done, by whom, in which state."


def test_a_ticket_is_given_to_people_once(database: Database) -> None:
    """However many threads hand off, there is one open handoff, one move, one audit record."""
    new_turn(database)
    ticket_id = ticket(database).id
    opened = at_once(12, lambda _: hand_off(database, ticket_id).id)
    [handoff] = rows(database, Handoff)
    assert set(opened) == {handoff.id}
    assert (handoff.state, handoff.previous_id, ticket(database).state) == ("open", None, "handed_off")
    assert trail(database, handoff.id) == ([("opened", "agent:access@1")],) * 2


def test_the_table_refuses_a_second_open_handoff(database: Database) -> None:
    """Even a bug cannot open two."""
    handoff = handed_off(database)
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(
            Handoff(
                ticket_id=handoff.ticket_id, reason="error", summary="s", queue_channel="C0QUEUE", waiting_since=now()
            )
        )


@pytest.mark.parametrize("state", DRAWN)
def test_exactly_the_moves_that_are_drawn_are_made(database: Database, state: str) -> None:
    """From every state, by holder and by another; a refused move says how it stands and changes no row at all."""
    handoff = standing(database, state)
    before, possible = everything(database), set()
    for name, user in product(MOVES, (HOLDER, OTHER)):
        with database.write() as session:
            moved = MOVES[name](session, handoff, user)
            if isinstance(moved, Moved):
                possible.add((name, user))
                session.rollback()
                continue
        assert (moved, everything(database)) == (NotMoved(handoff.state, handoff.claimed_by), before), (name, user)
    assert everything(database) == before
    assert possible == DRAWN[state]


@pytest.mark.parametrize("name", MOVES)
def test_no_move_is_made_of_what_is_not_there(database: Database, name: str) -> None:
    """A handoff that does not exist stands nowhere and is nobody's; another one is not moved instead."""
    handed_off(database)
    unknown = Handoff(id=4711, openings=1, escalation_level=0)
    before = everything(database)
    with database.write() as session:
        assert MOVES[name](session, unknown, HOLDER) == NotMoved(None, None)
    assert everything(database) == before


@dataclass(frozen=True)
class Effect:
    """What a move changes, and nothing else; moments are given as time from now."""

    state: str
    handoff: dict[str, Any]
    name: str
    "Of the move in history and audit."
    actor: str = HOLDER
    ticket: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)


LET_GO = {
    "state": "open",
    "claimed_by": None,
    "claimed_at": None,
    "lease_until": None,
    "warned": False,
    "sent": False,
    "openings": 3,
    "open_since": timedelta(),
    "escalation_level": 0,
}
RENEWED = {"lease_until": LEASE, "warned": False}
OVER = {"lease_until": None, "closed_at": timedelta()}
RESOLUTION = {"done": "Unlocked it.", "category": "locked", "agent_could": True}

EFFECTS = {
    "claim": Effect(
        "open",
        {"state": "claimed", "claimed_by": HOLDER, "claimed_at": timedelta(), "lease_until": LEASE},
        "claimed",
        ticket={"assignee": HOLDER},
    ),
    "renew": Effect("claimed", RENEWED, "renewed"),
    "spoke": Effect("claimed", {**RENEWED, "first_response_at": timedelta()}, "renewed", detail={"to_requester": True}),
    "reassign": Effect(
        "claimed",
        {**RENEWED, "claimed_by": NEXT, "claimed_at": timedelta(), "sent": False},
        "reassigned",
        "U0OLIVIA",
        ticket={"assignee": NEXT},
        detail={"from": HOLDER, "to": NEXT},
    ),
    "unclaim": Effect("claimed", LET_GO, "unclaimed", ticket={"assignee": None}),
    "expire": Effect(
        "overdue",
        {**LET_GO, "expiries": 2},
        "expired",
        handoffs.CLOCK,
        ticket={"assignee": None},
        detail={"why": "lease", "holder": HOLDER},
    ),
    "leave": Effect(
        "claimed",
        {**LET_GO, "expiries": 2},
        "expired",
        handoffs.CLOCK,
        ticket={"assignee": None},
        detail={"why": "left", "holder": HOLDER},
    ),
    "escalate": Effect(
        "open", {"escalation_level": 3}, "escalated", handoffs.CLOCK, detail={"action": "mention", "level": 2}
    ),
    "give back": Effect(
        "claimed", {**OVER, "state": "returned"}, "returned", ticket={"state": "open", "assignee": None}
    ),
    "resolve": Effect(
        "claimed",
        {**OVER, "state": "resolved", "resolution": RESOLUTION},
        "resolved",
        ticket={"state": "resolved", "assignee": None, "resolved_at": timedelta(), "category": "locked"},
        detail={"category": "locked", "agent_could": True},
    ),
    "cancel": Effect(
        "open",
        {"state": "cancelled", "closed_at": timedelta()},
        "cancelled",
        "U0MAYA",
        ticket={"state": "resolved", "category": "withdrawn"},
    ),
}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is different in a row."""
    return {name: value for name, value in after.items() if before[name] != value}


@pytest.mark.parametrize("name", EFFECTS)
def test_what_a_move_changes(database: Database, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Just these fields of handoff and ticket, one row of history, one audit record; only giving back adds a turn."""
    clock, effect = Clock().rule(monkeypatch), EFFECTS[name]
    handoff = standing(database, effect.state)
    put(database, Handoff, handoff.id, openings=2, escalation_level=2, expiries=1)
    if effect.state != "open":
        put(database, Handoff, handoff.id, warned=True, sent=True)
    clock.passes(minutes=7)
    before, moved = everything(database), must_move(database, name)
    after = everything(database)

    def expected(fields: dict[str, Any]) -> dict[str, Any]:
        return {key: clock.at + value if isinstance(value, timedelta) else value for key, value in fields.items()}

    assert changes(before["handoffs"][0], after["handoffs"][0]) == expected(effect.handoff)
    assert changes(before["tickets"][0], after["tickets"][0]) == expected(effect.ticket)
    [row] = after["handoff_moves"][len(before["handoff_moves"]) :]
    assert row == {
        "id": moved.number,
        "handoff_id": handoff.id,
        "move": effect.name,
        "actor": effect.actor,
        "detail": effect.detail,
        "at": clock.at,
    }
    [record] = after["audit"][len(before["audit"]) :]
    told = {"event": f"handoff.{effect.name}", "actor": effect.actor, "ticket_id": handoff.ticket_id}
    assert {key: record[key] for key in told} == told
    assert record["record"] == {"handoff": handoff.id, **effect.detail}
    touched = {table for table in after if after[table] != before[table]}
    given_back = {"turns", "inbox_events"} if name == "give back" else set()
    assert touched == {"handoffs", "handoff_moves", "audit"} | ({"tickets"} if effect.ticket else set()) | given_back
    assert (moved.handoff.state, moved.ticket.assignee) == (
        after["handoffs"][0]["state"],
        after["tickets"][0]["assignee"],
    )


def test_a_history_comes_to_what_the_row_is(database: Database) -> None:
    """After every move of a long life, made by several people and the clock."""
    handoff = handed_off(database)
    moves = (
        *(("escalate", HOLDER), ("escalate", OTHER), ("claim", HOLDER), ("spoke", HOLDER), ("warn", HOLDER)),
        *(("reassign", HOLDER), ("renew", NEXT), ("unclaim", NEXT), ("escalate", HOLDER), ("claim", OTHER)),
        *(("leave", OTHER), ("claim", NEXT), ("give back", NEXT)),
    )
    for name, user in moves:
        row = must_move(database, name, user).handoff
        with database.read() as session:
            come_to = handoff_history.replay(handoff_history.of_handoff(session, handoff.id))
        assert come_to == ReplayedHandoff(
            row.state, row.claimed_by, row.expiries, row.openings, row.escalation_level
        ), name
    assert come_to == ReplayedHandoff(HandoffState.RETURNED, NEXT, expiries=1, openings=3, escalation_level=0)
    moves_of, records = trail(database, handoff.id)
    assert moves_of == records


def test_the_wait_is_counted_from_the_first_word_that_nothing_was_said_to(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply ends a wait, a responder's word in the thread too, and wanting nobody; nothing unsaid, no note."""
    clock = Clock().rule(monkeypatch)
    turn_id = new_turn(database)
    ticket_id = ticket(database).id

    def waits(handoff: Handoff) -> timedelta:
        return clock.at - handoff.waiting_since

    def asked(number: int) -> None:
        clock.passes(minutes=1)
        factories.accept(database, heard(number))

    clock.passes(minutes=5)
    attempt = running(database, turn_id)
    asked(2)
    factories.store(database, "r", kind="reply", ticket_id=ticket_id, state="withdrawn")
    factories.store(database, "n", kind="notice", ticket_id=ticket_id, state="posted")
    finish(database, attempt, TurnOutcome.HANDOFF)
    first = hand_off(database, ticket_id)
    assert (waits(first), first.open_since, first.opened_at) == (timedelta(minutes=6), clock.at, clock.at)

    must_move(database, "claim")
    clock.passes(minutes=1)
    with database.write() as session:
        responses.answered(session, tickets.lock(session, ticket_id), heard(3, user=HOLDER))
    must_move(database, "give back")
    assert waits(hand_off(database, ticket_id)) == timedelta()
    asked(4)
    asked(5)
    clock.passes(minutes=3)
    with database.write() as session:
        rewriting.rewrite(session, FIRST.channel, heard(4).ts, None)
        session.execute(update(Handoff).where(Handoff.id == 2).values(state="cancelled"))
    assert waits(hand_off(database, ticket_id)) == timedelta(minutes=3)
    factories.store(database, "h", kind="human_reply", ticket_id=ticket_id)
    put(database, Handoff, 3, state="cancelled")
    assert waits(hand_off(database, ticket_id)) == timedelta()
    for number, key in ((4, "cancelled:handoff:4"), (5, "stopped:turn:1")):
        asked(number + 2)
        clock.passes(minutes=1)
        factories.store(database, key, ticket_id=ticket_id)
        put(database, Handoff, number, state="cancelled")
        assert waits(hand_off(database, ticket_id)) == timedelta()
    asked(8)
    clock.passes(minutes=4)
    put(database, Handoff, 6, state="cancelled")
    assert waits(hand_off(database, ticket_id)) == timedelta(minutes=4)
    with database.write() as session:
        turns.stop(session, ticket_id)
    for name in ("claim", "give back"):
        assert isinstance(move(database, name, handoff_id=7), Moved)
    assert waits(hand_off(database, ticket_id)) == timedelta(minutes=4)


def test_a_lease_is_over_at_its_end_and_not_before(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of the holder in the last moment keeps it for another while."""
    clock = Clock().rule(monkeypatch)
    handed_off(database)
    must_move(database, "claim")
    clock.passes(minutes=29, seconds=59)
    assert move(database, "expire") == NotMoved(HandoffState.CLAIMED, HOLDER)
    must_move(database, "renew")
    clock.passes(minutes=29, seconds=59)
    assert move(database, "expire") == NotMoved(HandoffState.CLAIMED, HOLDER)
    clock.passes(seconds=1)
    must_move(database, "expire")
    assert isinstance(move(database, "claim", OTHER), Moved)


def test_a_holder_is_warned_once_for_each_lease(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again only after a renewal; a clock that looked before it finds nothing to warn of."""
    clock = Clock().rule(monkeypatch)
    handed_off(database)
    old = must_move(database, "claim").handoff
    assert must_move(database, "warn").handoff.lease_until == old.lease_until
    assert move(database, "warn") == NotMoved(HandoffState.CLAIMED, HOLDER)
    clock.passes(minutes=1)
    must_move(database, "renew")
    with database.write() as session:
        assert handoffs.warn(session, old.id, lease_until=clock.at) == NotMoved(HandoffState.CLAIMED, HOLDER)
    must_move(database, "warn")


def test_an_escalation_level_is_reached_once_for_each_opening(database: Database) -> None:
    """Neither again nor out of turn; after a claim that ended escalation begins anew, for who looks anew."""
    handoff = handed_off(database)

    def escalate(openings: int, level: int) -> bool:
        with database.write() as session:
            return isinstance(
                handoffs.escalate(session, handoff.id, openings=openings, level=level, action=EscalationAction.REMIND),
                Moved,
            )

    assert [escalate(1, 0), escalate(1, 0), escalate(1, 2), escalate(1, 1)] == [True, False, False, True]
    must_move(database, "claim")
    assert escalate(1, 2) is False
    must_move(database, "unclaim")
    assert [escalate(1, 0), escalate(1, 2), escalate(2, 0), escalate(2, 0)] == [False, False, True, False]


def test_the_first_human_word_is_kept(database: Database) -> None:
    """A later word renews the lease and does not move it, nor does another holder's."""
    handed_off(database)
    must_move(database, "claim")
    first = must_move(database, "spoke").handoff.first_response_at
    assert first is not None
    assert must_move(database, "spoke").handoff.first_response_at == first
    must_move(database, "reassign")
    assert must_move(database, "spoke", NEXT).handoff.first_response_at == first


def test_what_was_sent_is_of_one_claim(database: Database) -> None:
    """Whoever has it next is asked before their own first words go out."""
    handed_off(database)
    must_move(database, "claim")
    assert [must_move(database, name).handoff.sent for name in ("renew", "spoke", "renew")] == [False, True, True]
    assert must_move(database, "reassign").handoff.sent is False
    assert must_move(database, "spoke", NEXT).handoff.sent is True
    must_move(database, "unclaim", NEXT)
    assert must_move(database, "claim").handoff.sent is False


def test_giving_back_opens_a_turn_that_answers_the_note(database: Database) -> None:
    """The agent reads what the holder wrote to it, in a turn of its own."""
    handoff = handed_off(database)
    must_move(database, "claim")
    moved = must_move(database, "give back")
    attempt = running(database, int(moved.turn_id or 0))
    with database.read() as session:
        [note] = ticket_messages.messages_of(session, attempt.turn_id)
        assert responses.note(session, handoff.id) == "Look at the factors."
    assert (note.kind, note.user, note.text, note.ticket_id) == (
        *("note", HOLDER, "Look at the factors."),
        handoff.ticket_id,
    )


def test_the_next_handoff_names_the_one_before(database: Database) -> None:
    """A ticket that is given to people again has a new handoff, and the newest is its last."""
    first = standing(database, "resolved")
    with database.read() as session:
        assert handoffs.active(session, first.ticket_id) is None
    second = hand_off(database, first.ticket_id, reason=Reason.REOPENED)
    assert (second.id == first.id, second.previous_id, second.state) == (False, first.id, "open")
    with database.read() as session:
        active, last = handoffs.active(session, first.ticket_id), handoffs.last(session, first.ticket_id)
        found = handoffs.find(session, second.id)
        assert active is not None
        assert last is not None
        assert found is not None
        assert (active.id, last.id, found[1].id) == (second.id, second.id, first.ticket_id)
        assert handoffs.find(session, 4711) is None
    assert [row.handoff_id for row in rows(database, HandoffMove)] == [first.id] * 3 + [second.id]


def test_a_queue_that_was_gone_is_remembered(database: Database) -> None:
    """With all that the context held before."""
    handoff = handed_off(database)
    with database.write() as session:
        shown.fell_back(session, handoff.id)
    assert rows(database, Handoff)[0].context == HandoffContext(cost_nusd=7, fell_back=True)


def test_a_refusal_is_audited_and_changes_nothing(database: Database) -> None:
    """What was tried, by whom and why not is kept, also for a handoff that does not exist."""
    handoff = handed_off(database)
    before = everything(database)
    with database.write() as session:
        moves.refuse(session, handoff.id, "U0MAYA", move="claim", why="not a responder")
        moves.refuse(session, 4711, "U0MAYA", move="claim", why="not a responder")
    after = everything(database)
    [first, second] = after.pop("audit")[len(before.pop("audit")) :]
    assert after == before
    assert (first["event"], first["actor"], first["ticket_id"]) == ("handoff.refused", "U0MAYA", handoff.ticket_id)
    assert first["record"] == {"handoff": handoff.id, "move": "claim", "why": "not a responder"}
    assert (second["ticket_id"], second["record"]["handoff"]) == (None, 4711)


def test_words_while_people_have_a_ticket_are_no_turn(database: Database) -> None:
    """In every state of an active handoff they are the people's; after its end they are the agent's again."""
    for number, state in enumerate(("claim", "unclaim", "claim", "resolve"), 2):
        if number == 2:
            handed_off(database)
        must_move(database, state)
        accepted = factories.accept(database, heard(number))
        assert accepted is not None
        assert (accepted.handed_off, accepted.turn_id is None) == ((state != "resolve",) * 2)
    states = [one.state for one in rows(database, InboxEvent)]
    assert states == ["accepted", "relayed", "relayed", "relayed", "accepted"]


@pytest.mark.parametrize("name", ["claim", "renew", "spoke", "give back", "resolve"])
def test_nobody_has_or_decides_their_own_request(database: Database, name: str) -> None:
    """A responder who asked can neither take it nor, should they have it, do anything with it but let go."""
    handoff = handed_off(database)
    if name != "claim":
        put(database, Handoff, handoff.id, state="claimed", claimed_by="U0MAYA", claimed_at=now(), lease_until=now())
    before = everything(database)
    holder = None if name == "claim" else "U0MAYA"
    assert move(database, name, "U0MAYA") == NotMoved(
        HandoffState.CLAIMED if holder else HandoffState.OPEN, holder, own=True
    )
    assert everything(database) == before
    assert name == "claim" or isinstance(move(database, "unclaim", "U0MAYA"), Moved)


@pytest.mark.parametrize(("to", "by"), [("U0MAYA", "U0OLIVIA"), (NEXT, "U0MAYA")], ids=["to them", "by them"])
def test_a_request_is_not_reassigned_to_or_by_who_asked(database: Database, to: str, by: str) -> None:
    """Whatever an owner says, and though who asked is an owner."""
    handoff = standing(database, "claimed")
    with database.write() as session:
        moved = handoffs.reassign(session, handoff.id, holder=HOLDER, to=to, by=by, lease_minutes=30)
    assert moved == NotMoved(HandoffState.CLAIMED, HOLDER, own=True)


def test_those_of_direct_messages_that_people_have_are_known(database: Database) -> None:
    """Open or claimed, with the agent of their ticket; of a channel's, and of what has ended, none."""
    opened = []
    for number, private in ((1, True), (2, False), (3, True), (4, True)):
        new_turn(database, heard(number, thread_ts=None, private=private))
        opened.append(hand_off(database, number).id)
    must_move(database, "claim")
    put(database, Handoff, opened[3], state="resolved")
    with database.read() as session:
        assert sorted(handoffs_due.private(session)) == [(opened[0], "access"), (opened[2], "access")]
