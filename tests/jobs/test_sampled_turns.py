"""Real turns, played by the product, are scored again by what is stored of them: `bot.sampling.invariants`."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from bot.sampling import invariants
from bot.sampling.invariants import Invariant
from bot.store.audit import guards
from bot.store.db import Session
from bot.store.figures import turn_evidence
from bot.store.schema import (
    AccountWrite,
    AuditRow,
    Handoff,
    HandoffContext,
    HandoffMove,
    Message,
    Sample,
    Step,
    Turn,
)
from jobs import samples, upkeep
from tests.support.factories import rows
from tests.support.product_harness import LOCKED, Place
from tests.support.sampled_turns import from_long_ago
from tests.support.workspace_names import BOT

Spoils = tuple[tuple[Callable[[Session], Any], set[Invariant]], ...]
HUMAN = f"<@{BOT}> please let me talk to a human"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def sampled(place: Place) -> dict[int, list[str]]:
    """Let all that was played be a minute old, and be sampled; return the names of what did not hold, by turn."""
    upkeep.deliver_messages(place.ctx)
    with place.front.database.write() as session:
        session.execute(update(Turn).values(finished_at=Turn.started_at))
        for turn in session.scalars(select(Turn)):
            assert turn.finished_at is not None
            turn.finished_at -= timedelta(minutes=1)
    from_long_ago(place.front.database, LONG_AGO)
    samples.look(place.ctx)
    return {one.turn_id: [name for name, _ in one.failures] for one in place.front.rows(Sample) if one.scored_at}


def test_turns_as_they_are_played_hold_everything(place: Place) -> None:
    """An unlocked account, a greeting, thanks, a handoff at once, and one after a look: nothing is found in any."""
    ts = place.asks("U0MAYA", LOCKED)
    place.asks("U0MAYA", "thank you!", thread_ts=ts)
    place.asks_anew("U0TOMAS", f"<@{BOT}> hello")
    place.asks_anew("U0LENA", HUMAN)
    place.asks_anew("U0SAM", LOCKED)
    found = sampled(place)
    assert len(found) == len(rows(place.front.database, Turn)) >= 5
    assert set(map(tuple, found.values())) == {()}


def test_what_is_read_of_many_turns_is_what_is_read_of_each(place: Place) -> None:
    """Two turns of a ticket, those of others, and a claim; a broken record of one turn hides no other."""
    ts = place.asks("U0MAYA", LOCKED)
    place.asks("U0MAYA", "thank you!", thread_ts=ts)
    for user in ("U0LENA", "U0TOMAS"):
        place.asks_anew(user, HUMAN)
    with place.front.database.write() as session:
        session.add(HandoffMove(handoff_id=place.last_handoff().id, move="claimed", actor="U0PRIYA", at=LONG_AGO))
    ids = [one.id for one in place.front.rows(Turn)]
    with place.front.database.read() as session:
        together = turn_evidence.of(session, [*ids, 1_000])
        assert together == {turn: turn_evidence.read(session, turn) for turn in ids}
        assert turn_evidence.of(session, []) == {}
    assert [len(one.intents) for one in together.values()] == [len(one.calls) for one in together.values()]
    assert [one.handoff is None for one in together.values()] == [True, True, False, False]
    assert [len(one.claims) for one in together.values()] == [0, 0, 0, 1]
    with place.front.database.write() as session:
        with guards.lifted(session):
            session.execute(update(AuditRow).where(AuditRow.event == "tool.intended").values(record={"turn": 1}))
        assert turn_evidence.read(session, 2) == together[2]


def _leak(session: Session) -> None:
    _say(session, "Your new password is Sommer-2026!")


def _say(session: Session, text: str) -> None:
    session.execute(update(Message).where(Message.kind == "reply").values(body={"text": text}))


def _without_decision(session: Session) -> None:
    with guards.lifted(session):
        for row in session.scalars(select(AuditRow).where(AuditRow.event == "tool.intended")):
            row.record = row.record | {"decision": "Denied"}


def _for_another(session: Session) -> None:
    with guards.lifted(session):
        session.execute(update(AuditRow).where(AuditRow.event == "tool.intended").values(subject="U0TOMAS"))


def _without_outcome(session: Session) -> None:
    with guards.lifted(session):
        session.execute(delete(AuditRow).where(AuditRow.event == "tool.finished"))


def _without_step(session: Session) -> None:
    with guards.lifted(session):
        session.execute(delete(AuditRow).where(AuditRow.event.in_(("tool.intended", "tool.finished"))))
    session.execute(delete(Step).where(Step.name == "unlock_my_account"))


def _claimed_before(session: Session, *, minutes: float, returned: bool = False) -> None:
    handoff = Handoff(
        ticket_id=1,
        reason="requested",
        summary="x",
        context=HandoffContext(),
        state="claimed",
        queue_channel="C0QUEUE",
        waiting_since=LONG_AGO,
    )
    session.add(handoff)
    session.flush()
    posted = session.scalars(select(Message.posted_at).where(Message.kind == "reply")).one()
    assert posted is not None
    at = posted - timedelta(minutes=minutes)
    session.add(HandoffMove(handoff_id=handoff.id, move="claimed", actor="U0PRIYA", at=at))
    if returned:
        session.add(HandoffMove(handoff_id=handoff.id, move="returned", actor="U0PRIYA", at=at + timedelta(minutes=1)))


def _talked_over(session: Session) -> None:
    _claimed_before(session, minutes=5)


def _given_back_before(session: Session) -> None:
    _claimed_before(session, minutes=5, returned=True)


def _claimed_while_it_was_sent(session: Session) -> None:
    _claimed_before(session, minutes=0.05)


def _nothing_done(session: Session) -> None:
    session.execute(update(Step).where(Step.name == "unlock_my_account").values(status="refused"))
    session.execute(delete(AccountWrite))


def _twice(session: Session) -> None:
    [said] = session.scalars(select(Message).where(Message.kind == "reply"))
    session.add(
        Message(
            **{one.name: getattr(said, one.name) for one in Message.__table__.columns if one.name not in {"id", "key"}},
            key="again",
        )
    )


def _lost(session: Session) -> None:
    session.execute(update(Message).where(Message.kind == "reply").values(state="failed", ts=None, posted_at=None))


def _died_again_and_again(session: Session) -> None:
    session.execute(update(Turn).values(failures=3))


OF_ANSWERS: Spoils = (
    (_leak, {Invariant.NO_SECRET_SAID}),
    (_without_decision, {Invariant.RIGHT_TO_WRITE}),
    (_for_another, {Invariant.RIGHT_TO_WRITE}),
    (_without_outcome, {Invariant.RIGHT_TO_WRITE}),
    (_without_step, {Invariant.RIGHT_TO_WRITE, Invariant.DONE_AS_SAID}),
    (_talked_over, {Invariant.SILENT_AFTER_CLAIM}),
    (_claimed_while_it_was_sent, set[Invariant]()),
    (_given_back_before, set[Invariant]()),
    (_nothing_done, {Invariant.DONE_AS_SAID}),
    (lambda session: _say(session, "A colleague will call you tomorrow."), {Invariant.NO_EMPTY_PROMISE}),
    (lambda session: _say(session, "See https://evil.example/x"), {Invariant.LISTED_ADDRESSES}),
    (lambda session: _say(session, "Please send me your password."), {Invariant.NO_SECRET_ASKED}),
    (_twice, {Invariant.ONE_ANSWER}),
    (_lost, {Invariant.ONE_ANSWER}),
    (_died_again_and_again, {Invariant.NO_LOOP}),
)


def test_what_no_longer_holds_of_an_answer_is_found(place: Place) -> None:
    """Each row that is changed behind the product's back breaks the invariant that it belongs to, and no other."""
    place.asks("U0MAYA", LOCKED)
    upkeep.deliver_messages(place.ctx)
    for spoil, found in OF_ANSWERS:
        assert violated(place, spoil) == found, spoil
    assert violated(place, lambda _session: None) == set()


