"""What the use cases need, what they leave for the workers, and messages that only one person sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.agent import card
from bot.agent.card import Agent
from bot.casework.lately_stored import LatelyStored
from bot.errors import Transient
from bot.queue import DELIVER, JobQueue
from bot.rights import Actor, Membership
from bot.slack.mrkdwn import Body
from bot.slack.requesters import replies
from bot.store import members
from bot.store.db import Database, Session
from bot.store.outbox import messages
from bot.store.schema import MessageKind, MessageOp
from bot.store.tickets.tickets import Heard

log = structlog.get_logger()

ANYWHERE = 0
"Stands for no ticket in particular: messages that belong to none are to be delivered."


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What workers must do after the commit."""

    turn_id: int | None = None
    say_in: int | None = None
    "Id of the ticket whose messages are to be delivered; `ANYWHERE` for no ticket in particular."
    stopped: int | None = None
    "Id of a turn that was ended, and that a worker may be playing."


NOTHING = FollowUp()


@dataclass(frozen=True, slots=True)
class HearingContext:
    """Where to store and queue, and the agents that hear."""

    database: Database
    queue: JobQueue
    agents: Mapping[str, Agent]
    stored: LatelyStored = field(default_factory=LatelyStored, kw_only=True, compare=False)

    def agent_in(self, channel: str, *, private: bool) -> Agent | None:
        """Return the agent that hears a channel, or direct messages if private; None when none or several do."""
        if private:
            hearing = tuple(self.directly().values())
            return hearing[0] if len(hearing) == 1 else None
        return next((agent for agent in self.agents.values() if channel in agent.card.channels), None)

    def directly(self) -> dict[str, Agent]:
        """Return the agents that hear direct messages, by name."""
        return card.hearing_directly(self.agents)

    def agent_of_queue(self, channel: str) -> Agent | None:
        """Return the agent whose handoffs go to a channel."""
        return next((agent for agent in self.agents.values() if agent.card.handoff.queue_channel == channel), None)

    def answering(self, name: str) -> Agent | None:
        """Return the agent that answers for the tickets of this one; None when it is gone and has no heir."""
        return card.answering(self.agents, name)

    def put(self, job: str, argument: int | str) -> None:
        """Queue a job for a committed row; after a failure, upkeep finds the row."""
        try:
            self.queue.put(job, argument)
        except Transient as error:
            log.warning("job.not_queued", job=job, error=str(error))

    def stop(self, job: str, argument: int | str) -> None:
        """Ask the worker that runs a job to stop it; after a failure, the rows stop it at its next write."""
        try:
            self.queue.stop(job, argument)
        except Transient as error:
            log.warning("job.not_queued", job=job, error=str(error))

    def deliver(self, ticket_id: int | None) -> None:
        """Queue the delivery of a ticket's messages; None queues nothing."""
        if ticket_id is not None:
            self.put(DELIVER, ticket_id)


def actor(session: Session, user: str, membership: Membership) -> Actor:
    """Return a person as an actor, with whether Slack has told us that they left."""
    return Actor(user, membership, left=members.has_left(session, user))


def tell_only(
    session: Session,
    *,
    key: str,
    user: str,
    channel: str,
    thread_ts: str | None,
    text: str | Body,
    ticket_id: int | None,
) -> None:
    """Store a message that only one person sees, in a lane of its own."""
    body = replies.only_you(text) if isinstance(text, str) else text
    messages.add(
        session,
        key=f"only:{key}",
        kind=MessageKind.ONLY_YOU,
        op=MessageOp.EPHEMERAL,
        lane=f"only:{key}",
        channel=channel,
        thread_ts=thread_ts,
        user=user,
        body=body,
        ticket_id=ticket_id,
    )


def tell_directly(session: Session, *, key: str, user: str, text: str, ticket_id: int | None) -> None:
    """Store a direct message to one person, for where no message can be shown to them alone."""
    body: dict[str, Any] = replies.only_you(text)
    messages.add(
        session,
        key=f"only:{key}",
        kind=MessageKind.ONLY_YOU,
        lane=f"only:{key}",
        channel=user,
        body=body,
        ticket_id=ticket_id,
    )


def only(session: Session, heard: Heard, ticket_id: int | None, text: str) -> FollowUp:
    """Tell the author of a message something, only to them and where they wrote it."""
    tell_only(
        session,
        key=f"{heard.channel}:{heard.ts}",
        user=heard.user,
        channel=heard.channel,
        thread_ts=heard.thread_ts,
        text=text,
        ticket_id=ticket_id,
    )
    return FollowUp(say_in=ticket_id or 0)
