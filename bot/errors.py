"""The tree of errors: each class tells the worker what to do next.

    DeskhandError
    ├─ ConfigError      a card or a setting is wrong: refuse to start, name the file and the field
    ├─ Transient        worth another try later
    │  ├─ OutcomeUnknown    it may have happened: check before trying again
    │  └─ DirectoryDown     the directory does not answer: with others it may be a surge
    └─ Refused          a person must take over: becomes a Handoff, never retried
       └─ HalfDone          a part of the change was made, and the rest was refused

Anything else is a bug: it is logged with an id and the ticket is handed off. The module that talks to a vendor
translates the vendor's errors into these; no person ever sees an exception's text.

The text of our errors may be logged, so it never repeats the text of a vendor's error; it says `kind` of it instead.
"""

import os
import re
import socket
import ssl
from collections.abc import Iterator


class DeskhandError(Exception):
    """Root of every error that Deskhand raises on purpose."""


class ConfigError(DeskhandError):
    """A card, a budget or a setting is wrong; the message names the file, the field and the fix."""


class Transient(DeskhandError):
    """Worth another try.

    Attributes:
        retry_after: seconds the other side asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(Transient):
    """The request may have been carried out; check before making it again."""


class DirectoryDown(Transient):
    """The directory of accounts cannot be reached, or does not answer in time."""


class Refused(DeskhandError):
    """A person must take over.

    Attributes:
        reason: a value of `bot.principals.Reason`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class HalfDone(Refused):
    """A part of a change was made and the rest was refused; the message says which."""


def why_unreadable(error: OSError | ValueError) -> str:
    """Return why a file cannot be read as text; the path is left out, since the caller names it."""
    return "it is not text in UTF-8" if isinstance(error, ValueError) else error.strerror or kind(error)


def kind(error: BaseException) -> str:
    """Describe an error, for a log or for the text of an error of ours.

    The text of a vendor's error may quote somebody's words or a password. So of these errors it gives only the class
    and facts that are no free text; of our own errors it gives the text.
    """
    if isinstance(error, DeskhandError):
        return str(error)
    facts = list(dict.fromkeys(_facts(error)))
    return f"{type(error).__name__} ({', '.join(facts)})" if facts else type(error).__name__


def word(value: object) -> str:
    """Return a code or an id that another system gave, or "?" when it could be free text."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else "?"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, outermost first, as Python's own traceback shows them."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, with those that a client hides but passes on as arguments, as httpcore does."""
    for cause in chain(error):
        yield cause
        yield from (argument for argument in cause.args if isinstance(argument, OSError))


def _facts(error: BaseException) -> Iterator[str]:
    """Yield the codes and names that the system, HTTP, the database and Redis have for an error; no free text."""
    for cause in causes(error):
        yield from _of_the_system(cause)
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
        case ssl.SSLError():  # its number is OpenSSL's; the system would call it "Operation not permitted"
            reason = str(getattr(error, "reason", ""))
            yield reason if _NAME.fullmatch(reason) else "TLS"
        case socket.gaierror():
            yield "host name not found"
        case OSError(errno=int(number)) if number > 0:
            yield os.strerror(number)


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_NAME = re.compile(r"\w{1,63}", re.ASCII)
_REDIS_CODE = re.compile(r"([A-Z]{2,20}) ")
"A Redis error begins with its code: OOM, READONLY, NOAUTH."
