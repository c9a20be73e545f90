"""What follows a reset of second factors: its owner and their manager are told, and the account is watched for a day.

The notices go to the addresses on file, where somebody who has got into Slack alone does not read them, and to the
manager in Slack as well, where the directory knows their Slack account. Each is sent once for its key. A watch begins
when they were sent, and ends with the first odd sign-in, which people get at once. No transaction is open while the
directory is asked.
"""

from collections.abc import Callable

import structlog

from bot.agent import card
from bot.agent.card import Agent
from bot.casework import takeovers
from bot.errors import Refused, Transient
from bot.policy import compromise
from bot.principals import Account, Capability
from bot.slack.api import status
from bot.slack.sentences import say, spoken_by
from bot.store import audit
from bot.store.approvals import account_watches
from bot.store.audit import people
from bot.store.schema import Approval, now
from bot.store.tickets import steps, tickets
from jobs import undeliverable
from jobs.process import WorkerContext

log = structlog.get_logger()

TOOL = "reset_second_factor"


def look(ctx: WorkerContext) -> None:
    """Tell of the resets that were just made, and look at the accounts that are watched.

    Raises:
        Transient: the database cannot be reached.
    """
    with ctx.database.look() as session:
        made, watched = account_watches.to_begin(session, TOOL), account_watches.under_way(session)
    for approval in made:
        _seen_to(ctx, approval, _tell)
    for approval in watched:
        _seen_to(ctx, approval, _watch)


def _seen_to(ctx: WorkerContext, approval: Approval, do: Callable[[WorkerContext, Approval, Agent], None]) -> None:
    agent = card.answering(ctx.agents, approval.agent)
    if agent is None:
        return  # its folder is gone; its heir goes on, once there is one
    try:
        do(ctx, approval, agent)
    except (Transient, Refused) as error:
        log.warning("takeover_watch.delayed", approval=approval.id, error=str(error))
    except Exception as bug:  # an error with one account must not stop the others
        log.exception("takeover_watch.crashed", approval=approval.id, error=type(bug).__name__)


def _tell(ctx: WorkerContext, approval: Approval, _agent: Agent) -> None:
    """Send the notices of a reset once the directory knows that it was made, and begin to watch."""
    if not ctx.directory.was_done(steps.write_key(approval.turn_id, approval.step)):
        return
    account = ctx.directory.account(str(approval.account_id))
    manager = None if account is None or account.manager is None else ctx.directory.account(account.manager)
    if account is not None and Capability.NOTIFY in ctx.directory.can:
        _notify(ctx, approval, account, manager)
    with ctx.database.write() as session:
        if account_watches.begin(session, approval.id):
            if manager is not None and manager.slack_user is not None:
                takeovers.told(session, approval, manager.slack_user)
            audit.append(
                session,
                "account.watched",
                actor=takeovers.ACTOR,
                ticket_id=approval.ticket_id,
                approval=approval.id,
                account=people.of_person(approval.account_id),
            )


def _notify(ctx: WorkerContext, approval: Approval, account: Account, manager: Account | None) -> None:
    """Write to the addresses on file of an account and of its manager's, each in the language of its reader."""
    with ctx.database.look() as session:
        theirs, managers = (
            spoken_by(session, user) for user in (approval.requester, (manager and manager.slack_user) or "")
        )
    text = say("mail.reset_owner", theirs, account=account.id)
    ctx.directory.notify(account.id, text, key=f"approval:{approval.id}:owner")
    if manager is not None:
        text = say("mail.reset_manager", managers, name=account.name, account=account.id)
        ctx.directory.notify(manager.id, text, key=f"approval:{approval.id}:manager")


def _watch(ctx: WorkerContext, approval: Approval, agent: Agent) -> None:
    """Give the ticket to people if a sign-in since the reset is odd."""
    if approval.used_at is None:
        return
    sign_ins = ctx.directory.sign_ins(str(approval.account_id), at_most=compromise.READ_AT_MOST)
    figures = agent.card.accounts.compromise
    evidence = compromise.after_reset(sign_ins, figures, since=approval.used_at, at=now())
    if evidence is None:
        return
    with ctx.database.write() as session:
        ticket = tickets.lock(session, approval.ticket_id)
        if not account_watches.find(session, approval.id):
            return
        audit.append(session, "takeover.suspected", actor=takeovers.ACTOR, ticket_id=ticket.id, approval=approval.id)
        stopped = takeovers.found(session, approval, agent, evidence)
    log.warning("takeover.suspected", approval=approval.id, ticket=ticket.id)
    if stopped is not None:
        status.show(ctx.slack, ticket, "active")
    undeliverable.deliver(ticket.id)
