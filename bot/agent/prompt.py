"""What the model is given, made from what was said in a ticket. Pure.

The system prompt and the tools are the stable prefix that the vendor caches; everything that people wrote comes after
it, wrapped and escaped as data. A long history is shortened in steps, so that from one turn to the next a prompt mostly
grows at its end only.

Invariants: what a colleague wrote is kept whole, however old it is, because any word of it may forbid something. If
that is more than the model is given, the agent does not go on at all. No message has the names that people use in their
profiles: anybody who is mentioned or quoted is called "somebody", in the words of colleagues, too.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Any, Literal, assert_never

from bot import markup
from bot.agent.model import Completion
from bot.agent.redaction import redact
from bot.errors import Refused
from bot.principals import Reason
from bot.store.outbox.messages import UNNAMED
from bot.store.schema import InboxEvent, InboxKind, Message, MessageKind
from bot.store.tickets import quotes
from bot.store.tickets.quotes import Quoted

HISTORY_BYTES = 24_000
"How many bytes of the newest messages after the first are kept; in any script that is at most as many tokens."
HISTORY_STEP = 8_000
"How many bytes the cut moves on by, once the history is longer than that."
MESSAGE_CHARACTERS = 8_000
"A longer message or tool result is cut in the middle for the model; it is stored whole."
COLLEAGUE_BYTES = 24_000
"The most bytes that colleagues may have written in one ticket; beyond that a person decides."
COLLEAGUE = "a colleague"
"How a responder is named to the model."


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One thing said in a ticket."""

    by: Literal["requester", "agent", "person", "beside"]
    "Who speaks; `beside` is what was said in the thread to somebody other than the agent."
    name: str
    "Slack user id, or the agent's name."
    text: str
    files: tuple[str, ...] = ()
    quoted: tuple[Quoted, ...] = ()
    "What others wrote that came with the message."


def message_from(row: InboxEvent | Message) -> PromptMessage:
    """Return the prompt message for a row of the conversation."""
    if isinstance(row, InboxEvent):
        return _heard(row)
    if row.kind is MessageKind.HUMAN_REPLY:  # stored unredacted, as the requester read it
        return PromptMessage("person", COLLEAGUE, redact(markup.plain(str(row.body.get(UNNAMED, row.body["text"])))))
    return PromptMessage("agent", "agent", markup.plain(str(row.body["text"])))


def _heard(event: InboxEvent) -> PromptMessage:
    text, files = markup.without_names(event.text), tuple(file["name"] for file in event.files)
    match event.kind:
        case InboxKind.OVERHEARD:
            return PromptMessage("beside", event.user, text, files)
        case InboxKind.MESSAGE:
            return PromptMessage("requester", event.user, text, files, quotes.of(event))
        case InboxKind.ANSWER | InboxKind.NOTE | InboxKind.DRAFT | InboxKind.INTERNAL:
            return PromptMessage("person", COLLEAGUE, redact(text), files, quotes.of(event))
        case (
            InboxKind.UNASSIGNED
            | InboxKind.COMMAND
            | InboxKind.SHORTCUT
            | InboxKind.WHY
            | InboxKind.PLEA
            | InboxKind.STOP
        ):
            raise ValueError(f"{event.kind}: no part of a conversation")
        case _:
            assert_never(event.kind)


def conversation(spoken: Iterable[PromptMessage], *, private: bool) -> list[dict[str, Any]]:
    """Return the Messages API's `messages` for a ticket.

    Consecutive messages of one role become one message, since a requester may write three times in a row. A person's
    words also reach the model as data, marked as a colleague's.

    Args:
        spoken: oldest first; the last one is the requester's, or that of a colleague who gave the ticket back.
        private: whether it was said in a direct message.

    Raises:
        Refused: colleagues wrote more than the model is given; a person must decide what matters.
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


def echo(completion: Completion) -> list[dict[str, Any]]:
    """Return what the model has written, as the next prompt repeats it."""
    return [{"role": "assistant", "content": list(completion.content)}] if completion.content else []


def correction(wrong: str) -> dict[str, Any]:
    """Return the note that tells the model why its answer was not sent."""
    return {"role": "user", "content": [{"type": "text", "text": f"<system-note>{wrong}</system-note>"}]}


def tool_result(call_id: str, content: dict[str, Any], *, ok: bool) -> dict[str, Any]:
    """Return what a tool returned, as the model reads it."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": cut(json.dumps(content)), "is_error": not ok}


def cut(text: str) -> str:
    """Return a text short enough for the model, with its beginning and its end."""
    if len(text) <= MESSAGE_CHARACTERS:
        return text
    half = MESSAGE_CHARACTERS // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


@dataclass(frozen=True, slots=True)
class _Given:
    """One message in the form that the model is given."""

    role: Literal["user", "assistant"]
    text: str
    kept: bool = False
    "Never left out and never cut, however old: a colleague's words."


def _given(one: PromptMessage, *, where: str) -> _Given:
    if one.by == "agent":
        return _Given("assistant", one.text)
    kept = one.by == "person"
    tag = "colleague" if kept else "overheard" if one.by == "beside" else "message"
    text = escape(one.text if kept else cut(one.text), quote=False) or "(no text)"
    files = "".join(f"\n[attached file: {escape(' '.join(name.split()), quote=False)}]" for name in one.files)
    passed_on = "".join(f"\n{_quotation(each, whole=kept)}" for each in one.quoted)
    return _Given(
        "user", f'<{tag} from="{escape(one.name)}" where="{where}">\n{text}{files}{passed_on}\n</{tag}>', kept
    )


def _quotation(one: Quoted, *, whole: bool) -> str:
    """Return what somebody passed on, in a tag of its own, so that it is clear whose words it holds."""
    said, by = markup.without_names(one.text), markup.SOMEBODY if one.by else "not told"
    text = escape(said if whole else cut(said), quote=False)
    return f'<quoted what="{one.kind}" by="{by}">\n{text}\n</quoted>'


def _trimmed(given: list[_Given]) -> list[_Given]:
    """Keep the first request, all words of colleagues and the newest that fit; say how many messages are missing."""
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
    """Return how many of the oldest messages are left out; the last one never is.

    The cut is at a multiple of `HISTORY_STEP` from the beginning. So it stays in place until another step has been
    said, and what comes after it stays the same for the cache.
    """
    too_much = sum(sizes) - HISTORY_BYTES
    if too_much <= 0:
        return 0
    at = -(-too_much // HISTORY_STEP) * HISTORY_STEP
    starts = accumulate(sizes[:-1], initial=0)
    return min(sum(start < at for start in starts), len(sizes) - 1)
