"""One line an event, `noun.verb`, with what it is bound to; never a secret, never a person's words.

Only our own sentences are written out. Of an exception the line has its class and the places it came through, of a
library's line where it was logged: their texts repeat what they were given. `configure` is called once a process,
where its settings are read; `guard` before that, in each program that is started.
"""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from bot import errors

OURS = ("bot", "jobs", "__main__")
"The loggers that say what happens; a library is heard from a warning on."
FRAMES = 30
"Places that are shown of one exception, the innermost."
GROUPED = 10
"Exceptions that are shown of a group."


def configure(form: Literal["json", "console"]) -> None:
    """Send every log line of this process to stderr, ours and the libraries'."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_places),
    ]
    render: Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_without_words, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            use_get_message=False,
            pass_foreign_args=True,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)


def guard() -> None:
    """Let Python itself end and warn in our way: nothing of this process is written with an exception's text."""
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warned


def described(error: BaseException) -> str:
    """Return an exception as a log shows it: what it is, where it came through, what caused it; no text but ours."""
    return "\n".join(_lines(error, set()))


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that hears libraries from a warning on, whatever level they gave themselves."""

    def filter(self, record: logging.LogRecord) -> Any:
        """Return whether a record is written."""
        heard = record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS
        return heard and super().filter(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say that a line was lost, and where it came from; logging itself would print what it had."""
        what = _class(sys.exc_info()[1])
        sys.stderr.write(f"A log line of {record.name} ({record.pathname}:{record.lineno}) was lost: {what}\n")


def _without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say where a library logs, and the pattern of what it says; its values are left out, and texts without any."""
    record, arguments = event["_record"], event.pop("positional_args")
    event["event"], event["logger"] = "library.logged", record.name
    event["at"] = f"{record.pathname}:{record.lineno}"
    if isinstance(record.msg, BaseException):
        event["says"] = errors.kind(record.msg)
    elif arguments and isinstance(record.msg, str):
        event["says"] = record.msg
    event.pop("stack_info", None)
    return event


def _places(exc_info: ExcInfo) -> str:
    return described(exc_info[1])


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    for number, one in enumerate(errors.chain(error)):
        if id(one) in seen:
            return
        seen.add(id(one))
        yield f"{'caused by ' if number else ''}{_class(one)}"
        frames = list(traceback.walk_tb(one.__traceback__))
        if len(frames) > FRAMES:
            yield f"  ({len(frames) - FRAMES} places more)"
        for frame, line in frames[-FRAMES:]:
            yield f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        if isinstance(one, BaseExceptionGroup):
            for part in one.exceptions[:GROUPED]:
                yield from (f"  | {line}" for line in _lines(part, seen))


def _class(error: BaseException | None) -> str:
    """Name an exception: ours with its text, others with no more than `errors.kind` says."""
    if error is None:
        return "unknown"
    said = errors.kind(error)
    if not isinstance(error, errors.DeskhandError):
        return said
    return f"{type(error).__name__}: {said}"


def _crashed(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, at)
    else:
        _say("process.crashed", error)


def _thread_crashed(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        _say("thread.crashed", crash.exc_value, thread=crash.thread.name if crash.thread else None)


def _unraisable(left: Any) -> None:
    if left.exc_value is not None:
        _say("error.ignored", left.exc_value)


def _warned(
    message: Warning | str,  # noqa: ARG001 - warnings' own signature, also below
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    if structlog.is_configured():
        structlog.get_logger("bot").warning("python.warned", category=category.__name__, at=f"{filename}:{lineno}")


def _say(event: str, error: BaseException, **more: object) -> None:
    """Log an error that ends something; before the logs are configured, write it as it is."""
    if structlog.is_configured():
        structlog.get_logger("bot").critical(event, exc_info=error, **more)
    else:
        sys.stderr.write(f"{event}\n{described(error)}\n")
