"""Send owners the digest of a week, later of a month, once it is due.

The budget file and the ledger decide what is due, and message rows show what was sent, so a clock that was down sends
the last digest late, and of two clocks only one sends it.
"""

from dataclasses import replace

import structlog

from bot import agent_cards
from bot.budget.reports import periods
from bot.slack.money import digest_facts
from bot.slack.reports import thumb_report
from bot.store.money import digests, spending
from bot.store.schema import now
from jobs.process import WorkerContext

log = structlog.get_logger()


def send_due(ctx: WorkerContext) -> None:
    """Send the digest that is due to the owners who have not got it."""
    budgets, at = ctx.meter.budgets, now()
    owners = [owner for agent in ctx.agents.values() for owner in agent.card.owners]
    with ctx.database.read() as session:
        first_call = digests.first_call(session)
        period = None if first_call is None else periods.last_due(budgets, first_call=first_call, at=at)
        if period is None or not digests.was_called(session, period.since, period.until):
            return
        unsent = digest_facts.unsent(session, period, owners)
    if unsent:
        with ctx.database.read() as session:
            spending.at_one_moment(session)
            digest = digest_facts.gather(session, budgets, period, at=at, rates=agent_cards.rates(ctx.agents))
        digest = replace(digest, links=thumb_report.links(ctx.slack, digest.thumbs))
        with ctx.database.write() as session:
            sent = digest_facts.send(session, digest, unsent)
        log.info("digest.sent", period=period.name, owners=len(sent))
