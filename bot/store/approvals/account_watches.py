"""Watches over accounts whose second factors were reset. Invariant: a watch begins once, and finds one odd sign-in.

An approval that was used is watched for as long as `WATCHED_FOR` says, from the moment of its use.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from bot.store.db import insert_new
from bot.store.schema import AccountWatch, Approval, ApprovalState, now

WATCHED_FOR = timedelta(hours=24)


def to_begin(session: Session, tool: str) -> Sequence[Approval]:
    """Return the approvals of a tool that were used lately and whose account is not watched yet."""
    watched = exists().where(AccountWatch.approval_id == Approval.id)
    lately = Approval.state == ApprovalState.USED, Approval.used_at > now() - WATCHED_FOR
    of_account = Approval.tool == tool, Approval.account_id.is_not(None)
    return session.scalars(select(Approval).where(*lately, *of_account, ~watched).order_by(Approval.id)).all()


def begin(session: Session, approval_id: int) -> bool:
    """Begin a watch; return False if it had begun."""
    return insert_new(session, AccountWatch, approval_id=approval_id, began_at=now()) is not None


def under_way(session: Session) -> Sequence[Approval]:
    """Return the approvals whose accounts are watched now."""
    query = select(Approval).join(AccountWatch, AccountWatch.approval_id == Approval.id)
    now_watched = AccountWatch.found_at.is_(None), Approval.used_at > now() - WATCHED_FOR
    return session.scalars(query.where(*now_watched).order_by(Approval.id)).all()


def find(session: Session, approval_id: int) -> bool:
    """End a watch because of an odd sign-in; return False if another look has ended it."""
    running = AccountWatch.approval_id == approval_id, AccountWatch.found_at.is_(None)
    ended = update(AccountWatch).where(*running).values(found_at=now()).returning(AccountWatch.approval_id)
    return session.execute(ended).one_or_none() is not None
