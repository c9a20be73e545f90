"""App Homes: `bot.store.outbox.homes`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.orm import Session

from bot.principals import Reason
from bot.store import audit
from bot.store.audit import guards
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.outbox import homes, messages
from bot.store.outbox.homes import Taken
from bot.store.schema import AuditRow, Home, Message, MessageKind, TicketState, Turn, now
from bot.store.tickets import rewriting, tickets
from tests.support import factories
from tests.support.factories import FIRST, at_once, hand_off, handed_off, heard, new_turn, put, rows, store, ticket


def opened(database: Database, user: str = "U0MAYA", *, blank: bool = True) -> Home:
    """Let somebody open their home."""
    with database.write() as session:
        homes.opened(session, user, "T1", blank=blank)
    return home(database, user)


def home(database: Database, user: str = "U0MAYA") -> Home:
    """Return a home as it is now."""
    [found] = [row for row in rows(database, Home) if row.user == user]
    return found


def mark(database: Database) -> str:
    """Return how far the tables have got."""
    with database.read() as session:
        return homes.mark(session)


def stale(database: Database) -> list[str]:
    """Return whose homes are behind."""
    with database.read() as session:
        return list(homes.stale(session))


def take(database: Database, user: str = "U0MAYA", *, seconds: float = 20) -> Taken | None:
    """Try to hold a home."""
    with database.write() as session:
        return homes.take(session, user, seconds=seconds)


def held(database: Database, user: str = "U0MAYA") -> Taken:
    """Hold a home that is free."""
    taken = take(database, user)
    assert taken is not None
    return taken


def publish(database: Database, taken: Taken, digest: str = "picture") -> None:
    """Write down that a home shows what the tables hold now."""
    with database.write() as session:
        homes.shown(session, taken, mark=homes.mark(session), digest=digest, pause=0)


def test_a_home_that_shows_everything_is_left_alone(database: Database) -> None:
    """It is stale once it is opened, and not any more once it is shown."""
    new_turn(database)
    opened(database)
    assert stale(database) == ["U0MAYA"]
    publish(database, held(database))
    assert stale(database) == []
    assert (home(database).mark, home(database).shown) == (mark(database), "picture")


def claim(session: Session) -> None:
    """Claim the first handoff."""
    handoffs.claim(session, 1, "U0PRIYA", lease_minutes=30)


def ask(session: Session) -> None:
    """Ask in a thread of one's own."""
    tickets.accept(session, heard(2, thread_ts=None), agent="access")


def close(session: Session) -> None:
    """Close the first ticket, as upkeep does when the directory agrees."""
    tickets.lock(session, 1).state = TicketState.OPEN
    tickets.close(session, 1, by="agent:access")


@pytest.mark.parametrize("change", [claim, ask, close])
def test_every_change_makes_every_home_stale(database: Database, change: Callable[[Session], None]) -> None:
    """A move, a request, a ticket that is closed: whoever has a home open may see something else."""
    handed_off(database)
    for user in ("U0MAYA", "U0PRIYA"):
        opened(database, user)
        publish(database, held(database, user))
    assert stale(database) == []
    with database.write() as session:
        change(session)
    assert sorted(stale(database)) == ["U0MAYA", "U0PRIYA"]


def test_a_request_that_is_taken_back_makes_homes_stale(database: Database) -> None:
    """Nothing is added to any table then, and still the home is looked at again."""
    new_turn(database)
    before = mark(database)
    with database.write() as session:
        rewriting.rewrite(session, FIRST.channel, FIRST.ts, None)
    assert mark(database) != before


@pytest.mark.parametrize("before", [0, homes.NEWEST + 5])
def test_a_change_that_ends_late_is_not_missed(postgres: Database, before: int) -> None:
    """Its number is lower than one that was seen already, and the mark differs all the same."""
    with postgres.write() as session:
        for _ in range(before):
            audit.append(session, "test.happened", actor="clock")
    with postgres.write() as slow:
        audit.append(slow, "slow.happened", actor="clock")
        with postgres.write() as quick:
            highest = audit.append(quick, "quick.happened", actor="clock")
        seen = mark(postgres)
    assert [row.event for row in rows(postgres, AuditRow)][-2:] == ["slow.happened", "quick.happened"]
    assert mark(postgres) != seen
    assert f":{highest}:" in seen
    assert f":{highest}:" in mark(postgres)


