"""`deskhand doctor`: check everything that Deskhand depends on, each check by itself, and say what to fix.

No check needs another to succeed, none takes longer than `SECONDS`, none changes or costs anything.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial

import yaml

from bot import redis_rights, rights, yaml_text
from bot.agent import model
from bot.agent.card import Agent
from bot.agent.release import model_of, release_of
from bot.errors import ConfigError, DeskhandError, Refused, Transient
from bot.health import alive, configured, enrolled, exposure, room, standings
from bot.health.concurrent import ConcurrentChecks
from bot.health.configured import active
from bot.health.findings import Finding
from bot.health.socket_mode import check_socket_mode
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack.api import access, names, queue_channels
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store import db
from bot.store.audit import guards
from bot.store.handoffs import handoffs_due
from bot.store.releases import verdicts

SECONDS = 10.0
"The longest that all checks together take."
MODEL_SECONDS = 8.0
OLDEST: Mapping[str, tuple[int, int]] = {"Redis": (6, 2), "Valkey": (7, 2)}
"The first versions with BLMOVE, with which a worker takes a job."
NEARLY_FULL = 0.8

Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Run every check side by side, and return their findings, in the order of `CHECKS`."""
    checks = ConcurrentChecks({name: partial(_run, name, check, settings) for name, check in CHECKS.items()})
    found: list[Finding] = []
    for name, result in checks.results(seconds=SECONDS).items():
        found += [_failed(name, result)] if isinstance(result, Exception) else result
    return tuple(found)


