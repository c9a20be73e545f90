"""Checks the addresses and tokens of services as they are written, before anything is asked. Pure.

No message repeats a value: it may hold a password, and a mistyped address has it in any place.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

ENCODED = "with the special characters of a password percent-encoded (@ is %40, / is %2F)"
DATABASE = f"cannot be read; write sqlite:///FILE or postgresql://user:password@host/name, {ENCODED}"
IN_MEMORY = "names a database in memory, which each process would have to itself; write sqlite:///FILE"
REDIS = f"cannot be read; write redis://user:password@host:port/number, {ENCODED}"
HTTP = "cannot be read; write an http or https address, such as https://host/path"
HOST = "write a name or an IP address, without a port"
TOKEN = "write it in one piece, without spaces, line breaks or quotes"  # noqa: S105 - a sentence
POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})

_TOKEN = re.compile(r"[!#-&(-~]+")
"Visible ASCII without quotes: what an HTTP header carries."
_SCHEME = re.compile(r"[a-z][a-z0-9+]*")
_MEMORY = re.compile(r"//(?:/(?::memory:)?)?(?:\?.*)?|///file:(?::memory:|.*[?&]mode=memory).*")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%\w+)?")


def database(address: str) -> str:
    """Return the address of a database as it is.

    Raises:
        ValueError: it cannot be read, or is gone with the process that made it.
    """
    scheme, _, rest = address.partition(":")
    if scheme == "sqlite" or scheme.startswith("sqlite+"):
        _if(_MEMORY.fullmatch(rest) is None, address, IN_MEMORY)
        return _if(rest.startswith("///"), address, DATABASE)
    parts = _split(address, DATABASE)
    if _SCHEME.fullmatch(scheme) and rest.startswith("//") and scheme not in POSTGRES:
        raise ValueError(f"names {scheme}; SQLite and PostgreSQL are supported")
    return _if(scheme in POSTGRES and rest.startswith("//") and _is_plain(parts), address, DATABASE)


def redis(address: str) -> str:
    """Return the address of a Redis as it is.

    Raises:
        ValueError: it cannot be read.
    """
    if address.startswith("unix://"):
        return _if(len(address) > len("unix://"), address, REDIS)
    parts = _split(address, REDIS)
    number = parts.path.strip("/")
    sound = parts.scheme in {"redis", "rediss"} and parts.hostname and _is_plain(parts)
    return _if(bool(sound) and (not number or number.isdecimal()), address, REDIS)


def http(address: str) -> str:
    """Return an HTTP address as it is.

    Raises:
        ValueError: it cannot be read.
    """
    parts = _split(address, HTTP)
    return _if(parts.scheme in {"http", "https"} and bool(parts.hostname) and _is_plain(parts), address, HTTP)


def slack_api(address: str) -> str:
    """Return the address of Slack's Web API as it is; the names of methods are added to it.

    Raises:
        ValueError: it cannot be read.
    """
    return _if(http(address).endswith("/"), address, f"{HTTP}/, with a slash at its end")


def host(name: str) -> str:
    """Return the name of a host as it is.

    Raises:
        ValueError: it cannot be one.
    """
    return _if(_HOST.fullmatch(name) is not None, name, HOST)


def token(value: str) -> str:
    """Return a token or an id as it is.

    Raises:
        ValueError: no service could have given it.
    """
    return _if(_TOKEN.fullmatch(value) is not None, value, TOKEN)


def secrets(value: str) -> str:
    """Return secrets as they are, separated by commas while one replaces the other.

    Raises:
        ValueError: one of them is empty, or no service could have given it.
    """
    parts = [part.strip(" ") for part in value.split(",")]
    return _if(all(_TOKEN.fullmatch(part) for part in parts), value, f"{TOKEN}; two are separated by a comma")


def _split(address: str, wanted: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port  # it raises for what is no port
    except ValueError:
        raise ValueError(wanted) from None
    return parts


def _is_plain(parts: SplitResult) -> bool:
    """Return whether no character of a password can be taken for a part of the host or for what comes after it."""
    named = parts.netloc.count("@") <= 1 and not parts.fragment and "@" not in f"{parts.path}{parts.query}"
    return named and parts.netloc.isascii() and parts.netloc.isprintable() and " " not in parts.geturl()


def _if(sound: bool, value: str, wanted: str) -> str:  # noqa: FBT001 - what was found out
    if not sound:
        raise ValueError(wanted)
    return value


CHECKS: Mapping[str, Callable[[str], str]] = {
    "database_url": database,
    "database_owner_url": database,
    "redis_url": redis,
    "slack_api_url": slack_api,
    "anthropic_base_url": http,
    "otel_exporter_otlp_endpoint": http,
    "otel_exporter_otlp_traces_endpoint": http,
    "host": host,
    "deskhand_model": token,
    "slack_bot_token": token,
    "slack_app_token": token,
    "slack_signing_secret": secrets,
    "slack_client_id": token,
    "slack_client_secret": token,
    "audit_channel": token,
}
"What each setting must be, by its name."
