"""The requester of a turn: looked up before anything else, and again right before an account is changed.

Invariant: the directory is asked only about admitted requesters, and an account is changed only if Slack confirmed its
requester within the last `PROFILE_KEPT` seconds and has told of no change since.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot import admission
from bot.admission import Admitted, Bar, NotAdmitted
from bot.agent import binding
from bot.agent.runtime import AgentRuntime
from bot.errors import DirectoryDown, Transient
from bot.principals import Subject
from bot.slack.api.membership import Unseen
from bot.store.schema import Surge
from bot.store.tickets import surges
from bot.store.tickets.turns import Attempt
from jobs.process import WorkerContext

log = structlog.get_logger()

PATIENCE = timedelta(minutes=10)
"A turn waits this long for Slack to say who the requester is; then a person has to find out."


@dataclass(frozen=True, slots=True)
class Asker:
    """What is known of a turn's requester."""

    who: Admitted | NotAdmitted | None
    "None: the turn failed before it was known."
    subject: Subject
    zone: str | None = None
    "Name of their time zone; None: unknown."
    silent: DirectoryDown | None = None
    "Why the directory could not be asked for their accounts; None: it was asked."


def unknown(attempt: Attempt, who: NotAdmitted | None = None) -> Asker:
    """Return a requester without an account."""
    return Asker(who, Subject(attempt.ticket.team, attempt.ticket.requester, ()))


def find_out(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> Asker:
    """Return the requester, with their accounts if they are admitted.

    Raises:
        Transient: Slack or the database cannot be reached; the turn is tried again. If the directory cannot, the
            requester is returned without accounts.
    """
    try:
        return _found(ctx, runtime, attempt)
    except Transient as error:
        waited = attempt.working
        if waited < PATIENCE:
            raise
        log.warning("requester.not_looked_up", error=str(error), waited=waited.total_seconds())
        return unknown(attempt, NotAdmitted(Bar.UNSEEN, "no answer", to_person=True))


def still(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> Subject:
    """Return the subject for whom an account may be changed right now.

    Raises:
        Transient: Slack, the database or the directory cannot be reached; the turn is tried again.
    """
    asker = _found(ctx, runtime, attempt)
    if asker.silent is not None:
        raise asker.silent
    return asker.subject


def _found(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> Asker:
    ticket, rules = attempt.ticket, runtime.agent.card.admission.rules
    with ctx.database.look_together():
        surge, kept = _surge_of_directory(ctx, runtime, ticket.id), ctx.members.kept(ticket.requester)
    member = kept or ctx.members.ask(ticket.requester)
    if isinstance(member, Unseen):
        return unknown(attempt, NotAdmitted(Bar.UNSEEN, member.code, to_person=True))
    who = admission.admit(member, user=ticket.requester, ours=ctx.members.ours(), rules=rules)
    if surge is not None:
        silent = DirectoryDown(f"the directory is down: surge {surge.id}")
        return Asker(who, unknown(attempt).subject, member.zone, silent)
    needs = bool(runtime.agent.card.needs_account)
    try:
        with ctx.database.look_together():
            subject = binding.subject(
                runtime.directory, who, team=ticket.team, user=ticket.requester, needs_account=needs
            )
    except DirectoryDown as silent:
        return Asker(who, unknown(attempt).subject, member.zone, silent)
    return Asker(who, subject, member.zone)


def _surge_of_directory(ctx: WorkerContext, runtime: AgentRuntime, ticket_id: int) -> Surge | None:
    """Return the surge that says that the directory is down, so that nobody waits for it a thousand times."""
    if not runtime.agent.card.needs_account:
        return None
    with ctx.database.look() as session:
        return surges.of_directory(session, runtime.agent.card.name, ticket_id)
