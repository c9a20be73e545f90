"""What the clock adds up for the dashboard, piece by piece."""

from datetime import datetime

from bot.store.db import Database
from bot.store.figures import folding
from bot.store.figures.folding import Piece
from bot.store.money import spending


def counted_piece(database: Database, at: datetime) -> Piece | None:
    """Count the next piece, and add it to nothing."""
    with database.read() as session:
        spending.at_one_moment(session)
        return folding.next_piece(session, at=at)


def add_piece(database: Database, piece: Piece) -> bool:
    """Add a piece that was counted."""
    with database.write() as session:
        return folding.add(session, piece)


def add_up(database: Database, at: datetime, *, most: int = 10_000) -> list[Piece]:
    """Add up what is final at a time, at most so many pieces; return these."""
    done: list[Piece] = []
    while len(done) < most and (piece := counted_piece(database, at)) is not None:
        if add_piece(database, piece):
            done.append(piece)
    return done
