"""What people write, carried from one of a handoff's two threads into the other: whole, escaped, with its files.

Invariant: no character is left out. What is too long for a few messages of the queue thread is whole in a file.
"""

from collections.abc import Callable, Sequence

from bot.slack import enclosures, mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.sentences import Language, say
from bot.store.tickets import Attachment

_FILES = 5
"Names of files in one line of small print."
_SECTIONS = 3
"Pieces of one message, so that it stays under what Slack takes."


def human_reply(text: str, files: Sequence[Attachment] = (), language: Language = "en") -> list[Body]:
    """Return a responder's words for the requester's thread, whole, in as many messages as they need."""
    words = mrkdwn.escape(text) or ("" if files else mrkdwn.NO_WORDS)
    bodies = [
        mrkdwn.body(
            part, [mrkdwn.section(one, verbatim=False) for one in mrkdwn.split(part, mrkdwn.SECTION_CHARACTERS)]
        )
        for part in mrkdwn.split(words, mrkdwn.LONGEST)
    ]
    return _attached(
        bodies or [mrkdwn.body("", [])], files, lambda named: say("handoff.attached", language, files=named)
    )


def wrote(user: str, text: str, files: Sequence[Attachment], *, where: str | None = None) -> list[Body]:
    """Return what somebody wrote in the requester's thread, copied into the queue thread.

    Args:
        user: who.
        text: what; empty for files alone.
        files: what they attached.
        where: said after the name, for anybody but the requester.
    """
    head = f"{mrkdwn.mention(user)} {where or 'wrote'}:"
    return _attached(_copied(head, text, files), files, "Attached in their thread: {}".format)


def sent_to_requester(requester: str, text: str, files: Sequence[Attachment] = (), *, responder: str) -> list[Body]:
    """Return what a responder wrote to the requester, copied into the queue thread."""
    bodies = _copied(f"{mrkdwn.mention(responder)} to {mrkdwn.mention(requester)}:", text, files)
    return _attached(bodies, files, "Named to them, though only who is in this channel can open it: {}".format)


def deleted(user: str) -> Body:
    """Say in the queue thread, in place of a message, that its author has deleted it."""
    return mrkdwn.said(f"{mrkdwn.mention(user)} deleted what stood here.")


def _copied(head: str, text: str, files: Sequence[Attachment]) -> list[Body]:
    """Return untrusted text, the first message headed; what is too long for a few is whole in a file below them."""
    if files and not text.strip():
        return [mrkdwn.said(head)]
    quoted = mrkdwn.split_quote(mrkdwn.quote(text), mrkdwn.SECTION_CHARACTERS)
    bodies = []
    for start in range(0, len(quoted), _SECTIONS):
        part = quoted[start : start + _SECTIONS]
        shown = [mrkdwn.section(piece) for piece in ([head, *part] if start == 0 else part)]
        bodies.append(mrkdwn.body("\n".join([head, *part] if start == 0 else part), shown))
    return enclosures.few(bodies, mrkdwn.plain(text))


def _attached(bodies: list[Body], files: Sequence[Attachment], says: Callable[[str], str]) -> list[Body]:
    """Name files below the last message; in its text too, which transcripts repeat."""
    last = next(body for body in reversed(bodies) if not enclosures.is_file(body))
    for start in range(0, len(files), _FILES):
        named = ", ".join(mrkdwn.linked(file.name, file.link) for file in files[start : start + _FILES])
        line = says(named)
        last["blocks"].append(mrkdwn.context(line))
        last["text"] = mrkdwn.clamp(f"{last['text']}\n{line}".strip(), mrkdwn.NOTICE)
    return bodies
