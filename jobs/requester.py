"""Who asks: looked up for each turn, before anything else is looked up, and once more before an account is changed.

Invariant: the directory is asked only for those who were admitted, and an account is changed only for somebody whom
Slack has vouched for within the last `FRESH_SECONDS`.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot import admission
from bot.admission import Admitted, Bar, NotAdmitted
from bot.agent import binding
from bot.agent.runtime import AgentRuntime
from bot.errors import Transient
from bot.principals import Subject
from bot.slack.api.membership import FRESH_SECONDS, KEEP_SECONDS, Unseen
from bot.store.schema import now
from bot.store.tickets.turns import Attempt
from jobs.process import WorkerContext

log = structlog.get_logger()

PATIENCE = timedelta(minutes=10)
"How long a turn waits for Slack to say who asks; then a person finds it out."


@dataclass(frozen=True, slots=True)
class Asker:
    """The requester of a turn, as far as anybody could find out."""

    who: Admitted | NotAdmitted | None
    "None: the turn broke before anybody knew."
    subject: Subject
    zone: str | None = None
    "Time zone name."


def unknown(attempt: Attempt, who: NotAdmitted | None = None) -> Asker:
    """Return a requester of whom nothing was found out, or nothing that binds them to an account."""
    return Asker(who, Subject(attempt.ticket.team, attempt.ticket.requester, ()))


def find_out(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> Asker:
    """Return who asks, with the accounts that are theirs if they are admitted.

    Raises:
        Transient: Slack or the database is away; the turn is worth another try.
    """
    try:
        return _found(ctx, runtime, attempt, at_most=KEEP_SECONDS)
    except Transient as error:
        waited = now() - attempt.accepted_at
        if waited < PATIENCE:
            raise
        log.warning("requester.not_looked_up", error=str(error), waited=waited.total_seconds())
        return unknown(attempt, NotAdmitted(Bar.UNSEEN, "no answer", to_person=True))


def still(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> Subject:
    """Return on whose behalf an account may be changed right now.

    Raises:
        Transient: Slack or the database is away; the turn is worth another try.
    """
    return _found(ctx, runtime, attempt, at_most=FRESH_SECONDS).subject


def _found(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt, *, at_most: float) -> Asker:
    ticket, rules = attempt.ticket, runtime.agent.card.admission.rules
    member = ctx.members.look_up(ticket.requester, at_most=at_most)
    if isinstance(member, Unseen):
        return unknown(attempt, NotAdmitted(Bar.UNSEEN, member.code, to_person=True))
    who = admission.admit(member, user=ticket.requester, ours=ctx.members.ours(), rules=rules)
    needs = bool(runtime.agent.card.needs_account)
    subject = binding.subject(runtime.directory, who, team=ticket.team, user=ticket.requester, needs_account=needs)
    return Asker(who, subject, member.zone)
