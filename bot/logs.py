"""One line for each event, named `noun.verb`, with its context; never a secret, never a person's words.

Only our own texts are logged, because those of libraries quote their input: an exception is logged as its class and
its stack, a library's line as the place that logged it. Each program calls `guard` first, and `configure` once its
settings are read.
"""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from bot import errors

OURS = ("bot", "jobs", "__main__")
"Our own loggers, which log from INFO on; those of libraries log from WARNING on."
FRAMES = 30
"The most stack frames logged for one exception; the innermost are kept."
GROUPED = 10
"The most exceptions logged for an exception group."


def configure(form: Literal["json", "console"]) -> None:
    """Write every log line of this process, ours and the libraries', to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_stack),
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
            foreign_pre_chain=[_without_values, *shared],
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
    """Replace Python's own hooks for crashes and warnings, so that no exception's text is ever written."""
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warned


def described(error: BaseException) -> str:
    """Return an exception for a log: its class, its stack and its causes, without any text but ours."""
    return "\n".join(_lines(error, set()))


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that drops libraries' lines below WARNING, whatever level they set for their loggers."""

    def filter(self, record: logging.LogRecord) -> Any:
        """Return whether a record is written."""
        wanted = record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS
        return wanted and super().filter(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Report that a line was lost, and where it came from; logging's own handler would print its content.

        Whoever logs goes on even if stderr takes nothing, as on a full disk: the thread of a round would end with it.
        """
        what = _class(sys.exc_info()[1])
        with suppress(OSError, ValueError):  # ValueError: it is closed
            sys.stderr.write(f"A log line of {record.name} ({record.pathname}:{record.lineno}) was lost: {what}\n")


def _without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep of a library's line its place and its format string, without the values; drop a text without a format."""
    record, arguments = event["_record"], event.pop("positional_args")
    event["event"], event["logger"] = "library.logged", record.name
    event["at"] = f"{record.pathname}:{record.lineno}"
    if isinstance(record.msg, BaseException):
        event["says"] = errors.kind(record.msg)
    elif arguments and isinstance(record.msg, str):
        event["says"] = record.msg
    event.pop("stack_info", None)
    return event


def _stack(exc_info: ExcInfo) -> str:
    return described(exc_info[1])


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    for number, one in enumerate(errors.chain(error)):
        if id(one) in seen:
            return
        seen.add(id(one))
        yield f"{'caused by ' if number else ''}{_class(one)}"
        frames = list(traceback.walk_tb(one.__traceback__))
        if len(frames) > FRAMES:
            yield f"  ({len(frames) - FRAMES} frames more)"
        for frame, line in frames[-FRAMES:]:
            yield f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        if isinstance(one, BaseExceptionGroup):
            for part in one.exceptions[:GROUPED]:
                yield from (f"  | {line}" for line in _lines(part, seen))


def _class(error: BaseException | None) -> str:
    """Return the class of an exception: with its text for ours, with the facts of `errors.kind` for others."""
    if error is None:
        return "unknown"
    kind = errors.kind(error)
    return f"{type(error).__name__}: {kind}" if isinstance(error, errors.DeskhandError) else kind


def _crashed(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, at)
    else:
        _log("process.crashed", error)


def _thread_crashed(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        _log("thread.crashed", crash.exc_value, thread=crash.thread.name if crash.thread else None)


def _unraisable(hook_args: Any) -> None:
    if hook_args.exc_value is not None:
        _log("error.ignored", hook_args.exc_value)


def _warned(
    message: Warning | str,  # noqa: ARG001 - the signature of `warnings.showwarning`, also below
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    if structlog.is_configured():
        structlog.get_logger("bot").warning("python.warned", category=category.__name__, at=f"{filename}:{lineno}")


def _log(event: str, error: BaseException, **more: object) -> None:
    """Log an error that no code has caught; write it to stderr while logging is not configured."""
    if structlog.is_configured():
        structlog.get_logger("bot").critical(event, exc_info=error, **more)
    else:
        sys.stderr.write(f"{event}\n{described(error)}\n")
