"""Tickets given to people: `bot.store.handoffs`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from threading import Event
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bot.principals import Reason
from bot.store import audit, handoffs, history, responses, tickets, turns
from bot.store.db import Database, Session
from bot.store.handoffs import Moved, NotMoved
from bot.store.history import Standing
from bot.store.schema import Handoff, HandoffMove, InboxEvent, Ticket, now
from tests.bot.store import scenes
from tests.bot.store.scenes import (
    FIRST,
    Clock,
    at_once,
    everything,
    finish,
    hand_off,
    handed_off,
    heard,
    in_rounds,
    new_turn,
    put,
    rows,
    running,
    ticket,
)

HOLDER, OTHER, NEXT = "U0PRIYA", "U0BEN", "U0CHEN"
LEASE = timedelta(minutes=30)

Move = Callable[[Session, Handoff, str], Moved | NotMoved]

MOVES: dict[str, Move] = {
    "claim": lambda session, row, user: handoffs.claim(session, row.id, user, lease_minutes=30),
    "renew": lambda session, row, user: handoffs.renew(session, row.id, user, lease_minutes=30),
    "spoke": lambda session, row, user: handoffs.spoke(session, row.id, user, lease_minutes=30),
    "reassign": lambda session, row, user: handoffs.reassign(
        session, row.id, holder=user, to=NEXT, by="U0OLIVIA", lease_minutes=30
    ),
    "release": lambda session, row, user: handoffs.release(session, row.id, user),
    "lapse": lambda session, row, user: handoffs.lapse(session, row.id, holder=user),
    "leave": lambda session, row, user: handoffs.lapse(session, row.id, holder=user, why="left"),
    "warn": lambda session, row, _: handoffs.warn(session, row.id, lease_until=row.lease_until or now()),
    "climb": lambda session, row, _: handoffs.climb(
        session, row.id, openings=row.openings, rung=row.rung, step="mention"
    ),
    "give back": lambda session, row, user: handoffs.give_back(session, row.id, user, note="Look at the factors."),
    "resolve": lambda session, row, user: handoffs.resolve(
        session, row.id, user, done="Unlocked it.", category="locked", agent_could=True
    ),
    "cancel": lambda session, row, _: handoffs.cancel(session, row.id, by="U0MAYA"),
}
"Every move, as somebody who takes themselves for the holder would make it."

HOLDERS = {(move, HOLDER) for move in ("renew", "spoke", "reassign", "release", "leave", "give back", "resolve")}
ANYBODYS = {("warn", HOLDER), ("warn", OTHER)}

DRAWN: dict[str, set[tuple[str, str]]] = {
    "open": set(product(("claim", "climb", "cancel"), (HOLDER, OTHER))),
    "claimed": HOLDERS | ANYBODYS,
    "overdue": HOLDERS | ANYBODYS | {("lapse", HOLDER)},
    "resolved": set(),
    "returned": set(),
    "cancelled": set(),
}
"The drawing at the head of the module: what may be done, by whom, in which state."


def move(database: Database, name: str, user: str = HOLDER, *, handoff_id: int = 1) -> Moved | NotMoved:
    """Try a move on a handoff as it stands."""
    with database.read() as session:
        row = session.get_one(Handoff, handoff_id)
    with database.write() as session:
        return MOVES[name](session, row, user)


def made(database: Database, name: str, user: str = HOLDER) -> Moved:
    """Make a move that is allowed."""
    moved = move(database, name, user)
    assert isinstance(moved, Moved)
    return moved


def standing(database: Database, state: str) -> Handoff:
    """Return a handoff in a state, which nobody or `HOLDER` has."""
    handoff = handed_off(database)
    if state not in ("open", "cancelled"):
        made(database, "claim")
    if state == "overdue":
        put(database, Handoff, handoff.id, lease_until=now() - timedelta(seconds=1))
    ends = {"resolved": "resolve", "returned": "give back", "cancelled": "cancel"}
    if state in ends:
        made(database, ends[state])
    return rows(database, Handoff)[0]


def trail(database: Database, handoff_id: int) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Return moves and audit records as (move, actor)."""
    with database.read() as session:
        moves = [(row.move, row.actor) for row in history.of_handoff(session, handoff_id)]
        ticket_id = session.get_one(Handoff, handoff_id).ticket_id
        records = audit.of_ticket(session, ticket_id)
    return moves, [(row.event.removeprefix("handoff."), row.actor) for row in records]


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
    unknown = Handoff(id=4711, openings=1, rung=0)
    before = everything(database)
    with database.write() as session:
        assert MOVES[name](session, unknown, HOLDER) == NotMoved("unknown", None)
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
    "rung": 0,
}
RENEWED = {"lease_until": LEASE, "warned": False}
OVER = {"lease_until": None, "closed_at": timedelta()}
RESOLUTION = {"done": "Unlocked it.", "category": "locked", "agent_could": True}

