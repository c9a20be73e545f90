"""What the agent goes on with after a raise: `bot.store.money.after_raise`, `handoffs.go_on`, how both are counted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.agent.attempt import why_given_back
from bot.principals import Reason
from bot.store.db import Database
from bot.store.handoffs import handoff_history, handoffs
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.money import after_raise, blocked_tickets, reviews
from bot.store.money.after_raise import Cause
from bot.store.schema import (
    AuditRow,
    BudgetReview,
    EndingRaise,
    Handoff,
    HandoffMove,
    InboxEvent,
    ReviewState,
    Ticket,
    Turn,
    TurnOutcome,
    now,
)
from bot.store.tickets import rewriting, shares, ticket_messages, tickets, waiting_messages
from tests.support.budget_rows import opened_review
from tests.support.factories import FIRST, accept, at_once, finish, hand_off, heard, in_rounds, put, rows, running
from tests.support.factories import new_turn as asked
from tests.support.handoff_moves import OTHER, trail

OWNER = "U0OLIVIA"


def penniless(database: Database, number: int = 1, *, user: str = FIRST.user) -> Handoff:
    """Let somebody ask in a thread of their own, and hand it off since no budget has room."""
    first = replace(FIRST, event_id=f"Ev{number}a", ts=f"17000000{number:02d}.000001", user=user)
    attempt = running(database, asked(database, first))
    finish(database, attempt, TurnOutcome.HANDOFF)
    handoff = hand_off(database, attempt.ticket.id, reason=Reason.BUDGET)
    put(database, Handoff, handoff.id, turn_id=attempt.turn_id)
    return handoff


def raised(database: Database, *, goes_on: bool = True, **changes: Any) -> int:
    """Raise a budget; return its review."""
    review = opened_review(database, **changes)
    with database.write() as session:
        told: dict[str, Any] = {"why": "Month end.", "raised_nusd": 10**9, "goes_on": goes_on}
        assert reviews.decide(session, review, by=OWNER, decision=ReviewState.RAISED, **told)
    return review


def go_on(database: Database, handoff_id: int, review: int, *, most: int | None = None) -> Moved | NotMoved:
    """Let the agent go on with a request."""
    with database.write() as session:
        shares.lock(session, FIRST.team, FIRST.user)
        return handoffs.go_on(session, handoff_id, OWNER, review_id=review, at_once=most)


def waiting(database: Database, review_id: int) -> int:
    """Return how many wait for a budget alone."""
    with database.read() as session:
        return blocked_tickets.waiting(session, session.get_one(BudgetReview, review_id))


def test_what_nobody_has_claimed_goes_back_to_the_agent_by_the_owners_decision(database: Database) -> None:
    """The ticket is the agent's, its turn answers what had no room; history and audit name owner and review."""
    handoff, review = penniless(database), raised(database)
    moved = go_on(database, handoff.id, review)
    assert isinstance(moved, Moved)
    [ticket], [kept] = rows(database, Ticket), rows(database, Handoff)
    assert (ticket.state, ticket.assignee, kept.state, kept.claimed_by) == ("open", None, "returned", None)
    assert kept.context.raised == EndingRaise(OWNER, review)
    assert trail(database, handoff.id)[0][-1] == ("returned", OWNER)
    [audited] = [row for row in rows(database, AuditRow) if row.event == "handoff.returned"]
    assert (audited.actor, audited.record) == (OWNER, {"handoff": handoff.id, "review": review})
    with database.read() as session:
        heard_now = ticket_messages.messages_of(session, int(moved.turn_id or 0))
        assert [event.text for event in heard_now] == [FIRST.text]
        at = handoff_history.replay(handoff_history.of_handoff(session, handoff.id))
        assert (at.state, at.holder) == ("returned", None)
    assert why_given_back(running(database, int(moved.turn_id or 0))) is None  # no colleague has looked at it