def test_a_mark_reads_the_ends_of_tables_only(database: Database) -> None:
    """It says the same whatever lies further back."""
    with database.write() as session:
        for _ in range(homes.NEWEST + 2):
            audit.append(session, "test.happened", actor="clock")
    before = mark(database)
    with database.write() as session, guards.lifted(session):
        session.execute(sqlalchemy.delete(AuditRow).where(AuditRow.seq == 1))
    assert mark(database) == before


def test_what_nobody_looks_at_is_left_alone(database: Database) -> None:
    """A day after its opening a home is not published any more, until it is opened again."""
    opened(database)
    with database.write() as session:
        session.execute(sqlalchemy.update(Home).values(opened_at=now() - timedelta(hours=homes.OPEN_HOURS, seconds=1)))
    assert stale(database) == []
    opened(database)
    assert stale(database) == ["U0MAYA"]


def test_one_publisher_at_a_time(database: Database) -> None:
    """Of many that look at once one gets it; the others find nothing stale until it is let go."""
    opened(database)
    won = at_once(8, lambda _: take(database))
    assert len([taken for taken in won if taken is not None]) == 1
    assert stale(database) == []
    assert take(database, "U0NOBODY") is None


def test_a_home_rests_between_two_publishings(database: Database) -> None:
    """For as long as its publisher said."""
    opened(database)
    with database.write() as session:
        homes.shown(session, held(database), mark="", digest="picture", pause=60)
    assert stale(database) == []
    assert take(database) is None


def test_a_publisher_that_died_is_replaced(database: Database) -> None:
    """Its hold ends by itself; what it says later is that nobody knows what Slack shows."""
    opened(database)
    late = take(database, seconds=0)
    assert late is not None
    publish(database, held(database), "newer")
    publish(database, late, "older")
    assert (home(database).mark, home(database).shown) == ("", "")
    assert stale(database) == ["U0MAYA"]


def test_an_opening_during_a_publishing_is_not_lost(database: Database) -> None:
    """The home is looked at again, and where Slack had nothing to show it is published whatever it shows."""
    opened(database)
    publish(database, held(database))
    for blank, stays in ((False, "newer"), (True, "")):
        taken = held(database)
        opened(database, blank=blank)
        publish(database, taken, "newer")
        assert (home(database).mark, home(database).shown) == ("", stays)
        publish(database, held(database), "newer")


def test_opening_again_keeps_what_is_known_to_be_shown(database: Database) -> None:
    """A home that Slack has is looked at, and published only if it differs; one it has lost is published."""
    opened(database)
    publish(database, held(database))
    assert opened(database, blank=False).shown == "picture"
    assert opened(database, blank=True).shown == ""


def test_what_slack_does_not_take_waits(database: Database) -> None:
    """A home that is put off is not stale until then; one that is put off for longer already stays so."""
    for user in ("U0MAYA", "U0BEN"):
        opened(database, user)
    held(database, "U0BEN")
    until = home(database, "U0BEN").due_at
    with database.write() as session:
        homes.put_off(session, ["U0MAYA", "U0BEN"], seconds=5)
    assert stale(database) == []
    assert home(database).due_at > now()
    assert home(database, "U0BEN").due_at == until


def test_a_closed_home_is_gone_until_it_is_opened(database: Database) -> None:
    """What its publisher says then changes nothing."""
    opened(database)
    taken = held(database)
    with database.write() as session:
        homes.close(session, "U0MAYA")
    publish(database, taken)
    assert rows(database, Home) == []
    opened(database)
    assert stale(database) == ["U0MAYA"]


def test_active_handoffs_are_those_that_are_open_or_claimed(database: Database) -> None:
    """The longest waiting first, with who has them; what has ended is not among them."""
    made = []
    for number in range(4):
        new_turn(database, replace(FIRST, event_id=f"Ev{number}", ts=f"17000000{number}1.000001"))
        made.append(hand_off(database, number + 1))
    put(database, type(made[2]), made[2].id, waiting_since=now() - timedelta(hours=1))
    with database.write() as session:
        handoffs.claim(session, made[1].id, "U0BEN", lease_minutes=30)
        handoffs.claim(session, made[3].id, "U0BEN", lease_minutes=30)
        handoffs.resolve(session, made[3].id, "U0BEN", done="Done.", category="other", agent_could=False)
        found = homes.active(session)
    assert [(one.id, one.holder, one.agent) for one in found] == [
        (made[2].id, None, "access"),
        (made[0].id, None, "access"),
        (made[1].id, "U0BEN", "access"),
    ]


