"""Whether a typed code is an approver's: `bot.second_step.codes`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from bot import logs
from bot.second_step import codes, totp
from bot.second_step.codes import CodeVerdict
from bot.second_step.secret_box import ApproverKeys
from bot.store.approvals import approvers
from bot.store.db import Database
from bot.store.schema import Approver, AuditRow
from tests.support.approver_codes import (
    APPROVER_KEY,
    APPROVER_KEYS,
    OTHER_APPROVER_KEY,
    approver_keys,
    enrolled,
    wrong_code,
)
from tests.support.factories import at_once, everything, rows

PRIYA = "U0PRIYA"
NOON = datetime(2026, 11, 30, 12, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=totp.SECONDS)
OK, WRONG, LOCKED = CodeVerdict.OK, CodeVerdict.WRONG, CodeVerdict.LOCKED

Try = Callable[..., CodeVerdict]


@pytest.fixture
def typed(database: Database) -> Try:
    """Return a function that checks what somebody types, in a transaction of its own."""

    def check(text: str, *, at: datetime = NOON, keys: ApproverKeys = APPROVER_KEYS, user: str = PRIYA) -> CodeVerdict:
        with database.write() as session:
            return codes.check(session, user, text, keys=keys, at=at)

    return check


def test_a_code_is_used_once_and_no_earlier_one_after_it(database: Database, typed: Try) -> None:
    """The next one is good again; each acceptance is in the audit log."""
    secret = enrolled(database, PRIYA)
    before, now, after = (totp.code(secret, at=NOON + shift * STEP) for shift in (-1, 0, 1))
    assert typed(f" {now[:3]} {now[3:]} ") is OK
    assert [typed(now), typed(before)] == [CodeVerdict.REPEATED] * 2
    assert typed(after) is OK
    assert [typed(now), typed(after)] == [CodeVerdict.REPEATED] * 2
    step = int(NOON.timestamp()) // totp.SECONDS
    [row] = rows(database, Approver)
    assert (row.last_step, row.failures, row.locked_at) == (step + 1, 0, None)
    accepted = [audit for audit in rows(database, AuditRow) if audit.event == "approver.code_accepted"]
    assert [(one.actor, one.record) for one in accepted] == [
        (PRIYA, {"time_step": step}),
        (PRIYA, {"time_step": step + 1}),
    ]


def test_five_wrong_codes_lock_until_an_operator_unlocks(database: Database, typed: Try) -> None:
    """Then the right one is no good either; a right one in between starts the count anew."""
    secret = enrolled(database, PRIYA)
    wrong = wrong_code(secret, at=NOON)
    assert [typed(wrong) for _ in range(4)] == [WRONG] * 4
    assert typed(totp.code(secret, at=NOON)) is OK
    assert [typed(wrong) for _ in range(5)] == [WRONG] * 4 + [LOCKED]
    assert [typed(totp.code(secret, at=NOON + STEP)), typed("12345")] == [LOCKED] * 2
    [row] = rows(database, Approver)
    assert (row.failures, row.locked_at) == (5, NOON)
    with database.write() as session:
        assert approvers.unlock(session, PRIYA, by="operator")
        assert not approvers.unlock(session, PRIYA, by="operator")
    assert typed(wrong) is WRONG
    assert typed(totp.code(secret, at=NOON + STEP)) is OK
    events = [row.event for row in rows(database, AuditRow)]
    assert events == [
        "approver.enrolled",
        *["approver.code_refused"] * 4,
        "approver.code_accepted",
        *["approver.code_refused"] * 4,
        "approver.locked",
        "approver.unlocked",
        "approver.code_refused",
        "approver.code_accepted",
    ]


def test_what_is_no_code_is_no_try(database: Database, typed: Try) -> None:
    """A slip of the finger locks nobody out, and it gives a guesser nothing."""
    secret = enrolled(database, PRIYA)
    for text in ("", "12345", "1234567", "no idea", "12 34 5a", "\u0661" * 6, "9" * 5_000):
        assert typed(text) is WRONG
    assert rows(database, Approver)[0].failures == 0
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in totp.code(secret, at=NOON))
    assert typed(wide) is OK


def test_who_is_not_enrolled_and_whom_no_key_opens_are_told_so(database: Database, typed: Try) -> None:
    """Neither is counted as wrong: nobody has guessed anything."""
    assert typed("123456") is CodeVerdict.NOT_ENROLLED
    secret = enrolled(database, PRIYA)
    now = totp.code(secret, at=NOON)
    assert typed(now, user="U0BEN") is CodeVerdict.NOT_ENROLLED
    for keys in (ApproverKeys(), approver_keys(OTHER_APPROVER_KEY)):
        assert typed(now, keys=keys) is CodeVerdict.UNREADABLE
    assert typed(now, keys=approver_keys(OTHER_APPROVER_KEY, APPROVER_KEY)) is OK
    assert rows(database, Approver)[0].failures == 0


def test_of_eight_who_show_one_code_at_once_one_gets_in(postgres: Database) -> None:
    """All have read the row before any of them writes; the step is accepted in one statement."""
    secret = enrolled(postgres, PRIYA)
    for code, verdicts in (
        (totp.code(secret, at=NOON), ["ok", *["repeated"] * 7]),
        (wrong_code(secret, at=NOON), [*["locked"] * 4, *["wrong"] * 4]),
    ):

        def check(_number: int, typed: str = code) -> str:
            with postgres.write() as session:
                return codes.check(session, PRIYA, typed, keys=APPROVER_KEYS, at=NOON).value

        assert sorted(at_once(8, check)) == verdicts
    [row] = rows(postgres, Approver)
    assert (row.failures, row.locked_at) == (5, NOON)


def test_a_lock_beats_a_right_code_that_was_read_before_it(database: Database) -> None:
    """Guesses that are on their way together have no more tries than one after another."""
    secret = enrolled(database, PRIYA)
    with database.read() as session:
        seen = approvers.find(session, PRIYA)
    assert seen is not None
    for _ in range(5):
        with database.write() as session:
            codes.check(session, PRIYA, wrong_code(secret, at=NOON), keys=APPROVER_KEYS, at=NOON)
    with database.write() as session:
        assert not approvers.use_step(session, seen, 10**9)
        assert approvers.count_wrong(session, seen, at=NOON) == 0


def test_a_code_of_an_enrolment_that_was_replaced_is_no_good(database: Database) -> None:
    """The app of a lost phone stops when its secret is removed, also for a check that had begun."""
    enrolled(database, PRIYA)
    with database.read() as session:
        seen = approvers.find(session, PRIYA)
    assert seen is not None
    with database.write() as session:
        assert approvers.remove(session, PRIYA, by="operator")
    enrolled(database, PRIYA)
    with database.write() as session:
        assert not approvers.use_step(session, seen, 10**9)


@pytest.mark.usefixtures("quiet_logs")
def test_a_secret_is_nowhere_in_plain_text(database: Database, typed: Try, capsys: pytest.CaptureFixture[str]) -> None:
    """Not in a table, not in a log line, not in what an error or a row says of itself."""
    logs.configure("json")
    secret = enrolled(database, PRIYA)
    typed(totp.code(secret, at=NOON))
    typed(wrong_code(secret, at=NOON))
    typed("1", keys=approver_keys(OTHER_APPROVER_KEY))
    [row] = rows(database, Approver)
    structlog.get_logger("bot").warning("approver.seen", row=row, keys=APPROVER_KEYS)
    told = capsys.readouterr()
    assert "approver.seen" in told.err
    for shown in (str(everything(database)), str(row), repr(row), told.out, told.err):
        assert secret not in shown
