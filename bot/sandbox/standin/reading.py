"""Read what a person wrote: one topic for each message, by its words, in five languages (`phrases.yaml`).

Pure and deterministic. The text is data: a request to break a rule is noted (`UnderstoodWords.injected`) and never
followed.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

from bot import yaml_text

READ_AT_MOST = 4000
"Characters read from each end of a message; people do not say what they want later than that."
_LONG_WORD = re.compile(r"\b[a-z]{5,15}\b")
"Shorter words have too many similar ones to correct their spelling."


class Topic(StrEnum):
    """What a message is about, in the order of checks: the first that fits counts."""

    FRUSTRATION = "frustration"
    PERSON = "person"
    COMPROMISE = "compromise"
    OTHERS = "others"
    FACTOR = "factor"
    ACCESS = "access"
    STILL = "still"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    FORGOT = "forgot"
    EXPLAIN = "explain"
    IDENTITY = "identity"
    CANNOT = "cannot"
    ELSEWHERE = "elsewhere"
    WHO = "who"
    ABLE = "able"
    REPEAT = "repeat"
    THANKS = "thanks"
    BYE = "bye"
    YES = "yes"
    NO = "no"
    GREETING = "greeting"
    UNCLEAR = "unclear"


_URGENT = (
    Topic.FRUSTRATION,
    Topic.PERSON,
    Topic.COMPROMISE,
    Topic.OTHERS,
    Topic.FACTOR,
    Topic.ACCESS,
)
_TROUBLE = (
    Topic.STILL,
    Topic.SUSPENDED,
    Topic.EXPIRED,
    Topic.FORGOT,
    Topic.EXPLAIN,
    Topic.IDENTITY,
    Topic.CANNOT,
)
SIGN_IN = frozenset(_TROUBLE)
"""Topics for which the account is looked at first."""
URGENT = frozenset(_URGENT)
"Topics that are a person's work."
_TALK = (
    Topic.WHO,
    Topic.ABLE,
    Topic.REPEAT,
    Topic.THANKS,
    Topic.BYE,
    Topic.YES,
    Topic.NO,
    Topic.GREETING,
    Topic.UNCLEAR,
)
_SOMEBODY = re.compile(
    r"\b(?:unlock|reset|lift|look up|check|open|Unlock|Reset|Lift|Look up|Check|Open)\s+"
    r"(?:<@\w+>|U0[A-Z0-9]+|(?!My\b|The\b|Please\b|PIN\b|Account\b|Password\b|MY\b|I\b|It\b)"
    r"[A-Z][a-z]+(?:['\u2019]s)?\b)"
)
"""A name or a Slack id right after a verb: somebody else's account. Searched in the text as typed."""