@pytest.mark.parametrize(
    ("changes", "ts", "owed"),
    [
        ({"state": "stored"}, None, True),
        ({"state": "sending"}, None, True),
        ({"state": "posted", "ts": "1.2"}, "1.2", False),
        ({"state": "posted", "ts": "1.2", "channel": "D0OWNER"}, None, False),
        ({"state": "failed"}, None, False),
    ],
)
def test_a_card_is_linked_where_responders_see_it(
    database: Database,
    changes: dict[str, Any],
    ts: str | None,
    owed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Once it is posted in the queue channel; one in an owner's messages is not, and one to come is waited for."""
    handoff = handed_off(database)
    card = store(database, "card:handoff:1", kind="card", handoff_id=handoff.id, channel="C0QUEUE")
    store(database, "notice:handoff:1", handoff_id=handoff.id)
    put(database, Message, card, **changes)
    with database.read() as session:
        [found] = homes.carded(session, [handoff.id, 999]).values()
    assert (found.handoff.id, found.ticket.id, found.card_ts, found.card_owed) == (handoff.id, 1, ts, owed)


def test_a_card_that_was_never_written_is_not_waited_for(database: Database) -> None:
    """A handoff without one is shown without a link."""
    handoff = handed_off(database)
    with database.read() as session:
        found = homes.carded(session, [handoff.id])[handoff.id]
    assert (found.card_ts, found.card_owed) == (None, False)


def test_a_person_sees_their_own_latest_tickets(database: Database) -> None:
    """Ten of them, the newest first, each with how it began; nobody else's."""
    for number in range(12):
        start = f"17000001{number:02d}.000001"
        new_turn(database, replace(FIRST, event_id=f"Ev{number}", ts=start, text=f"request {number}"))
        factories.accept(database, heard(number + 50, thread_ts=start, text="and another thing"))
    new_turn(database, replace(FIRST, event_id="EvX", ts="1.1", user="U0LENA", text="x" * 9_000))
    with database.read() as session:
        mine, hers = homes.asked(session, "U0MAYA"), homes.asked(session, "U0LENA")
        assert homes.asked(session, "U0NOBODY") == []
    assert [one.words for one in mine] == [f"request {number}" for number in range(11, 1, -1)]
    assert [one.words for one in hers] == ["x" * homes.WORDS]


def test_a_ticket_comes_with_its_newest_handoff(database: Database) -> None:
    """One that was reopened is about the handoff that runs."""
    first = handed_off(database)
    with database.write() as session:
        handoffs.claim(session, first.id, "U0BEN", lease_minutes=30)
        handoffs.resolve(session, first.id, "U0BEN", done="Done.", category="other", agent_could=False)
    second = hand_off(database, ticket(database).id, reason=Reason.REOPENED)
    with database.read() as session:
        [found] = homes.asked(session, "U0MAYA")
    assert found.handoff is not None
    assert (found.handoff.id, found.withdrawn_at) == (second.id, None)


def test_a_request_that_was_taken_back_has_no_words(database: Database) -> None:
    """It says when; a later message in the thread makes it stand again, and those words are shown."""
    new_turn(database)
    with database.write() as session:
        rewriting.rewrite(session, FIRST.channel, FIRST.ts, None)
        [found] = homes.asked(session, "U0MAYA")
    assert (found.words, found.withdrawn_at) == (None, rows(database, Turn)[0].finished_at)
    new_turn(database, heard(2, text="after all"))
    with database.read() as session:
        [found] = homes.asked(session, "U0MAYA")
    assert (found.words, found.withdrawn_at) == ("after all", None)


def test_messages_are_no_part_of_a_mark(database: Database) -> None:
    """What is said to people does not by itself make homes be looked at."""
    new_turn(database)
    before = mark(database)
    with database.write() as session:
        messages.add(session, key="k", kind=MessageKind.NOTICE, lane="l", channel="C0HELP", body={"text": "x"})
    assert mark(database) == before
