"""What a person who takes a ticket over needs beside its rows: looked up right before a turn ends with a handoff."""

from dataclasses import replace

import structlog

from bot import policy
from bot.agent.redaction import redact
from bot.agent.runtime import AgentRuntime
from bot.errors import Transient
from bot.policy.compromise import READ_AT_MOST
from bot.principals import Subject
from bot.slack.api import client as slack
from bot.slack.api import queue_channels
from bot.store.schema import HandoffContext, now
from bot.store.tickets.turns import Attempt
from jobs.process import WorkerContext
from jobs.requester import Asker

log = structlog.get_logger()


def of(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt, asker: Asker) -> HandoffContext:
    """Ask Slack and the directory for what a person who takes over needs; no transaction may be open."""
    ticket = attempt.ticket
    link = slack.permalink(ctx.slack, ticket.channel, ticket.thread_ts)
    withheld = ticket.private and queue_channels.of(ctx.slack).withholds(runtime.agent, ctx.agents)
    return _with_account(HandoffContext(zone=asker.zone, link=link, withheld=withheld), runtime, asker.subject)


def _with_account(known: HandoffContext, runtime: AgentRuntime, subject: Subject) -> HandoffContext:
    """Add the status of the requester's account, its reason, and why only a person may change it.

    If the directory cannot be reached nothing is added: a handoff does not wait for it.
    """
    if subject.account is None:
        return known
    try:
        account = runtime.directory.account(subject.account)
        sign_ins = runtime.directory.sign_ins(subject.account, at_most=READ_AT_MOST)
    except Transient as error:
        log.warning("account.not_read", error=str(error))
        return known
    if account is None:
        return known
    barred = policy.barred(account, runtime.agent.card.accounts, policy.Facts(now(), sign_ins))
    return replace(
        known,
        account=redact(str(account.status)),
        account_reason=redact(account.lock_reason) if account.lock_reason else None,
        barred=redact(barred.explanation) if barred else None,
    )
