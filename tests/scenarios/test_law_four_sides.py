"""A message that comes in the moment of a claim, or of its end, lands on exactly one side.

On PostgreSQL, over two connections: the one is stopped before each of its statements in turn while the
other does all that it can, and the other way round.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from threading import Thread

import pytest
from sqlalchemy import func, select

from bot.agent import card
from bot.casework import handoffs as casework
from bot.listeners import messages as listener
from bot.listeners.context import ListenerContext
from bot.queue import JobQueue
from bot.responders.people import People
from bot.store.db import Database, Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import Handoff, InboxEvent, Message, Turn, TurnOutcome
from bot.store.tickets import tickets
from tests.support import factories
from tests.support.checkpoints import statements
from tests.support.factories import FIRST
from tests.support.paths import CONFIG
from tests.support.volumes import volume
from tests.support.workspace_names import BOT

SECONDS = 120.0
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

PRIYA = "U0PRIYA"
PEOPLE = People(queue_channel="C0QUEUE", responders=(PRIYA,), on_call="U0BEN")

Move = Callable[[Session, int], Moved | NotMoved]

MOVES: dict[str, tuple[Move, bool]] = {
    "claim": (partial(casework.claim, user=PRIYA, lease_minutes=30), False),
    "unclaim": (partial(casework.unclaim, user=PRIYA, people=PEOPLE), True),
    "give_back": (partial(casework.give_back, user=PRIYA, note="please go on"), True),
    "resolve": (partial(casework.resolve, user=PRIYA, done="Rang.", category="other", agent_could=False), True),
    "cancel": (partial(casework.cancel, by=FIRST.user), False),
}
"Each with whether the handoff is claimed before it."

FEWER = volume(2, long=1)
"A move meets every so many-th statement of a message, and the next move those between."

Does = Callable[[], object]


@dataclass
class Two:
    """A message and a move in one ticket, and the database in which they meet."""

    listener_ctx: ListenerContext
    number: int
    handoff: int
    ticket: int

    def message(self) -> None:
        """Hear a message of the requester as the web process does."""
        event = {"user": FIRST.user, "text": "it is urgent", "channel": FIRST.channel, "type": "message"}
        where = {"ts": f"9{self.number}.5", "thread_ts": f"9{self.number}.0"}
        body = {"event_id": f"EvM{self.number}", "team_id": FIRST.team, "event": {**event, **where}}
        listener.hear(self.listener_ctx, body, BOT, mentioned=False)

    def move(self, move: Move) -> None:
        """Make a move as the web process does."""
        with self.listener_ctx.database.write() as session:
            assert isinstance(move(session, self.handoff), Moved)

    def wrong(self) -> list[str]:
        """Return what is wrong; empty when the message is either a person's or the agent's, and known to them once."""
        with self.listener_ctx.database.read() as session:
            event = session.scalars(select(InboxEvent).where(InboxEvent.event_id == f"EvM{self.number}")).one()
            key = f"copy:event:{event.id}"
            copies = session.scalars(select(func.count()).select_from(Message).where(Message.key == key)).one()
            turn = None if event.turn_id is None else session.get_one(Turn, event.turn_id)
            with_people = handoffs.active(session, self.ticket) is not None
        if turn is None:
            return [] if (event.state, copies) == ("relayed", 1) else [f"{event.state}, copied {copies} times"]
        seen = (event.state, turn.state, copies, with_people)
        return [] if seen == ("accepted", "waiting", 0, False) else [str(seen)]


@pytest.fixture
def listener_ctx(postgres: Database, redis_url: str) -> Iterator[ListenerContext]:
    """Return the listeners' door to a PostgreSQL database."""
    opened = ListenerContext(postgres, JobQueue.connect(redis_url), card.load_all(CONFIG))
    yield opened
    opened.queue.close()


def opened(listener_ctx: ListenerContext, number: int, *, claimed: bool) -> Two:
    """Return a handoff in a thread of its own."""
    heard = replace(FIRST, event_id=f"Ev{number}", ts=f"9{number}.0")
    attempt = factories.running(listener_ctx.database, factories.new_turn(listener_ctx.database, heard))
    factories.finish(listener_ctx.database, attempt, TurnOutcome.HANDOFF)
    found = factories.hand_off(listener_ctx.database, attempt.ticket.id)
    with listener_ctx.database.write() as session:
        row = session.get_one(Handoff, found.id)
        casework.opened(session, row, tickets.lock(session, row.ticket_id), PEOPLE)
        if claimed:
            casework.claim(session, found.id, PRIYA, lease_minutes=30)
    return Two(listener_ctx, number, found.id, attempt.ticket.id)


@contextmanager
def meanwhile(database: Database, first: int, does: Does) -> Iterator[list[str]]:
    """Let another thread do something before this one's statement of a number; yield the statements.

    It has done it, or waits for a lock of this thread's, when the statement is made.
    """
    made: list[str] = []
    failed: list[BaseException] = []

    def do() -> None:
        try:
            does()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            failed.append(error)

    other = Thread(target=do, daemon=True)

    def at(statement: str) -> None:
        made.append(statement)
        if len(made) == first + 1:
            other.start()
            _until_done_or_waiting(database, other)

    with statements(database, at):
        yield made
        if other.ident is not None:  # it ends before nobody listens any longer: listeners are looked through by both
            other.join(SECONDS)
            assert not other.is_alive()
    if failed:
        raise failed[0]


def _until_done_or_waiting(database: Database, other: Thread) -> None:
    deadline = time.monotonic() + SECONDS
    with database.engine.connect() as looking:
        while other.is_alive() and looking.exec_driver_sql(WAITS).scalar_one() == 0:
            assert time.monotonic() < deadline
            other.join(0.02)


@pytest.mark.parametrize("stopped", ["message", "move"])
@pytest.mark.parametrize("move", MOVES)
def test_a_message_lands_on_one_side(listener_ctx: ListenerContext, move: str, stopped: str) -> None:
    """Whichever is first, it is copied to the person once or answered by a turn, and never both or neither.

    A message makes the same statements whatever it meets, so the moves share these out: of two that meet an unclaimed
    handoff, and of three that meet a claimed one, each has those that another has not.
    """
    found: dict[str, list[str]] = {}
    made_by, claimed = MOVES[move]
    first, step = (sorted(MOVES).index(move) % FEWER, FEWER) if stopped == "message" else (0, 1)
    for number in count(first, step):
        two = opened(listener_ctx, number, claimed=claimed)
        one, other = two.message, partial(two.move, made_by)
        if stopped == "move":
            one, other = other, one
        with meanwhile(listener_ctx.database, number, other) as made:
            one()
        if len(made) <= number:
            break
        if wrong := two.wrong():
            found[made[number]] = wrong
    assert found == {}
    assert number > 8
