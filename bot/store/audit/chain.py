"""Reads the chain in its order, to verify it or to copy it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bot.store.schema import AuditHead, AuditLink, AuditRow

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The end of a chain."""

    chain: str
    "Random id of the chain."
    position: int
    "Of the last record; 0: there is none yet."
    hash: bytes
    "Of the last record, 32 bytes."


def head(session: Session) -> ChainHead | None:
    """Return the end of the chain as the database has noted it; None: somebody has deleted it."""
    found = session.execute(select(AuditHead.chain, AuditHead.position, AuditHead.hash)).one_or_none()
    return None if found is None else ChainHead(*found)


def links(session: Session, *, after: int = 0, batch: int = BATCH) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows of the chain after a position, with those of the records, batch by batch in order of position.

    A row has `position`, `audit_seq`, `prev`, `hash`, and the columns of `AuditRow`; these are NULL where a record is
    missing.
    """
    columns = [AuditLink.__table__.columns, AuditRow.__table__.columns]
    query = select(*columns[0], *columns[1]).outerjoin(AuditRow, AuditRow.seq == AuditLink.audit_seq)
    while True:
        rows = session.execute(query.where(AuditLink.position > after).order_by(AuditLink.position).limit(batch)).all()
        if not rows:
            return
        yield rows
        after = rows[-1].position
