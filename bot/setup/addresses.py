"""Checks the addresses and the model's key that somebody answers, without changing anything behind them."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.agent import model
from bot.errors import ConfigError, Refused, Transient
from bot.ground import Kind
from bot.health import doctor
from bot.settings import Settings
from bot.store import db
from bot.store.installation import marks

CENT = Decimal("0.01")


def database(url: str) -> str:
    """Return the address of a database that is this installation's, or that is empty or not made yet.

    Raises:
        ConfigError: it cannot be read or reached, or the database is another kind of installation's.
    """
    file = db.file_of(url)
    if file is not None and not db.is_there(url):
        _refuse_unwritable(file)
        return url
    with _reached("database"), closing(db.connect(url)) as found:
        marks.look_before_migrating(found, Kind.INSTALLATION)
    return url


def redis(settings: Settings, url: str) -> str:
    """Return the address of a Redis that takes what Deskhand writes.

    Raises:
        ConfigError: it cannot be read or reached, or the Redis is set up in a way with which no worker starts.
    """
    with _reached("redis"):
        findings = list(doctor.check_redis(settings.model_copy(update={"redis_url": url})))
    for found in findings:
        if found.state == "fail":
            raise ConfigError(f"{found.message} {found.fix}")
    return url


def model_key(settings: Settings, name: str, key: str) -> str:
    """Return a key for which the vendor has a model; no model is called.

    Raises:
        ConfigError: the key does not work, the vendor has no such model, or cannot be reached.
    """
    where = settings.anthropic_base_url
    try:
        with _reached("model"):
            known = model.knows(
                name, api_key=key, base_url=where, network=settings.network, timeout=doctor.MODEL_SECONDS
            )
    except Refused as error:
        raise ConfigError(f"the key does not work: {error}") from error
    if not known and where is None:
        raise ConfigError(f"the vendor has no {name} for this key; correct `model` in the card")
    return key


def time_zone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ConfigError: there is none of that name.
    """
    try:
        return ZoneInfo(name).key
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ConfigError(f"there is no time zone {name}; write one such as Europe/Berlin") from error


def dollars(text: str) -> str:
    """Return an amount of US dollars with its cents.

    Raises:
        ConfigError: it is no amount above zero.
    """
    try:
        amount = Decimal(text.removeprefix("$"))
        if amount.is_finite() and amount > 0 and amount == amount.quantize(CENT):
            return str(amount.quantize(CENT))
    except InvalidOperation:
        pass
    raise ConfigError(f"expected US dollars such as 5.00, found {text}")


@contextmanager
def _reached(check: str) -> Iterator[None]:
    """Refuse what does not answer, with what `deskhand doctor` says of it."""
    try:
        yield
    except Transient as error:
        said = " ".join(str(error).removeprefix(f"{check}: ").split())
        raise ConfigError(f"{said}. {doctor.FIXES[check]}") from error


def _refuse_unwritable(file: Path) -> None:
    """Refuse a file that our account could not make; none is made to find that out."""
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{file}: cannot be made: this account may not write to {folder}")
