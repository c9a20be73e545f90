"""May this answer be sent to the requester? What the prompt forbids, as far as code can check it.

An answer that may not be sent is returned to the model once, with the reason; after that a person takes the ticket. The
tools withhold facts where others read along (`bot.tools.directory`), so this catches what the model guesses, heard from
somebody else, or makes up.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bot.agent import addresses, phrases
from bot.agent.phrases import LanguagePhrases
from bot.agent.promises import promises_a_person
from bot.agent.redaction import redact
from bot.principals import Account, SignIn

SHORTEST = 3
"Values with fewer letters are not searched for in an answer: they occur inside too many words."
_COMMONPLACE = frozenset(
    "account accounts locked unlocked suspended disabled active password expired user is the was a been has".split()  # noqa: SIM905 - a list of words
) | {"out", "email", "e", "mail", "phone", "mobile", "app", "home", "office"}
"Words in directory values that reveal nothing beyond the account's state or what everybody has."
_NO_WORD = re.compile(r"[\W_]+")

PROMISE = "That promises a person or a later act, and nothing has been arranged. Call hand_off, or answer without it."
ADDRESS = "That names a web address, an e-mail address or a number that is not on your list. Answer without it."
WITHHELD = (
    "Others read along here, and that tells why the account was locked, or when, how or from where somebody signed in. "
    "Say only what you did."
)
PERSONAL = (
    "That holds something that looks like a password, a code or personal data. Answer without it; "
    "nobody here sees, sets or passes on a password."
)
ASKED = "That asks for a password or a code, or sets one. Nobody here does. Answer without it."
FOR_A_PERSON = "The account is a person's work, and nobody has been called. Call hand_off."
NOT_DONE = (
    "That says you have done something that no tool of yours has done in this request. "
    "Do it with the tool, or answer with what is true."
)


@dataclass(frozen=True, slots=True)
class AnswerBasis:
    """What an answer is checked against."""

    private: bool
    "Only the requester reads the answer."
    links: tuple[str, ...] = ()
    "Addresses that the card lists."
    withheld: tuple[str, ...] = ()
    "Values that others must not read: of the account, its sign-ins and the reasons that the card lists."
    done: frozenset[str] = frozenset()
    "Tools that have run successfully in this ticket."
    for_a_person: bool = False
    "In this turn a tool has reported that the account is left to a person."


def objection(text: str, basis: AnswerBasis) -> str | None:
    """Return what is wrong with an answer, for the model to read, or None when it may be sent."""
    seen = addresses.visible(text)
    plain = phrases.plain(seen)
    rest = addresses.without(seen, basis.links)
    if basis.for_a_person:
        return FOR_A_PERSON
    if any(map(promises_a_person, dict.fromkeys((text, seen)))):  # as written and as it is read: mostly one text
        return PROMISE
    if addresses.unlisted(text, basis.links) is not None:
        return ADDRESS
    if not basis.private and (_says(plain, "facts_of_the_account") or _repeats(plain, basis.withheld)):
        return WITHHELD
    if redact(rest) != rest:
        return PERSONAL
    if _says(plain, "password"):
        return ASKED
    if _says(plain, "never_done") or any(_says(plain, tool) for tool in _CLAIMED if tool not in basis.done):
        return NOT_DONE
    return None


_CLAIMED = ("unlock_my_account", "send_password_reset", "reset_second_factor")
"Tools whose work an answer may claim."


def withheld(account: Account | None, sign_ins: Iterable[SignIn], listed: Iterable[str]) -> tuple[str, ...]:
    """Return the values that others must not read.

    Args:
        account: the account as it is now, or as it was earlier in this turn.
        sign_ins: the account's sign-ins.
        listed: the reasons for a lock that the card lists; after an unlock, the account no longer has its reason.
    """
    values = [*listed, *(part for one in sign_ins for part in (one.why, one.place) if part)]
    if account is not None:
        name = _words(phrases.plain(account.name))
        values += [account.id] if set(_words(phrases.plain(account.id))) - set(name) else []  # a name is no secret
        values += [account.email, *account.factors, account.lock_reason or ""]
        values += re.split(r"[.;:,()\n]+", account.lock_reason or "")
    return tuple(dict.fromkeys(value for value in values if value and value.strip()))


def _repeats(plain: str, values: Iterable[str]) -> bool:
    """Return whether an answer holds the words of one of these values, in order, whatever separates them."""
    words = f" {' '.join(_words(plain))} "
    return any(
        f" {' '.join(value)} " in words
        for value in (_words(phrases.plain(one.replace("_", " "))) for one in values)
        if len("".join(value)) >= SHORTEST and not _COMMONPLACE.issuperset(value)
    )


def _words(text: str) -> list[str]:
    return [word for word in _NO_WORD.split(text) if word]


def _says(plain: str, what: str) -> bool:
    return phrases.found(plain, _tables()[what].values())


@cache
def _tables() -> dict[str, dict[str, LanguagePhrases]]:
    """Return the phrases that must not be said, by topic and by language."""
    return phrases.load_groups(Path(__file__).with_suffix(".yaml"))
