"""Every move of a handoff with what is said of it: `bot.casework.handoffs`."""

import ast
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.casework import handoffs as casework
from bot.escalation import EscalationAction
from bot.responders.people import People
from bot.responders.working_hours import Hours
from bot.store.db import Database, Session
from bot.store.handoffs import handoffs_due
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import ExpiryCause, Handoff, HandoffMove, InboxEvent, Message, now
from bot.store.tickets import rewriting, tickets
from tests.support import factories
from tests.support.block_checks import shown
from tests.support.factories import FIRST, Clock, message, rows
from tests.support.paths import ROOT

PRIYA, BEN, CALL = "U0PRIYA", "U0BEN", "<!subteam^S0ONCALL>"
PEOPLE = People(queue_channel="C0QUEUE", responders=(PRIYA, BEN), on_call="S0ONCALL")
LEASE = 30.0

Move = Callable[[Session, int], Moved | NotMoved]


def _warned(session: Session, handoff_id: int) -> Moved | NotMoved:
    until = session.get_one(Handoff, handoff_id).lease_until
    return casework.warn(session, handoff_id, lease_until=until or datetime.max.replace(tzinfo=UTC))


def _escalated(session: Session, handoff_id: int) -> Moved | NotMoved:
    [found] = handoffs_due.open_below_level(session, 3) or [
        handoffs_due.OpenHandoff(handoff_id, "access", 0, now(), ())
    ]
    return casework.escalate(session, found, PEOPLE, EscalationAction.MENTION, taken=())


CLAIM: Move = partial(casework.claim, user=PRIYA, lease_minutes=LEASE)
MOVES: dict[str, tuple[Move, bool, set[str]]] = {
    "claim": (CLAIM, False, {"claimed:requester"}),
    "renew": (partial(casework.renew, user=PRIYA, lease_minutes=LEASE), True, set()),
    "spoke": (partial(casework.spoke, user=PRIYA, lease_minutes=LEASE), True, set()),
    "reassign": (
        partial(casework.reassign, holder=PRIYA, to=BEN, by=PRIYA, lease_minutes=LEASE, why="I am off."),
        True,
        {"reassigned", "claimed:requester"},
    ),
    "unclaim": (partial(casework.unclaim, user=PRIYA, people=PEOPLE), True, {"unclaimed", "unclaimed:requester"}),
    "give_back": (partial(casework.give_back, user=PRIYA, note="Go on."), True, {"returned", "returned:requester"}),
    "resolve": (
        partial(casework.resolve, user=PRIYA, done="Rang.", category="other", agent_could=False),
        True,
        {"resolved"},
    ),
    "cancel": (partial(casework.cancel, by=FIRST.user), False, {"cancelled"}),
    "expire": (
        partial(casework.expire, holder=PRIYA, people=PEOPLE, why=ExpiryCause.LEFT),
        True,
        {"expired", "expired:requester"},
    ),
    "warn": (_warned, True, {"warned"}),
    "escalate": (_escalated, False, {"escalated"}),
}
"Each with whether the handoff is claimed before it, and what is said of it beside the card."
STORED = {*MOVES, "go_on", "expire", "escalate", "open_for"} - {"expire", "escalate"}
"The store's moves."


def opened(database: Database, *, claimed: bool = False) -> int:
    """Return a handoff that everybody was told of."""
    found = factories.handed_off(database)
    with database.write() as session:
        ticket = tickets.lock(session, found.ticket_id)
        casework.opened(session, session.get_one(Handoff, found.id), ticket, PEOPLE)
        if claimed:
            CLAIM(session, found.id)
    return found.id


def said(database: Database) -> dict[str, tuple[int, object]]:
    """Return every message, with what it says and how often that was changed."""
    return {one.key: (one.revision, one.body) for one in rows(database, Message)}


@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_made_and_told_in_one_call(database: Database, name: str) -> None:
    """A move that is made stands in the history, and what is said of it bears its number."""
    move, claimed, expected = MOVES[name]
    handoff = opened(database, claimed=claimed)
    before = set(said(database))
    with database.write() as session:
        moved = move(session, handoff)
    assert isinstance(moved, Moved)
    assert rows(database, HandoffMove)[-1].id == moved.number
    new = {key.removesuffix(f":move:{moved.number}") for key in set(said(database)) - before}
    assert {key.removesuffix(f":handoff:{handoff}") for key in new} == expected


