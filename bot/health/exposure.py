"""For `deskhand doctor`: whose the database and Redis are, and who else may read or change what Deskhand keeps."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from bot import private, redis_client
from bot.errors import DeskhandError
from bot.ground import Ground
from bot.health.findings import Finding
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.store import db
from bot.store.installation import marks

ENVIRONMENT = Path(".env")
"Where an installation keeps its secrets (docs/how-to/install.md)."


def check_ground(settings: Settings) -> Iterator[Finding]:
    """Check that database, Redis and bot token belong to one installation; no mark is written."""
    seen = _mark(settings)
    if seen is None:
        message = "The database has no mark yet: the first process to start marks it and Redis as this installation's."
        yield Finding("ground", "ok", message)
        return
    wrong = False
    if seen.ground.kind is not settings.deskhand_ground:
        wrong = True
        yield Finding("ground", "fail", f"The database belongs to {seen.ground}.", "Correct DATABASE_URL.")
    redis_answers, owner = _owner(settings)
    if owner not in {None, seen.ground}:
        wrong = True
        message = f"Redis belongs to {owner}, but the database belongs to {seen.ground}."
        fix = "Correct REDIS_URL; if its owner no longer exists, empty it with FLUSHDB: no data is lost by that."
        yield Finding("ground", "fail", message, fix)
    team = _team(settings)
    if team and seen.team and team != seen.team:
        wrong = True
        message = f"SLACK_BOT_TOKEN is of the workspace {team}, but the database serves {seen.team}."
        yield Finding("ground", "fail", message, "Correct SLACK_BOT_TOKEN or DATABASE_URL; see `deskhand ground`.")
    if not wrong:
        if owner is not None:
            message = f"Database and Redis belong to {seen.ground}."
        elif redis_answers:
            message = f"The database belongs to {seen.ground}; the first process to start marks Redis as its own."
        else:
            message = f"The database belongs to {seen.ground}; Redis could not be asked."
        yield Finding("ground", "ok", message)


def check_redis_access(settings: Settings) -> Iterator[Finding]:
    """Check who else may write to Redis: they could stop workers, and start jobs out of turn."""
    name, address = "redis access", urlsplit(settings.redis_url)
    with closing(JobQueue.connect(settings.redis_url)) as queue:
        access = queue.access()
    if access.open_to_all is None:  # our user may not ask about others, as install.md gives it its rights
        access = replace(access, open_to_all=redis_client.lets_anybody_in(settings.redis_url))
    found: list[Finding] = []
    if address.scheme == "unix":
        found += _socket(name, Path(unquote(address.path)))
    elif not _is_local(address):
        if address.scheme != "rediss":
            message = "Traffic to Redis crosses the network unencrypted: its address does not begin with rediss://."
            found.append(Finding(name, "warn", message, "Enable TLS in Redis and use rediss:// in REDIS_URL."))
        if not address.password:
            fix = "Give Redis a password, and put it into REDIS_URL."
            found.append(Finding(name, "warn", "REDIS_URL names a Redis on another machine without a password.", fix))
        if access.open_to_all:
            fix = "Set requirepass, or a password for the user `default`."
            found.append(Finding(name, "warn", "Anyone who reaches Redis may write to it without a password.", fix))
    elif access.open_to_all:
        message = "Every account of this machine may write to Redis: its default user has no password."
        fix = "Set requirepass, or let it listen on a unix socket alone, with unixsocketperm 700."
        found.append(Finding(name, "warn", message, fix))
    if access.open_to_all and access.protected is False and address.scheme != "unix":
        message = "Redis is not in protected-mode: other machines that reach it may write to it."
        found.append(Finding(name, "warn", message, "Set protected-mode to yes, or a password."))
    yield from found or [Finding(name, "ok", "Only those who should can reach it.")]


def check_files(settings: Settings) -> Iterator[Finding]:
    """Check whether other accounts of this machine may read or change Deskhand's files."""
    file, looked_at = db.file_of(settings.database_url), [ENVIRONMENT]
    if file is not None:
        looked_at += [file.parent, file, *(file.with_name(f"{file.name}{ending}") for ending in private.BESIDE)]
    found = list(private.open_to_others(looked_at))
    for path in found:
        fix = f"chmod {'700' if path.is_dir() else '600'} {path}"
        yield Finding("files", "warn", f"Other accounts of this machine may read {path}.", fix)
    if not found:
        yield Finding("files", "ok", "Only this account can read the files that are kept on this machine.")


def _mark(settings: Settings) -> marks.SeenMark | None:
    if not db.is_there(settings.database_url):
        return None
    with closing(db.connect(settings.database_url)) as database, database.read() as session:
        return marks.read(session)


def _owner(settings: Settings) -> tuple[bool, Ground | None]:
    """Return whether Redis answers, and the owner by its mark, if it has one."""
    try:
        with closing(JobQueue.connect(settings.redis_url)) as queue:
            return True, queue.owner()
    except (DeskhandError, ValueError):  # `check_redis` reports it
        return False, None


def _team(settings: Settings) -> str | None:
    if settings.slack_bot_token is None:
        return None
    client = slack.connect(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, network=settings.network
    )
    try:
        return str(slack.call(client.auth_test).get("team_id") or "")
    except DeskhandError:  # `check_slack` reports it
        return None


def _is_local(address: SplitResult) -> bool:
    """Return whether an address leads to this machine only."""
    host = address.hostname or "localhost"
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _socket(name: str, path: Path) -> list[Finding]:
    """Return a finding if other accounts can reach a socket: both its folder and the socket must let them."""
    open_ones = set(private.open_to_others([path, path.parent]))
    if open_ones != {path, path.parent}:
        return []
    fix = f"Set unixsocketperm to 700, or chmod 700 {path.parent}."
    return [Finding(name, "warn", "Other accounts of this machine can reach the socket of Redis.", fix)]
