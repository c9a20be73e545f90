"""`deskhand doctor`: look at everything that the house stands on, each by itself, and say what to fix.

No check needs another to be well, none takes longer than `SECONDS`, none changes or costs anything.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial

import yaml

from bot import rights, yaml_text
from bot.agent import model
from bot.agent.card import Agent
from bot.agent.release import model_of, release_of
from bot.errors import ConfigError, DeskhandError, Refused, Transient
from bot.health import alive, configured, exposure
from bot.health.concurrent import Asking
from bot.health.configured import active
from bot.health.findings import Finding
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack.api import access, names, rooms
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store import db, releases
from bot.store.handoffs import handoffs_due

SECONDS = 10.0
"The longest that the whole examination takes."
MODEL_SECONDS = 8.0
OLDEST_REDIS = (6, 2)
"The first with BLMOVE, by which a worker takes a job."
NEARLY_FULL = 0.8

Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Run every check side by side, and return what they found, in the order of `CHECKS`."""
    asking = Asking({name: partial(_run, name, check, settings) for name, check in CHECKS.items()})
    found: list[Finding] = []
    for name, answer in asking.answers(seconds=SECONDS).items():
        found += [_failed(name, answer)] if isinstance(answer, Exception) else answer
    return tuple(found)


def check_database(settings: Settings) -> Iterator[Finding]:
    """Look whether the database answers and has this code's tables."""
    if not db.is_there(settings.database_url):
        yield Finding("database", "fail", "There is no file at DATABASE_URL.", "Mend it, or run `deskhand migrate`.")
        return
    with closing(db.connect(settings.database_url)) as database:
        missing = db.pending(database)
        with database.read() as session:
            notices = db.notices_a_cut(session)
    if not notices:
        said = "It keeps the locks of a client that is cut off: a pooler dropped the limits that we ask for."
        yield Finding("database", "warn", said, "Set them on the role, as docs/how-to/scale.md says.")
    if missing is None:
        yield Finding("database", "ok", "It answers, and its schema is this code's.")
        yield from _stranded(settings)
    else:
        yield Finding("database", "fail", f"The {missing.partition(':')[0]}.", "Run `deskhand migrate`.")


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Look whether Redis takes writes, and will not throw any away on its own."""
    with closing(JobQueue.of_its_owner(settings.redis_url)) as queue:
        server = queue.server()
        if tuple(int(part) for part in server.version.split(".")[:2]) < OLDEST_REDIS:
            yield Finding("redis", "fail", f"Its version is {server.version}.", "Use 6.2 or newer.")
        if server.eviction != "noeviction":
            said = f"It may throw keys away: its maxmemory-policy is {server.eviction}."
            yield Finding("redis", "fail", said, "Set maxmemory-policy to noeviction; no worker starts before.")
        if not server.saved:
            yield Finding("redis", "warn", "Its last snapshot failed.", "Make room on its disk, or set `save ''`.")
        if server.most_bytes and server.used_bytes > NEARLY_FULL * server.most_bytes:
            said = f"{server.used_bytes / server.most_bytes:.0%} of its memory is used."
            yield Finding("redis", "warn", said, "Raise maxmemory: when it is full nothing can be queued or paid for.")
        queue.prove()
        kept = "an append-only file" if server.keeps_log else "no append-only file, which is not needed"
        yield Finding("redis", "ok", f"Version {server.version} takes writes; {kept}.")


def check_slack(settings: Settings) -> Iterator[Finding]:
    """Look who we are in Slack, whether we may what we must, and whether we are where we should be."""
    if settings.slack_bot_token is None:
        yield Finding("slack", "fail", "Nobody can ask without SLACK_BOT_TOKEN.", "Set it.")
        return
    client = slack.connect(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
    me = access.identity(client)
    yield Finding("slack", "ok", f"We are {me.bot} in {me.team}.")
    wanted = _scopes(settings)
    if wanted - me.scopes:
        said = f"The token lacks {', '.join(sorted(wanted - me.scopes))}."
        mend = "Give the app the scopes of config/slack-manifest.yaml and install it again."
        yield Finding("slack scopes", "fail", said, mend)
    elif me.scopes - wanted:
        said = f"The token may more than it needs: {', '.join(sorted(me.scopes - wanted))}."
        yield Finding("slack scopes", "warn", said, "Take those scopes from the app.")
    else:
        yield Finding("slack scopes", "ok", "Those of the manifest, no more.")
    for agent in active(settings):
        for channel in dict.fromkeys((*agent.card.channels, agent.card.handoff.queue_channel)):
            yield _channel(client, agent, channel)
    agents = {agent.card.name: agent for agent in configured.every(settings)}
    for agent in active(settings):
        yield _queue(client, agent, agents)


def check_model(settings: Settings) -> Iterator[Finding]:
    """Look whether each agent's model is there for its key; no model is called."""
    agents = [agent for agent in active(settings) if settings.has(agent.card.credentials.model)]
    for key, name in dict.fromkeys((agent.card.credentials.model, model_of(settings, agent)) for agent in agents):
        secret = settings.credential(key).get_secret_value()
        where = settings.anthropic_base_url
        try:
            known = model.knows(name, api_key=secret, base_url=where, timeout=MODEL_SECONDS)
        except Refused as error:
            yield Finding("model", "fail", f"{key} is no good: {error}.", "Put a valid key there.")
            continue
        if known:
            yield Finding("model", "ok", f"{name} is there for {key}.")
        elif where is None:
            said = f"The vendor knows no {name} for {key}."
            yield Finding("model", "fail", said, "Correct `model` in the card, or DESKHAND_MODEL.")
        else:
            said = f"ANTHROPIC_BASE_URL does not say whether it has {name}; not every gateway does."
            yield Finding("model", "warn", said, "Let `deskhand eval run` show it.")


