"""How many refusals are recorded: `bot.web.refusals`."""

from bot.store.db import Database
from bot.store.schema import AuditRow
from bot.web import refusals
from bot.web.refusals import DoorRefusal, RefusalLog
from tests.support.factories import at_once, rows


def recorded(database: Database) -> list[tuple[str, int]]:
    """Return who was refused by the audit log, and how many before were not recorded."""
    return [(row.actor, row.record["unrecorded"]) for row in rows(database, AuditRow)]


def test_too_many_are_counted_and_none_is_forgotten(database: Database) -> None:
    """Of fifty at once twenty are recorded; the next one that is has the number of the others."""
    kept = RefusalLog(database)

    def refuse(_: int) -> None:
        for _again in range(5):
            kept.add(DoorRefusal("expired"))

    at_once(10, refuse)
    assert recorded(database) == [("unknown", 0)] * refusals.AT_ONCE
    left, since = kept._full["unknown"]
    kept._full["unknown"] = (left, since - refusals.SECONDS)
    kept.add(DoorRefusal("expired"))
    assert recorded(database)[refusals.AT_ONCE :] == [("unknown", 30)]


def test_a_flood_of_others_hides_no_refusal_of_a_person(database: Database) -> None:
    """Each person's links are counted for themselves."""
    kept = RefusalLog(database)
    for _ in range(30):
        kept.add(DoorRefusal("not signed by us"))
    kept.add(DoorRefusal("expired", "U0OLIVIA", "link"))
    assert recorded(database)[-1] == ("U0OLIVIA", 0)
