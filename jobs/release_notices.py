"""Responders are told once that a release does not answer, and once that the agent answers again.

Each process looks when it begins to serve a release, and the clock looks every few seconds: a verdict comes from an
evaluation in another process, and a waiver ends without anybody's doing.
"""

from typing import TYPE_CHECKING

import structlog

from bot.agent import standing
from bot.agent.card import Agent
from bot.releases.pairs import Adopted
from bot.slack.reports import release_notice
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.releases import notices, verdicts, waivers
from bot.store.releases.verdicts import ReleaseStanding
from bot.store.schema import MessageKind

if TYPE_CHECKING:  # a process looks when it begins to serve a release
    from jobs.process import WorkerContext

log = structlog.get_logger()


def look(ctx: "WorkerContext") -> None:
    """Note the waivers that have ended, and tell responders of every agent what they were not told yet."""
    with ctx.database.look() as session:
        due = waivers.any_to_expire(session)
    if due:
        with ctx.database.write() as session:
            for one in waivers.expire(session):
                log.warning("waiver.expired", waiver=one.id, release=one.release)
    for name in ctx.agents:
        look_at(ctx, ctx.pairs.adopted(name))


def look_at(ctx: "WorkerContext", adopted: Adopted) -> None:
    """Tell responders what they were not told yet of the release that this process serves for an agent."""
    agent, pair, name = adopted.agent, adopted.pair, adopted.agent.card.name
    with ctx.database.look() as session:
        if not standing.read(session, agent).works:
            return
        said = verdicts.standing(session, *pair)
        if said.serves:
            untold = notices.any_to_end(session, name, pair, since=adopted.since)
        else:
            untold = not notices.known(session, pair, notices.cause(session, pair))
    if not untold:
        return
    with ctx.database.write() as session:
        told = _say_serves(session, adopted, said) if said.serves else _say_not(session, adopted, said)
    if told:
        log.warning("release.told", agent=name, release=pair.release, suite=pair.suite, serves=said.serves)


def _say_not(session: Session, adopted: Adopted, said: ReleaseStanding) -> bool:
    agent, pair, why = adopted.agent, adopted.pair, notices.cause(session, adopted.pair)
    notice = notices.begin(session, agent.card.name, pair, why)
    if notice is None:
        return False
    ended = why != notices.UNEVALUATED
    body = release_notice.not_serving(agent.card.name, pair.release, said, waiver_ended=ended)
    _say(session, agent, f"release_notice:{notice}:begun", body)
    return True


def _say_serves(session: Session, adopted: Adopted, said: ReleaseStanding) -> bool:
    notice = notices.end(session, adopted.agent.card.name, adopted.pair, since=adopted.since)
    if notice is None:
        return False
    body = release_notice.serving(adopted.pair.release, said)
    _say(session, adopted.agent, f"release_notice:{notice}:ended", body)
    return True


def _say(session: Session, agent: Agent, key: str, body: dict[str, object]) -> None:
    channel, lane = agent.card.handoff.queue_channel, f"release_notice:{agent.card.name}"
    messages.add(session, key=key, kind=MessageKind.RELEASE, lane=lane, channel=channel, body=body)