def check_releases(settings: Settings) -> Iterator[Finding]:
    """Look whether each agent, exactly as it is now, has passed its evaluation."""
    with alive.reading(settings) as session:
        for agent in active(settings):
            name, release = agent.card.name, str(release_of(settings, agent))
            verdict = releases.verdict(session, release)
            if verdict == "pass":
                yield Finding(f"release {name}", "ok", f"{release} has passed.")
            else:
                how = "is blocked" if verdict == "block" else "was never evaluated"
                said = f"{release} {how}: every ticket goes to people."
                yield Finding(f"release {name}", "fail", said, f"Run `deskhand eval run --agent {name}`.")


CHECKS: Mapping[str, Check] = {
    "settings": configured.check_secrets,
    "agents": configured.check_agents,
    "budgets": configured.check_budgets,
    "money": configured.check_money,
    "database": check_database,
    "redis": check_redis,
    "redis access": exposure.check_redis_access,
    "ground": exposure.check_ground,
    "files": exposure.check_files,
    "slack": check_slack,
    "events": alive.check_events,
    "model": check_model,
    "release": check_releases,
    "worker": alive.check_workers,
    "clock": alive.check_clock,
}

MENDS: Mapping[str, str] = {
    "agents": "Correct the card; nothing starts before.",
    "budgets": "Correct the file; what runs keeps the caps that it has, and nothing starts before.",
    "money": "Correct the file; nothing starts before.",
    "database": "Start it, or correct DATABASE_URL.",
    "redis": "Start it, or correct REDIS_URL.",
    "redis access": "Mend Redis first.",
    "ground": "Mend the database first.",
    "slack": "Correct SLACK_BOT_TOKEN or the app; see docs/how-to/install.md.",
    "model": "Look again later; correct ANTHROPIC_BASE_URL if it is set.",
    "release": "Mend the database first.",
    "worker": "Mend Redis first.",
    "events": "Mend the database first.",
    "clock": "Mend the database first.",
}
"What to do about a check that could not be made."
UNHEARD: Mapping[str, str] = {
    "not_in_channel": "The bot is not in {channel}.",
    "channel_not_found": "There is no {channel} that the bot can see.",
}
"What Slack's words mean."


def _run(name: str, check: Check, settings: Settings) -> list[Finding]:
    """Return what a check finds; what it found before it broke is kept."""
    found: list[Finding] = []
    try:
        found.extend(check(settings))
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding
        found.append(_failed(name, error))
    return found or [Finding(name, "warn", "No active agent can be read, so there was nothing to look at.")]


def _failed(name: str, error: Exception) -> Finding:
    if isinstance(error, TimeoutError):
        said = f"No answer within {SECONDS:.0f} s."
    elif isinstance(error, DeskhandError):
        said = " ".join(str(error).split())
    else:
        said = f"It broke: {type(error).__name__}."  # its words might hold an address with a password
    return Finding(name, "fail", said, MENDS.get(name, ""))


def _channel(client: WebClient, agent: Agent, channel: str) -> Finding:
    code, name = access.unheard(client, channel), names.of(client)(channel)
    called = f"#{''.join(filter(str.isprintable, name))}" if name else channel
    if code is None:
        return Finding(f"channel {channel}", "ok", f"The bot is in {called}.")
    said = UNHEARD.get(code, f"Slack says {code} about {{channel}}.").format(channel=called)
    mend = f"Invite the bot there, or correct the channel in {agent.folder / 'card.yaml'}."
    return Finding(f"channel {channel}", "fail", said, mend)


def _queue(client: WebClient, agent: Agent, agents: Mapping[str, Agent]) -> Finding:
    """Look whether anybody else reads a queue channel than the responders and owners of its agent."""
    name, channel = agent.card.name, agent.card.handoff.queue_channel
    try:
        others = list(rooms.readers(rooms.look(client, channel), agent, agents))
    except (Rejected, Transient) as error:
        others = [f"nobody can look who reads it ({error})"]
    if not others:
        return Finding(f"queue {name}", "ok", "Only responders and owners read its queue channel.")
    said = f"{channel} of {name}: {'; '.join(others)}. Direct messages are not shown there."
    mend = "Use a private channel of the agent's own, with its responders and owners and nobody else."
    return Finding(f"queue {name}", "warn", said, mend)


def _stranded(settings: Settings) -> Iterator[Finding]:
    """Yield the agents that are gone without an heir, and how many handoffs nobody may take for it."""
    agents = {agent.card.name: agent for agent in configured.every(settings)}
    if not agents:
        return  # no card can be read, which is a finding of its own
    with alive.reading(settings) as session:
        left = handoffs_due.stranded(session, rights.serving(agents).keys())
    for name, count in sorted(left.items()):
        what = f"{count} handoff{'' if count == 1 else 's'} of {name}"
        said = f"{what}, an agent that is not there: nobody may read or take them."
        yield Finding(f"agent {name}", "warn", said, f"Put its folder back, or `inherits: [{name}]` in another's card.")


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
