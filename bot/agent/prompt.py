"""From what was said in a ticket to what the model is given. Pure.

The system prompt and the tools are the stable prefix that the model's cache keeps; everything that
people wrote comes after it, wrapped and escaped as data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, Literal

from bot.agent.redaction import redact
from bot.store.schema import InboxEvent, Message

HISTORY_CHARACTERS = 24_000
"Older messages beyond this are left out, the newest and the first request are kept."
MESSAGE_CHARACTERS = 8_000
"A longer message is cut in the middle for the model; it is stored whole."
COLLEAGUE = "a colleague"
"What a responder is called towards the model."


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said in a ticket."""

    by: Literal["requester", "agent", "person"]
    name: str
    "Slack user id, or the agent's name."
    text: str
    files: tuple[str, ...] = ()


def said(row: InboxEvent | Message) -> Said:
    """Return what a row holds of the conversation."""
    if isinstance(row, InboxEvent):
        files = tuple(file["name"] for file in row.files)
        if row.kind == "message":
            return Said("requester", row.user, row.text, files)
        return Said("person", COLLEAGUE, redact(row.text), files)
    if row.kind == "human_reply":  # stored as it went to the requester, so it is redacted here
        return Said("person", COLLEAGUE, redact(unescape(str(row.body["text"]))))
    return Said("agent", "agent", unescape(str(row.body["text"])))


def conversation(spoken: Iterable[Said], *, private: bool) -> list[dict[str, Any]]:
    """Return the Messages API's `messages` for a ticket.

    Neighbours of one role become one message, since a requester may write three times in a row; a
    person's words reach the model as data too, marked as a colleague's.

    Args:
        spoken: oldest first; the last is the requester's, or a colleague's who gave the ticket back.
        private: said in a direct message.
    """
    messages: list[dict[str, Any]] = []
    for one in _trimmed(list(spoken)):
        role = "assistant" if one.by == "agent" else "user"
        text = one.text if one.by == "agent" else _wrapped(one, where="dm" if private else "channel")
        if not text.strip():
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"].append({"type": "text", "text": text})
        else:
            messages.append({"role": role, "content": [{"type": "text", "text": text}]})
    while messages and messages[0]["role"] != "user":
        messages.pop(0)
    return messages


def _wrapped(one: Said, *, where: str) -> str:
    tag = "message" if one.by == "requester" else "colleague"
    text = escape(_cut(one.text), quote=False) or "(no text)"
    files = "".join(f"\n[attached file: {escape(name, quote=False)}]" for name in one.files)
    return f'<{tag} from="{escape(one.name)}" where="{where}">\n{text}{files}\n</{tag}>'


def _cut(text: str) -> str:
    if len(text) <= MESSAGE_CHARACTERS:
        return text
    half = MESSAGE_CHARACTERS // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def _trimmed(said: list[Said]) -> list[Said]:
    """Keep the first request and the newest messages that fit."""
    room = HISTORY_CHARACTERS
    kept: list[Said] = []
    for one in reversed(said[1:]):
        room -= min(len(one.text), MESSAGE_CHARACTERS)
        if room < 0:
            break
        kept.append(one)
    return said[:1] + kept[::-1]