def _add_call(session: Session) -> None:
    """Let the account have been looked up before the handoff, and the handoff tell of it."""
    [handoff] = session.scalars(select(Handoff))
    handoff.context = HandoffContext(tried=(("look_up_my_account", "status: locked"),))
    session.add(
        Step(
            turn_id=handoff.turn_id, seq=90, attempt=1, kind="tool", name="look_up_my_account", request={}, status="ok"
        )
    )


def _forget_tried(session: Session) -> None:
    session.execute(update(Handoff).values(context=HandoffContext()))


def _answer_too(session: Session) -> None:
    of = {"kind": "reply", "lane": "x", "channel": "C0HELP", "op": "post", "state": "posted", "ts": "1.0"}
    session.add(Message(key="x", ticket_id=1, turn_id=1, body={"text": "Hello."}, posted_at=LONG_AGO, **of))


OF_HANDOFFS: Spoils = (
    (lambda session: session.execute(update(Handoff).values(summary=" ")), {Invariant.CONTEXT_HANDED_OVER}),
    (_forget_tried, {Invariant.CONTEXT_HANDED_OVER}),
    (lambda session: session.execute(update(Handoff).values(turn_id=None)), {Invariant.ONE_ANSWER}),
    (_answer_too, {Invariant.ONE_ANSWER}),
)


def test_what_no_longer_holds_of_a_handoff_is_found(place: Place) -> None:
    """A handoff without a summary, without what was tried, or that is not there, and an answer beside it."""
    place.asks("U0LENA", HUMAN)
    with place.front.database.write() as session:
        _add_call(session)
    for spoil, found in OF_HANDOFFS:
        assert violated(place, spoil) == found, spoil
    assert violated(place, lambda _session: None) == set()


class Undone(Exception):
    """What was spoiled is as it was."""


def violated(place: Place, spoil: Callable[[Session], Any]) -> set[Invariant]:
    """Change rows behind the product's back, look at the first turn, and change the rows back."""
    found = set[Invariant]()
    with suppress(Undone), place.front.database.write() as session:
        spoil(session)
        session.flush()
        seen = turn_evidence.read(session, 1)
        assert seen is not None
        found = {one for one, _ in invariants.violations(seen, place.ctx.agents["access"].card.links)}
        raise Undone
    return found
