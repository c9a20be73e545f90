"""The places where things are said of a handoff: `bot.slack.handoffs.linked_threads`."""

from bot.slack.handoffs import linked_threads
from bot.store.db import Database
from bot.store.schema import Handoff, HandoffContext, Message, MessageKind
from tests.support.factories import rows
from tests.support.told_handoffs import open_and_tell


def test_what_was_said_under_a_key_is_changed_and_its_parts_follow(database: Database) -> None:
    """Fewer parts: the rest is taken back. More: they are added, or said anew. The same again: nothing is owed."""
    handoff = open_and_tell(database)

    def say(*texts: str) -> list[tuple[str, int, str, str]]:
        with database.write() as session:
            bodies = [{"text": text, "blocks": []} for text in texts]
            linked_threads.below(session, handoff, key="k", kind=MessageKind.COPY, bodies=bodies)
        return [(one.key, one.revision, one.state, one.body["text"]) for one in rows(database, Message)[3:]]

    assert say("a", "b") == [("k", 1, "stored", "a"), ("k:1", 1, "stored", "b")]
    assert say("a") == [("k", 1, "stored", "a"), ("k:1", 2, "stored", "")]
    assert say("c", "b", "d") == [("k", 2, "stored", "c"), ("k:1", 3, "stored", "b"), ("k:2", 1, "stored", "d")]
    assert say("c", "b", "d") == [("k", 2, "stored", "c"), ("k:1", 3, "stored", "b"), ("k:2", 1, "stored", "d")]
    assert say("e") == [("k", 3, "stored", "e"), ("k:1", 4, "stored", ""), ("k:2", 2, "stored", "")]
    with database.write() as session:
        untold = Handoff(id=4711, ticket_id=1, queue_channel="C0QUEUE", context=HandoffContext())
        linked_threads.below(session, untold, key="x", kind=MessageKind.COPY, bodies=[{"text": "x"}])
    assert len(rows(database, Message)) == 6  # where no card was told there is nothing to say it below
