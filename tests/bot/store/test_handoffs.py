"""Tickets given to people: `bot.store.handoffs`."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from bot.principals import Reason
from bot.store import audit, handoffs
from bot.store.db import Database
from bot.store.handoffs import Moved, NotMoved
from bot.store.schema import Handoff, InboxEvent, now
from tests.bot.store import scenes
from tests.bot.store.scenes import FIRST, at_once, hand_off, handed_off, new_turn, rows, ticket


def claim(database: Database, handoff_id: int, user: str, *, lease_minutes: float = 30) -> Moved | NotMoved:
    """Try to claim."""
    with database.write() as session:
        return handoffs.claim(session, handoff_id, user, lease_minutes=lease_minutes)


def resolve(database: Database, handoff_id: int, user: str) -> Moved | NotMoved:
    """Try to resolve."""
    with database.write() as session:
        return handoffs.resolve(session, handoff_id, user, done="Unlocked it.", category="locked", agent_could=True)


def spoke(database: Database, handoff_id: int, user: str) -> Moved | NotMoved:
    """Note a word to the requester."""
    with database.write() as session:
        return handoffs.spoke(session, handoff_id, user, lease_minutes=30)


def trail(database: Database, handoff_id: int) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Return moves and audit records as (move, actor)."""
    with database.read() as session:
        moves = [(row.move, row.actor) for row in handoffs.history(session, handoff_id)]
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


def test_the_wait_is_counted_from_the_requesters_last_word(database: Database) -> None:
    """The bot's own work does not shorten it."""
    new_turn(database)
    said = now() - timedelta(minutes=5)
    scenes.put(database, InboxEvent, 1, received_at=said)
    assert hand_off(database, ticket(database).id).waiting_since == said


