"""Builds copies of what people write in one of a handoff's two threads for the other: whole, escaped, with files.

Invariant: no character is left out. A text that is too long for a few messages of the queue thread is in a file.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.outbox import enclosures
from bot.slack.sentences import Language, say
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.tickets import Attachment

_FILES = 5
"The most file names in one line of small print."
_ADDRESSED = 2_400
"The most characters of a section without the brackets of its links, which add at most two for every ten."
_CHARACTERS, _BLOCKS = 9_000, 30
"The most of one message, below Slack's own limits."


def human_reply(text: str, files: Sequence[Attachment] = (), language: Language = "en") -> list[Body]:
    """Return a responder's message for the requester's thread, whole, in as many messages as it needs."""
    words = mrkdwn.escape(text) or ("" if files else mrkdwn.NO_WORDS)
    bodies = [
        mrkdwn.body(part, [mrkdwn.section(mrkdwn.addressed(one)) for one in mrkdwn.split(part, _ADDRESSED)])
        for part in mrkdwn.split(words, mrkdwn.LONGEST)
    ]
    return _attached(
        bodies or [mrkdwn.body("", [])], files, lambda named: say("handoff.attached", language, files=named)
    )


def wrote(
    user: str, text: str, files: Sequence[Attachment], *, where: str | None = None, quoted: Sequence[Quoted] = ()
) -> list[Body]:
    """Return a copy, for the queue thread, of a message in the requester's thread.

    Args:
        user: its author.
        text: its text; empty for files alone.
        files: its files.
        where: words after the name, for anybody but the requester.
        quoted: the quotes in it.
    """
    who = mrkdwn.mention(user)
    parts = [(f"{who} {mrkdwn.line(one.heading, 150)}:", one.text) for one in quoted]
    if text.strip() or not parts:
        parts.insert(0, (f"{who} {where or 'wrote'}:", text))
    return _attached(_copied(parts, files), files, "Attached in their thread: {}".format)


def sent_to_requester(requester: str, text: str, files: Sequence[Attachment] = (), *, responder: str) -> list[Body]:
    """Return a copy, for the queue thread, of a responder's message to the requester."""
    bodies = _copied([(f"{mrkdwn.mention(responder)} to {mrkdwn.mention(requester)}:", text)], files)
    return _attached(bodies, files, "Named to them, but only people in this channel can open it: {}".format)


def deleted(user: str) -> Body:
    """Return what replaces a copy in the queue thread after its author has deleted the message."""
    return mrkdwn.message(f"{mrkdwn.mention(user)} deleted this message.")


def _copied(parts: Sequence[tuple[str, str]], files: Sequence[Attachment]) -> list[Body]:
    """Return untrusted texts, each below its heading; with more than a few messages, all of it is in a file."""
    if files and not any(text.strip() for _, text in parts):
        return [mrkdwn.message(parts[0][0])]
    bodies, pieces = [], [piece for head, text in parts for piece in (head, *_quoted(text))]
    while pieces:
        fitting = sum(1 for size in accumulate(map(len, pieces[:_BLOCKS])) if size <= _CHARACTERS)
        bodies.append(mrkdwn.body("\n".join(pieces[:fitting]), [mrkdwn.section(one) for one in pieces[:fitting]]))
        pieces = pieces[fitting:]
    whole = [text if number == 0 else f"{head}\n{text}" for number, (head, text) in enumerate(parts)]
    return enclosures.few(bodies, mrkdwn.visible("\n\n".join(whole)))


def _quoted(text: str) -> list[str]:
    return mrkdwn.split_quote(mrkdwn.quote(text), mrkdwn.SECTION_CHARACTERS)


def _attached(bodies: list[Body], files: Sequence[Attachment], says: Callable[[str], str]) -> list[Body]:
    """Name files below the last message, and in its text, which transcripts repeat."""
    last = next(body for body in reversed(bodies) if not enclosures.is_file(body))
    for start in range(0, len(files), _FILES):
        named = ", ".join(mrkdwn.linked(file.name, file.link) for file in files[start : start + _FILES])
        line = says(named)
        last["blocks"].append(mrkdwn.context(line))
        last["text"] = mrkdwn.clamp(f"{last['text']}\n{line}".strip(), mrkdwn.NOTICE)
    return bodies
