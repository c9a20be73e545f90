"""Approvers with an authenticator app: the key of the tests, people who are enrolled, and the codes of their apps."""

from datetime import UTC, datetime, timedelta

from bot import configured_keys
from bot.second_step import secret_box, totp
from bot.second_step.secret_box import ApproverKeys
from bot.store.approvals import approvers
from bot.store.db import Database

APPROVER_KEY = "dhak_dGhpcyBrZXkgZ3VhcmRzIG5vdGhpbmcgb2YgdmFsdWU"
"32 bytes that everybody knows, so it guards nothing."
OTHER_APPROVER_KEY = "dhak_YW5kIHRoaXMgb3RoZXIgb25lIGRvZXMgbmVpdGhlciE"


def approver_keys(*written: str) -> ApproverKeys:
    """Return keys of an installation: that of the tests, or these."""
    found = configured_keys.parse(secret_box.KIND, written or (APPROVER_KEY,), source="tests")
    return ApproverKeys(found.keys)


APPROVER_KEYS = approver_keys()


def enrolled(database: Database, user: str) -> str:
    """Enrol somebody with the key of the tests, and return the secret of their app."""
    secret = totp.new_secret()
    with database.write() as session:
        assert approvers.enrol(session, user, secret=APPROVER_KEYS.seal(secret, user=user), by="operator")
    return secret


def code_now(secret: str, *, steps: int = 0) -> str:
    """Return what an app shows now, or some steps of 30 seconds later."""
    return totp.code(secret, at=datetime.now(UTC) + steps * timedelta(seconds=totp.SECONDS))


def wrong_code(secret: str, *, at: datetime) -> str:
    """Return six digits that the app shows neither at a time nor in the steps around it."""
    right = {totp.code(secret, at=at + step * timedelta(seconds=totp.SECONDS)) for step in range(-2, 3)}
    return next(digits for digits in (f"{number:06d}" for number in range(10)) if digits not in right)