def test_of_fifty_claims_one_wins(postgres: Database) -> None:
    """In 50 rounds of 50 threads exactly one has it, every loser is told who, and the trail shows one claim."""
    for number in range(50):
        new_turn(postgres, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"))
    opened = [hand_off(postgres, ticket_id).id for ticket_id in range(1, 51)]
    gate = Barrier(50)

    def race(user: str, handoff_id: int) -> Moved | NotMoved:
        gate.wait(timeout=30)
        return claim(postgres, handoff_id, user)

    users = [f"U{number}" for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        rounds = [list(pool.map(race, users, [handoff_id] * 50)) for handoff_id in opened]
    for handoff_id, results in zip(opened, rounds, strict=True):
        [(winner, moved)] = [
            (user, result) for user, result in zip(users, results, strict=True) if isinstance(result, Moved)
        ]
        assert (moved.handoff.claimed_by, moved.ticket.owner, moved.handoff.state) == (winner, winner, "claimed")
        assert [result for result in results if result is not moved] == [NotMoved("claimed", winner)] * 49
        moves, records = trail(postgres, handoff_id)
        assert moves == records == [("opened", "agent:access@1"), ("claimed", winner)]


def test_a_claim_is_a_lease(database: Database) -> None:
    """It ends so many minutes after the claim; a word to the requester renews it."""
    handoff = handed_off(database)
    moved = claim(database, handoff.id, "U0PRIYA", lease_minutes=10)
    assert isinstance(moved, Moved)
    assert moved.handoff.claimed_at is not None
    assert moved.handoff.lease_until == moved.handoff.claimed_at + timedelta(minutes=10)
    renewed = spoke(database, handoff.id, "U0PRIYA")
    assert isinstance(renewed, Moved)
    assert renewed.handoff.lease_until is not None
    assert renewed.handoff.lease_until > moved.handoff.lease_until


def test_the_first_human_word_is_kept(database: Database) -> None:
    """A later word renews the lease and does not move it."""
    handoff = handed_off(database)
    claim(database, handoff.id, "U0PRIYA")
    words = [spoke(database, handoff.id, "U0PRIYA") for _ in range(2)]
    assert [word.handoff.first_word_at is None for word in words if isinstance(word, Moved)] == [False, False]
    [first, second] = [word.handoff.first_word_at for word in words if isinstance(word, Moved)]
    assert first == second


def test_only_who_holds_it_moves_it(database: Database) -> None:
    """Nobody speaks or resolves before a claim, nor another than the claimer after it; nothing changes then."""
    handoff = handed_off(database)
    assert resolve(database, handoff.id, "U0PRIYA") == NotMoved("open", None)
    assert spoke(database, handoff.id, "U0PRIYA") == NotMoved("open", None)
    claim(database, handoff.id, "U0PRIYA")
    assert resolve(database, handoff.id, "U0BEN") == NotMoved("claimed", "U0PRIYA")
    assert spoke(database, handoff.id, "U0BEN") == NotMoved("claimed", "U0PRIYA")
    assert claim(database, handoff.id, "U0PRIYA") == NotMoved("claimed", "U0PRIYA")
    assert claim(database, 4711, "U0PRIYA") == NotMoved("unknown", None)
    [found] = rows(database, Handoff)
    assert (found.state, found.claimed_by, found.resolution, found.first_word_at) == (
        "claimed",
        "U0PRIYA",
        None,
        None,
    )
    moves, records = trail(database, handoff.id)
    assert moves == records == [("opened", "agent:access@1"), ("claimed", "U0PRIYA")]


def test_resolving_closes_handoff_and_ticket(database: Database) -> None:
    """The resolution is kept, the ticket is nobody's, and nobody claims it again."""
    handoff = handed_off(database)
    claim(database, handoff.id, "U0PRIYA")
    moved = resolve(database, handoff.id, "U0PRIYA")
    assert isinstance(moved, Moved)
    assert (moved.handoff.state, moved.handoff.lease_until) == ("resolved", None)
    assert moved.handoff.resolution == {"done": "Unlocked it.", "category": "locked", "agent_could": True}
    found = ticket(database)
    assert (found.state, found.owner, found.category, found.resolved_at is None) == ("resolved", None, "locked", False)
    assert claim(database, handoff.id, "U0BEN") == NotMoved("resolved", "U0PRIYA")
    assert resolve(database, handoff.id, "U0PRIYA") == NotMoved("resolved", "U0PRIYA")
    moves, records = trail(database, handoff.id)
    assert moves == records
    assert [move for move, _ in moves] == ["opened", "claimed", "resolved"]


def test_the_next_handoff_names_the_one_before(database: Database) -> None:
    """A ticket that is given to people again has a new handoff, and the newest is its last."""
    first = handed_off(database)
    claim(database, first.id, "U0PRIYA")
    resolve(database, first.id, "U0PRIYA")
    with database.read() as session:
        assert handoffs.active(session, first.ticket_id) is None
    second = hand_off(database, first.ticket_id, reason=Reason.REOPENED)
    assert (second.id == first.id, second.previous_id) == (False, first.id)
    with database.read() as session:
        last, found = handoffs.last(session, first.ticket_id), handoffs.find(session, second.id)
        assert last is not None
        assert last.id == handoffs.last_id(session, first.ticket_id) == second.id
        assert found is not None
        assert found[1].id == first.ticket_id
        assert handoffs.find(session, 4711) is None


def test_handoffs_are_counted_by_reason(database: Database) -> None:
    """The most frequent comes first; what is older than the days asked for does not count."""
    reasons = (Reason.BUDGET, Reason.REQUESTED, Reason.REQUESTED, Reason.ERROR)
    for number, reason in enumerate(reasons, 1):
        new_turn(database, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"))
        hand_off(database, number, reason=reason)
    scenes.put(database, Handoff, 4, opened_at=now() - timedelta(days=8))
    with database.read() as session:
        assert handoffs.by_reason(session, days=7) == [("requested", 2), ("budget", 1)]


def test_a_refusal_is_audited_and_changes_nothing(database: Database) -> None:
    """What was tried, by whom and why not is kept, also for a handoff that does not exist."""
    handoff = handed_off(database)
    with database.write() as session:
        handoffs.refuse(session, handoff.id, "U0MAYA", move="claim", why="not a responder")
        handoffs.refuse(session, 4711, "U0MAYA", move="claim", why="not a responder")
    with database.read() as session:
        [*_, record] = audit.of_ticket(session, handoff.ticket_id)
    assert (record.event, record.actor) == ("handoff.refused", "U0MAYA")
    assert record.record == {"handoff": handoff.id, "move": "claim", "why": "not a responder"}
    assert rows(database, Handoff)[0].state == "open"