@pytest.mark.parametrize("name", MOVES)
def test_of_a_move_that_is_refused_nothing_is_said(database: Database, name: str) -> None:
    """Where the handoff stands otherwise nothing is moved, and no message is made or changed."""
    move, claimed, _ = MOVES[name]
    handoff = opened(database, claimed=not claimed)
    before = said(database)
    with database.write() as session:
        moved = move(session, handoff)
    assert isinstance(moved, NotMoved)
    assert said(database) == before


@pytest.mark.parametrize("name", ["claim", "spoke", "unclaim", "resolve", "cancel", "expire"])
def test_a_move_shows_on_the_card(database: Database, name: str) -> None:
    """The card says how the handoff stands once it has moved."""
    move, claimed, _ = MOVES[name]
    handoff = opened(database, claimed=claimed)
    if name == "spoke":  # its lease is about to end, so that the card shows another one
        with database.write() as session:
            session.execute(update(Handoff).values(lease_until=now()))
    before = message(database, f"card:handoff:{handoff}").revision
    with database.write() as session:
        move(session, handoff)
    assert message(database, f"card:handoff:{handoff}").revision > before


@pytest.mark.parametrize("name", ["unclaim", "expire"])
def test_nobody_is_called_while_people_are_away(database: Database, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that ends calls who is on call in working hours, and no one outside of them."""
    Clock(datetime(2026, 11, 28, 12, tzinfo=UTC)).rule(monkeypatch)  # a Saturday
    away = PEOPLE.model_copy(
        update={"working_hours": Hours.model_validate({"days": ["mon"], "from": "09:00", "until": "17:00"})}
    )
    handoff = opened(database, claimed=True)
    calls = []
    for people in (PEOPLE, away):
        with database.write() as session:
            if name == "unclaim":
                moved = casework.unclaim(session, handoff, PRIYA, people)
            else:
                moved = casework.expire(session, handoff, holder=PRIYA, people=people, why=ExpiryCause.LEFT)
            assert isinstance(moved, Moved)
            CLAIM(session, handoff)
        what = "unclaimed" if name == "unclaim" else "expired"
        calls.append(CALL in shown(message(database, f"{what}:move:{moved.number}").body))
    assert calls == [True, False]


def test_a_claim_of_nothing_ends_with_its_request(database: Database) -> None:
    """When a claim expires and its requester has deleted every word, the handoff is cancelled, and no one is called."""
    handoff = opened(database, claimed=True)
    for event in rows(database, InboxEvent):
        with database.write() as session:
            rewriting.rewrite(session, event.channel, str(event.ts), None)
    with database.write() as session:
        casework.expire(session, handoff, holder=PRIYA, people=PEOPLE, why=ExpiryCause.LEFT)
    assert [one.state for one in rows(database, Handoff)] == ["cancelled"]
    assert not any(one.key.startswith("expired:") for one in rows(database, Message))


def test_a_claim_without_an_agent_is_stranded(database: Database) -> None:
    """When a claim expires whose agent is gone, everybody is told, and no one is called."""
    handoff = opened(database, claimed=True)
    with database.write() as session:
        moved = casework.expire(session, handoff, holder=PRIYA, people=None, why=ExpiryCause.OFF_CARD)
    assert isinstance(moved, Moved)
    assert CALL not in shown(message(database, f"expired:move:{moved.number}").body)


def _moves_in(path: Path) -> set[str]:
    """Return the store's moves that a module makes itself."""
    tree = ast.parse(path.read_text())
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "bot.store.handoffs"
        for alias in node.names
        if alias.name == "handoffs"
    }
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names
    } & STORED


def test_no_move_is_made_in_silence() -> None:
    """Only `bot.casework.handoffs` makes the store's moves; a turn that ends in a handoff opens it, and has it told."""
    paths = [path for room in ("bot", "jobs") for path in (ROOT / room).rglob("*.py")]
    makers = {str(path.relative_to(ROOT)): found for path in paths if (found := _moves_in(path))}
    assert makers.pop("bot/casework/handoffs.py") == STORED
    assert makers == {"bot/agent/conclusion.py": {"open_for"}}
