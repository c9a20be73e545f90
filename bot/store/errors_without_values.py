"""The database's errors, without the values in them.

PostgreSQL repeats whole rows in an error's DETAIL and values in its first line, and a driver repeats an address that
it cannot parse. Only the class, the sqlstate and the name of the constraint are left, wherever an error is caught.
"""

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import StatementError

from bot.errors import DeskhandError, kind

MESSAGES = {
    "unsupported startup parameter": "the pooler refuses the `options` of DATABASE_URL (docs/how-to/scale.md)",
    "password authentication failed": "the server refuses this user or password",
    "no password supplied": "the server asks for a password",
    "no pg_hba.conf entry": "the server does not let this user in from here",
    "resolve host": "the name of the server cannot be resolved",
    "could not translate host name": "the name of the server cannot be resolved",
    "Connection refused": "connection refused",
    "timeout expired": "no answer in time",
    "starting up": "the server is starting up",
    "shutting down": "the server is shutting down",
    "not currently accepting connections": "the database takes no connections",
    "too many": "the server has no connection left",
    "SSL": "the server and the address do not agree about TLS",
    "does not exist": "there is no such database or user",
    "invalid connection option": "DATABASE_URL has an unknown option",
    "terminating connection": "the server ended the connection",
    "closed the connection": "the server ended the connection",
    "connection is lost": "the connection is lost",
}
"""Connection errors have no sqlstate: a part of libpq's text -> our own words."""


def without_values(engine: Engine) -> Engine:
    """Remove the values from an engine's errors and from the errors that caused them."""
    event.listen(engine, "handle_error", _silence)
    return engine


def _silence(context: ExceptionContext) -> None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, UnicodeEncodeError):  # raised before the driver is called; it holds the whole text
        original.args = ("utf-8", "", 0, 0, "")
        original.object = ""
    if isinstance(wrapped, StatementError):
        wrapped.params = None
    if isinstance(original, DeskhandError) or not isinstance(original, Exception) or _is_sqlite(original):
        return
    if wrapped is not None or hasattr(original, "sqlstate"):
        original.args = (_message(original),)
        _silence_drivers(original.__cause__ or original.__context__)
    if isinstance(wrapped, StatementError):
        module, name = type(original).__module__, type(original).__name__
        wrapped.args = (f"({module}.{name}) {original.args[0]}",)


def _silence_drivers(error: BaseException | None) -> None:
    """Remove the texts of the driver's own errors behind an error."""
    while error is not None and type(error).__module__.startswith("psycopg"):
        error.args = (type(error).__name__,)
        error = error.__cause__ or error.__context__


def _message(error: Exception) -> str:
    text = str(error)
    ours = next((f": {message}" for part, message in MESSAGES.items() if part in text), "")
    return kind(error) + (ours if getattr(error, "sqlstate", None) is None else "")


def _is_sqlite(error: Exception) -> bool:
    """Return whether an error is SQLite's: these name columns and constraints, and never a value."""
    return type(error).__module__ == "sqlite3"