def test_what_the_requester_wrote_meanwhile_is_answered_too(database: Database) -> None:
    """What stood behind the turn that had no room, and what was said to people since; not what was taken back."""
    first = replace(FIRST, event_id="Ev1a", ts="1700000001.000001")
    attempt = running(database, asked(database, first))
    accept(database, heard(2, text="it is urgent"))  # parked behind it
    finish(database, attempt, TurnOutcome.HANDOFF)
    handoff = hand_off(database, attempt.ticket.id, reason=Reason.BUDGET)
    put(database, Handoff, handoff.id, turn_id=attempt.turn_id)
    with database.write() as session:
        waiting_messages.parked_for_people(session, attempt.ticket.id)
    for number, text in ((3, "never mind the phone"), (4, "are you there?")):
        accept(database, heard(number, text=text))
    with database.write() as session:
        rewriting.rewrite(session, FIRST.channel, heard(3).ts, None)
    moved = go_on(database, handoff.id, raised(database))
    assert isinstance(moved, Moved)
    with database.read() as session:
        said = [event.text for event in ticket_messages.messages_of(session, int(moved.turn_id or 0))]
    assert said == [FIRST.text, "it is urgent", "are you there?"]


def test_what_a_person_was_told_before_is_not_answered_again(database: Database) -> None:
    """Of an earlier handoff of the ticket, which a person has resolved, nothing comes back with the raise."""
    handoff = penniless(database)
    thread = {"thread_ts": "1700000001.000001"}
    accept(database, heard(2, text="for a person", **thread))
    with database.write() as session:
        handoffs.claim(session, handoff.id, OTHER, lease_minutes=30)
        told: dict[str, Any] = {"done": "Done.", "category": "locked", "agent_could": True}
        handoffs.resolve(session, handoff.id, OTHER, **told)
    attempt = running(database, asked(database, heard(3, text="locked again", **thread)))
    finish(database, attempt, TurnOutcome.HANDOFF)
    again = hand_off(database, attempt.ticket.id, reason=Reason.BUDGET)
    put(database, Handoff, again.id, turn_id=attempt.turn_id)
    moved = go_on(database, again.id, raised(database))
    assert isinstance(moved, Moved)
    with database.read() as session:
        said = [event.text for event in ticket_messages.messages_of(session, int(moved.turn_id or 0))]
    assert said == ["locked again"]


def test_a_colleagues_note_keeps_its_meaning_beyond_a_raise(database: Database) -> None:
    """They gave it back for another reason, then no budget had room: the agent still does not hand it off for that."""
    first = asked(database)
    attempt = running(database, first)
    finish(database, attempt, TurnOutcome.HANDOFF)
    handoff = hand_off(database, attempt.ticket.id, reason=Reason.OUT_OF_POLICY)
    with database.write() as session:
        handoffs.claim(session, handoff.id, OTHER, lease_minutes=30)
        given = handoffs.give_back(session, handoff.id, OTHER, note="Unlock it.")
    assert isinstance(given, Moved)
    attempt = running(database, int(given.turn_id or 0))
    finish(database, attempt, TurnOutcome.HANDOFF)
    again = hand_off(database, attempt.ticket.id, reason=Reason.BUDGET)
    put(database, Handoff, again.id, turn_id=attempt.turn_id)
    moved = go_on(database, again.id, raised(database))
    assert isinstance(moved, Moved)
    with database.read() as session:
        heard_now = ticket_messages.messages_of(session, int(moved.turn_id or 0))
        assert [event.text for event in heard_now] == ["Unlock it."]
    assert why_given_back(running(database, int(moved.turn_id or 0))) is Reason.OUT_OF_POLICY


