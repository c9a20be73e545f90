"""How a scene calls the local workspace and the stand-in."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

from bot.sandbox.demo.scenes.checks import Json, Unexpected

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url: str, keys: Mapping[str, str], body: object, method: str, *, seconds: float) -> Json:
    """Make a request, and return the JSON that answers it.

    Args:
        url: the address.
        keys: the headers that show that the request is ours.
        body: what is sent as JSON; None sends nothing.
        method: the HTTP method.
        seconds: the longest that the answer may take.

    Raises:
        Unexpected: it was refused, or nothing answered.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **keys}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - ours
    try:
        with _OPENER.open(request, timeout=seconds) as response:
            answer: Json = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise Unexpected(f"{method} {request.selector} answered {error.code}: {error.read(500)!r}") from error
    except OSError as error:
        raise Unexpected(f"{method} {request.selector} failed: {error}") from error
