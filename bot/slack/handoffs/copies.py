"""What people write, carried from one of a handoff's two threads into the other: whole, escaped, with its files.

Invariant: no character is left out. What is too long for a few messages of the queue thread is whole in a file.
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
"Names of files in one line of small print."
_ADDRESSED = 2_400
"Characters of a section before its web addresses get their brackets, two for every ten characters at most."
_CHARACTERS, _BLOCKS = 9_000, 30
"Of one message, so that it stays under what Slack takes."


def human_reply(text: str, files: Sequence[Attachment] = (), language: Language = "en") -> list[Body]:
    """Return a responder's words for the requester's thread, whole, in as many messages as they need."""
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
    """Return what somebody wrote in the requester's thread, copied into the queue thread.

    Args:
        user: who.
        text: what; empty for files alone.
        files: what they attached.
        where: said after the name, for anybody but the requester.
        quoted: what others wrote and came with it.
    """
    who = mrkdwn.mention(user)
    parts = [(f"{who} {mrkdwn.line(one.heading, 150)}:", one.text) for one in quoted]
    if text.strip() or not parts:
        parts.insert(0, (f"{who} {where or 'wrote'}:", text))
    return _attached(_copied(parts, files), files, "Attached in their thread: {}".format)


def sent_to_requester(requester: str, text: str, files: Sequence[Attachment] = (), *, responder: str) -> list[Body]:
    """Return what a responder wrote to the requester, copied into the queue thread."""
    bodies = _copied([(f"{mrkdwn.mention(responder)} to {mrkdwn.mention(requester)}:", text)], files)
    return _attached(bodies, files, "Named to them, though only who is in this channel can open it: {}".format)


def deleted(user: str) -> Body:
    """Say in the queue thread, in place of a message, that its author has deleted it."""
    return mrkdwn.said(f"{mrkdwn.mention(user)} deleted what stood here.")


def _copied(parts: Sequence[tuple[str, str]], files: Sequence[Attachment]) -> list[Body]:
    """Return untrusted texts, each below its heading; what is too long for a few messages is whole in a file."""
    if files and not any(text.strip() for _, text in parts):
        return [mrkdwn.said(parts[0][0])]
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
    """Name files below the last message; in its text too, which transcripts repeat."""
    last = next(body for body in reversed(bodies) if not enclosures.is_file(body))
    for start in range(0, len(files), _FILES):
        named = ", ".join(mrkdwn.linked(file.name, file.link) for file in files[start : start + _FILES])
        line = says(named)
        last["blocks"].append(mrkdwn.context(line))
        last["text"] = mrkdwn.clamp(f"{last['text']}\n{line}".strip(), mrkdwn.NOTICE)
    return bodies
