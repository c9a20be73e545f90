"""What is to be said in Slack, and whether it has been: `bot.store.outbox.messages`."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.store.db import Database
from bot.store.outbox import deliveries, messages
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import Message, MessageKind, Ticket, now
from tests.support import factories
from tests.support.delivery_steps import due, owed, posted, revise, store_reply, taken, try_to_take
from tests.support.factories import at_once, message, new_turn, put, rows, store, ticket


def test_a_message_is_stored_once_for_its_key(database: Database) -> None:
    """However many threads store it, there is one row, and one of them is told its id."""

    def add(number: int) -> int | None:
        with database.write() as session:
            return messages.add(
                session, key="k", kind=MessageKind.NOTICE, lane="l", channel="C", body={"text": str(number)}
            )

    ids = at_once(12, add)
    [row] = rows(database, Message)
    assert [found for found in ids if found is not None] == [row.id]
    with database.read() as session:
        assert messages.by_key(session, "other") is None


def test_a_message_is_found_where_it_stands(database: Database) -> None:
    """By channel and ts, as Slack names it."""
    store(database, "a")
    posted(database, "a", "5.5")
    with database.read() as session:
        found = messages.by_ts(session, "C0HELP", "5.5")
        assert found is not None
        assert found.key == "a"
        assert messages.by_ts(session, "C0QUEUE", "5.5") is None
    assert factories.message(database, "a").posted_at is not None


@dataclass
class Sender:
    """Says the message `a` as the outbox does, and keeps what Slack has heard and what it shows."""

    database: Database
    heard: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    delivery: Delivery | None = None

    def take(self) -> None:
        """Take it, once it is due."""
        due(self.database, "a")
        self.delivery = try_to_take(self.database, "a")

    def say(self) -> None:
        """Let Slack have it, and write that down."""
        assert self.delivery is not None
        ts = self._heard(self.delivery)
        with self.database.write() as session:
            deliveries.posted(session, self.delivery, ts)

    def say_and_die(self) -> None:
        """Let Slack have it, and write nothing down."""
        assert self.delivery is not None
        self._heard(self.delivery)

    def look_up(self) -> None:
        """Take it in doubt, and settle what became of it."""
        self.take()
        assert self.delivery is not None
        assert self.delivery.in_doubt
        with self.database.write() as session:
            if self.shown:
                deliveries.found(session, self.delivery, next(iter(self.shown)))
            elif not deliveries.may_speak(session, self.delivery):
                deliveries.withdraw(session, self.delivery)

    def put_back(self) -> None:
        """Hear from Slack that it is busy."""
        assert self.delivery is not None
        with self.database.write() as session:
            deliveries.put_back(session, self.delivery, error="busy", after=0)

    def revise(self) -> None:
        """Let it show something else."""
        revise(self.database, "a", "other")

    def unsay(self) -> None:
        """Take it back; there is one."""
        with self.database.write() as session:
            assert messages.take_back(session, "a") is True

    def withdraw(self) -> None:
        """Let a person have come first."""
        put(self.database, Message, 1, state="withdrawn")

    def fail(self) -> None:
        """Let Slack have refused it."""
        put(self.database, Message, 1, state="failed")

    def rest(self) -> None:
        """Say whatever is still owed of it."""
        for _ in range(5):
            self.take()
            if self.delivery is None:
                continue
            with self.database.write() as session:
                silent = self.delivery.in_doubt and not deliveries.may_speak(session, self.delivery)
                if silent:
                    deliveries.withdraw(session, self.delivery)
            if not silent:
                self.say()

    def _heard(self, delivery: Delivery) -> str:
        """Hear a post, an update or a deletion; an empty post and an update of nothing are none."""
        ts = delivery.ts or f"{len(self.heard)}.5"
        if delivery.ts is not None:
            del self.shown[delivery.ts]
        gone = bool(delivery.body.get("deleted"))
        assert delivery.ts is not None or not gone
        self.heard.append("gone" if gone else delivery.body["text"])
        if not gone:
            self.shown[ts] = delivery.body["text"]
        return ts


TAKEN_BACK = {
    "unsay": [],
    "take unsay say": ["a", "gone"],
    "take unsay put_back": [],
    "take unsay look_up": [],
    "take say_and_die unsay look_up": ["a", "gone"],
    "take say unsay": ["a", "gone"],
    "take say unsay unsay take say unsay": ["a", "gone"],
    "take say revise unsay": ["a", "gone"],
    "take say revise take unsay say": ["a", "other", "gone"],
    "take say unsay take put_back": ["a", "gone"],
    "withdraw unsay": [],
    "fail unsay": [],
}
"What happens to a message around its being taken back, and all that Slack hears of it."


@pytest.mark.parametrize("life", TAKEN_BACK)
def test_what_is_taken_back_is_gone_in_the_end(database: Database, life: str) -> None:
    """Whatever had become of it, Slack hears no empty message and shows none, and nobody waits behind it."""
    store(database, "a")
    store(database, "behind")
    sender = Sender(database)
    for act in life.split():
        getattr(sender, act)()
    sender.rest()
    assert (sender.heard, sender.shown) == (TAKEN_BACK[life], {})
    assert owed(database) == ["behind"]
    assert message(database, "a").ts is None


SAID_ANEW = {
    "unsay revise": ["other"],
    "unsay take revise": ["other"],
    "take unsay revise say": ["a", "other"],
    "take unsay revise look_up": ["other"],
    "take unsay look_up revise": ["other"],
    "take say_and_die unsay revise look_up": ["a", "other"],
    "take unsay put_back take revise": ["other"],
    "take say unsay revise": ["a", "other"],
    "take say unsay take revise say": ["a", "gone", "other"],
    "take say unsay take say revise": ["a", "gone", "other"],
    "take say unsay take say revise take say unsay take say revise": ["a", "gone", "other", "gone", "other"],
}
"What happens to a message that is taken back and then said after all, and all that Slack hears of it."


@pytest.mark.parametrize("life", SAID_ANEW)
def test_what_was_taken_back_can_be_said_after_all(database: Database, life: str) -> None:
    """Slack shows it once: an update where it stands still, a new message where it is gone."""
    store(database, "a")
    sender = Sender(database)
    for act in life.split():
        getattr(sender, act)()
    sender.rest()
    assert sender.heard == SAID_ANEW[life]
    assert list(sender.shown) == [message(database, "a").ts]
    assert message(database, "a").state == "posted"


@pytest.mark.parametrize("end", ["withdraw", "fail"])
def test_what_ended_for_another_reason_is_not_said_anew(database: Database, end: str) -> None:
    """A person came first, or Slack refuses it: words that change bring nothing back."""
    store(database, "a")
    sender = Sender(database)
    getattr(sender, end)()
    sender.revise()
    sender.rest()
    assert sender.heard == []


def test_there_is_nothing_to_take_back_where_nothing_is(database: Database) -> None:
    """A key that is unknown is not one of what was said."""
    store(database, "a")
    with database.write() as session:
        assert messages.take_back(session, "b") is False
    assert owed(database) == ["a"]


def test_what_is_over_of_something_said_in_parts_is_taken_back(database: Database) -> None:
    """Of one ticket, by the beginning of its key taken literally; and no other ticket's messages are read for it."""
    for number in (1, 2):
        new_turn(database, factories.heard(number, thread_ts=None))
    first, second = (one.id for one in rows(database, Ticket))
    for key in ("a_b:file:1", "a_b:file:2", "a_b", "axb:file:1"):
        store(database, key, ticket_id=first)
    store(database, "a_b:file:3", ticket_id=second)
    with database.write() as session:
        messages.take_back_others(session, first, "a_b:file:", ["a_b:file:2"])
    assert {row.key for row in rows(database, Message) if row.body == messages.GONE} == {"a_b:file:1"}
    [plan] = factories.plans(database, lambda session: messages.take_back_others(session, first, "none", ())).values()
    assert "ix_messages_ticket_id" in plan


