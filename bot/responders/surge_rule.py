"""When like tickets are one surge: the figures of a card, and a rule that only counts words.

It is pure, the same in every language, and errs on the side of no surge. Words that requesters of other days use too
say nothing, so tickets are alike only in words that are rare among the earlier ones, half of which at least are written
far more often now. Without enough earlier tickets nothing is alike. The model is never asked.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from pydantic import Field

from bot.policy.rules import CardPart

ENOUGH_BEFORE = 30
"The fewest earlier tickets that show which words are rare."
RARE = 0.05
"The largest share of the earlier tickets that may hold a word of a surge."
EXCESS = 5
"How many times more often than in the earlier tickets half of a surge's words at least must be written."
MOST_WORDS = 10
"The most words that a surge is known by."
FEWEST_WORDS = 2
"The fewest words that a surge is known by, and that a ticket must share with it."
LETTERS = 12
"Letters of a word that count, so that its endings do not."
_WORD = re.compile(r"[^\W_]+")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
"Scripts without spaces between words; their pairs of characters count as words."
_SHORTEST = 3


class SurgeFigures(CardPart):
    """When many tickets become one surge, and when it is over."""

    directory_tickets: int = Field(default=3, ge=2, le=100)
    "Tickets whose last call of the directory failed: with so many it counts as down."
    directory_seconds: float = Field(default=60, gt=0, le=3_600, allow_inf_nan=False)
    "Seconds within which those calls failed."
    like_tickets: int = Field(default=8, ge=3, le=1_000)
    "Tickets that the agent handed off for one reason and whose words are alike."
    within_minutes: float = Field(default=15, gt=0, le=24 * 60, allow_inf_nan=False)
    "Minutes within which they were handed off."
    healthy_checks: int = Field(default=3, ge=1, le=100)
    "Checks in a row that the directory must answer before its surge is over."


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text that may show what it is about.

    Args:
        text: a plain text (`bot.agent.phrases.plain`).
    """
    spaceless = list(_SPACELESS.findall(text))
    pairs = {first + second for run in spaceless for first, second in pairwise(run)}
    words = {word[:LETTERS] for word in _WORD.findall(_SPACELESS.sub(" ", text)) if len(word) >= _SHORTEST}
    return frozenset(words | pairs)


def common(texts: Sequence[frozenset[str]], before: Sequence[frozenset[str]], *, at_least: int) -> tuple[str, ...]:
    """Return the words by which so many texts are alike, or nothing if they are not.

    Args:
        texts: the words of each ticket of the last minutes.
        before: the words of earlier tickets.
        at_least: how many of the texts must be alike.
    """
    if len(before) < ENOUGH_BEFORE or len(texts) < at_least:
        return ()
    here, there = Counter(word for one in texts for word in one), Counter(word for one in before for word in one)
    rare = [word for word, count in here.items() if count >= at_least and there[word] <= RARE * len(before)]
    known = tuple(sorted(rare, key=lambda word: (-here[word], there[word], word))[:MOST_WORDS])
    more = sum(here[word] >= EXCESS * len(texts) * _share(there[word], len(before)) for word in known)
    alike = sum(is_like(one, known) for one in texts)
    return known if alike >= at_least and more >= _needed(known) else ()


def _share(count: int, of: int) -> float:
    """Return the share of texts that may hold a word, by how many did: one more could have, as few are known."""
    return (count + 1) / (of + 1)


def may_be_like(words: frozenset[str], texts: Iterable[frozenset[str]], *, at_least: int) -> bool:
    """Return whether enough of these texts share words with a text for it to be like them.

    Args:
        words: the words of the text.
        texts: the words of each ticket of the last minutes.
        at_least: how many of the texts must be alike.
    """
    shared = Counter(word for one in texts for word in words.intersection(one))
    return sum(count >= at_least for count in shared.values()) >= FEWEST_WORDS


def is_like(words: frozenset[str], known: Collection[str]) -> bool:
    """Return whether a text is like the tickets of a surge: it shares half of their words, and two at least."""
    return len(words.intersection(known)) >= _needed(known)


def _needed(known: Collection[str]) -> int:
    return max(FEWEST_WORDS, -(-len(known) // 2))
