"""Whose the ground is that Deskhand stands on, and who else may read or change it: looked at for `deskhand doctor`."""

from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from bot import private
from bot.errors import DeskhandError
from bot.ground import Ground
from bot.health.findings import Finding
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.store import db, marks

ENVIRONMENT = Path(".env")
"Where an installation keeps its secrets, as install.md has it."


def check_ground(settings: Settings) -> Iterator[Finding]:
    """Look whether database, Redis and bot token are of one installation; nothing is marked."""
    seen = _mark(settings)
    if seen is None:
        said = (
            "The database bears no mark yet: the first process that starts marks it and Redis as this installation's."
        )
        yield Finding("ground", "ok", said)
        return
    wrong = False
    if seen.ground.kind is not settings.deskhand_ground:
        wrong = True
        yield Finding("ground", "fail", f"The database belongs to {seen.ground}.", "Correct DATABASE_URL.")
    owner = _owner(settings)
    if owner not in {None, seen.ground}:
        wrong = True
        said = f"Redis belongs to {owner}, the database to {seen.ground}."
        mend = "Correct REDIS_URL; if the other is gone for good, empty that Redis with FLUSHDB: nothing is lost by it."
        yield Finding("ground", "fail", said, mend)
    team = _team(settings)
    if team and seen.team and team != seen.team:
        wrong = True
        said = f"SLACK_BOT_TOKEN is of the workspace {team}, the database serves {seen.team}."
        yield Finding("ground", "fail", said, "Correct SLACK_BOT_TOKEN or DATABASE_URL; see `deskhand ground`.")
    if not wrong:
        yield Finding("ground", "ok", f"Database and Redis are those of {seen.ground}.")


def check_redis_access(settings: Settings) -> Iterator[Finding]:
    """Look who else may write to Redis: they could stop workers, and have work that is owed begun out of its turn."""
    name, address = "redis access", urlsplit(settings.redis_url)
    with closing(JobQueue.connect(settings.redis_url)) as queue:
        access = queue.access()
    found: list[Finding] = []
    if address.scheme == "unix":
        found += _socket(name, Path(unquote(address.path)))
    elif not _is_here(address):
        if address.scheme != "rediss":
            said = "What goes to Redis crosses the network for all to read: its address is not rediss://."
            found.append(Finding(name, "warn", said, "Let Redis speak TLS and write rediss:// in REDIS_URL."))
        if not address.password:
            mend = "Give Redis a password, and put it into REDIS_URL."
            found.append(Finding(name, "warn", "REDIS_URL names a Redis elsewhere, and no password.", mend))
        if access.open_to_all:
            mend = "Set requirepass, or a password for the user `default`."
            found.append(Finding(name, "warn", "Anyone who reaches Redis may write to it without a password.", mend))
    elif access.open_to_all:
        said = "Every account of this machine may write to Redis: its default user has no password."
        mend = "Set requirepass, or let it listen on a unix socket alone, with unixsocketperm 700."
        found.append(Finding(name, "warn", said, mend))
    if access.open_to_all and access.protected is False and address.scheme != "unix":
        said = "Redis is not in protected-mode: other machines that reach it may write to it."
        found.append(Finding(name, "warn", said, "Set protected-mode to yes, or a password."))
    yield from found or [Finding(name, "ok", "It is reached as it should be, by those who may.")]


def check_files(settings: Settings) -> Iterator[Finding]:
    """Look which of our files others may read or change."""
    file, looked_at = db.file_of(settings.database_url), [ENVIRONMENT]
    if file is not None:
        looked_at += [file.parent, file, *(file.with_name(f"{file.name}{ending}") for ending in private.BESIDE)]
    found = list(private.open_to_others(looked_at))
    for path in found:
        mend = f"chmod {'700' if path.is_dir() else '600'} {path}"
        yield Finding("files", "warn", f"Other accounts of this machine may look into {path}.", mend)
    if not found:
        yield Finding("files", "ok", "What is kept on this machine is for this account alone.")


def _mark(settings: Settings) -> marks.SeenMark | None:
    if not db.is_there(settings.database_url):
        return None
    with closing(db.connect(settings.database_url)) as database, database.read() as session:
        return marks.read(session)


def _owner(settings: Settings) -> Ground | None:
    try:
        with closing(JobQueue.connect(settings.redis_url)) as queue:
            return queue.owner()
    except (DeskhandError, ValueError):  # a finding of its own
        return None


def _team(settings: Settings) -> str | None:
    if settings.slack_bot_token is None:
        return None
    client = slack.connect(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
    try:
        return str(slack.call(client.auth_test).get("team_id") or "")
    except DeskhandError:  # a finding of its own
        return None


def _is_here(address: SplitResult) -> bool:
    """Say if an address is of this machine alone."""
    host = address.hostname or "localhost"
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _socket(name: str, path: Path) -> list[Finding]:
    """Look whether others get to a socket: its folder has to let them, and it."""
    open_ones = set(private.open_to_others([path, path.parent]))
    if open_ones != {path, path.parent}:
        return []
    mend = f"Set unixsocketperm to 700, or chmod 700 {path.parent}."
    return [Finding(name, "warn", "Other accounts of this machine get to the socket of Redis.", mend)]
