"""Whether a pair of release and suite may serve: `bot.store.releases.verdicts` and `bot.store.releases.waivers`."""

from datetime import timedelta

import pytest

from bot.store.db import Database
from bot.store.releases import verdicts, waivers
from bot.store.releases.verdicts import ReleasePair, ReleaseStanding
from bot.store.schema import AuditRow, Waiver, now
from tests.support.factories import at_once, rows
from tests.support.release_rows import SUITE, end_run, judged, keep_release, open_run

PAIR = ReleasePair("access@1", SUITE)


def standing(database: Database, release: str = "access@1", suite: str = SUITE) -> ReleaseStanding:
    """Return what is said of a pair now."""
    with database.read() as session:
        return verdicts.standing(session, release, suite)


def waive(database: Database, run: int, *, hours: float = 24, pair: ReleasePair = PAIR) -> Waiver:
    """Let an owner answer for a pair."""
    ends = now() + timedelta(hours=hours)
    with database.write() as session:
        return waivers.sign(session, pair, run_id=run, owner="U0OLIVIA", reason="a holiday", ends_at=ends)


def test_a_verdict_is_of_one_release_and_one_suite(database: Database) -> None:
    """Another suite or another release was never evaluated, whatever this pair has."""
    with database.write() as session:
        judged(session, "access@1")
        judged(session, "access@2", "s2", "block")
    assert (standing(database).verdict, standing(database).serves) == ("pass", True)
    for release, suite in (("access@1", "s2"), ("access@2", SUITE), ("access@3", SUITE), ("access@1", "")):
        assert standing(database, release, suite) == verdicts.NEVER_EVALUATED
    assert not verdicts.NEVER_EVALUATED.serves
    assert standing(database, "access@2", "s2").verdict == "block"


def test_a_later_run_of_the_same_pair_replaces_the_verdict(database: Database) -> None:
    """One row a pair; a run that says nothing leaves it."""
    keep_release(database)
    end_run(database, open_run(database))
    end_run(database, later := open_run(database), verdict="inconclusive")
    end_run(database, open_run(database), state="invalid", verdict=None)
    end_run(database, open_run(database), verdict="not_run")
    found = standing(database)
    assert (found.verdict, found.run_id, found.serves) == ("inconclusive", later, False)
    with database.read() as session:
        assert [one.suite for one in verdicts.of_release(session, "access@1")] == [SUITE]
        assert verdicts.newest(session, "access@1").verdict == "inconclusive"


@pytest.mark.parametrize("verdict", ["block", "inconclusive"])
def test_a_waiver_serves_until_its_moment(database: Database, verdict: str) -> None:
    """No job has to end it: it is compared with the time whenever somebody asks."""
    with database.write() as session:
        run = judged(session, "access@1", verdict=verdict)
    assert not standing(database).serves
    ended = waive(database, run, hours=-0.001)
    assert not standing(database).serves
    waiver = waive(database, run)
    found = standing(database)
    assert (found.serves, found.verdict) == (True, verdict)
    assert found.waiver is not None
    assert (found.waiver.id, found.waiver.owner, found.waiver.ends_at) == (waiver.id, "U0OLIVIA", waiver.ends_at)
    assert "U0OLIVIA answers for it until" in found.words
    assert not standing(database, suite="s2").serves
    with database.read() as session:
        assert [one.id for one in waivers.of_release(session, "access@1")] == [waiver.id, ended.id]


def test_a_waiver_is_of_the_run_that_its_owner_has_read(database: Database) -> None:
    """When a later run says something else, or the same again, the signature under the earlier one is worth nothing."""
    with database.write() as session:
        run = judged(session, "access@1", verdict="inconclusive")
    waive(database, run)
    assert standing(database).serves
    end_run(database, open_run(database), verdict="block")
    assert not standing(database).serves


def test_a_waiver_is_revoked_once(database: Database) -> None:
    """It no longer serves, the audit log knows by whom, and what has ended cannot be revoked."""
    with database.write() as session:
        run = judged(session, "access@1", verdict="inconclusive")
    waiver, ended = waive(database, run), waive(database, run, hours=-1)
    with database.write() as session:
        assert waivers.revoke(session, ended.id, "U0BEN") is None
        assert waivers.revoke(session, waiver.id, "U0BEN") is not None
        assert waivers.revoke(session, waiver.id, "U0BEN") is None
    assert not standing(database).serves
    events = [(row.event, row.actor) for row in rows(database, AuditRow)]
    assert events == [
        ("evaluation.begun", "operator"),
        ("release.evaluated", "operator"),
        ("release.waived", "U0OLIVIA"),
        ("release.waived", "U0OLIVIA"),
        ("waiver.revoked", "U0BEN"),
    ]


def test_of_clocks_that_see_a_waiver_end_one_notes_it(database: Database) -> None:
    """The audit log has one row for it; a waiver that lasts, or was revoked, does not expire."""
    with database.write() as session:
        run = judged(session, "access@1", verdict="inconclusive")
    waive(database, run)
    with database.read() as session:
        assert not waivers.any_to_expire(session)
    ended = waive(database, run, hours=-1)

    def note(_number: int) -> list[int]:
        with database.write() as session:
            return [one.id for one in waivers.expire(session)]

    with database.read() as session:
        assert waivers.any_to_expire(session)
    assert sorted(at_once(4, note)) == [[], [], [], [ended.id]]
    assert [row.record for row in rows(database, AuditRow) if row.event == "waiver.expired"] == [
        {"waiver": ended.id, "release": "access@1"}
    ]
