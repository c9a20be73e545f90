"""Words that were deleted or edited in Slack are in no copy of them, whichever table has one."""

import pytest

from bot.store.db import Database
from bot.store.personal import deleted_words
from bot.store.personal.inventory import TABLES
from bot.store.schema import InboxEvent, Message, Step
from tests.support.factories import everything, rows
from tests.support.lived_person import HELPED_TICKET, SHE_ANSWERED, SHE_ASKED, lived_in


def forget(database: Database, ticket: int, words: str, instead: str = "(deleted)") -> dict[str, int]:
    """Replace words in the copies of a ticket."""
    with database.write() as session:
        return deleted_words.forget(session, ticket, (words,), instead)


@pytest.mark.parametrize(("ticket", "words"), [(2, SHE_ASKED), (HELPED_TICKET, SHE_ANSWERED)])
def test_no_copy_of_deleted_words_is_left(database: Database, ticket: int, words: str) -> None:
    """Every table in which the inventory says that words of a ticket are is looked through; the message is its own."""
    lived_in(database)
    with database.write() as session:
        for event in session.query(InboxEvent).where(InboxEvent.ticket_id == ticket):
            event.text = event.text.replace(words, "")
        session.query(Message).where(Message.ticket_id == 1).update({"ticket_id": None})
    had = where(database, ticket, words)
    changed = forget(database, ticket, words)
    assert where(database, ticket, words) == set()
    assert {name for name, count in changed.items() if count} == had
    assert len(had) > (6 if words == SHE_ASKED else 2)


def where(database: Database, ticket: int, words: str) -> set[str]:
    """Return the tables in which a row of a ticket has some words."""
    found = set()
    for name, all_rows in everything(database).items():
        of = TABLES[name].of
        if of and any(words in str(row) for row in all_rows if row[of] == ticket):
            found.add(name)
    return found


def test_other_tickets_keep_their_words(database: Database) -> None:
    """The same sentence of another ticket is another message."""
    lived_in(database)
    before = {
        name: [row for row in all_rows if row.get(TABLES[name].of) != 2]
        for name, all_rows in everything(database).items()
    }
    forget(database, 2, SHE_ASKED)
    after = everything(database)
    assert {name: [row for row in after[name] if row.get(TABLES[name].of) != 2] for name in after} == before


def test_the_journal_never_says_what_the_model_was_not_shown(database: Database) -> None:
    """Where a prompt had the words, it says that they were edited; every other copy has the new ones."""
    lived_in(database)
    forget(database, 2, SHE_ASKED, "my key is lost")
    [prompt] = [step.request["messages"] for step in rows(database, Step) if (step.turn_id, step.seq) == (2, 0)]
    assert prompt == [{"role": "user", "content": "<U0MAYA> (edited)"}]
    assert "my key is lost" in str(everything(database))


def test_an_edit_that_adds_words_takes_none_away(database: Database) -> None:
    """What was said is still said; a copy that shows the new words already does not get them twice."""
    lived_in(database)
    before = everything(database)
    assert forget(database, 2, SHE_ASKED, f"{SHE_ASKED} and my phone is gone, too") == {}
    assert everything(database) == before


def test_a_copy_that_was_written_anew_stays(database: Database) -> None:
    """Cut where the old and the new words are alike, it shows the new ones."""
    lived_in(database)
    new = f"{SHE_ASKED[:40]} but not on my phone"
    with database.write() as session:
        session.add(Message(key="k", kind="copy", lane="l", ticket_id=2, channel="C", body={"text": f"{new[:36]}…"}))
    forget(database, 2, SHE_ASKED, new)
    assert [one.body for one in rows(database, Message) if one.key == "k"] == [{"text": f"{new[:36]}…"}]


def test_a_short_message_goes_where_it_is_the_whole_text(database: Database) -> None:
    """One word is no quotation in a sentence, and what a key of ours says is not somebody's word."""
    lived_in(database)
    with database.write() as session:
        body = {"text": "ok", "blocks": [{"type": "ok", "text": {"type": "mrkdwn", "text": "ok then"}}]}
        session.add(Message(key="k", kind="copy", lane="l", ticket_id=2, channel="C0HELP", body=body, state="posted"))
    forget(database, 2, "ok")
    [stored] = [message.body for message in rows(database, Message) if message.key == "k"]
    assert stored["text"] == "(deleted)"
    assert stored["blocks"] == [{"type": "ok", "text": {"type": "mrkdwn", "text": "ok then"}}]


def test_no_words_change_nothing(database: Database) -> None:
    """A message without text has no copies."""
    lived_in(database)
    before = everything(database)
    assert forget(database, 2, "  ") == {}
    assert everything(database) == before
