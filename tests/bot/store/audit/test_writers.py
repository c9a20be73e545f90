"""Many writers of one audit log on PostgreSQL: no fork, no gap, no deadlock."""

from collections import Counter
from random import Random

from sqlalchemy import select

from bot.store import audit
from bot.store.db import Database
from bot.store.schema import AuditLink, AuditRow, Ticket
from tests.support.audit_rows import recomputed
from tests.support.factories import accept, at_once, heard, rows
from tests.support.volumes import volume

WRITERS = 8
APPENDS = volume(50, long=2_000)
"Of each writer."
TICKETS = 3


def test_eight_writers_make_one_chain(postgres: Database) -> None:
    """Each locks tickets in the order of their numbers, and appends before, between and after: all is chained."""
    for number in range(TICKETS):
        accept(postgres, heard(number + 1, thread_ts=None, ts=f"1700000001.00000{number}"))
    before = recomputed(postgres)

    def write(writer: int) -> int:
        random, left, last = Random(writer), APPENDS, 0
        while left:
            with postgres.write() as session:
                for ticket in sorted(random.sample(range(1, TICKETS + 1), random.randrange(TICKETS + 1))):
                    if left and random.random() < 0.5:
                        last, left = audit.append(session, "a.before", actor=f"U0WRITER{writer}", left=left), left - 1
                    session.execute(select(Ticket.id).where(Ticket.id == ticket).with_for_update())
                if left:
                    last, left = audit.append(session, "a.after", actor=f"worker:{writer}", ticket_id=1), left - 1
        return last

    lasts = at_once(WRITERS, write)
    assert recomputed(postgres) == before + WRITERS * APPENDS
    links = rows(postgres, AuditLink)
    assert [link.position for link in links] == list(range(1, len(links) + 1))
    by = Counter(row.actor.removeprefix("worker:").removeprefix("U0WRITER") for row in rows(postgres, AuditRow))
    assert [by[str(writer)] for writer in range(WRITERS)] == [APPENDS] * WRITERS
    assert {link.audit_seq for link in links} >= set(lasts)
