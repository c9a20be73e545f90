"""What one worker process holds: settings, database, queue, Slack client, agents at their desks.

Built by the first job and kept, so that any RQ worker can run our jobs; everything else is handed it.
"""

import os
import socket
from dataclasses import dataclass
from functools import cache

from bot import logs
from bot.agent import card
from bot.agent.card import Agent
from bot.agent.desk import Desk, open_desk, open_meter
from bot.budget.metering import Meter
from bot.errors import ConfigError
from bot.queue import JobQueue
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.client import WebClient
from bot.store import db, releases
from bot.store.db import Database


@dataclass(frozen=True, slots=True)
class Process:
    """The connections of this process, each once."""

    settings: Settings
    database: Database
    queue: JobQueue
    slack: WebClient
    agents: dict[str, Agent]
    meter: Meter
    desks: dict[str, Desk]

    def desk(self, agent: str) -> Desk:
        """Return an agent's desk, put up on first use."""
        found = card.named(self.agents, agent)
        agent = found.card.name
        if agent not in self.desks:
            desk = open_desk(self.settings, found, self.database, self.meter)
            with self.database.write() as session:
                releases.register(session, agent=agent, fingerprint=str(desk.release), body=desk.release.body)
            self.desks[agent] = desk
        return self.desks[agent]


@cache
def current() -> Process:
    """Return this process's connections, made on the first call.

    Raises:
        ConfigError: a setting, a card or a money file is wrong, or the schema is of another revision.
    """
    settings = Settings.from_environment()
    logs.configure(settings.deskhand_log)
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set")
    database = db.connect(settings.database_url)
    missing = db.pending(database)
    if missing is not None:
        raise ConfigError(f"database: {missing}")
    meter = open_meter(settings, database)
    meter.check()
    return Process(
        settings=settings,
        database=database,
        queue=JobQueue.connect(settings.redis_url),
        slack=slack.connect(token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url),
        agents=card.load_all(settings.deskhand_config),
        meter=meter,
        desks={},
    )


def name() -> str:
    """Return who holds a lease: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"
