"""How far each check of finished turns has got.

Invariant: a check stores what it found in the transaction that moves its mark, and only one check moves it from where
it was: of two clocks one stores its result, and a check that dies is made again.
"""

from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Watermark, now
from bot.store.sql import prebuilt

TURNS = "turns"
"The mark of what looks at each turn by itself."
SAMPLES, SAMPLES_BEGIN = "samples", "samples:begin"
"How far ended turns are read to sample them, and where that began."

TurnMark = tuple[datetime, int]
"The end (UTC) and the id of the last turn that was checked; turns are checked in this order."

_GET = select(Watermark.finished_at, Watermark.turn_id).where(Watermark.name == bindparam("name"))
_MOVE = (
    update(Watermark)
    .where(
        Watermark.name == bindparam("of"),
        Watermark.finished_at == bindparam("ended_before"),
        Watermark.turn_id == bindparam("turn_before"),
    )
    .returning(Watermark.name)
)


def of_drift(agent: str) -> str:
    """Return the name of the mark of an agent's drift checks."""
    return f"drift:{agent}"


def get(session: Session, name: str) -> TurnMark | None:
    """Return a mark; None: nothing was checked yet."""
    found = prebuilt.rows(session, _GET, name=name).one_or_none()
    return None if found is None else (found.finished_at, found.turn_id)


def move(session: Session, name: str, *, before: TurnMark | None, to: TurnMark) -> bool:
    """Move a mark from where this check found it; return False if another check has moved it already."""
    values = {"finished_at": to[0], "turn_id": to[1], "at": now()}
    if before is None:
        return db.insert_new(session, Watermark, name=name, **values) is not None
    moved = prebuilt.rows(session, _MOVE, of=name, ended_before=before[0], turn_before=before[1], **values)
    return moved.scalar_one_or_none() is not None
