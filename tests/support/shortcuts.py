"""What the process of the tests does once, or not at all, though the product does it at each start.

The tests start the product's parts thousands of times. None of this is undone at the end of a test: a thread that
a test has left may still use it.
"""

import http.client
import inspect
import io
import json
import os
import pickle
import re
import ssl
import sys
from functools import cache
from http.client import HTTPMessage
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import IO, Any

import redis.utils
import sqlalchemy
import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource
from slack_bolt.util import utils as slack_bolt_utils
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import LRUCache

from bot import network, redis_rights, yaml_text
from bot.budget.prices import snapshot, tariffs
from bot.budget.prices.pricing import Prices
from bot.budget.prices.tariffs import Json, Tariffs
from bot.store.sql import postgres_engine, sqlite_engine
from bot.yaml_text import Loader
from tests.support import kept_connections

_PLAIN_HEADERS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r\n)*\r\n")
"One header a line."


def take_before_collection() -> None:
    """Take those that count already while the files of tests are imported: several read tables and cards then."""
    _parse_yaml_once()
    _use_yaml_in_c()
    _compile_patterns_once()


@cache
def take() -> None:
    """Take every other shortcut once, for as long as the process lives, and those that are forked of it."""
    _compile_statements_once()
    take_for_processes()
    _load_prices_once()
    _look_at_settings_once()
    _read_arguments_quickly()
    _know_utf8()
    _keep_connections()
    _may_be_silent()


def take_for_processes() -> None:
    """Take those that processes of the product, forked of one that has imported them, may have as well."""
    _read_rates_once()
    _read_certificates_once()
    _check_certificates_once()
    _read_own_version_once()
    _read_headers_quickly()
    _leave_the_disk_behind()


def _leave_the_disk_behind() -> None:
    """Let no commit to SQLite wait for the disk: no power is cut in the middle of a test."""
    open_engines = sqlite_engine.open_engines

    def hurried(address: sqlalchemy.URL, **how: Any) -> tuple[sqlalchemy.Engine, sqlalchemy.Engine]:
        engine, writing = open_engines(address, **how)
        event.listen(engine, "connect", _not_synchronous)
        return engine, writing

    _put(sqlite_engine, "open_engines", hurried)


def know_rights(redis_url: str) -> None:
    """Let nobody try all commands at an address where they may use all: each house does twice, for 3 ms of CPU each."""
    check = redis_rights.check
    _put(redis_rights, "check", lambda url: None if url == redis_url else check(url))


def _compile_statements_once() -> None:
    """Let all engines of a kind share what they have compiled, as all transactions of a long-lived process do."""
    compiled: LRUCache[Any, Any] = LRUCache(2_000)
    _put(sqlalchemy.Engine, "_compiled_cache", property(lambda _: compiled, lambda *_: None))
    for kind in (sqlite.dialect, psycopg.dialect):  # what is compiled is kept by its dialect
        _put(kind, "__eq__", lambda one, other: type(one) is type(other))
        _put(kind, "__hash__", lambda one: hash(type(one)))


def _parse_yaml_once() -> None:
    """Give a copy of what the same text said before."""
    parse, read = yaml_text.load, dict[tuple[str, type[Loader]], bytes]()

    def load(text: str, loader: type[Loader] = Loader) -> Any:
        if (text, loader) not in read:
            read[text, loader] = pickle.dumps(parse(text, loader))
        return pickle.loads(read[text, loader])  # noqa: S301 - we pickled it ourselves

    _put(yaml_text, "load", load)


def _use_yaml_in_c() -> None:
    """Let the tests' own `yaml.safe_load` and `yaml.safe_dump` be those in C, where these are installed."""
    if yaml.__with_libyaml__:
        _put(yaml, "SafeLoader", yaml.CSafeLoader)
        _put(yaml, "SafeDumper", yaml.CSafeDumper)


def _compile_patterns_once() -> None:
    """Let Python keep all patterns that it has compiled: the phrases of agents are more than the 512 that it keeps."""
    _put(re, "_MAXCACHE", 100_000)


def _read_rates_once() -> None:
    """Give the tariffs that were made of the same rates before: there are thousands of fractions in them."""
    make, made = tariffs.from_json, dict[str, Tariffs]()

    def from_json(rows: Json) -> Tariffs:
        key = json.dumps(rows)
        if key not in made:
            made[key] = make(rows)
        return dict(made[key])

    _put(tariffs, "from_json", from_json)


def _load_prices_once() -> None:
    """Give the prices that the same two files said before: each house loads them, for 3 ms of CPU."""
    load, loaded = Prices.load, dict[tuple[Path, bytes, bytes | None], Prices]()

    def load_once(path: Path) -> Prices:
        beside = path.with_name(snapshot.FILE)
        if not path.is_file():
            return load(path)
        key = (path, path.read_bytes(), beside.read_bytes() if beside.is_file() else None)
        if key not in loaded:
            loaded[key] = load(path)
        return loaded[key]

    _put(Prices, "load", staticmethod(load_once))