EFFECTS = {
    "claim": Effect(
        "open",
        {"state": "claimed", "claimed_by": HOLDER, "claimed_at": timedelta(), "lease_until": LEASE},
        "claimed",
        ticket={"owner": HOLDER},
    ),
    "renew": Effect("claimed", RENEWED, "renewed"),
    "spoke": Effect("claimed", {**RENEWED, "first_word_at": timedelta()}, "renewed", detail={"to_requester": True}),
    "reassign": Effect(
        "claimed",
        {**RENEWED, "claimed_by": NEXT, "claimed_at": timedelta(), "sent": False},
        "reassigned",
        "U0OLIVIA",
        ticket={"owner": NEXT},
        detail={"from": HOLDER, "to": NEXT},
    ),
    "release": Effect("claimed", LET_GO, "released", ticket={"owner": None}),
    "lapse": Effect(
        "overdue",
        {**LET_GO, "lapses": 2},
        "lapsed",
        handoffs.CLOCK,
        ticket={"owner": None},
        detail={"why": "lease", "holder": HOLDER},
    ),
    "leave": Effect(
        "claimed",
        {**LET_GO, "lapses": 2},
        "lapsed",
        handoffs.CLOCK,
        ticket={"owner": None},
        detail={"why": "left", "holder": HOLDER},
    ),
    "climb": Effect("open", {"rung": 3}, "climbed", handoffs.CLOCK, detail={"step": "mention", "rung": 2}),
    "give back": Effect("claimed", {**OVER, "state": "returned"}, "returned", ticket={"state": "open", "owner": None}),
    "resolve": Effect(
        "claimed",
        {**OVER, "state": "resolved", "resolution": RESOLUTION},
        "resolved",
        ticket={"state": "resolved", "owner": None, "resolved_at": timedelta(), "category": "locked"},
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
    put(database, Handoff, handoff.id, openings=2, rung=2, lapses=1)
    if effect.state != "open":
        put(database, Handoff, handoff.id, warned=True, sent=True)
    clock.passes(minutes=7)
    before, moved = everything(database), made(database, name)
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
    assert (moved.handoff.state, moved.ticket.owner) == (after["handoffs"][0]["state"], after["tickets"][0]["owner"])


def test_a_history_comes_to_what_the_row_is(database: Database) -> None:
    """After every move of a long life, made by several people and the clock."""
    handoff = handed_off(database)
    moves = (
        *(("climb", HOLDER), ("climb", OTHER), ("claim", HOLDER), ("spoke", HOLDER), ("warn", HOLDER)),
        *(("reassign", HOLDER), ("renew", NEXT), ("release", NEXT), ("climb", HOLDER), ("claim", OTHER)),
        *(("leave", OTHER), ("claim", NEXT), ("give back", NEXT)),
    )
    for name, user in moves:
        row = made(database, name, user).handoff
        with database.read() as session:
            come_to = history.replay(history.of_handoff(session, handoff.id))
        assert come_to == Standing(row.state, row.claimed_by, row.lapses, row.openings, row.rung), name
    assert come_to == Standing("returned", NEXT, lapses=1, openings=3, rung=0)
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
        scenes.accept(database, heard(number))

    clock.passes(minutes=5)
    attempt = running(database, turn_id)
    asked(2)
    scenes.store(database, "r", kind="reply", ticket_id=ticket_id, state="withdrawn")
    scenes.store(database, "n", kind="notice", ticket_id=ticket_id, state="posted")
    finish(database, attempt, "handoff")
    first = hand_off(database, ticket_id)
    assert (waits(first), first.open_since, first.opened_at) == (timedelta(minutes=6), clock.at, clock.at)

    made(database, "claim")
    clock.passes(minutes=1)
    with database.write() as session:
        responses.answered(session, tickets.lock(session, ticket_id), heard(3, user=HOLDER))
    made(database, "give back")
    assert waits(hand_off(database, ticket_id)) == timedelta()
    asked(4)
    asked(5)
    clock.passes(minutes=3)
    with database.write() as session:
        tickets.rewrite(session, FIRST.channel, heard(4).ts, None)
        session.execute(update(Handoff).where(Handoff.id == 2).values(state="cancelled"))
    assert waits(hand_off(database, ticket_id)) == timedelta(minutes=3)
    scenes.store(database, "h", kind="human_reply", ticket_id=ticket_id)
    put(database, Handoff, 3, state="cancelled")
    assert waits(hand_off(database, ticket_id)) == timedelta()
    for number, key in ((4, "cancelled:handoff:4"), (5, "stopped:turn:1")):
        asked(number + 2)
        clock.passes(minutes=1)
        scenes.store(database, key, ticket_id=ticket_id)
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


def test_of_fifty_claims_one_wins(postgres: Database) -> None:
    """In 200 rounds of 50 threads exactly one has it, 49 are told who, and the trail shows one claim."""
    with postgres.write() as session:
        opened = [_opened(session, number) for number in range(200)]
    users = [f"U{number}" for number in range(50)]

    def race(number: int, handoff_id: int) -> Moved | NotMoved:
        with postgres.write() as session:
            return handoffs.claim(session, handoff_id, users[number], lease_minutes=30)

    rounds = in_rounds(50, opened, race)
    for results in rounds:
        [(winner, moved)] = [
            (user, result) for user, result in zip(users, results, strict=True) if isinstance(result, Moved)
        ]
        assert (moved.handoff.claimed_by, moved.ticket.owner, moved.handoff.state) == (winner, winner, "claimed")
        assert [result for result in results if result is not moved] == [NotMoved("claimed", winner)] * 49
    stored = everything(postgres)
    winners = [(row["claimed_by"], "claimed", {"handoff": row["id"]}) for row in stored["handoffs"]]
    claims = [row for row in stored["audit"] if row["event"] == "handoff.claimed"]
    assert sorted(winners, key=str) == sorted(((row["actor"], "claimed", row["record"]) for row in claims), key=str)
    assert len(stored["handoff_moves"]) == 400
    assert [row["owner"] for row in stored["tickets"]] == [row["claimed_by"] for row in stored["handoffs"]]


def _opened(session: Session, number: int) -> int:
    """Open the handoff of a ticket of its own."""
    accepted = tickets.accept(session, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"), agent="access")
    assert accepted is not None
    return handoffs.open_for(
        session,
        accepted.ticket_id,
        turn_id=None,
        reason=Reason.REQUESTED,
        summary="Maya asks for a person.",
        context={},
        queue_channel="C0QUEUE",
        actor="agent:access@1",
    ).id


RACES = {
    "warn": ("claimed", "warned"),
    "climb": ("open", "climbed"),
    "lapse": ("overdue", "lapsed"),
    "leave": ("claimed", "lapsed"),
    "release": ("claimed", "released"),
    "reassign": ("claimed", "reassigned"),
    "give back": ("claimed", "returned"),
    "resolve": ("claimed", "resolved"),
    "cancel": ("open", "cancelled"),
}


@pytest.mark.parametrize("name", RACES)
def test_of_twenty_who_make_a_move_one_makes_it(postgres: Database, name: str) -> None:
    """Two clocks, a double click: nineteen find it made, and there is one row of history."""
    state, made_move = RACES[name]
    handoff = standing(postgres, state)

    def race(_: int) -> Moved | NotMoved:
        with postgres.write() as session:
            return MOVES[name](session, handoff, HOLDER)

    results = at_once(20, race)
    assert len([one for one in results if isinstance(one, Moved)]) == 1
    assert [one.move for one in rows(postgres, HandoffMove)].count(made_move) == 1


def test_a_claim_against_the_end_of_a_claim_and_a_cancellation(postgres: Database) -> None:
    """In 30 rounds claim, cancellation, lapse and a ladder at once leave ticket, row and history of one mind."""
    with postgres.write() as session:
        opened = [_opened(session, number) for number in range(30)]

    def race(number: int, handoff_id: int) -> Moved | NotMoved:
        with postgres.write() as session:
            row = Handoff(id=handoff_id, openings=1, rung=0)
            return MOVES[("claim", "cancel", "leave", "climb", "resolve", "release")[number]](session, row, HOLDER)

    in_rounds(6, opened, race)
    with postgres.read() as session:
        for handoff_id in opened:
            row, of = session.get_one(Handoff, handoff_id), history.of_handoff(session, handoff_id)
            owner = session.get_one(Ticket, row.ticket_id).owner
            assert history.replay(of) == Standing(row.state, row.claimed_by, row.lapses, row.openings, row.rung)
            assert owner == (row.claimed_by if row.state == "claimed" else None)


def test_a_move_waits_for_what_is_being_done_to_its_ticket(postgres: Database) -> None:
    """A claim made while another transaction has the ticket is decided by what that one leaves."""
    handoff, held = handed_off(postgres), Event()

    def act(number: int) -> Moved | NotMoved:
        if number == 1:
            with postgres.write() as session:
                row = session.get_one(Handoff, handoff.id)  # as a listener has looked before it moves
                assert held.wait(30)
                return MOVES["claim"](session, row, OTHER)
        with postgres.write() as session:
            tickets.lock(session, handoff.ticket_id)
            held.set()
            deadline = time.monotonic() + 30
            while not _blocked(postgres):
                assert time.monotonic() < deadline, "the other did not wait"
                time.sleep(0.01)
            return handoffs.claim(session, handoff.id, HOLDER, lease_minutes=30)

    first, second = at_once(2, act)
    assert isinstance(first, Moved)
    assert second == NotMoved("claimed", HOLDER)


def _blocked(database: Database) -> bool:
    """Tell whether a transaction waits for another."""
    with database.read() as session:
        waiting = session.connection().exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(waiting.scalar_one())


def test_a_lease_is_over_at_its_end_and_not_before(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of the holder in the last moment keeps it for another while."""
    clock = Clock().rule(monkeypatch)
    handed_off(database)
    made(database, "claim")
    clock.passes(minutes=29, seconds=59)
    assert move(database, "lapse") == NotMoved("claimed", HOLDER)
    made(database, "renew")
    clock.passes(minutes=29, seconds=59)
    assert move(database, "lapse") == NotMoved("claimed", HOLDER)
    clock.passes(seconds=1)
    made(database, "lapse")
    assert isinstance(move(database, "claim", OTHER), Moved)


def test_a_holder_is_warned_once_for_each_lease(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again only after a renewal; a clock that looked before it finds nothing to warn of."""
    clock = Clock().rule(monkeypatch)
    handed_off(database)
    old = made(database, "claim").handoff
    assert made(database, "warn").handoff.lease_until == old.lease_until
    assert move(database, "warn") == NotMoved("claimed", HOLDER)
    clock.passes(minutes=1)
    made(database, "renew")
    with database.write() as session:
        assert handoffs.warn(session, old.id, lease_until=clock.at) == NotMoved("claimed", HOLDER)
    made(database, "warn")


def test_a_step_of_the_ladder_is_taken_once_for_each_opening(database: Database) -> None:
    """Neither again nor out of turn; after a claim that ended the ladder begins anew, for who looks anew."""
    handoff = handed_off(database)

    def climb(openings: int, rung: int) -> bool:
        with database.write() as session:
            return isinstance(handoffs.climb(session, handoff.id, openings=openings, rung=rung, step="remind"), Moved)

    assert [climb(1, 0), climb(1, 0), climb(1, 2), climb(1, 1)] == [True, False, False, True]
    made(database, "claim")
    assert climb(1, 2) is False
    made(database, "release")
    assert [climb(1, 0), climb(1, 2), climb(2, 0), climb(2, 0)] == [False, False, True, False]


def test_the_first_human_word_is_kept(database: Database) -> None:
    """A later word renews the lease and does not move it, nor does another holder's."""
    handed_off(database)
    made(database, "claim")
    first = made(database, "spoke").handoff.first_word_at
    assert first is not None
    assert made(database, "spoke").handoff.first_word_at == first
    made(database, "reassign")
    assert made(database, "spoke", NEXT).handoff.first_word_at == first


def test_what_was_sent_is_of_one_claim(database: Database) -> None:
    """Whoever has it next is asked before their own first words go out."""
    handed_off(database)
    made(database, "claim")
    assert [made(database, name).handoff.sent for name in ("renew", "spoke", "renew")] == [False, True, True]
    assert made(database, "reassign").handoff.sent is False
    assert made(database, "spoke", NEXT).handoff.sent is True
    made(database, "release", NEXT)
    assert made(database, "claim").handoff.sent is False


def test_giving_back_opens_a_turn_that_answers_the_note(database: Database) -> None:
    """The agent reads what the holder wrote to it, in a turn of its own."""
    handoff = handed_off(database)
    made(database, "claim")
    moved = made(database, "give back")
    attempt = running(database, int(moved.turn_id or 0))
    with database.read() as session:
        [note] = tickets.messages_of(session, attempt.turn_id)
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
        handoffs.fell_back(session, handoff.id)
    assert rows(database, Handoff)[0].context == {"cost_nusd": 7, "fell_back": True}


def test_a_refusal_is_audited_and_changes_nothing(database: Database) -> None:
    """What was tried, by whom and why not is kept, also for a handoff that does not exist."""
    handoff = handed_off(database)
    before = everything(database)
    with database.write() as session:
        handoffs.refuse(session, handoff.id, "U0MAYA", move="claim", why="not a responder")
        handoffs.refuse(session, 4711, "U0MAYA", move="claim", why="not a responder")
    after = everything(database)
    [first, second] = after.pop("audit")[len(before.pop("audit")) :]
    assert after == before
    assert (first["event"], first["actor"], first["ticket_id"]) == ("handoff.refused", "U0MAYA", handoff.ticket_id)
    assert first["record"] == {"handoff": handoff.id, "move": "claim", "why": "not a responder"}
    assert (second["ticket_id"], second["record"]["handoff"]) == (None, 4711)


def test_words_while_people_have_a_ticket_are_no_turn(database: Database) -> None:
    """In every state of an active handoff they are the people's; after its end they are the agent's again."""
    for number, state in enumerate(("claim", "release", "claim", "resolve"), 2):
        if number == 2:
            handed_off(database)
        made(database, state)
        accepted = scenes.accept(database, heard(number))
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
    assert move(database, name, "U0MAYA") == NotMoved("claimed" if holder else "open", holder, own=True)
    assert everything(database) == before
    assert name == "claim" or isinstance(move(database, "release", "U0MAYA"), Moved)


@pytest.mark.parametrize(("to", "by"), [("U0MAYA", "U0OLIVIA"), (NEXT, "U0MAYA")], ids=["to them", "by them"])
def test_a_request_is_not_reassigned_to_or_by_who_asked(database: Database, to: str, by: str) -> None:
    """Whatever an owner says, and though who asked is an owner."""
    handoff = standing(database, "claimed")
    with database.write() as session:
        moved = handoffs.reassign(session, handoff.id, holder=HOLDER, to=to, by=by, lease_minutes=30)
    assert moved == NotMoved("claimed", HOLDER, own=True)


def test_of_many_who_claim_at_once_the_one_who_asked_never_wins(postgres: Database) -> None:
    """Seven times the requester against one colleague, who has it then, in every order."""
    handoff = handed_off(postgres)
    outcomes = at_once(8, lambda number: move(postgres, "claim", OTHER if number == 7 else "U0MAYA"))
    assert [isinstance(one, Moved) for one in outcomes] == [False] * 7 + [True]
    assert all(one.own for one in outcomes if isinstance(one, NotMoved))
    assert rows(postgres, Handoff)[0].claimed_by == OTHER
    assert trail(postgres, handoff.id)[0][-1] == ("claimed", OTHER)
