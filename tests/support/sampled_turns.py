"""Turns of the past that a sampler finds, with the answers that were posted for them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.sampling import draw
from bot.store.db import Database
from bot.store.figures import watermarks
from bot.store.schema import Message, Sample, Turn
from jobs import samples
from jobs.process import WorkerContext
from tests.support.factories import Clock, rows
from tests.support.past_tickets import LOOKED_UP, PAST_BEGINS, PastTickets


@pytest.fixture
def past(ctx: WorkerContext) -> PastTickets:
    """Return tickets whose turns are sampled, written down as they are added."""
    from_long_ago(ctx.database, PAST_BEGINS)
    return PastTickets(ctx.database)


@pytest.fixture
def clock(past: PastTickets, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be Monday morning."""
    return Clock(past.at).rule(monkeypatch)


def from_long_ago(database: Database, at: datetime) -> None:
    """Let ended turns be read from a time on."""
    with database.write() as session:
        for name in (watermarks.SAMPLES_BEGIN, watermarks.SAMPLES):
            watermarks.move(session, name, before=None, to=(at, 0))


def answer(database: Database, turns: Iterable[int], **message: Any) -> None:
    """Let the answers to these turns be in Slack."""
    ended = {turn.id: turn for turn in rows(database, Turn)}
    with database.write() as session:
        for turn in turns:
            at = ended[turn].finished_at
            assert at is not None
            of = {"key": f"reply:turn:{turn}", "kind": "reply", "lane": f"t{turn}", "channel": "C0HELP", "op": "post"}
            posted = {"state": "posted", "posted_at": at, "ts": f"{at.timestamp():.6f}", "bot_voice": True}
            body = {"text": "You can sign in again."}
            about = {"ticket_id": ended[turn].ticket_id, "turn_id": turn, "body": body}
            session.execute(insert(Message).values(**{**of, **posted, **about, **message}))


def add_answered(past: PastTickets, release: str, count: int) -> list[int]:
    """Write down turns of which nothing is unusual, each with its answer; return their ids."""
    added = [past.add(release, tools=(LOOKED_UP,)) for _ in range(count)]
    past.write()
    answer(past.database, added)
    return added


def look_later(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Let the clock look at all that was written down."""
    clock.at = max(clock.at, past.at + timedelta(minutes=1))
    samples.look(ctx)


def kept_for(database: Database) -> Mapping[int, str]:
    """Return why each turn is kept, by its id."""
    return {one.turn_id: str(one.kept_for) for one in rows(database, Sample)}


def smallest(turns: Iterable[int], count: int) -> set[int]:
    """Return the turns with the smallest numbers."""
    return set(sorted(turns, key=draw.number)[:count])
