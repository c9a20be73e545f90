"""From what was said in a ticket to what the model is given. Pure.

The system prompt and the tools are the stable prefix that the model's cache keeps; everything that
people wrote comes after it, wrapped and escaped as data. What is left out of a long history is left
out in steps, so that from one turn to the next a prompt mostly only grows at its end.

Invariant: whatever a colleague wrote is there whole, however long ago they wrote it: any word of theirs may forbid
something. Where that is more than the model is given, the agent does not go on at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Any, Literal, assert_never

from bot import markup
from bot.agent.redaction import redact
from bot.errors import Refused
from bot.principals import Reason
from bot.store.schema import InboxEvent, InboxKind, Message, MessageKind
from bot.store.tickets import quotes
from bot.store.tickets.quotes import Quoted

HISTORY_BYTES = 24_000
"Of what was said after the first message, the newest bytes, up to this many; that many tokens at most, in any script."
HISTORY_STEP = 8_000
"Bytes by which the cut moves on, once there is more than that."
MESSAGE_CHARACTERS = 8_000
"A longer message, or tool's result, is cut in the middle for the model; it is stored whole."
COLLEAGUE_BYTES = 24_000
"Of what colleagues wrote in one ticket; with more than that a person decides."
COLLEAGUE = "a colleague"
"What a responder is called towards the model."


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One thing said in a ticket."""

    by: Literal["requester", "agent", "person", "beside"]
    "Who speaks, and to whom: `beside` is what was said in the thread to somebody else than the agent."
    name: str
    "Slack user id, or the agent's name."
    text: str
    files: tuple[str, ...] = ()
    quoted: tuple[Quoted, ...] = ()
    "What others wrote and came with it."


def said(row: InboxEvent | Message) -> PromptMessage:
    """Return what a row holds of the conversation."""
    if isinstance(row, InboxEvent):
        return _heard(row)
    if row.kind is MessageKind.HUMAN_REPLY:  # stored as it went to the requester, so it is redacted here
        return PromptMessage("person", COLLEAGUE, redact(markup.plain(str(row.body["text"]))))
    return PromptMessage("agent", "agent", markup.plain(str(row.body["text"])))


def _heard(event: InboxEvent) -> PromptMessage:
    files = tuple(file["name"] for file in event.files)
    match event.kind:
        case InboxKind.OVERHEARD:
            return PromptMessage("beside", event.user, event.text, files)
        case InboxKind.MESSAGE:
            return PromptMessage("requester", event.user, event.text, files, quotes.of(event))
        case InboxKind.ANSWER | InboxKind.NOTE | InboxKind.DRAFT | InboxKind.INTERNAL:
            return PromptMessage("person", COLLEAGUE, redact(event.text), files, quotes.of(event))
        case InboxKind.UNASSIGNED | InboxKind.COMMAND | InboxKind.SHORTCUT | InboxKind.PLEA | InboxKind.STOP:
            raise ValueError(f"{event.kind}: no part of a conversation")
        case _:
            assert_never(event.kind)


def conversation(spoken: Iterable[PromptMessage], *, private: bool) -> list[dict[str, Any]]:
    """Return the Messages API's `messages` for a ticket.

    Neighbours of one role become one message, since a requester may write three times in a row; a
    person's words reach the model as data too, marked as a colleague's.

    Args:
        spoken: oldest first; the last is the requester's, or a colleague's who gave the ticket back.
        private: said in a direct message.

    Raises:
        Refused: colleagues wrote more than the model is given; which of it matters, a person must say.
    """
    given = [_given(one, where="dm" if private else "channel") for one in spoken]
    given = [one for one in given if one.text.strip()]
    while given and given[0].role != "user":
        given.pop(0)
    if sum(_size(one) for one in given if one.kept) > COLLEAGUE_BYTES:
        raise Refused("Colleagues have written more than the agent can read at once.", reason=Reason.LOW_CONFIDENCE)
    messages: list[dict[str, Any]] = []
    for one in _trimmed(given):
        block = {"type": "text", "text": one.text}
        if messages and messages[-1]["role"] == one.role:
            messages[-1]["content"].append(block)
        else:
            messages.append({"role": one.role, "content": [block]})
    return messages


def cut(text: str) -> str:
    """Return a text short enough for the model, with its beginning and its end."""
    if len(text) <= MESSAGE_CHARACTERS:
        return text
    half = MESSAGE_CHARACTERS // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


@dataclass(frozen=True, slots=True)
class _Given:
    """One thing said, as the model is given it."""

    role: Literal["user", "assistant"]
    text: str
    kept: bool = False
    "Never left out and never cut, however long ago: a colleague's words."


def _given(one: PromptMessage, *, where: str) -> _Given:
    if one.by == "agent":
        return _Given("assistant", one.text)
    kept = one.by == "person"
    tag = "colleague" if kept else "overheard" if one.by == "beside" else "message"
    text = escape(one.text if kept else cut(one.text), quote=False) or "(no text)"
    files = "".join(f"\n[attached file: {escape(name, quote=False)}]" for name in one.files)
    passed_on = "".join(f"\n{_quotation(each, whole=kept)}" for each in one.quoted)
    return _Given(
        "user", f'<{tag} from="{escape(one.name)}" where="{where}">\n{text}{files}{passed_on}\n</{tag}>', kept
    )


def _quotation(one: Quoted, *, whole: bool) -> str:
    """Return what somebody passed on, in a tag of its own: whose words they are stays plain."""
    text = escape(one.text if whole else cut(one.text), quote=False)
    return f'<quoted what="{one.kind}" by="{escape(one.by or "not told")}">\n{text}\n</quoted>'


def _trimmed(given: list[_Given]) -> list[_Given]:
    """Keep the first request, all of colleagues and the newest that fit, and say how many others are missing."""
    first, rest = given[:1], given[1:]
    gone = _left_out([_size(one) for one in rest])
    kept = [one for one in rest[:gone] if one.kept]
    missing = gone - len(kept)
    if not missing:
        return given
    words = "1 message is" if missing == 1 else f"{missing} messages are"
    return [*first, _Given("user", f"<system-note>{words} left out here.</system-note>"), *kept, *rest[gone:]]


def _size(one: _Given) -> int:
    return len(one.text.encode("utf-8", "surrogatepass"))


def _left_out(sizes: Sequence[int]) -> int:
    """Return how many of the oldest are left out; the last never is.

    The cut stands at a multiple of `HISTORY_STEP` from the beginning, so it stays where it is until
    another step has been said, and what comes after it stays the same for the cache.
    """
    too_much = sum(sizes) - HISTORY_BYTES
    if too_much <= 0:
        return 0
    at = -(-too_much // HISTORY_STEP) * HISTORY_STEP
    starts = accumulate(sizes[:-1], initial=0)
    return min(sum(start < at for start in starts), len(sizes) - 1)