@pytest.mark.parametrize("state", ["claimed", "resolved", "cancelled", "returned", "requested"])
def test_nothing_else_goes_back(database: Database, state: str) -> None:
    """What somebody has or had, what was taken back, what went on before, what is with people for another reason."""
    handoff, review = penniless(database), raised(database)
    with database.write() as session:
        match state:
            case "cancelled":
                handoffs.cancel(session, handoff.id, by=FIRST.user)
            case "claimed" | "resolved":
                handoffs.claim(session, handoff.id, OTHER, lease_minutes=30)
    if state == "resolved":
        with database.write() as session:
            told: dict[str, Any] = {"done": "Done.", "category": "locked", "agent_could": True}
            handoffs.resolve(session, handoff.id, OTHER, **told)
    elif state == "returned":
        assert isinstance(go_on(database, handoff.id, review), Moved)
    elif state == "requested":
        put(database, Handoff, handoff.id, reason=Reason.REQUESTED)
    before = len(rows(database, Turn)), len(rows(database, HandoffMove))
    assert isinstance(go_on(database, handoff.id, review), NotMoved)
    assert (len(rows(database, Turn)), len(rows(database, HandoffMove))) == before


def test_a_person_has_no_more_turns_under_way_than_one_may(database: Database) -> None:
    """The third of three requests is held back until one of the others ends, and is in no queue."""
    review = raised(database)
    waits = [penniless(database, number) for number in (1, 2, 3)]
    moved = [go_on(database, handoff.id, review, most=2) for handoff in waits]
    assert all(isinstance(one, Moved) for one in moved)
    assert [isinstance(one, Moved) and one.turn_id is None for one in moved] == [False, False, True]
    assert [turn.held_back for turn in rows(database, Turn)][-3:] == [False, False, True]


def test_only_the_unclaimed_that_wait_for_it_alone_are_counted(database: Database) -> None:
    """Nothing that somebody has, whose requester took it back or deleted it, or that another budget blocks."""
    review = opened_review(database)
    waits = [penniless(database, number, user=f"U{number}") for number in range(1, 6)]
    assert waiting(database, review) == 5
    with database.write() as session:
        handoffs.claim(session, waits[0].id, OTHER, lease_minutes=30)
        handoffs.cancel(session, waits[1].id, by="U2")
    put(database, InboxEvent, 3, state="withdrawn")
    opened_review(database, account="user:U4:now", scope="user", holder="U4")
    assert waiting(database, review) == 1
    with database.read() as session:
        found = blocked_tickets.unclaimed(session, session.get_one(BudgetReview, review))
    assert [(handoff.id, other.holder if other else None) for handoff, _, other in found] == [
        (waits[3].id, "U4"),
        (waits[4].id, None),
    ]
    put(database, Handoff, waits[4].id, opened_at=now() - timedelta(days=2))  # of a window that is over
    assert waiting(database, review) == 0


def test_a_raise_goes_on_only_where_its_owner_wants_it_and_the_gate_knows(database: Database) -> None:
    """Before that, and in a window that is over, nothing is looked at; later only what has just taken effect."""
    review, plain = raised(database), raised(database, goes_on=False, account="user:U1:now", scope="user", holder="U1")

    def wanted(since: timedelta = timedelta(minutes=10)) -> list[int]:
        with database.read() as session:
            return list(after_raise.wanted(session, now() - since))

    assert wanted() == []
    with database.write() as session:
        for one in (review, plain):
            reviews.mark_applied(session, one)
    assert wanted() == [review]
    with database.write() as session:
        assert after_raise.note(session, review, []) is not None
        assert after_raise.note(session, review, []) is None
    assert (wanted(), wanted(timedelta())) == ([review], [])
    with database.write() as session:
        assert reviews.let_go_on(session, plain, by=OWNER)
        assert reviews.let_go_on(session, plain, by=OWNER) is None
    assert wanted(timedelta()) == [plain]
    put(database, BudgetReview, plain, resets_at=now())
    assert wanted(timedelta()) == []


@pytest.mark.parametrize("state", ["open", "denied", "ended", "changed"])
def test_the_agent_goes_on_after_a_raise_alone(database: Database, state: str) -> None:
    """A review that was not raised, or whose window is over, lets nothing go on."""
    review = opened_review(database)
    put(database, BudgetReview, review, state=state)
    with database.write() as session:
        assert reviews.let_go_on(session, review, by=OWNER) is None
    put(database, BudgetReview, review, state="raised", resets_at=now())
    with database.write() as session:
        assert reviews.let_go_on(session, review, by=OWNER) is None
    assert [row.event for row in rows(database, AuditRow)] == []


