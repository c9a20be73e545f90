"""What one worker process holds: settings, database, queue, Slack client, agents at their desks.

Built by the first job and kept, so that any RQ worker can run our jobs; everything else is handed it.
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

from bot import directory, logs
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.runtime import AgentRuntime, open_meter, open_runtime
from bot.agent_cards import Cards
from bot.budget.metering import Meter
from bot.directory.protocol import Directory
from bot.errors import ConfigError, Transient
from bot.ground import Ground
from bot.queue import JobQueue
from bot.rights import Actor
from bot.settings import Settings
from bot.slack.api import client as slack
from bot.slack.api import roles
from bot.slack.api.client import WebClient
from bot.slack.api.membership import Members
from bot.slack.api.token_check import TokenCheck
from bot.store import db, marks, members, releases
from bot.store.db import Database
from jobs.leases import Leases

log = structlog.get_logger()

WAIT_SECONDS = 1.0
"Between two looks whether what a process needs is there."


class AgentGone(Exception):
    """The agent of a ticket is here no longer, and nobody was named its heir."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The connections of this process, each once."""

    settings: Settings
    database: Database
    ground: Ground
    "Whose database and Redis these are."
    queue: JobQueue
    slack: WebClient
    members: Members
    directory: Directory
    agents: Mapping[str, Agent]
    "With their people as the cards name them now."
    meter: Meter
    runtimes: dict[str, AgentRuntime]
    leases: Leases
    lock: Lock = field(default_factory=Lock)
    "Held while a runtime is made, so that there is one model client and not one a thread."

    def actor(self, user: str) -> Actor:
        """Return somebody who wants to see or to do something, looked up; no transaction is open."""
        membership = roles.membership_look_up(self.members)(user, "")
        with self.database.read() as session:
            return Actor(user, membership, left=members.has_left(session, user))

    def runtime(self, agent: str) -> AgentRuntime:
        """Return an agent's runtime, made on first use, with its people as they are now.

        Raises:
            AgentGone: its folder is gone and it has no heir.
        """
        found = card.answering(self.agents, agent)
        if found is None:
            raise AgentGone(agent)
        name = found.card.name
        with self.lock:
            if name not in self.runtimes:
                runtime = open_runtime(self.settings, found, self.database, self.directory, self.meter)
                with self.database.write() as session:
                    releases.register(session, agent=name, fingerprint=str(runtime.release), body=runtime.release.body)
                self.runtimes[name] = runtime
            runtime = self.runtimes[name]
        return runtime if runtime.agent is found else replace(runtime, agent=found)


@cache
def current() -> WorkerContext:
    """Return this process's connections, made on the first call.

    Raises:
        ConfigError: a setting, a card or a money file is wrong, the schema is of another revision, or the database
            or Redis is another's.
        Transient: the database or Redis is away; the next call tries again.
    """
    settings = Settings.from_environment()
    logs.configure(settings.deskhand_log)
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set")
    with ExitStack() as opened:
        database = db.connect(settings.database_url)
        opened.callback(database.close)
        ground = marks.enter(database, settings.deskhand_ground)
        queue = JobQueue.connect(settings.redis_url, ground)
        opened.callback(queue.close)
        queue.enter()
        meter = open_meter(settings, database)
        opened.callback(meter.close)
        meter.check()
        agents = Cards(settings.deskhand_config)
        opened.pop_all()  # they are kept
    client = slack.connect(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
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
    )


def wait_for_current(*, runtimes: bool = False) -> WorkerContext:
    """Return this process's connections as soon as database and Redis are there.

    Args:
        runtimes: make every agent's runtime at once, so that a wrong card or a missing key shows before the first turn.

    Raises:
        ConfigError: see `current`; or the bot token is of another workspace than the database serves.
    """
    token_check: TokenCheck | None = None
    while True:
        try:
            ctx = current()
            token_check = token_check or TokenCheck(ctx.slack, ctx.database)
            for agent in ctx.agents if runtimes else ():
                ctx.runtime(agent)
        except Transient as error:
            log.warning("process.delayed", error=str(error))
            time.sleep(WAIT_SECONDS)
        else:
            token_check.wait()
            return ctx


def name() -> str:
    """Return who holds a lease: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"