def test_what_the_bot_has_not_said_is_left_unsaid(database: Database) -> None:
    """Silenced: of this ticket, of its own voice, and not on its way yet; nobody's words wait behind it."""
    key = store_reply(database)
    about = {"ticket_id": ticket(database).id, "lane": "l"}
    for name in ("taken", "said"):
        store(database, name, **about | {"lane": name}, bot_voice=True)
        taken(database, name)
    said_id = message(database, "said").id
    put(database, Message, said_id, state="posted", ts="5.5", shown_revision=1)
    store(database, "words", kind="human_reply", **about)
    store(database, "elsewhere", bot_voice=True, lane="m")
    with database.write() as session:
        messages.withdraw_unsaid(session, ticket(database).id)
    states = {row.key: row.state for row in rows(database, Message)}
    assert states == {
        key: "withdrawn",
        "taken": "sending",
        "said": "posted",
        "words": "stored",
        "elsewhere": "stored",
    }
    assert owed(database) == ["words", "elsewhere"]


@pytest.mark.parametrize(
    ("state", "minutes", "hastened"), [("stored", 1, True), ("stored", -1, False), ("posted", 1, False)]
)
def test_only_what_waits_for_its_moment_is_said_sooner(
    database: Database, state: str, minutes: int, *, hastened: bool
) -> None:
    """What is due is due already, since when it was; what is out or unknown is left alone."""
    at = now() + timedelta(minutes=minutes)
    put(database, Message, store(database, "a"), state=state, due_at=at)
    with database.write() as session:
        assert messages.make_due(session, "a") is hastened
        assert messages.make_due(session, "b") is False
    assert (message(database, "a").due_at == at) is not hastened
