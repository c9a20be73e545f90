"""Writes that the directory did not show are read back again, and their owners are alerted: `jobs.read_backs`."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.directory import Directory
from bot.directory.local import AccountSeed, LocalDirectory
from bot.errors import DirectoryDown
from bot.principals import Account, AccountStatus
from bot.store import audit
from bot.store.accounts import account_writes
from bot.store.db import Database
from bot.store.schema import (
    AccountWrite,
    AuditRow,
    DirectoryAgreement,
    DirectoryWrite,
    Message,
    OwnerAlert,
    Step,
    StepKind,
    Turn,
    TurnState,
    WriteState,
    now,
)
from bot.store.tickets import steps, turns
from jobs import owner_alerts, read_backs, upkeep
from jobs.process import WorkerContext
from tests.support.audit_rows import recomputed
from tests.support.dying_process import ends_by_kill
from tests.support.factories import Clock, at_once, heard, new_turn, put, rows, running

TOOL = "unlock_my_account"
UNKNOWN, DIVERGED, MATCHED = DirectoryAgreement.UNKNOWN, DirectoryAgreement.DIVERGED, DirectoryAgreement.MATCHED


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time stand still until it is moved."""
    return Clock().rule(monkeypatch)


class Outage:
    """A directory that does not answer."""

    def account(self, _account_id: str) -> Account | None:
        """Answer nothing."""
        raise DirectoryDown("no answer")


def put_directory(ctx: WorkerContext, directory: object) -> Directory:
    """Put a directory in place of the one of a process, and return that one."""
    before = ctx.directory
    object.__setattr__(ctx, "directory", directory)
    return before


def status(database: Database, shown: AccountStatus) -> None:
    """Let Maya's account be in a state."""
    LocalDirectory(database).seed(
        [AccountSeed(id="acc-maya", email="maya@x.example", name="Maya", status=shown, lock_reason=None)]
    )


def written(database: Database, agreement: DirectoryAgreement, number: int = 1) -> int:
    """Let a turn of somebody unlock Maya's account, and read the directory back; return the turn."""
    attempt = running(
        database, new_turn(database, heard(number, ts=f"17.{number}", thread_ts=None, user=f"U0{number}"))
    )
    state = WriteState.BEGUN if agreement is UNKNOWN else WriteState.DONE
    with database.write() as session:
        intent = audit.append(session, "tool.intended", actor="agent:access@1", ticket_id=attempt.ticket.id)
        account_writes.begin(session, attempt, step=3, account="acc-maya", tool=TOOL, at=now())
        request = {"arguments": {}, "intent": intent}
        steps.start(session, attempt, seq=3, kind=StepKind.TOOL, name=TOOL, request=request)
        account_writes.end(session, attempt, step=3, state=state, agreement=agreement, at=now())
    return attempt.turn_id


def told(ctx: WorkerContext) -> list[str]:
    """Let the clock look and tell; return all that owners were told until now."""
    read_backs.look(ctx)
    owner_alerts.tell(ctx)
    return [str(one.body["text"]) for one in rows(ctx.database, Message)]


def events(database: Database) -> list[str]:
    """Return what the audit log has, but for intents."""
    return [one.event for one in rows(database, AuditRow) if one.event != "tool.intended"]


def test_a_write_that_diverged_is_told_at_once_and_once(ctx: WorkerContext, clock: Clock) -> None:
    """By two clocks, look after look; its end is told once, when the directory shows the write."""
    status(ctx.database, AccountStatus.LOCKED)
    written(ctx.database, DIVERGED)
    at_once(2, lambda _: told(ctx))
    [first] = told(ctx)
    assert "The directory does not show what `unlock_my_account` has done" in first
    assert "ticket 1" in first
    for _ in range(3):
        clock.passes(seconds=20)
        assert told(ctx) == [first]
    status(ctx.database, AccountStatus.ACTIVE)
    clock.passes(minutes=5)
    told(ctx)
    over = told(ctx)[1:]
    assert [one.partition("It was found")[0] for one in over] == [
        ":white_check_mark: *It is over:* the directory shows what `unlock_my_account` has done for ticket 1. "
    ]
    assert events(ctx.database) == ["alert.opened", "agreement.changed", "alert.closed"]
    assert [(one.agreement, one.look_at) for one in rows(ctx.database, AccountWrite)] == [(MATCHED, None)]


def test_more_than_a_days_alerts_that_diverged_are_all_told(ctx: WorkerContext, clock: Clock) -> None:
    """Each is about somebody's account; none waits for tomorrow."""
    assert clock.at
    status(ctx.database, AccountStatus.LOCKED)
    for number in range(1, owner_alerts.MOST + 3):
        written(ctx.database, DIVERGED, number)
    assert len(told(ctx)) == owner_alerts.MOST + 2


