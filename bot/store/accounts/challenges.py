"""Challenges that the local directory sends to a second factor, to see whether it is its owner who asks.

The person is told two digits elsewhere and types them on the device, so that nobody confirms a challenge by reflex.
Invariant: a challenge is answered once at most, and never after its time; each answer is one conditional update.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from bot.errors import Refused
from bot.principals import CONFIRMING_FACTORS, ChallengeState, Reason
from bot.store.accounts import changes
from bot.store.schema import AccountRow, FactorChallenge, now

WRONG_AT_MOST = 3
"The wrong number with which a challenge counts as refused: of a hundred numbers, three may be guessed."
TWO_DIGITS = re.compile(r"[0-9]{2}")


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    """A challenge that waits on a device; the number itself is not shown there."""

    key: str
    factor: str
    asked_at: datetime
    expires_at: datetime
    tries_left: int
    "How many more wrong numbers make it count as refused."


def ask(session: Session, account_id: str, factor: str, *, key: str, number: str, seconds: float) -> None:
    """Send a challenge to a second factor.

    Args:
        session: an open write transaction.
        account_id: the account.
        factor: one of `CONFIRMING_FACTORS` that is enrolled.
        key: under which it is sent once.
        number: two digits, which the person is told elsewhere.
        seconds: how long it can be answered.

    Raises:
        Refused: the account is gone, or cannot confirm through this factor.
        ValueError: the number is not two digits.
    """
    if TWO_DIGITS.fullmatch(number) is None:
        raise ValueError("number: expected two digits")

    def change(row: AccountRow) -> None:
        if factor not in row.factors or factor not in CONFIRMING_FACTORS:
            raise Refused(f"nobody can confirm through the factor {factor}", reason=Reason.OUT_OF_POLICY)
        at = now()
        until = at + timedelta(seconds=seconds)
        values = {"account_id": row.id, "factor": factor, "number": number}
        session.add(FactorChallenge(key=key, **values, asked_at=at, expires_at=until))

    changes.once(session, account_id, changes.CHALLENGE, key, change)


def state(session: Session, key: str) -> ChallengeState | None:
    """Return how a challenge was answered, or None if none was sent under this key."""
    row = session.get(FactorChallenge, key, populate_existing=True)
    if row is None:
        return None
    if row.state is ChallengeState.ASKED and row.expires_at <= now():
        return ChallengeState.EXPIRED
    return row.state


def waiting(session: Session, account_id: str) -> tuple[OpenChallenge, ...]:
    """Return the challenges that the owner of an account can answer now, the newest first."""
    query = select(FactorChallenge).where(FactorChallenge.account_id == account_id, *_open())
    return tuple(
        OpenChallenge(row.key, row.factor, row.asked_at, row.expires_at, WRONG_AT_MOST - row.wrong_numbers)
        for row in session.scalars(query.order_by(FactorChallenge.asked_at.desc(), FactorChallenge.key))
    )


def answer(session: Session, account_id: str, key: str, *, typed: str) -> ChallengeState | None:
    """Answer a challenge with a number, as its owner does on the device; return its state, or None if it is not theirs.

    A wrong number leaves it open, but the third one counts as a refusal.
    """
    number = "".join(typed.split())
    right = FactorChallenge.number == number
    if not _moved(session, account_id, key, *_open(), right, state=ChallengeState.CONFIRMED, answered_at=now()):
        wrong, last = FactorChallenge.wrong_numbers + 1, FactorChallenge.wrong_numbers + 1 >= WRONG_AT_MOST
        _moved(
            session,
            account_id,
            key,
            *_open(),
            wrong_numbers=wrong,
            state=case((last, ChallengeState.REFUSED.value), else_=ChallengeState.ASKED.value),
            answered_at=case((last, now())),
        )
    return _own_state(session, account_id, key)


def refuse(session: Session, account_id: str, key: str) -> ChallengeState | None:
    """Say on the device that it was somebody else who asked; return the state, or None if it is not their challenge."""
    _moved(session, account_id, key, *_open(), state=ChallengeState.REFUSED, answered_at=now())
    return _own_state(session, account_id, key)


def _open() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return FactorChallenge.state == ChallengeState.ASKED, FactorChallenge.expires_at > now()


def _moved(session: Session, account_id: str, key: str, *only_if: ColumnElement[bool], **values: object) -> bool:
    """Change a challenge if it is as it should be, and return whether it was."""
    own = FactorChallenge.key == key, FactorChallenge.account_id == account_id
    statement = update(FactorChallenge).where(*own, *only_if).values(**values).returning(FactorChallenge.key)
    return session.execute(statement).one_or_none() is not None


def _own_state(session: Session, account_id: str, key: str) -> ChallengeState | None:
    row = session.get(FactorChallenge, key, populate_existing=True)
    return None if row is None or row.account_id != account_id else state(session, key)
