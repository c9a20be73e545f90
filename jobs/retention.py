"""Erases words that are older than the cards allow: of tickets at rest, and of what belongs to no ticket.

Each round erases one small batch of each, so nobody waits for it; what is left is found in the next.
"""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.agent.card import Agent
from bot.store.personal import loose_rows, retention
from bot.store.schema import now
from jobs.process import WorkerContext

log = structlog.get_logger()


def erase_old_words(ctx: WorkerContext) -> None:
    """Erase the words of some tickets, if there are any that are at rest for long enough."""
    days, at = days_of(ctx.agents), now()
    with ctx.database.read() as session:
        if not retention.any_due(session, days, at):
            return
    with ctx.database.write() as session:
        batch = retention.erase_batch(session, days, at)
    if batch is not None:
        rows = {name: erased.rows for name, erased in batch.tables.items()}
        log.info("retention.erased", tickets=len(batch.tickets), rows=rows)


def erase_loose_words(ctx: WorkerContext) -> None:
    """Erase what is older than the longest days of any card and belongs to no ticket: commands, reports, notices."""
    before = now() - timedelta(days=max(days_of(ctx.agents).values()))
    for table in loose_rows.TABLES_WITH_LOOSE_ROWS:
        with ctx.database.read() as session:
            if not loose_rows.any_due(session, table, before):
                continue
        with ctx.database.write() as session:
            erased = loose_rows.erase_batch(session, table, before)
        if erased:
            log.info("retention.erased", tickets=0, rows={table.__tablename__: erased})


def days_of(agents: Mapping[str, Agent]) -> dict[str, int]:
    """Return for how many days tickets keep their words, by agent; those of an inherited agent by its heir's card."""
    own = {name: agent.card for agent in agents.values() for name in (agent.card.name, *agent.card.inherits)}
    return {name: card.retention.days for name, card in own.items()}
