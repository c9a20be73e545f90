"""What an error of the model's vendor means for the ledger and the loop.

Either the call was certainly not billed (`Transient`), or it may have been billed (`OutcomeUnknown`), or asking again
is no use (`Refused`). That depends on who answered, the vendor or a proxy, and on whether the request had begun to
leave.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

import httpx2
import structlog

from bot.errors import DeskhandError, OutcomeUnknown, Refused, Transient, word
from bot.network import WANTS_CREDENTIALS
from bot.principals import Reason

if TYPE_CHECKING:
    import anthropic

_BEGUN: ContextVar[bool] = ContextVar("begun", default=True)
"Whether this thread's request has begun to leave; name lookup, TLS and a proxy's CONNECT come before that."
_UNSENDABLE = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)
"Errors of a header or an address that HTTP does not allow: raised before the first byte is written."
_NOT_HTTP = "its key or its address holds what HTTP does not allow"
_TRY_AGAIN = frozenset({408, 409, 429})
"Statuses that are not the request's fault, unlike the rest of 4xx."
_OF_THE_PROMPT = frozenset({400, 413, 422})
"Statuses with which the vendor rejects the request itself. Every other 4xx means that we get no service there."
_UNPAID = "credit balance"
"Part of the vendor's 400 when the account behind the key has no money left."
_NOT_TAKEN = frozenset({409, 429, 503, 521, 522, 523, 525, 526, 529})
"""Statuses that say, even from a proxy, that the request was not accepted: too busy, or no way to the vendor.

Every other 5xx, and 408, counts as the vendor's answer only in the vendor's format. From a proxy it means that the
vendor was asked but no answer came back (RFC 9110, 15.6; the numbers from 520 on are Cloudflare's).
"""

Obstacle = Callable[[BaseException], str]
"Says why a request did not leave (`bot.network.Network.obstacle`)."

log = structlog.get_logger()


def note(step: str, about: Mapping[str, Any]) -> None:
    """Note, from the client's trace, that a request begins to leave; a CONNECT to a proxy holds nothing of ours."""
    if step.endswith("send_request_headers.started") and about["request"].method != b"CONNECT":
        _BEGUN.set(True)


@contextmanager
def translated(obstacle: Obstacle) -> Iterator[None]:
    """Raise our errors in place of the vendor's, and of any error before the request has begun to leave."""
    import anthropic  # noqa: PLC0415 - a process that calls no model does not need it: see `bot.agent.model`

    _BEGUN.set(False)
    try:
        yield
    except (anthropic.APIError, httpx2.HTTPError) as error:
        _translate(error, obstacle)
    except DeskhandError:
        raise
    except Exception as error:
        if _BEGUN.get():
            raise
        log.error("call.aborted", error=type(error).__name__)  # noqa: TRY400 its text may hold the key
        raise Refused("the model cannot be asked: its request could not be made", reason=Reason.ERROR) from error


def _translate(error: "anthropic.APIError | httpx2.HTTPError", obstacle: Obstacle) -> NoReturn:
    """Raise our error in place of theirs."""
    import anthropic  # noqa: PLC0415 - see `translated`

    if isinstance(error, anthropic.APIStatusError):
        if error.status_code == WANTS_CREDENTIALS:  # only a proxy says so
            raise Transient(f"the model could not be reached: {obstacle(error)}") from error
        _translate_status(error)
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
    kind = type(cause).__name__
    if isinstance(cause, _UNSENDABLE):
        log.error("call.aborted", error=kind)
        raise Refused(f"the model cannot be asked: {_NOT_HTTP}", reason=Reason.MODEL_UNAVAILABLE) from error
    if not _BEGUN.get():
        raise Transient(f"the model could not be reached: {obstacle(error)}") from error
    raise OutcomeUnknown(f"the connection to the model broke: {kind}") from error


def _translate_status(error: "anthropic.APIStatusError") -> NoReturn:
    status = error.status_code
    message = f"the model answered {status} {word(error.type)} (request {word(error.request_id)})"
    if status in _TRY_AGAIN or status >= 500:  # noqa: PLR2004 - HTTP's line between their fault and ours
        kind = Transient if _costs_nothing(error) else OutcomeUnknown
        raise kind(message, retry_after=_retry_after(error.response.headers)) from error
    ours = status in _OF_THE_PROMPT and _is_vendors(error) and _UNPAID not in error.message
    raise Refused(message, reason=Reason.ERROR if ours else Reason.MODEL_UNAVAILABLE) from error


def _costs_nothing(error: "anthropic.APIStatusError") -> bool:
    """Return whether an error was answered before any billing; a proxy's answer shows that only for some statuses."""
    return _is_vendors(error) or error.status_code in _NOT_TAKEN


def _is_vendors(error: "anthropic.APIStatusError") -> bool:
    return isinstance(error.body, dict) and error.body.get("type") == "error"


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return how many seconds the vendor asks us to wait, or None if it gives a date or nonsense."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
