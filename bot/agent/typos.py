"""Does an edit only correct typos or add thanks? Then what was answered is not answered again. Pure."""

from collections import Counter
from difflib import SequenceMatcher

from bot.agent import phrases
from bot.agent.asks_for_person import wants_person
from bot.agent.thanks import Tone, tone_of

SHORTEST = 4
"Fewest letters of a word that may hold a typo: `can` and `can't` are two words."
ALIKE = 0.7
"How alike two spellings of one word must be, as difflib's ratio."
MOST = 400
"Most words that are compared; an edit of a longer text always counts as a change."


def only_typos(old: str, new: str) -> bool:
    """Return whether an edit changes nothing that an answer depends on.

    A changed word is a typo if both spellings are long, much alike and letters only. A word that is added or removed is
    none, apart from thanks, and neither is a request for a person.
    """
    if wants_person(new) and not wants_person(old):
        return False
    before, after = _words(old), _words(new)
    if max(len(before), len(after)) > MOST:
        return old == new
    came, went = Counter(after) - Counter(before), Counter(before) - Counter(after)
    if not went:
        added = " ".join(word for word in after if came[word]).removeprefix("edit ")
        return not came or tone_of(added) is Tone.THANKS
    return sum(came.values()) == sum(went.values()) and all(
        _alike(*pair) for pair in zip(sorted(went.elements()), sorted(came.elements()), strict=True)
    )


def _words(text: str) -> list[str]:
    words = (word.strip(".,;!()\"'") for word in phrases.plain(text).split())
    return [bare for word in words if (bare := word if word.startswith(":") else word.rstrip(":"))]


def _alike(old: str, new: str) -> bool:
    plain = old.isalpha() and new.isalpha() and min(len(old), len(new)) >= SHORTEST
    return plain and SequenceMatcher(None, old, new, autojunk=False).ratio() >= ALIKE
