"""Which release is the baseline: `bot.store.releases.baselines`."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from bot.store.db import Database
from bot.store.releases import baselines
from bot.store.releases.baselines import NotPromoted
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AuditRow, Promotion
from tests.support.factories import rows
from tests.support.release_rows import SUITE, end_run, keep_release, open_run


def baseline_of(database: Database, agent: str = "access") -> str | None:
    """Return the release that counts as the baseline."""
    with database.read() as session:
        found = baselines.current(session, agent)
        return None if found is None else found.release


def test_the_first_release_that_passes_is_promoted_by_itself(database: Database) -> None:
    """With its suite, its moment, who began the run, and an audit row; a later pass does not replace it."""
    for release in ("access@1", "access@2"):
        keep_release(database, release)
    end_run(database, open_run(database))
    end_run(database, open_run(database, "access@2"))
    end_run(database, open_run(database))
    [row] = rows(database, Promotion)
    assert (row.agent, row.number, row.release, row.suite, row.by) == ("access", 1, "access@1", "s1", "operator")
    assert baseline_of(database) == "access@1"
    [audited] = [one for one in rows(database, AuditRow) if one.event == "release.promoted"]
    assert audited.actor == "operator"
    assert audited.record == {"agent": "access", "release": "access@1", "suite": "s1", "number": 1}


@pytest.mark.parametrize(("state", "verdict"), [("finished", "block"), ("finished", "inconclusive"), ("invalid", None)])
def test_only_a_pass_promotes(database: Database, state: str, verdict: str | None) -> None:
    """Whatever else a run comes to leaves the agent without a baseline; another agent's does so too."""
    keep_release(database)
    keep_release(database, "other@1", agent="other")
    end_run(database, open_run(database), state=state, verdict=verdict)
    end_run(database, open_run(database, "other@1"))
    assert baseline_of(database) is None
    assert baseline_of(database, "other") == "other@1"


def test_of_runs_that_end_at_once_one_promotes(postgres: Database) -> None:
    """Eight releases pass in eight transactions that are open at the same time: there is one first promotion."""
    names = [f"access@{number}" for number in range(8)]
    for name in names:
        keep_release(postgres, name)
    runs, together = [open_run(postgres, name) for name in names], Barrier(len(names))

    def end(run_id: int) -> None:
        together.wait(30)
        end_run(postgres, run_id)

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(end, runs))
    [row] = rows(postgres, Promotion)
    assert row.release in names
    assert [one.event for one in rows(postgres, AuditRow)].count("release.promoted") == 1


def promoted(database: Database, release: str, suite: str = SUITE) -> Promotion | NotPromoted:
    """Let an owner promote a release."""
    with database.write() as session:
        return baselines.promote(session, "access", ReleasePair(release, suite), by="U0OLIVIA")


def test_an_owner_promotes_a_release_that_has_passed(database: Database) -> None:
    """It then counts, and so does an older one that is promoted again; each is in the audit log with who did it."""
    for release in ("access@1", "access@2"):
        keep_release(database, release)
        end_run(database, open_run(database, release))
    assert isinstance(promoted(database, "access@2"), Promotion)
    assert baseline_of(database) == "access@2"
    assert promoted(database, "access@2") is NotPromoted.ALREADY
    assert isinstance(promoted(database, "access@1"), Promotion)
    assert baseline_of(database) == "access@1"
    told = [(one.actor, one.record["release"]) for one in rows(database, AuditRow) if one.event == "release.promoted"]
    assert told == [("operator", "access@1"), ("U0OLIVIA", "access@2"), ("U0OLIVIA", "access@1")]


def test_a_release_of_another_agent_is_not_promoted(database: Database) -> None:
    """Though it has passed the same suite: a second agent begins as a copy of the first, with its cases."""
    keep_release(database)
    keep_release(database, "other@1", agent="other")
    end_run(database, open_run(database))
    end_run(database, open_run(database, "other@1"))
    assert promoted(database, "other@1") is NotPromoted.OTHER_AGENT
    assert baseline_of(database) == "access@1"


def test_who_promotes_what_another_owner_promotes_at_once_reads_that_it_is_the_baseline(postgres: Database) -> None:
    """And not that another release was promoted: of owners at once one promotes it."""
    for release in ("access@1", "access@2"):
        keep_release(postgres, release)
        end_run(postgres, open_run(postgres, release))
    together = Barrier(4)

    def promote(_owner: int) -> Promotion | NotPromoted:
        together.wait(30)
        return promoted(postgres, "access@2")

    with ThreadPoolExecutor(4) as owners:
        said = list(owners.map(promote, range(4)))
    assert [one for one in said if isinstance(one, NotPromoted)] == [NotPromoted.ALREADY] * 3
    assert baseline_of(postgres) == "access@2"


def test_what_is_promoted_after_the_look_is_not_promoted_again(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another owner promotes it right after an owner has found nothing against it: there is one promotion."""
    for release in ("access@1", "access@2"):
        keep_release(postgres, release)
        end_run(postgres, open_run(postgres, release))
    look, others = baselines.refusal, list[Promotion | NotPromoted]()

    def overtaken(*given: Any) -> NotPromoted | None:
        why = look(*given)
        monkeypatch.setattr(baselines, "refusal", look)
        with ThreadPoolExecutor(1) as owner:  # a transaction of its own
            others.append(owner.submit(promoted, postgres, "access@2").result())
        return why

    monkeypatch.setattr(baselines, "refusal", overtaken)
    assert promoted(postgres, "access@2") is NotPromoted.ALREADY
    assert [one.number for one in others if isinstance(one, Promotion)] == [2]
    assert len(rows(postgres, Promotion)) == 2


@pytest.mark.parametrize("verdict", ["block", "inconclusive", None])
def test_what_has_not_passed_is_not_promoted(database: Database, verdict: str | None) -> None:
    """Blocked, inconclusive or never evaluated; and a pass of another suite is none of this one."""
    keep_release(database)
    keep_release(database, "access@2")
    end_run(database, open_run(database))
    if verdict is not None:
        end_run(database, open_run(database, "access@2"), verdict=verdict)
    assert promoted(database, "access@2") is NotPromoted.NOT_PASSED
    assert promoted(database, "access@1", suite="s2") is NotPromoted.NOT_PASSED
    assert baseline_of(database) == "access@1"


def test_owners_who_promote_at_once_do_so_one_after_the_other(postgres: Database) -> None:
    """Eight promotions at the same moment: each has a number of its own or is refused, and the last one counts."""
    names = [f"access@{number}" for number in range(9)]
    for name in names:
        keep_release(postgres, name)
        end_run(postgres, open_run(postgres, name))
    together = Barrier(8)

    def promote(name: str) -> Promotion | NotPromoted:
        together.wait(30)
        return promoted(postgres, name)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(promote, names[1:]))
    done = sorted((one for one in found if isinstance(one, Promotion)), key=lambda one: one.number)
    assert [one.number for one in done] == list(range(2, 2 + len(done)))
    assert len(done) >= 1
    assert all(one is NotPromoted.MEANWHILE for one in found if isinstance(one, NotPromoted))
    assert baseline_of(postgres) == done[-1].release
