"""What the stand-in reads in a request: the current turn, parsed.

A turn begins with the requester's words (inside `<message from=... where=...>`, always data) and holds the tool calls
and results since. Only a `<system-note>` comes from the caller's own code. A `<colleague>` is a person who had the
request: if their words come last, they have given it back.
"""

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.standin.reading import URGENT, Topic

Json = dict[str, Any]

ARGUMENTS = {"reset_second_factor": frozenset({"lost"})}
"The arguments of tools on accounts that have some; a call with others is forged."
_MESSAGE = re.compile(r"<message\b([^>]*)>(.*)</message>", re.DOTALL)
_COLLEAGUE = re.compile(r"<colleague\b[^>]*>(.*)</colleague>", re.DOTALL)
_NOTE = re.compile(r"<system-note>(.*)</system-note>", re.DOTALL)
_NOT_WORDS = re.compile(r"^(?:\(no text\)|\[attached file: .*\])$", re.MULTILINE)
_QUOTED = re.compile(r"<quoted\b[^>]*>.*?</quoted>", re.DOTALL)
"What others wrote, passed on by the requester: data, not their words."
_NEXT = re.compile(r"</message>\s*<message\b[^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class SeenResult:
    """What a tool answered to a valid call of the stand-in."""

    ok: bool
    data: Json
    "The answer's fields; empty if it was not a JSON object."
    text: str


@dataclass(slots=True)
class SeenTurn:
    """One turn of a conversation so far."""

    said: str = ""
    "The requester's words of this turn."
    before: str = ""
    "The requester's words of the turn before."
    colleague: str = ""
    "What a colleague wrote when giving the request back; empty if the requester spoke last."
    who: str = "the requester"
    private: bool = False
    "Whether it is a direct message, where facts about the account may be told."
    note: str = ""
    "The correction of our last answer by the caller's code."
    answers: list[str] = field(default_factory=list)
    "What we said in earlier turns, oldest first."
    results: dict[str, SeenResult] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    left: frozenset[Topic] = URGENT
    "The topics that the prompt leaves to people."
    turns_away: bool = True
    "Whether the prompt leaves what is not about signing in to other teams."
    weak: bool = False
    "Whether a weaker model plays: English alone, and nothing of what was said before."


def observe(request: Json) -> SeenTurn:
    """Parse a request into its last turn and what was answered before."""
    turn = SeenTurn(tools=_offered(request))
    wrapped = any(_MESSAGE.search(text) for m in request["messages"] for text in _texts(m))
    calls: dict[str, Json] = {}
    ended = False
    for message in request["messages"]:
        if message["role"] == "assistant":
            used = {b["id"]: b for b in _blocks(message) if b["type"] == "tool_use"}
            calls.update(used)
            if not used:
                turn.answers.extend(_texts(message))
                ended = True
        elif message["role"] == "user":
            ended = _hear(turn, message, wrapped=wrapped, ended=ended)
            for block in _blocks(message):
                if block["type"] == "tool_result":
                    _learn(turn, calls[block["tool_use_id"]], block)
    return turn


def _hear(turn: SeenTurn, message: Json, *, wrapped: bool, ended: bool) -> bool:
    """Add one user message's text; what somebody says after our answer begins a new turn."""
    for text in _texts(message):
        spoken, given_back = _MESSAGE.search(text), _COLLEAGUE.fullmatch(text.strip())
        if wrapped and not spoken and not given_back:
            note = _NOTE.fullmatch(text.strip())
            turn.note = note.group(1) if note and ended else turn.note
            continue
        if ended:
            turn.before, turn.said, turn.note, turn.results = turn.said, "", "", {}
            ended = False
        turn.colleague = html.unescape(given_back.group(1)).strip() if given_back else ""
        if given_back:
            continue
        attributes = dict(_ATTRIBUTE.findall(spoken.group(1))) if spoken else {}
        turn.who = attributes.get("from", turn.who)
        turn.private = attributes.get("where") == "dm"
        words = _NEXT.sub("\n", _QUOTED.sub("", spoken.group(2))) if spoken else text
        turn.said = f"{turn.said}\n{_NOT_WORDS.sub('', html.unescape(words).strip())}".strip()
    return ended


def _learn(turn: SeenTurn, call: Json, block: Json) -> None:
    """Keep a tool's answer, but not one to a call with forged arguments, which may be false."""
    if call["name"] not in {"hand_off", "resolve"} and call["input"].keys() - ARGUMENTS.get(call["name"], frozenset()):
        return
    text = "\n".join(_texts({"content": block.get("content", "")}))
    try:
        data = json.loads(text)
    except ValueError:
        data = {}
    ok = not block.get("is_error", False)
    turn.results[call["name"]] = SeenResult(ok, data if isinstance(data, dict) else {}, text)


def _offered(request: Json) -> frozenset[str]:
    if request.get("tool_choice", {}).get("type") == "none":
        return frozenset()
    return frozenset(tool["name"] for tool in request.get("tools", ()))


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _texts(message: Json) -> list[str]:
    return [block["text"] for block in _blocks(message) if block["type"] == "text"]