_KEY = re.compile(r"\b(?:security keys?|yubikeys?|sicherheitsschlussel)\b")
_AT_HAND = re.compile(
    rf"\b(?:have|got)\b.{{0,15}}{_KEY.pattern}|{_KEY.pattern}.{{0,8}} is (?:\w{{1,10}} ){{0,2}}(?:here|at hand|fine)\b"
)
"What they have not lost."
_REDACTED = re.compile(r"\[[a-z ]{1,30}\]")
"The kind of what was redacted: it says what somebody has pasted, not what they want."
_THEY = re.compile(r"\b(?:he|she|they)\b", re.IGNORECASE)
_THEIRS = re.compile(
    r"\b(?:his|her|their)(?= (?:\w{1,15} )?(?:account|login|pass\w+|phone|suspension)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class UnderstoodWords:
    """What one person's words mean."""

    topic: Topic
    pointer: str = ""
    "Where to go instead, if another team is responsible for the topic."
    injected: bool = False
    "Whether the text tries to give the agent orders."
    also: Topic | None = None
    "Set when they cannot sign in and also ask for access to something."


def read(text: str, *, left: frozenset[Topic] = URGENT) -> UnderstoodWords:
    """Return what a text is about; every text has an answer.

    Args:
        text: what somebody wrote.
        left: the topics that are left to people; another one of them is read as whatever else the text is about.
    """
    text = text if len(text) <= 2 * READ_AT_MOST else f"{text[:READ_AT_MOST]} {text[-READ_AT_MOST:]}"
    text = re.sub(r"^\s*<@\w+>[,:]?", "", text)
    words = plain(text)
    injected = suspicious(text)
    if not re.search(r"\w", words):
        return UnderstoodWords(Topic.UNCLEAR, injected=injected)
    if (urgent := _first(words, tuple(topic for topic in _URGENT if topic in left))) in {
        Topic.FRUSTRATION,
        Topic.PERSON,
        Topic.COMPROMISE,
    }:
        return UnderstoodWords(urgent, injected=injected)
    if Topic.OTHERS in left and _SOMEBODY.search(text):
        return UnderstoodWords(Topic.OTHERS, injected=injected)
    if urgent:
        also = _first(words, _TROUBLE) if urgent is Topic.ACCESS and not injected else None
        return UnderstoodWords(urgent, injected=injected, also=also)
    return _read_calm(_without_orders(words) if injected else words, injected=injected)


def read_note(text: str, *, of: str) -> Topic:
    """Return what a colleague who gave a request back wants done; they write of its requester as he, she or they.

    Args:
        text: what they wrote.
        of: the requester's Slack user id.
    """
    own = _THEY.sub("I", _THEIRS.sub("my", text.replace(f"<@{of}>", "me")))
    if _SOMEBODY.search(own):
        return Topic.OTHERS
    return _first(plain(own), (Topic.OTHERS, Topic.FACTOR, Topic.ACCESS, *_TROUBLE[1:])) or Topic.CANNOT


def lost_device(text: str) -> str | None:
    """Return on which lost device the second factors are that somebody asks to be reset; None: they do not ask that."""
    words = plain(text)
    if not any(pattern.search(words) for pattern in _phrases().resets):
        return None
    return "security_key" if _KEY.search(_AT_HAND.sub(" ", words)) else "phone"


def plain(text: str) -> str:
    """Return a text in the form that patterns expect: lower case, no accents, known words spelled right."""
    text = html.unescape(text).replace("\u2019", "'").replace("\u2018", "'").lower()
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = re.sub(r"[*_~`]", " ", text)
    return _LONG_WORD.sub(lambda word: _spelled(word.group()), " ".join(text.split()))


def suspicious(text: str) -> bool:
    """Return whether a text from anywhere, such as a tool's result, tries to give orders."""
    return any(pattern.search(plain(text[: 2 * READ_AT_MOST])) for pattern in _phrases().injection)


def _without_orders(words: str) -> str:
    """Drop the sentences that give orders: no person asked for what they name."""
    return " ".join(part for part in re.split(r"(?<=[.!?])\s+", words) if not suspicious(part))


def _read_calm(words: str, *, injected: bool) -> UnderstoodWords:
    """Read a text that does not need a person at once."""
    known = _phrases()
    if not words:
        return UnderstoodWords(Topic.UNCLEAR, injected=injected)
    (money, bank), rest = known.elsewhere[0], known.elsewhere[1:]
    if money.search(_REDACTED.sub(" ", words)):
        return UnderstoodWords(Topic.ELSEWHERE, bank, injected)
    new_pin = re.search(r"\b(?:change|changed|new|replace|find)\b.{0,25}\bpin\b|\bpin change\b", words)
    if not new_pin and (trouble := _first(words, _TROUBLE)):
        return UnderstoodWords(trouble, injected=injected)
    pointer = next(answer for about, answer in rest if about.search(words))
    talk = _first(words, _TALK)
    if talk and (pointer == rest[-1][1] or talk not in {Topic.BYE, Topic.UNCLEAR}):
        return UnderstoodWords(talk, injected=injected)
    return UnderstoodWords(Topic.ELSEWHERE, pointer, injected)


def _first(words: str, topics: tuple[Topic, ...]) -> Topic | None:
    known = _phrases().topics
    return next((topic for topic in topics if any(p.search(words) for p in known[topic])), None)


@dataclass(frozen=True, slots=True)
class _Phrases:
    topics: dict[Topic, list[re.Pattern[str]]]
    injection: list[re.Pattern[str]]
    resets: list[re.Pattern[str]]
    "How somebody asks for their second factor to be reset."
    elsewhere: list[tuple[re.Pattern[str], str]]
    "A topic and where to go for it; the last one fits everything."
    spellings: frozenset[str]
    lookalikes: frozenset[str]


@cache
def _phrases() -> _Phrases:
    """Return the list of phrases, read once."""
    rows = yaml_text.load((Path(__file__).parent / "phrases.yaml").read_text("utf-8"))

    def pattern(text: str) -> re.Pattern[str]:
        for name, words in rows["words"].items():
            text = text.replace(f"<{name}>", f"(?:{'|'.join(words)})")
        return re.compile(text)

    return _Phrases(
        topics={Topic(name): [pattern(text) for text in texts] for name, texts in rows["topics"].items()},
        injection=[pattern(text) for text in rows["injection"]],
        resets=[pattern(text) for text in rows["resets"]],
        elsewhere=[(pattern(row["about"]), row["answer"]) for row in rows["elsewhere"]],
        spellings=frozenset(rows["spellings"]),
        lookalikes=frozenset(rows["lookalikes"]),
    )


@lru_cache(maxsize=8192)
def _spelled(word: str) -> str:
    """Correct a word that is similar to one of the few that matter."""
    known = _phrases()
    if word in known.lookalikes or word in known.spellings:
        return word
    return next(iter(get_close_matches(word, sorted(known.spellings), n=1, cutoff=0.82)), word)