def test_what_keeps_the_others_is_kept_with_how_many(database: Database) -> None:
    """Each cause once, as it was given."""
    review, other = raised(database), Cause("used_up", "agent", "access", "2026-11-01T00:00:00+00:00", "2026-12-01")
    with database.write() as session:
        noted = after_raise.note(session, review, [other, Cause("too_little"), other])
        assert noted is not None
        assert after_raise.causes(noted) == [(other, 2), (Cause("too_little"), 1)]


def test_a_ticket_that_came_back_is_known_by_the_raise_it_went_on_by(database: Database) -> None:
    """Its next handoff for want of money waits for the next raise; of another review it went on by none."""
    handoff, review = penniless(database), raised(database)
    moved = go_on(database, handoff.id, review)
    assert isinstance(moved, Moved)
    finish(database, running(database, int(moved.turn_id or 0)), TurnOutcome.HANDOFF)
    again = hand_off(database, moved.ticket.id, reason=Reason.BUDGET)
    other = raised(database, account="user:U1:now", scope="user", holder="U1")
    with database.read() as session:
        met = [session.get_one(BudgetReview, number) for number in (review, other)]
        assert [after_raise.went_before(session, again, one) for one in met] == [True, False]


def test_of_a_claim_and_a_raise_at_once_one_wins(postgres: Database) -> None:
    """In 40 rounds a claim and three who give it back: one has it, whole, and a ticket has a turn or an owner."""
    review = raised(postgres)
    waits = [penniless(postgres, number, user=f"U{number}").id for number in range(1, 41)]

    def race(number: int, handoff_id: int) -> Moved | NotMoved:
        if number:
            return go_on(postgres, handoff_id, review)
        with postgres.write() as session:
            return handoffs.claim(session, handoff_id, OTHER, lease_minutes=30)

    rounds = in_rounds(4, waits, race)
    assert [[isinstance(one, Moved) for one in results].count(True) for results in rounds] == [1] * 40
    under_way = {turn.ticket_id for turn in rows(postgres, Turn) if turn.state != "done"}
    for handoff, ticket in zip(rows(postgres, Handoff), rows(postgres, Ticket), strict=True):
        claimed = handoff.state == "claimed"
        assert (ticket.assignee, ticket.state) == ((OTHER, "handed_off") if claimed else (None, "open"))
        assert (ticket.id in under_way) is not claimed


def test_a_word_of_the_same_moment_is_answered_once(postgres: Database) -> None:
    """The requester writes while the raise gives their ticket back: either way the turn has it."""
    review = raised(postgres)
    waits = [penniless(postgres, number).id for number in range(1, 21)]

    def race(number: int, handoff_id: int) -> None:
        if number:
            go_on(postgres, handoff_id, review)
            return
        thread = f"17000000{handoff_id:02d}.000001"
        with postgres.write() as session:
            shares.lock(session, FIRST.team, FIRST.user)
            word = replace(FIRST, event_id=f"Ew{handoff_id}", ts=f"17000000{handoff_id:02d}.000009", thread_ts=thread)
            tickets.accept(session, replace(word, text="and my phone"), agent="access")

    in_rounds(2, waits, race)
    with postgres.read() as session:
        active = [turn for turn in rows(postgres, Turn) if turn.state != "done"]
        said = [[event.text for event in ticket_messages.messages_of(session, turn.id)] for turn in active]
    assert said == [[FIRST.text, "and my phone"]] * 20


def test_of_several_who_let_the_agent_go_on_one_does(postgres: Database) -> None:
    """It is written down once, by whom, and audited once."""
    review = raised(postgres, goes_on=False)

    def press(number: int) -> bool:
        with postgres.write() as session:
            return reviews.let_go_on(session, review, by=f"U{number}") is not None

    assert at_once(6, press).count(True) == 1
    assert [row.event for row in rows(postgres, AuditRow)].count("budget.goes_on") == 1
