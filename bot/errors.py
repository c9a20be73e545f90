"""The tree of errors: each answers the worker's one question, "what now?".

    DeskhandError
    ├─ ConfigError      a card or a setting is wrong: refuse to start, name the file and the field
    ├─ Transient        worth another try later
    │  └─ OutcomeUnknown    it may have happened: look before trying again
    └─ Refused          a person must take over: becomes a Handoff, never retried

Anything else is a bug: it is logged with an id and the ticket is handed off. Vendor errors are
translated into these in the vendor's own room; no person ever sees an exception's text.

The text of an error of ours is ours: it may be logged, and so it never repeats what a vendor's error says.
`kind` is what we say of one.
"""

import os
import re
import socket
import ssl
from collections.abc import Iterator


class DeskhandError(Exception):
    """Root of every error that Deskhand raises on purpose."""


class ConfigError(DeskhandError):
    """A card, a budget or a setting is wrong; the message names the file, the field and the mend."""


class Transient(DeskhandError):
    """Worth another try.

    Attributes:
        retry_after: seconds the other side asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(Transient):
    """The request may have been carried out; find out before it is made again."""


class Refused(DeskhandError):
    """A person must take over.

    Attributes:
        reason: a code of `bot.principals.Reason`, shown and measured.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def kind(error: BaseException) -> str:
    """Say what an error is, for a log or for an error of ours.

    Other people's texts repeat what they were given, which may be somebody's words or a password: of their errors
    only the class is said, and facts that hold neither. An error of ours speaks for itself.
    """
    if isinstance(error, DeskhandError):
        return str(error)
    facts = list(dict.fromkeys(_facts(error)))
    return f"{type(error).__name__} ({', '.join(facts)})" if facts else type(error).__name__


def word(said: object) -> str:
    """Return a name that another system gave: of an error, of a request; a text, which may repeat things, is none."""
    return said if isinstance(said, str) and _WORD.fullmatch(said) else "?"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, outermost first, as Python's own traceback would name them."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _facts(error: BaseException) -> Iterator[str]:
    """Yield what the system, HTTP, the database and Redis call an error; none of it is free text."""
    for cause in chain(error):
        # httpcore hides the cause of its errors, which are made of it.
        for one in (cause, *(given for given in cause.args if isinstance(given, OSError))):
            yield from _of_the_system(one)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        yield f"status {status}"
    for name in (getattr(error, "sqlstate", None), getattr(getattr(error, "diag", None), "constraint_name", None)):
        if isinstance(name, str) and _NAME.fullmatch(name):
            yield name
    if type(error).__module__.startswith("redis.") and (code := _REDIS_CODE.match(str(error))):
        yield code[1]


def _of_the_system(error: BaseException) -> Iterator[str]:
    match error:
        case ssl.SSLError():  # its number is OpenSSL's, which the system calls "Operation not permitted"
            reason = str(getattr(error, "reason", ""))
            yield reason if _NAME.fullmatch(reason) else "TLS"
        case socket.gaierror():
            yield "host name not found"
        case OSError(errno=int(number)) if number > 0:
            yield os.strerror(number)


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_NAME = re.compile(r"\w{1,63}", re.ASCII)
_REDIS_CODE = re.compile(r"([A-Z]{2,20}) ")
"Redis begins an error with its code: OOM, READONLY, NOAUTH."
