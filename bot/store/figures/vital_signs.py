"""When each part of Deskhand last showed that it works: the self-watch.

A part that should be watched is one line of `SIGNS`: how to read when it last worked, and after which silence its
owners are alerted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.store.figures import watermarks
from bot.store.installation import heartbeats
from bot.store.releases import samples
from bot.store.schema import Turn, TurnState, now

LastSeen = Callable[[Session], datetime | None]
"Returns when a part last worked (UTC); None while nothing is expected of it."


@dataclass(frozen=True, slots=True)
class VitalSign:
    """A part of Deskhand that shows regularly that it works."""

    name: str
    words: str
    "What it is, in words that begin a sentence."
    last: LastSeen
    silent_after: timedelta
    do: str
    "What to do when it is silent."


@dataclass(frozen=True, slots=True)
class SignReading:
    """A sign as it was read."""

    sign: VitalSign
    last: datetime | None
    "UTC; None: nothing is expected of it."
    silent: bool


def read(session: Session) -> Sequence[SignReading]:
    """Return every sign as it is now."""
    at, readings = now(), []
    for sign in SIGNS:
        last = sign.last(session)
        readings.append(SignReading(sign, last, silent=last is not None and at - last > sign.silent_after))
    return readings


def _last_turn(session: Session) -> datetime | None:
    """Return when a turn last ended while one waits; a turn that waits is due from when it was opened or put back."""
    due = func.coalesce(Turn.queued_at, Turn.created_at)
    waiting = select(func.min(due)).where(Turn.state == TurnState.WAITING, ~Turn.held_back, Turn.suspended_at.is_(None))
    oldest = session.scalars(waiting).one()
    if oldest is None:
        return None
    ended = session.scalars(select(func.max(Turn.finished_at))).one()
    return oldest if ended is None else max(oldest, ended)


def _last_sample(session: Session) -> datetime | None:
    """Return when a sample was last scored while a turn waits to be sampled or scored."""
    mark = watermarks.get(session, watermarks.SAMPLES)
    unread = None
    if mark is not None:
        unread = session.scalars(select(func.min(Turn.finished_at)).where(Turn.finished_at > mark[0])).one()
    waiting = [one for one in (unread, samples.oldest_unscored(session)) if one is not None]
    if not waiting:
        return None
    scored = samples.last_scored(session)
    return min(waiting) if scored is None else max(min(waiting), scored)


def _last_beat(kind: heartbeats.Kind) -> LastSeen:
    def read_beat(session: Session) -> datetime | None:
        found = heartbeats.last(session, kind)
        return None if found is None else found[1]

    return read_beat


SIGNS = (
    VitalSign(
        "turn",
        "No turn has ended, although turns wait",
        _last_turn,
        timedelta(minutes=10),
        "Run `deskhand status`: is a worker alive, and can it reach Redis and the model?",
    ),
    VitalSign(
        "clock",
        "No clock has given a heartbeat",
        _last_beat("clock"),
        timedelta(minutes=5),
        "Start `deskhand clock`: nothing is repaired, escalated or told without it.",
    ),
    VitalSign(
        "checkpoint",
        "No checkpoint of the audit log has been signed",
        _last_beat("checkpoint"),
        timedelta(minutes=90),
        "Read what the process `signer` says, and run `deskhand audit verify`: it signs nothing that does not follow.",
    ),
    VitalSign(
        "sample",
        "No sampled turn has been scored, although turns wait for it,",
        _last_sample,
        timedelta(hours=24),
        "Read the clock's log for `sample.not_scored`, `clock.crashed` and `clock.delayed` of the round `look`.",
    ),
)
"Every part that is watched; a new one joins with one more."