def _read_headers_quickly() -> None:
    """Let an answer's headers be split at their colons: Python's client reads them as an e-mail's, which takes long.

    What is not one header a line is left to the parser of e-mails.
    """
    read, parse = http.client._read_headers, http.client.parse_headers  # type: ignore[attr-defined]

    def parse_headers(file: IO[bytes], _class: type[HTTPMessage] = HTTPMessage) -> HTTPMessage:
        lines = read(file)
        text = b"".join(lines).decode("iso-8859-1")
        found = _PLAIN_HEADERS.fullmatch(text)
        if found is None:
            return parse(io.BytesIO(b"".join(lines)), _class)
        message = _class()
        for line in text.split("\r\n")[:-2]:
            name, _, value = line.partition(":")
            message.set_raw(name, value.lstrip(" \t"))
        message.set_payload("")
        return message

    _put(http.client, "parse_headers", parse_headers)


def _read_certificates_once() -> None:
    """Let clients share the certificates that they trust: reading them takes 20 ms of CPU."""
    make, made = ssl.create_default_context, dict[Any, ssl.SSLContext]()

    def create(*given: Any, **named: Any) -> ssl.SSLContext:
        key = (given, *sorted(named.items()), os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if key not in made:
            made[key] = make(*given, **named)
        return made[key]

    _put(ssl, "create_default_context", create)


def _check_certificates_once() -> None:
    """Let `SSL_CERT_FILE` be checked once as long as its file is the same: to read it takes 35 ms of CPU."""
    check, good = network._check_certificates, set[tuple[str | None, int] | None]()

    def check_once(file: str | None, folder: str | None) -> None:
        path = Path(file or "")
        seen = (file, path.stat().st_mtime_ns) if path.is_file() else None
        check(None if seen in good else file, folder)
        if seen is not None:
            good.add(seen)

    _put(network, "_check_certificates", check_once)


def _read_own_version_once() -> None:
    """Let the client of Redis keep its version, which it tells at each connection: it parses its package for that."""
    _put(redis.utils, "get_lib_version", cache(redis.utils.get_lib_version))


def _look_at_settings_once() -> None:
    """Let a field of the settings be looked at once: each house reads them twice, for 5 ms of CPU each time."""
    extract, is_complex = EnvSettingsSource._extract_field_info, EnvSettingsSource._field_is_complex
    extracted, known = dict[Any, Any](), dict[int, tuple[FieldInfo, tuple[bool, bool]]]()

    def extract_once(self: EnvSettingsSource, field: FieldInfo, name: str, *config: Any) -> Any:
        key = (self.settings_cls, id(field), name, *map(id, config))
        if key not in extracted:
            extracted[key] = (field, config, extract(self, field, name, *config))  # what has an id stays
        return extracted[key][-1]

    def is_complex_once(self: EnvSettingsSource, field: FieldInfo) -> tuple[bool, bool]:
        if id(field) not in known:
            known[id(field)] = (field, is_complex(self, field))
        return known[id(field)][1]

    _put(EnvSettingsSource, "_extract_field_info", extract_once)
    _put(EnvSettingsSource, "_field_is_complex", is_complex_once)


def _read_arguments_quickly() -> None:
    """Let Bolt take the names of a function's arguments from its code: a door asks for those of a hundred."""

    def arguments(of: Any) -> Any:
        if type(of) is not FunctionType or hasattr(of, "__signature__"):
            return inspect.getfullargspec(of)
        return SimpleNamespace(args=list(of.__code__.co_varnames[: of.__code__.co_argcount]))

    _put(slack_bolt_utils, "inspect", SimpleNamespace(**vars(inspect) | {"getfullargspec": arguments}))


def _know_utf8() -> None:
    """Tell Hypothesis what UTF-8 cannot encode: it tries a million characters where it has no file of its own yet."""
    if "hypothesis" in sys.modules:  # or no test that runs here needs it
        from hypothesis.internal import charmap, intervalsets  # noqa: PLC0415 - takes 0.3 seconds

        try_all = charmap.intervals_from_codec
        every = intervalsets.IntervalSet([(0, 0xD7FF), (0xE000, sys.maxunicode)])  # without surrogates
        known = {"utf-8": (every, intervalsets.IntervalSet(()))}
        _put(charmap, "intervals_from_codec", lambda codec: known.get(codec) or try_all(codec))


def _keep_connections() -> None:
    """Let the next engine have the connections of the last one: see `kept_connections`."""
    _put(psycopg.dialect, "connect", kept_connections.connect)
    _put(psycopg.dialect, "do_close", kept_connections.close)


def _may_be_silent() -> None:
    """Let a transaction pause for a while: between two statements, a busy machine may leave a process alone so long."""
    _put(postgres_engine, "SILENT_SECONDS", 59)


def _not_synchronous(connection: PoolProxiedConnection, _entry: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


def _put(place: object, name: str, value: object) -> None:
    setattr(place, name, value)
