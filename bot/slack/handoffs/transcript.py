"""Builds the transcript for the person who takes over: folded, complete, in as few messages as Slack allows.

Invariant: no line and no character is left out, and nobody's words can pass for ours. A transcript that is too long for
a few messages is whole in a file below the first of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import ContainerBlock

from bot import markup
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.outbox import enclosures
from bot.slack.outbox.posting import AS_USER
from bot.store.outbox.messages import AFTERWARDS
from bot.store.schema import InboxEvent, InboxState, Message
from bot.store.tickets import quotes
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.tickets import Attachment

MOST = 5
"The most messages of one transcript, the file's included."
_CHILDREN = 10
"The most blocks in a container."
ABOVE = 0
"The line number of texts above the conversation."
_SECTIONS = 40
"The most sections of one message: with their containers they stay below 50 blocks."


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One line of a conversation."""

    by: str
    "The mention of a person (`<@U0...>`), or the name of an agent."
    at: datetime
    text: str
    files: tuple[Attachment, ...] = ()
    quoted: tuple[Quoted, ...] = ()


def of(rows: Sequence[InboxEvent | Message], above: Sequence[tuple[str, str]] = ()) -> list[Body]:
    """Return the transcript of some messages as they are now, below the texts that come first."""
    return transcript([_line(row) for row in rows], above)


def transcript(lines: Sequence[TranscriptLine], above: Sequence[tuple[str, str]] = ()) -> list[Body]:
    """Return a whole conversation, folded, in as few messages as possible; a long one is in a file below them.

    Args:
        lines: the conversation.
        above: texts above it that are not folded: our heading, and the plain text below it.
    """
    texts = [(ABOVE, text) for head, plain in above for text in _words(f"*{head}*", head, plain)]
    texts += [(number, text) for number, line in enumerate(lines, 1) for text in _spoken(line)]
    bodies = [_folded(message, len(lines)) for message in _messages(texts)]
    return enclosures.few(bodies, _whole(lines, above), MOST)


def attachments(event: InboxEvent) -> tuple[Attachment, ...]:
    """Return the files that came with a message."""
    return tuple(Attachment(file["name"], file["link"]) for file in event.files)


def _line(row: InboxEvent | Message) -> TranscriptLine:
    if isinstance(row, InboxEvent):
        text = "(deleted)" if row.state is InboxState.WITHDRAWN else row.text
        return TranscriptLine(f"<@{row.user}>", row.received_at, text, attachments(row), quotes.of(row))
    body = row.body.get(AFTERWARDS, row.body)
    by = f"<@{body[AS_USER]}>" if AS_USER in body else "Deskhand"
    return TranscriptLine(by, row.created_at, "(deleted)" if body.get("deleted") else markup.plain(str(body["text"])))


def _spoken(line: TranscriptLine) -> Iterator[str]:
    """Yield one line of a conversation as texts that each fit into a section."""
    by = mrkdwn.mention(line.by) if line.by.startswith("<@") else mrkdwn.line(line.by, 80)
    at = mrkdwn.date(line.at)
    if line.text.strip() or not (line.files or line.quoted):
        yield from _words(f"*{by}* {at}", by, line.text)
    for one in line.quoted:
        yield from _words(f"*{by}* {at} {mrkdwn.line(one.heading, 150)}", by, one.text)
    if line.files:
        yield from _attached(f"*{by}* {at} attached", line.files)


def _words(head: str, by: str, text: str) -> Iterator[str]:
    for piece in mrkdwn.split_quote(mrkdwn.quote(text), mrkdwn.SECTION_CHARACTERS - 300):
        yield f"{head}\n{piece}"
        head = f"*{by}*, continued"


def _whole(lines: Sequence[TranscriptLine], above: Sequence[tuple[str, str]]) -> str:
    """Return a conversation as plain text."""
    parts = [f"{head}\n  {_indented(text, 2)}" for head, text in above]
    for line in lines:
        files = "".join(f"\n  [attached: {file.name}]" for file in line.files)
        passed_on = "".join(f"\n  [{one.heading}]\n    {_indented(one.text, 4)}" for one in line.quoted)
        words = _indented(line.text, 2)
        parts.append(f"{line.by.strip('<@>')} {line.at:%Y-%m-%d %H:%M} UTC\n  {words}{passed_on}{files}")
    return "\n\n".join(parts)


def _indented(text: str, by: int) -> str:
    return mrkdwn.visible(text).replace("\n", "\n" + " " * by)


def _messages(texts: Sequence[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Distribute numbered texts over as few messages as possible."""
    message: list[tuple[int, str]] = []
    size = 0
    for number, text in texts:
        if message and (size + len(text) > mrkdwn.LONGEST or len(message) == _SECTIONS):
            yield message
            message, size = [], 0
        message.append((number, text))
        size += len(text)
    if message:
        yield message


def _folded(message: Sequence[tuple[int, str]], total: int) -> Body:
    blocks = [mrkdwn.section(text) for number, text in message if number == ABOVE]
    folded = message[len(blocks) :]
    for start in range(0, len(folded), _CHILDREN):
        part = folded[start : start + _CHILDREN]
        container = ContainerBlock(
            title=f"Transcript, {_lines(part, total)}",
            child_blocks=[mrkdwn.section(text) for _, text in part],
            is_collapsible=True,
            default_collapsed=True,
        )
        blocks.append(container.to_dict())
    notification = f"Transcript, {_lines(folded, total)}." if folded else message[0][1]
    return {"text": notification, "blocks": blocks}


def _lines(part: Sequence[tuple[int, str]], total: int) -> str:
    first, last = part[0][0], part[-1][0]
    return f"line {first} of {total}" if first == last else f"lines {first} to {last} of {total}"


def _attached(head: str, files: Sequence[Attachment]) -> Iterator[str]:
    """Yield texts that name files, each short enough for a section."""
    text = head
    for file in files:
        named = mrkdwn.linked(file.name, file.link)
        if len(text) + len(named) > mrkdwn.SECTION_CHARACTERS:
            yield text
            text = head
        text += f"{' ' if text == head else ', '}{named}"
    yield text
