"""Whether what an approver types is their code: once, within a minute and a half, and never after five wrong ones."""

from datetime import datetime
from enum import StrEnum

from bot.second_step import totp
from bot.second_step.secret_box import ApproverKeys
from bot.store.approvals import approvers
from bot.store.db import Session


class CodeVerdict(StrEnum):
    """What is said of a code that an approver typed."""

    OK = "ok"
    "It is their code, and from now on it is used."
    WRONG = "wrong"
    "It is not their code of now; what is no six digits at all is not counted as a try."
    REPEATED = "repeated"
    "It is their code, but they have used it or a later one."
    LOCKED = "locked"
    "Five codes were wrong, so no code counts until an operator unlocks them."
    NOT_ENROLLED = "not_enrolled"
    "They have no authenticator app with us."
    UNREADABLE = "unreadable"
    "No key of this installation opens their secret, so an operator must set the key or enrol them again."


def check(session: Session, user: str, typed: str, *, keys: ApproverKeys, at: datetime) -> CodeVerdict:
    """Check a code, and use it if it is right.

    Commit the transaction whatever the verdict is: wrong codes are counted in it. The approver's row is locked until
    its end, so a ticket is locked before.

    Args:
        session: the open write transaction.
        user: who typed it.
        typed: what they typed.
        keys: the keys of this installation.
        at: now.
    """
    row = approvers.find(session, user)
    if row is None:
        return CodeVerdict.NOT_ENROLLED
    if row.locked_at is not None:
        return CodeVerdict.LOCKED
    secret, digits = keys.unseal(row.secret, user=user), totp.digits_of(typed)
    if secret is None:
        return CodeVerdict.UNREADABLE
    if digits is None:
        return CodeVerdict.WRONG
    step = totp.step_of(secret, digits, at=at)
    if step is None:
        left = approvers.count_wrong(session, row, at=at)
        return CodeVerdict.WRONG if left > 0 else CodeVerdict.LOCKED
    if approvers.use_step(session, row, step):
        return CodeVerdict.OK
    return _refused(session, row.user)


def _refused(session: Session, user: str) -> CodeVerdict:
    """Say why a right code was not accepted: the row has changed since it was read, or the step was used."""
    row = approvers.find(session, user)
    if row is None:
        return CodeVerdict.NOT_ENROLLED
    return CodeVerdict.REPEATED if row.locked_at is None else CodeVerdict.LOCKED
