"""How much of what should leave a text does, and how much that should stay: by kind and by language."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.bot.agent.redaction.generated import HARMLESS, Made

MARK = re.compile(r"\[([a-z ]+)\]")
CALLED = {
    "secret": "token",
    "code": "code",
    "email": "email",
    "phone": "phone",
    "card": "card",
    "bank account": "iban",
    "social security number": "id",
    "identity number": "id",
    "date of birth": "birth",
    "address": "address",
}
"The kind of secret, by what it is replaced by."


@dataclass(slots=True)
class Scores:
    """What became of many texts."""

    texts: Counter[str] = field(default_factory=Counter)
    "By kind, `harmless` among them, and by language."
    left: Counter[str] = field(default_factory=Counter)
    "Of them, those whose secret left; of the harmless ones, those that were changed."
    named: Counter[str] = field(default_factory=Counter)
    "Harmless texts, by the kind of secret that they were taken for."
    wrong: list[tuple[str, str]] = field(default_factory=list)
    "Texts that kept a secret or were harmed, and what they became."

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of secrets."""
        return [kind for kind in self.texts if kind != HARMLESS and ":" not in kind]

    def recall(self, key: str) -> float:
        """Return which part of the secrets of a kind (or `language:secrets`, or `language:kind`) left."""
        return self.left[key] / self.texts[key]

    @property
    def harmed(self) -> float:
        """Return which part of the harmless texts was changed."""
        return self.left[HARMLESS] / self.texts[HARMLESS]

    def precision_of(self, kind: str) -> float:
        """Return which part of what was taken for a kind (or `language:kind`) is of it, harmless texts counted."""
        return self.left[kind] / max(1, self.left[kind] + self.named[kind])

    @property
    def precision(self) -> float:
        """Return which part of the changed texts had a secret in it."""
        true = sum(self.left[kind] for kind in self.kinds)
        return true / max(1, true + self.left[HARMLESS])


def by_language(scores: Scores) -> dict[str, dict[str, tuple[int, float, float]]]:
    """Return texts, recall and precision of each kind of secret, by language."""
    languages = sorted({key.partition(":")[0] for key in scores.texts if ":" in key})
    keys = {
        one: {kind: f"{one}:{kind}" for kind in scores.kinds if f"{one}:{kind}" in scores.texts} for one in languages
    }
    return {
        one: {
            kind: (scores.texts[key], round(scores.recall(key), 3), round(scores.precision_of(key), 3))
            for kind, key in kinds.items()
        }
        for one, kinds in keys.items()
    }


def score(texts: Iterable[Made], redact: Callable[[str], str]) -> Scores:
    """Redact every text and count."""
    scores = Scores()
    for one in texts:
        clean = redact(one.text)
        gone = clean != one.text if one.kind == HARMLESS else all(secret not in clean for secret in one.secrets)
        side = HARMLESS if one.kind == HARMLESS else "secrets"
        for key in {one.kind, f"{one.language}:{side}", f"{one.language}:{one.kind}"}:
            scores.texts[key] += 1
            scores.left[key] += gone
        if one.kind == HARMLESS and gone:
            taken_for = {CALLED.get(kind, "password") for kind in MARK.findall(clean)}
            scores.named.update([*taken_for, *(f"{one.language}:{kind}" for kind in taken_for)])
        if gone == (one.kind == HARMLESS):
            scores.wrong.append((one.text, clean))
    return scores