def check_database(settings: Settings) -> Iterator[Finding]:
    """Check that the database answers and has this code's tables."""
    if not db.is_there(settings.database_url):
        yield Finding("database", "fail", "There is no file at DATABASE_URL.", "Correct it, or run `deskhand migrate`.")
        return
    with closing(db.connect(settings.database_url)) as database:
        missing = db.pending(database)
        with database.read() as session:
            notices = db.notices_a_cut(session)
            could_change = missing is None and guards.could_change(session)
    if not notices:
        message = "It keeps the locks of a client that is cut off: a pooler dropped the limits that Deskhand asks for."
        yield Finding("database", "warn", message, "Set them on the role, as docs/how-to/scale.md says.")
    if could_change:
        message = "The role of DATABASE_URL could change or remove audit records."
        fix = "Let another role own the tables (DATABASE_OWNER_URL), as docs/how-to/install.md says."
        yield Finding("audit log", "warn", message, fix)
    if missing is None:
        yield Finding("database", "ok", "It answers, and it has the schema that this code expects.")
        yield from _stranded(settings)
        yield from standings.look(settings)
        yield from room.look(settings)
    else:
        stands, fix = (f"{part[0].upper()}{part[1:]}." for part in missing.split(": ", 1))
        yield Finding("database", "fail", stands, fix)


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Check that Redis allows and takes what Deskhand does, and evicts no keys on its own."""
    if lacking := redis_rights.missing(settings.redis_url):
        message = f"The user of REDIS_URL may not use {', '.join(lacking)}."
        fix = "Give it the rights that docs/how-to/install.md lists; no process starts until then."
        yield Finding("redis", "fail", message, fix)
        return
    with closing(JobQueue.of_its_owner(settings.redis_url)) as queue:
        server = queue.server()
        if tuple(int(part) for part in server.version.split(".")[:2]) < OLDEST[server.name]:
            yield Finding(
                "redis", "fail", f"It is {server.name} {server.version}.", "Use Redis 6.2, Valkey 7.2 or newer."
            )
        if server.eviction != "noeviction":
            message = f"It may evict keys: its maxmemory-policy is {server.eviction}."
            yield Finding("redis", "fail", message, "Set maxmemory-policy to noeviction; no worker starts until then.")
        if not server.saved:
            yield Finding("redis", "warn", "Its last snapshot failed.", "Make room on its disk, or set `save ''`.")
        if server.most_bytes and server.used_bytes > NEARLY_FULL * server.most_bytes:
            message = f"{server.used_bytes / server.most_bytes:.0%} of its memory is used."
            yield Finding(
                "redis", "warn", message, "Raise maxmemory: when it is full nothing can be queued or paid for."
            )
        queue.prove()
        kept = "an append-only file" if server.keeps_log else "no append-only file, which is not needed"
        yield Finding("redis", "ok", f"{server.name} {server.version} takes writes; {kept}.")


def check_slack(settings: Settings) -> Iterator[Finding]:
    """Check that the token works, has the scopes it needs, and that the bot is in its channels."""
    if settings.slack_bot_token is None:
        yield Finding("slack", "fail", "Nobody can ask without SLACK_BOT_TOKEN.", "Set it.")
        return
    client = slack.connect(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, network=settings.network
    )
    me = access.identity(client)
    if not me.is_bot:
        yield Finding("slack", "fail", f"SLACK_BOT_TOKEN: {access.OF_A_PERSON}.", "Copy that token from Install App.")
        return
    route = settings.network.route(settings.slack_api_url)
    yield Finding("slack", "ok", f"We are {me.bot} in {me.team}; Slack is reached {route}.")
    wanted = _scopes(settings)
    if wanted - me.scopes:
        message = f"The token lacks {', '.join(sorted(wanted - me.scopes))}."
        fix = "Give the app the scopes of config/slack-manifest.yaml and install it again."
        yield Finding("slack scopes", "fail", message, fix)
    elif me.scopes - wanted:
        message = f"The token has scopes that it does not need: {', '.join(sorted(me.scopes - wanted))}."
        yield Finding("slack scopes", "warn", message, "Remove those scopes from the app.")
    else:
        yield Finding("slack scopes", "ok", "The token has the scopes of the manifest and no others.")
    for agent in active(settings):
        for channel in dict.fromkeys((*agent.card.channels, agent.card.handoff.queue_channel)):
            yield _channel(client, agent, channel)
    agents = {agent.card.name: agent for agent in configured.every(settings)}
    for agent in active(settings):
        yield _queue(client, agent, agents)


def check_model(settings: Settings) -> Iterator[Finding]:
    """Check that the vendor offers each agent's model for its key; no model is called."""
    agents = [agent for agent in active(settings) if settings.has(agent.card.credentials.model)]
    for key, name in dict.fromkeys((agent.card.credentials.model, model_of(settings, agent)) for agent in agents):
        secret = settings.credential(key).get_secret_value()
        where = settings.anthropic_base_url
        try:
            known = model.knows(name, api_key=secret, base_url=where, network=settings.network, timeout=MODEL_SECONDS)
        except Refused as error:
            yield Finding("model", "fail", f"{key} does not work: {error}.", "Set a valid key.")
            continue
        if known:
            route = settings.network.route(where or model.VENDOR)
            yield Finding("model", "ok", f"{name} is available for {key}; it is reached {route}.")
        elif where is None:
            message = f"The vendor has no {name} for {key}."
            yield Finding("model", "fail", message, "Correct `model` in the card, or DESKHAND_MODEL.")
        else:
            message = f"ANTHROPIC_BASE_URL does not say whether it has {name}; not every gateway does."
            yield Finding("model", "warn", message, "Run `deskhand eval run` to find out.")


def check_releases(settings: Settings) -> Iterator[Finding]:
    """Check that each agent's current release has passed its evaluation."""
    with alive.reading(settings) as session:
        for agent in active(settings):
            name, release = agent.card.name, str(release_of(settings, agent))
            found = verdicts.standing(session, release, agent.suite)
            if found.serves:
                yield Finding(f"release {name}", "ok" if found.waiver is None else "warn", f"{release} {found.words}.")
            else:
                message = f"{release} {found.words}: every ticket goes to people."
                yield Finding(f"release {name}", "fail", message, f"Run `deskhand eval run --agent {name}`.")


CHECKS: Mapping[str, Check] = {
    "settings": configured.check_secrets,
    "dashboard": configured.check_dashboard,
    "delegation": configured.check_delegation,
    "agents": configured.check_agents,
    "budgets": configured.check_budgets,
    "money": configured.check_money,
    "database": check_database,
    "approvers": enrolled.check_approvers,
    "redis": check_redis,
    "redis access": exposure.check_redis_access,
    "ground": exposure.check_ground,
    "files": exposure.check_files,
    "slack": check_slack,
    "socket mode": check_socket_mode,
    "events": alive.check_events,
    "model": check_model,
    "release": check_releases,
    "worker": alive.check_workers,
    "clock": alive.check_clock,
}

