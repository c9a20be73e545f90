"""The tree of errors: each answers the worker's one question, "what now?".

    DeskhandError
    ├─ ConfigError      a card or a setting is wrong: refuse to start, name the file and the field
    ├─ Transient        worth another try later
    │  └─ OutcomeUnknown    it may have happened: look before trying again
    └─ Refused          a person must take over: becomes a Handoff, never retried

Anything else is a bug: it is logged with an id and the ticket is handed off. Vendor errors are
translated into these in the vendor's own room; no person ever sees an exception's text.
"""


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
