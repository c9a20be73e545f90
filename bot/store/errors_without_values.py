"""The database's errors, without the values in them.

PostgreSQL repeats whole rows in an error's DETAIL and values in its first line, and a driver repeats an address that
it cannot read. What is left is the class, the sqlstate and the name of the constraint, wherever an error is caught.
"""

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import StatementError

from bot.errors import DeskhandError, kind

SAID = {
    "unsupported startup parameter": (
        "the pooler refuses our `options`: let it ignore them, and set them on the role (docs/how-to/scale.md)"
    ),
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
    "invalid connection option": "DATABASE_URL has an option that is none",
    "terminating connection": "the server ended the connection",
    "closed the connection": "the server ended the connection",
    "connection is lost": "the connection is lost",
}
"""Of a connection there is no sqlstate: what a text of libpq has in it -> what we say."""


def without_values(engine: Engine) -> Engine:
    """Let no error of an engine repeat a value, neither its own text nor what caused it."""
    event.listen(engine, "handle_error", _silence)
    return engine


def _silence(context: ExceptionContext) -> None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, UnicodeEncodeError):  # it is raised before the driver is asked, and has the whole text
        original.args = ("utf-8", "", 0, 0, "")
        original.object = ""
    if isinstance(wrapped, StatementError):
        wrapped.params = None
    if isinstance(original, DeskhandError) or not isinstance(original, Exception) or _is_sqlite(original):
        return
    if wrapped is not None or hasattr(original, "sqlstate"):
        original.args = (_said(original),)
        _silence_drivers(original.__cause__ or original.__context__)
    if isinstance(wrapped, StatementError):
        module, name = type(original).__module__, type(original).__name__
        wrapped.args = (f"({module}.{name}) {original.args[0]}",)


def _silence_drivers(error: BaseException | None) -> None:
    """Leave nothing in what a driver's error was made of by the driver itself."""
    while error is not None and type(error).__module__.startswith("psycopg"):
        error.args = (type(error).__name__,)
        error = error.__cause__ or error.__context__


def _said(error: Exception) -> str:
    text = str(error)
    said = next((f": {says}" for has, says in SAID.items() if has in text), "")
    return kind(error) + (said if getattr(error, "sqlstate", None) is None else "")


def _is_sqlite(error: Exception) -> bool:
    """Say if an error is SQLite's: it names columns and constraints, and never a value."""
    return type(error).__module__ == "sqlite3"
