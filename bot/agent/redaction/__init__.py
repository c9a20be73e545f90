"""Removes secrets and personal data from a text, before it is stored and before the model reads it.

Each is replaced by its kind in brackets; the rest of the sentence stays, since the agent and the person who takes over
must still understand it. Every rule takes time in proportion to the text, whatever the text: this runs before Slack is
acknowledged.

    view       the text as rules read it: plain visible characters, with their places in the original
    shapes     what is secret by its form alone: tokens, keys, mail addresses, account numbers
    links      addresses that are keys: logins in them, webhooks, reset links
    names      what secrets and numbers are called, in names.yaml
    speech     how people speak of passwords, in speech.yaml
    looks      whether a word looks like a password
    passwords  passwords after a word for them
    logins     passwords next to a login name
    tried      passwords without such a word, by what somebody did with them
    words      words and quotations at a place in a text
    tokens     tokens, recovery keys and codes with letters, after a word for them
    numbers    codes, telephones and other numbers: the word that names one decides
    places     streets that somebody says they live in
    found      one secret, and the text with all secrets replaced
    tables     words of many languages in one pattern
    checks     check digits
"""

from collections.abc import Mapping
from typing import Any

from bot.agent.redaction import links, logins, numbers, passwords, places, shapes, tokens, tried
from bot.agent.redaction.found import Secret, replaced
from bot.agent.redaction.names import read
from bot.agent.redaction.view import View, look_at

__all__ = ["redact", "redact_name", "redact_within"]

_ROUNDS = 3
"How often a text is read: once a secret is replaced, what is left may read differently; more rounds find nothing real."


def redact(text: str) -> str:
    """Return the text with secrets and personal data replaced by `[kind]`."""
    for _ in range(_ROUNDS):
        view = look_at(text)
        clean = replaced(text, view, _find(view))
        if clean == text:
            break
        text = clean
    return text


def redact_name(name: str) -> str:
    """Return the name of a file with secrets replaced; words may be joined as in `my_password_is_hunter2.png`."""
    stem, dot, ending = name.rpartition(".")
    spoken = stem.replace("_", " ")
    clean = redact(spoken)
    return f"{clean}{dot}{ending}" if "[password]" in clean else redact(name)


def redact_within(value: Any) -> Any:
    """Return a tool's JSON result with every text in it redacted."""
    match value:
        case str():
            return redact(value)
        case Mapping():
            return {key: redact_within(part) for key, part in value.items()}
        case list() | tuple():
            return [redact_within(part) for part in value]
        case _:
            return value


def _find(view: View) -> list[Secret]:
    """Find all secrets; of two that overlap, the one found first gives its kind."""
    found = [*links.find(view), *shapes.find(view)]
    pages = [*links.spans(view), *links.references(view)]
    reading = read(view.covered([*pages, *((one.start, one.end) for one in found)]))
    found += tokens.find(reading)
    found += numbers.find(reading)
    found += [*logins.find(reading, pages), *passwords.find(reading)]
    found += tried.find(reading, tuple(found))
    found += places.find(reading)
    return found
