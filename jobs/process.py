"""What one worker process holds: settings, database, queue, Slack client, runtimes of agents.

The first job builds it and it is kept, so that any RQ worker can run our jobs; all other code gets it as an argument.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from threading import Lock

import structlog

from bot import agent_ids, directory, logs, redis_rights
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.release import release_of
from bot.agent.runtime import AgentRuntime, check_runtime, open_meter, open_runtime
from bot.agent_cards import Cards
from bot.budget.metering import Meter
from bot.casework import dashboard_links
from bot.casework.dashboard_links import DashboardDoor
from bot.directory.protocol import Directory
from bot.errors import ConfigError, Transient
from bot.ground import Ground
from bot.queue import JobQueue
from bot.releases import registry
from bot.releases.pairs import Adopted, Pairs
from bot.rights import Actor
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.slack.api import roles
from bot.slack.api.client import WebClient
from bot.slack.api.membership import Members
from bot.slack.api.token_check import TokenCheck
from bot.store import db, members
from bot.store.db import Database
from bot.store.figures.first_turns import KnownTurns
from bot.store.installation import marks
from jobs import release_notices
from jobs.leases import Leases

log = structlog.get_logger()

WAIT_SECONDS = 1.0
"Seconds between checks that the database and Redis can be reached."


class AgentGone(Exception):
    """The folder of a ticket's agent is gone, and no agent inherits its tickets."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The connections of this process, each once."""

    settings: Settings
    database: Database
    ground: Ground
    "The installation or demo that database and Redis belong to."
    queue: JobQueue
    slack: WebClient
    members: Members
    directory: Directory
    agents: Mapping[str, Agent]
    "The agents by name, each as its folder is now."
    meter: Meter
    runtimes: dict[str, AgentRuntime]
    leases: Leases
    known_turns: KnownTurns = field(default_factory=KnownTurns)
    "What this process has read for the checks of drift."
    known_pairs: dict[str, Adopted] = field(default_factory=dict)
    "The release and suite of each agent, and since when this process serves them."
    token: TokenCheck | None = None
    "What Slack says of the bot token, once it is asked."
    lock: Lock = field(default_factory=Lock)
    "Held while a runtime is built, so that there is one model client and not one for each thread."

    def token_problem(self) -> str | None:
        """Return why nobody can be answered with the bot token; None: it is right, or not known to be wrong."""
        return None if self.token is None else self.token.problem

    def actor(self, user: str) -> Actor:
        """Look up a person who wants to see or do something; no transaction may be open."""
        membership = roles.membership_look_up(self.members)(user, "")
        with self.database.read() as session:
            return Actor(user, membership, left=members.has_left(session, user))

    @property
    def pairs(self) -> Pairs:
        """Return the release and the suite of each agent as its folder is now."""
        return Pairs(self.settings, self.agents, self.known_pairs)

    @property
    def door(self) -> DashboardDoor | None:
        """Return where the dashboard is, and the keys of links to it; None when there is none."""
        return dashboard_links.door_of(self.settings, self.ground)

    def runtime(self, agent: str) -> AgentRuntime:
        """Return an agent's runtime as its folder is now: built on first use, and again when the release changes.

        Raises:
            AgentGone: its folder is gone and it has no heir.
        """
        found = card.answering(self.agents, agent)
        if found is None:
            raise AgentGone(agent)
        name = found.card.name
        with self.lock:
            runtime = self.runtimes.get(name)
            if runtime is None or runtime.agent is not found:
                runtime = self.runtimes[name] = self._adopt(found, runtime)
        return runtime

    def _adopt(self, agent: Agent, before: AgentRuntime | None) -> AgentRuntime:
        """Return the runtime of an agent whose folder was read again; running turns keep the one they began with."""
        release = release_of(self.settings, agent)
        if before is not None and before.release.digest == release.digest:
            runtime = replace(before, agent=agent, release=release, suite=agent.suite)
        else:
            runtime = open_runtime(self.settings, agent, self.database, self.directory, self.meter)
        if before is None or (before.release.digest, before.suite) != (release.digest, agent.suite):
            with self.database.write() as session:
                registry.register(session, agent, release)
            log.info("release.adopted", agent=agent.card.name, release=str(release), suite=agent.suite)
            release_notices.look_at(self, self.pairs.adopted(agent.card.name))
        return runtime


@cache
def current() -> WorkerContext:
    """Return this process's connections, opened on the first call.

    Raises:
        ConfigError: a setting, a card or a money file is wrong, the schema has another revision, a right in Redis is
            missing, or the database or Redis belongs to another installation or demo.
        Transient: the database or Redis cannot be reached; the next call tries again.
    """
    settings = Settings.from_environment()
    logs.configure(settings.deskhand_log)
    settings.refuse_signing_key()
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set; `deskhand init` sets up what is needed")
    with ExitStack() as opened:
        database = db.existing(settings.database_url)
        opened.callback(database.close)
        ground = marks.enter(database, settings.deskhand_ground)
        redis_rights.check(settings.redis_url)
        queue = JobQueue.connect(settings.redis_url, ground)
        opened.callback(queue.close)
        queue.enter()
        meter = open_meter(settings, database)
        opened.callback(meter.close)
        meter.check()
        agents = Cards(settings.deskhand_config, check=lambda agent: check_runtime(settings, agent, meter))
        agent_ids.enter(database, agents)
        opened.pop_all()  # they are kept
    client = slack.connect(
        token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, network=settings.network
    )
    return WorkerContext(
        settings=settings,
        database=database,
        ground=ground,
        queue=queue,
        slack=client,
        members=Members(client, database),
        directory=directory.connect(database),
        agents=agents,
        meter=meter,
        runtimes={},
        leases=Leases(database, lease=settings.deskhand_turn_lease),
        token=TokenCheck(client, database),
    )


def wait_for_current(*, runtimes: bool = False) -> WorkerContext:
    """Return this process's connections as soon as the database and Redis can be reached.

    Args:
        runtimes: build every agent's runtime now, so that a wrong card or a missing key shows before the first turn.

    Raises:
        ConfigError: see `current`; or the bot token belongs to another workspace than the database serves.
    """
    token: TokenCheck | None = None
    while True:
        try:
            ctx = current()
            token = token or (ctx.token or TokenCheck(ctx.slack, ctx.database)).begin()
            for agent in ctx.agents if runtimes else ():
                ctx.runtime(agent)
        except Transient as error:
            log.warning("process.delayed", error=str(error))
            time.sleep(WAIT_SECONDS)
        else:
            token.wait()
            return ctx


def name() -> str:
    """Return the name under which this process holds leases: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
