"""What was deleted or edited in Slack goes from every copy: all that, by the inventory, holds words of a ticket."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from bot.store.personal import rewriting_rows
from bot.store.personal.inventory import TABLES
from bot.store.personal.rewriting_rows import Row
from bot.store.personal.stored_values import with_texts
from bot.store.tickets import quotes
from bot.store.tickets.rewriting import DELETED

EDITED = "(edited)"
"What stands in the journal for words that were edited out."

_WHOLE = frozenset({"", "text", "content", "done", "says", "summary", "because", "words"})
"Under these keys a text is somebody's words, and not a name of ours; the empty key is a column of its own."
_JOURNAL = "steps"
"The table that says what the model was shown: what it never was shown is never put there."
_OWN_WORDS = {"inbox_events": ("text",)}
"What people said themselves: whoever has repeated a sentence has said it."


def forget(session: Session, ticket_id: int, words: Sequence[str], instead: str) -> dict[str, int]:
    """Replace words in every copy that a ticket's rows hold; return the number of rows changed, by table.

    Args:
        session: the open write transaction, which has locked the ticket.
        ticket_id: the ticket.
        words: whole messages, and what came with them; those that still stand in the new words are not gone.
        instead: what is written in their place; in the journal it is `DELETED` or `EDITED`.
    """
    edited = instead != DELETED
    said = [one for one in dict.fromkeys(words) if one.strip() and not (edited and _shows(instead, one))]
    counts: dict[str, int] = {}
    if not said:
        return counts
    session.flush()

    def without(text: str, key: str, mark: str) -> str:
        if edited and _shows(text, instead):
            return text  # it was written anew, and what it shares with the old words is the new ones'
        for one in said:
            text = mark if key in _WHOLE and text.strip() == one.strip() else quotes.requoted(text, one, mark)
        return text

    for name, data in TABLES.items():
        columns = [one for one in rewriting_rows.words_of(name) if one not in _OWN_WORDS.get(name, ())]
        if not data.of or not columns:
            continue
        rows = rewriting_rows.read(session, name, rewriting_rows.of_tickets(name, data, (ticket_id,)), columns)

        change = partial(without, mark=EDITED if edited and name == _JOURNAL else instead)

        def new(row: Row, columns: Sequence[str] = columns, change: Callable[..., str] = change) -> dict[str, Any]:
            return {column: with_texts(row[column], change) for column in columns}

        counts[name] = len(rewriting_rows.change(session, name, rows, new))
    return counts


def _shows(text: str, words: str) -> bool:
    return quotes.requoted(text, words, "") != text
