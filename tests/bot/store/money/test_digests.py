"""What a digest is made of: `bot.store.money.digests`."""

from datetime import timedelta

from bot.store import members
from bot.store.db import Database
from bot.store.money import digests
from bot.store.money.digests import Decisions
from bot.store.schema import BudgetNotice, BudgetReview, Message, MessageKind
from tests.support.factories import put, rows
from tests.support.ledger_factory import NOON, TODAY, LedgerFactory

DAY = (TODAY, TODAY + timedelta(days=1))


def test_calls_of_a_time(database: Database) -> None:
    """When the first was made, whether there is any, and how many were charged at their worst case."""
    with database.read() as session:
        assert digests.first_call(session) is None
        assert not digests.was_called(session, *DAY)
    books = LedgerFactory(database)
    books.ask(3)
    books.call(NOON, "U0MAYA", state="charged", cost_nusd=9)
    books.call(DAY[1], "U0MAYA", state="charged", cost_nusd=9)
    books.write()
    with database.read() as session:
        assert digests.first_call(session) == NOON - timedelta(days=3)
        assert digests.was_called(session, *DAY)
        assert not digests.was_called(session, DAY[0] - timedelta(days=2), DAY[0])
        assert digests.charged(session, *DAY) == 1


def review(number: int, state: str, *, opened: int, decided: int | None, raised: int = 0) -> BudgetReview:
    """Return a review that was opened and decided so many days ago."""
    return BudgetReview(
        id=number,
        account=f"channel:C{number}:2026-11-22",
        scope="channel",
        holder=f"C{number}",
        window_start=TODAY,
        resets_at=DAY[1],
        limit_nusd=10,
        spent_nusd=9,
        held_nusd=0,
        needed_nusd=5,
        agent="access",
        channel=f"C{number}",
        user="U0MAYA",
        state=state,
        raised_nusd=raised,
        opened_at=NOON - timedelta(days=opened),
        decided_at=None if decided is None else NOON - timedelta(days=decided),
    )


def test_what_became_of_budgets(database: Database) -> None:
    """Soft caps passed and reviews opened in the time; decided ones by when that was, with what was added."""
    with database.read() as session:
        assert digests.decisions(session, *DAY) == Decisions(0, 0, 0, 0, 0, 0)
    notice = {"scope": "channel", "holder": "C1", "window_start": TODAY, "resets_at": DAY[1], "limit_nusd": 10}
    with database.write() as session:
        session.add_all(
            BudgetNotice(account=f"channel:C{ago}", percent=80, spent_nusd=8, at=NOON - timedelta(days=ago), **notice)
            for ago in (0, 1)
        )
        session.add_all(
            [
                review(1, "raised", opened=0, decided=0, raised=500),
                review(2, "raised", opened=1, decided=0, raised=70),
                review(3, "raised", opened=1, decided=1, raised=9_000),
                review(4, "denied", opened=0, decided=0),
                review(5, "ended", opened=1, decided=0),
                review(6, "open", opened=0, decided=None),
            ]
        )
    with database.read() as session:
        assert digests.decisions(session, *DAY) == Decisions(1, 3, 2, 1, 1, 570)


def test_an_owner_is_told_of_one_thing_once(database: Database) -> None:
    """Under one key there is one message; two owners and two days are others."""
    maya, otto = ("access", "user", "U0MAYA", "2026-11-22"), ("access", "user", "U0OTTO", "2026-11-22")
    body = {"text": "Requests of Maya cost $1."}
    with database.write() as session:
        assert digests.say(session, MessageKind.ALERT, digests.alert_key(maya, "U0OLIVIA"), "U0OLIVIA", body)
        assert not digests.say(session, MessageKind.ALERT, digests.alert_key(maya, "U0OLIVIA"), "U0OLIVIA", body)
        assert digests.say(session, MessageKind.ALERT, digests.alert_key(maya, "U0BEN"), "U0BEN", body)
        assert digests.say(session, MessageKind.ALERT, digests.alert_key(otto, "U0OLIVIA"), "U0OLIVIA", body)
        assert digests.say(session, MessageKind.DIGEST, digests.digest_key("2026-W47", "U0OLIVIA"), "U0OLIVIA", body)
    stored = rows(database, Message)
    assert [one.key for one in stored] == [
        "alert:access:user:U0MAYA:2026-11-22:U0OLIVIA",
        "alert:access:user:U0MAYA:2026-11-22:U0BEN",
        "alert:access:user:U0OTTO:2026-11-22:U0OLIVIA",
        "digest:2026-W47:U0OLIVIA",
    ]
    assert [(one.channel, one.op, one.bot_voice) for one in stored[:2]] == [
        ("U0OLIVIA", "post", False),
        ("U0BEN", "post", False),
    ]
    for one in stored:
        put(database, Message, one.id, created_at=NOON if "OTTO" not in one.key else DAY[1])
    with database.read() as session:
        assert digests.alerts(session, *DAY) == (maya,)
        assert digests.alerts(session, DAY[0], DAY[1] + timedelta(hours=1)) == (maya, otto)
        assert digests.known(session, ["digest:2026-W47:U0OLIVIA", "digest:2026-W48:U0OLIVIA"]) == {
            "digest:2026-W47:U0OLIVIA"
        }


def test_an_alert_may_be_about_anything(database: Database) -> None:
    """A tool whose name holds a colon is read back whole."""
    key = ("access", "tool", "odd:name", "2026-11-22")
    with database.write() as session:
        digests.say(session, MessageKind.ALERT, digests.alert_key(key, "U0OLIVIA"), "U0OLIVIA", {"text": "x"})
    put(database, Message, 1, created_at=NOON)
    with database.read() as session:
        assert digests.alerts(session, *DAY) == (key,)


def test_who_has_left_is_written_to_no_more(database: Database) -> None:
    """Each of the others once, in order."""
    with database.write() as session:
        members.note_departure(session, "U0BEN")
        assert digests.still_members(session, ["U0OLIVIA", "U0BEN", "U0PRIYA", "U0OLIVIA"]) == ("U0OLIVIA", "U0PRIYA")