def test_what_diverges_for_a_day_ends_in_words_that_say_so(ctx: WorkerContext, clock: Clock) -> None:
    """Nobody asks any longer; the alert does not end as if all were well."""
    status(ctx.database, AccountStatus.LOCKED)
    written(ctx.database, DIVERGED)
    told(ctx)
    clock.passes(days=2)
    told(ctx)
    assert "was read back for a day and does not show what `unlock_my_account` has done" in told(ctx)[-1]
    assert [(one.agreement, one.look_at) for one in rows(ctx.database, AccountWrite)] == [(DIVERGED, None)]


def test_an_unknown_one_is_told_when_it_is_stale_and_closed_when_it_matches(ctx: WorkerContext, clock: Clock) -> None:
    """The directory is down: an alert for all writes of a tool, after a quarter of an hour, and its end."""
    status(ctx.database, AccountStatus.ACTIVE)
    real = put_directory(ctx, Outage())
    for number in (1, 2):
        written(ctx.database, UNKNOWN, number)
    clock.passes(minutes=14)
    assert told(ctx) == []
    clock.passes(minutes=1)
    [first] = told(ctx)
    assert "It is unknown whether the directory shows 2 writes of `unlock_my_account`" in first
    clock.passes(minutes=1)
    assert told(ctx) == [first]
    put_directory(ctx, real)
    clock.passes(hours=1)
    told(ctx)
    assert "the directory has answered for every write" in told(ctx)[1]
    assert [one.agreement for one in rows(ctx.database, AccountWrite)] == [MATCHED, MATCHED]
    assert [one.closed_at is not None for one in rows(ctx.database, OwnerAlert)] == [True]


def test_a_write_that_the_directory_does_not_know_of_stays_unknown(ctx: WorkerContext, clock: Clock) -> None:
    """The account is locked and no key says that it was unlocked: nothing was made, as far as is known."""
    status(ctx.database, AccountStatus.LOCKED)
    written(ctx.database, UNKNOWN)
    clock.passes(minutes=1)
    told(ctx)
    assert events(ctx.database) == []
    assert [one.agreement for one in rows(ctx.database, AccountWrite)] == [UNKNOWN]


def test_a_write_whose_arguments_were_erased_is_not_read_back(ctx: WorkerContext, clock: Clock) -> None:
    """What it should have left is not known any longer: it stays unknown, and nothing else stops for it."""
    status(ctx.database, AccountStatus.ACTIVE)
    written(ctx.database, UNKNOWN)
    with ctx.database.write() as session:
        session.execute(update(Step).values(request={"intent": 1}))
        session.execute(update(AccountWrite).values(tool="reset_second_factor"))
    clock.passes(minutes=2)
    told(ctx)
    assert [one.agreement for one in rows(ctx.database, AccountWrite)] == [UNKNOWN]


def test_what_diverged_is_not_unknown_when_the_directory_goes_down(ctx: WorkerContext, clock: Clock) -> None:
    """Its alert stays open."""
    status(ctx.database, AccountStatus.LOCKED)
    written(ctx.database, DIVERGED)
    told(ctx)
    put_directory(ctx, Outage())
    clock.passes(minutes=2)
    assert len(told(ctx)) == 1
    assert [one.agreement for one in rows(ctx.database, AccountWrite)] == [DIVERGED]


@pytest.mark.both_databases
@pytest.mark.parametrize(("shown", "found"), [(AccountStatus.ACTIVE, MATCHED), (AccountStatus.LOCKED, DIVERGED)])
def test_after_a_kill_between_write_and_outcome_the_directory_decides(
    ctx: WorkerContext, database_url: str, tmp_path: Path, shown: AccountStatus, found: DirectoryAgreement
) -> None:
    """A process dies by SIGKILL when the directory has unlocked the account, and the turn is stopped.

    The outcome says that it was not seen, and that the agreement is unknown; the clock finds out which, and tells a
    write that diverged once.
    """
    ends_by_kill(tmp_path, "unlocked", database_url, ctx.settings.redis_url, str(tmp_path))
    [turn], [written] = rows(ctx.database, Turn), rows(ctx.database, AccountWrite)
    assert (turn.state, written.state, written.agreement) == (TurnState.RUNNING, WriteState.BEGUN, None)
    assert [one.key for one in rows(ctx.database, DirectoryWrite)] == [steps.write_key(turn.id, written.step)]
    LocalDirectory(ctx.database).set_status("acc-maya", shown)
    with ctx.database.write() as session:
        turns.stop(session, turn.ticket_id)
    put(ctx.database, Turn, turn.id, finished_at=now() - timedelta(minutes=1))
    upkeep.close_intents(ctx)
    [intent] = [one.seq for one in rows(ctx.database, AuditRow) if one.record.get("step") == written.step]
    [outcome] = [one for one in rows(ctx.database, AuditRow) if one.intent_id == intent]
    assert (outcome.event, outcome.record["agreement"]) == ("tool.unseen", "unknown")
    for _ in range(3):
        said = told(ctx)
    assert len(said) == (1 if found is DIVERGED else 0)
    [changed] = [one.record for one in rows(ctx.database, AuditRow) if one.event == "agreement.changed"]
    assert [changed[name] for name in ("intent", "before", "agreement")] == [intent, "unknown", found]
    recomputed(ctx.database)
