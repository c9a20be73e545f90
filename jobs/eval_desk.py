"""What a process plays cases of an evaluation with: its connections, and the release that a run is of.

In a worker of the installation that is its own context; the worker processes of `deskhand eval run` need no Slack, so
they open their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import structlog

from bot import directory, redis_rights
from bot.agent.card import Agent
from bot.agent.runtime import AgentRuntime, open_meter, open_runtime
from bot.agent_cards import Cards
from bot.budget.metering import Meter
from bot.evals import cases, runs, stage
from bot.evals.cases import Case
from bot.evals.judge.judge import Judge, open_judge
from bot.evals.pacing import Pace
from bot.evals.stage import RuntimeFor
from bot.ground import Ground
from bot.queue import JobQueue
from bot.settings import Settings
from bot.store import db
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.releases import releases
from bot.store.schema import EvalRun, PlayedBy
from jobs import process
from jobs.engine import run_queue

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RunSetting:
    """What the plays of one run need; it stays as it is, whatever is changed on disk meanwhile."""

    agent: Agent
    cases: Mapping[str, Case]
    "What is played, by id, in the order of the suite."
    runtime_for: RuntimeFor
    queue: JobQueue
    "Where the plays of this run are queued."
    pace: Pace
    judge: Judge | None = None
    "Who judges what passed; None: the judge is off."


@dataclass(frozen=True, slots=True)
class EvalDesk:
    """The connections with which this process plays cases."""

    settings: Settings
    database: Database
    ground: Ground
    queue: JobQueue
    "The queue of the installation."
    agents: Mapping[str, Agent]
    meter: Meter
    settings_of_runs: dict[int, RunSetting] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    "Held while the setting of a run is made, so that it is made once."

    def setting(self, run: EvalRun) -> RunSetting | None:
        """Return what the plays of a run need; None: this process has another release or another suite."""
        with self.lock:
            made = self.settings_of_runs.get(run.id) or self._set(run)
            if made is not None:
                self.settings_of_runs[run.id] = made
            return made

    def queue_of(self, run: EvalRun) -> JobQueue:
        """Return the queue of the plays of a run."""
        return run_queue.of(self.queue, run.id) if run.played_by is PlayedBy.COMMAND else self.queue

    def runtime(self, agent: Agent) -> AgentRuntime:
        """Put an agent to work with the real model; a case gives it a database of its own."""
        return open_runtime(self.settings, agent, self.database, directory.connect(self.database), self.meter)

    def disconnect(self) -> None:
        """Close every connection; the next use opens new ones, in whichever process that is."""
        self.meter.close()
        self.queue.close()
        self.database.close()

    close = disconnect

    def _set(self, run: EvalRun) -> RunSetting | None:
        with self.database.read() as session:
            release = releases.get(session, run.release)
        agent = None if release is None else self.agents.get(release.agent)
        if agent is None:
            return None
        runtime, suite = self.runtime(agent), cases.load(agent)
        if (str(runtime.release), suite.fingerprint) != (run.release, run.suite):
            log.warning("play.left", run=run.id, release=str(runtime.release), suite=suite.fingerprint[:12])
            return None
        chosen = {case.id: case for case in runs.cases_of(run, suite)}
        judge, pace = None, Pace()
        if not run.model_is_standin:  # a stand-in answers requests, it judges nothing
            judge = open_judge(self.settings, agent, self.meter, release=run.release, pace=pace)
        return RunSetting(agent, chosen, stage.on_scratch_database(pace.of(runtime)), self.queue_of(run), pace, judge)


def open_desk(settings: Settings) -> EvalDesk:
    """Open connections for a process that needs no Slack.

    Raises:
        ConfigError: a setting, a card or a money file is wrong, a right in Redis is missing, or the database or Redis
            belongs to another installation.
        Transient: the database or Redis cannot be reached.
    """
    database = db.existing(settings.database_url)
    ground = marks.enter(database, settings.deskhand_ground)
    redis_rights.check(settings.redis_url)
    queue = JobQueue.connect(settings.redis_url, ground)
    queue.enter()
    meter = open_meter(settings, database)
    meter.check()
    return EvalDesk(settings, database, ground, queue, Cards(settings.deskhand_config), meter)


@dataclass(slots=True)
class _Here:
    desk: EvalDesk | None = None
    own: bool = False
    "Whether the process has opened it itself."


_here = _Here()
"The desk of this process, once it has one."


def take(desk: EvalDesk) -> None:
    """Let this process play with these connections from now on."""
    _here.desk, _here.own = desk, True


def current() -> EvalDesk:
    """Return the desk of this process; a worker of the installation makes it of its context."""
    if _here.desk is not None and _here.own:
        return _here.desk
    ctx = process.current()
    if _here.desk is None or _here.desk.database is not ctx.database:
        _here.desk = EvalDesk(ctx.settings, ctx.database, ctx.ground, ctx.queue, ctx.agents, ctx.meter)
    return _here.desk
