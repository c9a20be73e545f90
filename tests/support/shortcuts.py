"""What the process of the tests does once, or not at all, though the product does it at each start.

The tests start the product's parts thousands of times. None of this is undone at the end of a test: a thread that
a test has left may still use it.
"""

import json
import os
import pickle
import re
import ssl
import sys
from functools import cache
from typing import Any

import redis.utils
import sqlalchemy
import yaml
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import LRUCache

from bot import yaml_text
from bot.budget.prices import tariffs
from bot.budget.prices.tariffs import Json, Tariffs
from bot.store.sql import sqlite_engine
from bot.yaml_text import Loader
from tests.support import kept_connections


def take_before_collection() -> None:
    """Take those that count already while the files of tests are imported: several read tables and cards then."""
    _parse_yaml_once()
    _use_yaml_in_c()
    _compile_patterns_once()


def take() -> None:
    """Take every other shortcut, for as long as the process lives."""
    _compile_statements_once()
    _read_rates_once()
    _read_certificates_once()
    _read_own_version_once()
    _know_utf8()
    _keep_connections()
    leave_the_disk_behind()


def leave_the_disk_behind() -> None:
    """Let no commit to SQLite wait for the disk: no power is cut in the middle of a test."""
    open_engines = sqlite_engine.open_engines

    def hurried(address: sqlalchemy.URL, **how: Any) -> tuple[sqlalchemy.Engine, sqlalchemy.Engine]:
        engine, writing = open_engines(address, **how)
        event.listen(engine, "connect", _not_synchronous)
        return engine, writing

    _put(sqlite_engine, "open_engines", hurried)


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


def _read_certificates_once() -> None:
    """Let clients share the certificates that they trust: reading them takes 20 ms of CPU."""
    make, made = ssl.create_default_context, dict[Any, ssl.SSLContext]()

    def create(*given: Any, **named: Any) -> ssl.SSLContext:
        key = (given, *sorted(named.items()), os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if key not in made:
            made[key] = make(*given, **named)
        return made[key]

    _put(ssl, "create_default_context", create)


def _read_own_version_once() -> None:
    """Let the client of Redis keep its version, which it tells at each connection: it parses its package for that."""
    _put(redis.utils, "get_lib_version", cache(redis.utils.get_lib_version))


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


def _not_synchronous(connection: PoolProxiedConnection, _entry: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


def _put(place: object, name: str, value: object) -> None:
    setattr(place, name, value)
