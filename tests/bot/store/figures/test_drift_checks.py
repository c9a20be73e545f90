"""The latest drift checks of an agent: `bot.store.figures.drift_checks`."""

from dataclasses import replace

from bot.store.db import Database
from bot.store.figures import drift_checks
from bot.store.figures.drift_checks import DriftReading, Shift
from bot.store.schema import DriftStream, now

READING = DriftReading(
    stream=DriftStream.OUTCOME,
    window=300,
    reference_release="access@1",
    reference=1000,
    p_value=0.00001,
    effect=0.21,
    detectable=0.07,
    drifted=True,
    moved=(Shift("handoff", 0.2, 0.31), Shift("reply", 0.8, 0.69)),
    at=now(),
)


def keep(database: Database, release: str, *readings: DriftReading) -> None:
    """Store the readings of one check."""
    with database.write() as session:
        drift_checks.replace(session, "access", release, readings)


def test_a_check_replaces_the_one_before(database: Database) -> None:
    """What is read is the last check of that agent and release, by stream and window, equal to what was stored."""
    wide = replace(READING, window=1000)
    latency = replace(READING, stream=DriftStream.LATENCY, moved=())
    keep(database, "access@1", replace(READING, p_value=0.9, drifted=False), latency)
    keep(database, "access@2", wide)
    keep(database, "access@1", latency, wide, READING)
    with database.read() as session:
        assert drift_checks.latest(session, "access", "access@1") == (READING, wide, latency)
        assert drift_checks.latest(session, "access", "access@2") == (wide,)
        assert drift_checks.latest(session, "other", "access@1") == ()