FIXES: Mapping[str, str] = {
    "agents": "Correct the file; no process starts until then.",
    "budgets": "Correct the file; running processes keep their caps, and none starts until then.",
    "money": "Correct the file; no process starts until then.",
    "database": "Start it, or correct DATABASE_URL.",
    "approvers": "Fix the database first.",
    "redis": "Start it, or correct REDIS_URL.",
    "redis access": "Fix Redis first.",
    "ground": "Fix the database first.",
    "slack": "Correct SLACK_BOT_TOKEN or the app, or the way to Slack; see docs/how-to/install.md and network.md.",
    "model": "Correct what it names, or ANTHROPIC_BASE_URL if it is set; see docs/how-to/network.md.",
    "release": "Fix the database first.",
    "worker": "Fix Redis first.",
    "events": "Fix the database first.",
    "clock": "Fix the database first.",
}
"What to do about a check that could not run."
CHANNEL_ERRORS: Mapping[str, str] = {
    "not_in_channel": "The bot is not in {channel}.",
    "channel_not_found": "There is no {channel} that the bot can see.",
}
"What Slack's error codes about a channel mean."


def _run(name: str, check: Check, settings: Settings) -> list[Finding]:
    """Return what a check finds, with the findings that it made before it raised."""
    found: list[Finding] = []
    try:
        found.extend(check(settings))
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding
        found.append(_failed(name, error))
    return found or [Finding(name, "warn", "No active agent can be read, so there was nothing to check.")]


def _failed(name: str, error: Exception) -> Finding:
    if isinstance(error, TimeoutError):
        message = f"No answer within {SECONDS:.0f} s."
    elif isinstance(error, DeskhandError):
        message = " ".join(str(error).split())
    else:
        message = f"The check failed: {type(error).__name__}."  # its text might hold an address with a password
    return Finding(name, "fail", message, FIXES.get(name, ""))


def _channel(client: WebClient, agent: Agent, channel: str) -> Finding:
    code, name = access.unheard(client, channel), names.of(client)(channel)
    called = f"#{''.join(filter(str.isprintable, name))}" if name else channel
    if code is None:
        return Finding(f"channel {channel}", "ok", f"The bot is in {called}.")
    message = CHANNEL_ERRORS.get(code, f"Slack says {code} about {{channel}}.").format(channel=called)
    fix = f"Invite the bot there, or correct the channel in {agent.folder / 'card.yaml'}."
    return Finding(f"channel {channel}", "fail", message, fix)


def _queue(client: WebClient, agent: Agent, agents: Mapping[str, Agent]) -> Finding:
    """Report whether anybody besides the responders and owners of an agent reads its queue channel."""
    name, channel = agent.card.name, agent.card.handoff.queue_channel
    try:
        others = list(queue_channels.readers(queue_channels.look(client, channel), agent, agents))
    except (Rejected, Transient) as error:
        others = [f"its readers cannot be listed ({error})"]
    if not others:
        return Finding(f"queue {name}", "ok", "Only responders and owners read its queue channel.")
    message = f"{channel} of {name}: {'; '.join(others)}. Direct messages are not shown there."
    fix = "Use a private channel of the agent's own, with its responders and owners and nobody else."
    return Finding(f"queue {name}", "warn", message, fix)


def _stranded(settings: Settings) -> Iterator[Finding]:
    """Yield the agents that are gone without an heir, and how many of their handoffs are stranded."""
    agents = {agent.card.name: agent for agent in configured.every(settings)}
    if not agents:
        return  # `check_agents` reports that no card can be read
    with alive.reading(settings) as session:
        left = handoffs_due.stranded(session, rights.serving(agents).keys())
    for name, count in sorted(left.items()):
        what = f"{count} handoff{'' if count == 1 else 's'} of {name}"
        verb = "is" if count == 1 else "are"
        message = f"{what} {verb} stranded: that agent has no folder, so nobody may read or take them."
        yield Finding(
            f"agent {name}", "warn", message, f"Restore its folder, or add `inherits: [{name}]` to another's card."
        )


def _scopes(settings: Settings) -> frozenset[str]:
    """Return the scopes that the manifest asks for.

    Raises:
        ConfigError: it cannot be read.
    """
    file = settings.deskhand_config / "slack-manifest.yaml"
    try:
        return frozenset(yaml_text.load(file.read_text("utf-8"))["oauth_config"]["scopes"]["bot"])
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: its scopes cannot be read: {type(error).__name__}") from error
