"""A mention in a thread that others had started: the thread is read once, before anything else is done.

    "my account is locked" (Maya)  "same here" (Sam)  "@deskhand any idea?" (Ivan)

The requester is the author of the root, here Maya, and not the person who called the agent: no account is touched
before the author has written. So the ticket becomes the author's, everything else in the thread is background, and the
author is asked, or answered if they have written since. If the root is an app's or deleted, there is no author to ask,
and the ticket goes to a person. Messages that come before the thread is read are stored by the listener
(`bot.store.tickets.threads.is_unread`).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from bot.agent.asks_for_person import summary_if_asked
from bot.agent.runtime import AgentRuntime
from bot.casework import addressing, answers, heard
from bot.casework import handoffs as casework
from bot.casework.beforehand import NO_AUTHOR
from bot.principals import Reason
from bot.slack.api import client as slack
from bot.slack.handoffs import linked_threads
from bot.slack.requesters import replies
from bot.slack.sentences import spoken_by
from bot.store import audit
from bot.store.db import Session
from bot.store.outbox import messages as said_by_us
from bot.store.schema import HandoffContext, InboxState, Ticket, TurnOutcome, now
from bot.store.tickets import overheard, threads, ticket_messages, tickets, turns, waiting_messages
from bot.store.tickets.tickets import Heard
from bot.store.tickets.turns import Attempt
from jobs import hearing
from jobs.process import WorkerContext

log = structlog.get_logger()

MOST = 200
"The most messages of a thread that are read, from its root on."


@dataclass(frozen=True, slots=True)
class JoinedThread:
    """What became of a turn after its thread was read."""

    attempt: Attempt
    "The attempt, with what its requester had said in the thread before."
    ended: bool = False
    "The request is somebody else's, so this turn is over."
    next_turn: int | None = None
    "Id of the turn that answers the author."


@dataclass(frozen=True, slots=True)
class _ShownThread:
    """A thread as Slack shows it now."""

    messages: tuple[tuple[Heard, bool], ...]
    "People's messages, redacted, the oldest first; each with whether it was said to somebody else."
    author: str | None
    "Slack user id of the root's author; None: not a person, or unknown."
    root_by: str
    "Who wrote the root: `person`, `ours`, `app`; or `gone`."


def read(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> JoinedThread:
    """Read the thread of a turn, unless that was done; give the request to the root's author.

    Raises:
        Fenced: another attempt has the turn.
        Transient: Slack or the database cannot be reached; try the turn again.
    """
    if attempt.heard_root is not None:  # the requester began the thread
        return JoinedThread(attempt)
    with ctx.database.read() as session:
        if not threads.is_unread(session, attempt.ticket):
            return JoinedThread(attempt)
    found = _thread(ctx, attempt.ticket)
    given = found.author not in (None, attempt.ticket.requester)  # stays true: only this attempt changes the requester
    link = slack.permalink(ctx.slack, attempt.ticket.channel, attempt.ticket.thread_ts) if given else None
    with ctx.database.write() as session:
        ticket = tickets.lock(session, attempt.ticket.id)
        turns.hold(session, attempt)
        caller = ticket.requester
        _keep(session, ticket, attempt, found)
        if found.author is None or found.author == caller:
            return JoinedThread(_join(session, ticket, attempt))
        return JoinedThread(
            attempt, ended=True, next_turn=_give(session, runtime, attempt, ticket, author=found.author, link=link)
        )


def _thread(ctx: WorkerContext, ticket: Ticket) -> _ShownThread:
    """Ask Slack for the messages of a thread."""
    try:
        page = slack.call(ctx.slack.conversations_replies, channel=ticket.channel, ts=ticket.thread_ts, limit=MOST)
        bot_user = str(slack.call(ctx.slack.auth_test).get("user_id"))
    except slack.Rejected as error:
        log.warning("thread.not_read", error=error.code)
        return _ShownThread((), None, "gone")
    shown = page["messages"]
    messages = tuple(_message(ctx, one, ticket, bot_user) for one in shown if hearing.is_persons(ctx, one, bot_user))
    root = next((message for message in shown if message["ts"] == ticket.thread_ts), None)
    if root is None or root.get("subtype") == "tombstone":
        return _ShownThread(messages, None, "gone")
    if hearing.is_persons(ctx, root, bot_user):
        return _ShownThread(messages, root["user"], "person")
    with ctx.database.read() as session:
        ours = said_by_us.by_ts(session, ticket.channel, ticket.thread_ts) is not None or root.get("user") == bot_user
    return _ShownThread(messages, None, "ours" if ours else "app")


def _message(ctx: WorkerContext, message: dict[str, Any], ticket: Ticket, bot_user: str) -> tuple[Heard, bool]:
    read = hearing.read(ctx, message, team=ticket.team, channel=ticket.channel, bot_user=bot_user)
    return answers.redacted(read.heard), addressing.spoken_to(read.marked) not in (None, bot_user)


def _keep(session: Session, ticket: Ticket, attempt: Attempt, found: _ShownThread) -> None:
    """Store what was said before as background, timed right before the call; the root is stored even if it is gone."""
    called = min((one.received_at for one in attempt.heard), default=now())
    for number, (one, aside) in enumerate(found.messages):
        at = called - timedelta(microseconds=len(found.messages) - number)
        overheard.keep(session, ticket, one, received_at=at, detail={overheard.ASIDE: True} if aside else {})
    if ticket_messages.heard_at(session, ticket.channel, ticket.thread_ts) is None:
        root = Heard(
            event_id=heard.id_of_read(ticket.channel, ticket.thread_ts),
            team=ticket.team,
            channel=ticket.channel,
            ts=ticket.thread_ts,
            thread_ts=None,
            user="",
            text="",
            files=(),
            private=False,
        )
        detail = {} if found.root_by == "ours" else {NO_AUTHOR: found.root_by}
        overheard.keep(session, ticket, root, state=InboxState.WITHDRAWN, detail=detail)


def _join(session: Session, ticket: Ticket, attempt: Attempt) -> Attempt:
    """Add what the requester had said in the thread before to the turn; return the attempt with it."""
    waiting_messages.fold(overheard.turn_into_requests(session, ticket), attempt.turn_id)
    session.flush()
    return replace(attempt, heard=ticket_messages.messages_of(session, attempt.turn_id))


def _give(
    session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket, *, author: str, link: str | None
) -> int | None:
    """Give the ticket to the root's author; return the turn that answers them if they have written since the call."""
    caller, called = ticket.requester, attempt.heard
    since, wished = min((float(one.ts or 0) for one in called), default=0.0), summary_if_asked(called)
    overheard.give(session, ticket, author)
    audit.append(
        session,
        "ticket.given",
        actor=f"agent:{runtime.release}",
        subject=author,
        ticket_id=ticket.id,
        called_by=caller,
        in_answer_to=[ticket.channel, ticket.thread_ts],
    )
    turns.finish(
        session, attempt, outcome=TurnOutcome.WITHDRAWN, reason=None, category=None, release=str(runtime.release)
    )
    theirs = overheard.turn_into_requests(session, ticket)
    if any(float(one.ts or 0) > since for one in theirs):
        following = tickets.open_turn(session, ticket.id)
        waiting_messages.fold(theirs, following.id)
        return following.id
    if wished is not None:
        casework.open_for(
            session,
            ticket,
            runtime.agent,
            reason=Reason.REQUESTED,
            summary=wished,
            actor=f"agent:{runtime.release}",
            known=HandoffContext(link=link),
            occasion="colleague",
        )
    else:
        body = replies.whose_request(author, caller, spoken_by(session, author))
        linked_threads.in_thread(session, ticket, key=f"whose:ticket:{ticket.id}", body=body)
    return None
