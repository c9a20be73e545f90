"""Reads what a page of the dashboard shows, for a viewer who was verified. `bot.dashboard` makes the page of it.

Invariant: every figure is of agents that the viewer may see, costs and tickets are of agents that they own, and all of
a page is read at one moment. No transaction is open while Slack is asked for names.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from bot import agent_cards, directory
from bot.agent import standing
from bot.dashboard import filters
from bot.dashboard.filters import Filter
from bot.dashboard.overview import overview_page
from bot.dashboard.overview_values import Overview, Served
from bot.dashboard.ticket_page import ticket_page
from bot.listeners.context import ListenerContext
from bot.rights import Viewer
from bot.sampling import quality
from bot.sampling.quality import SampledQuality
from bot.store.db import Session
from bot.store.figures import drift_checks, figures, latest_tickets, success_days, watch
from bot.store.figures.dashboard import DashboardCohort, ServedRelease
from bot.store.handoffs.handoff_metrics import Cohort
from bot.store.money import spending
from bot.store.releases import eval_runs, probes, verdicts
from bot.store.schema import now
from bot.store.tickets import ticket_history
from bot.stories.ticket_story import TicketStory, ids_in

NAMES_SECONDS = 1.5
"The longest that a page waits for names of people; a person without a name has their id."


def overview(ctx: ListenerContext, viewer: Viewer, query: Mapping[str, str]) -> str:
    """Return the page with the figures of the days and agents that a query asks for."""
    at = now()
    wanted = filters.read(query, viewer.figures, today=at.date())
    name = _names(ctx, [viewer.user]).get(viewer.user, viewer.user)
    with ctx.database.read() as session:
        spending.at_one_moment(session)
        found = _overview(ctx, session, viewer, wanted, name, at)
    return overview_page(found)


def ticket(ctx: ListenerContext, viewer: Viewer, number: int) -> str | None:
    """Return the page of a ticket, or None: there is no such ticket, or the viewer does not own its agent."""
    with ctx.database.read() as session:
        spending.at_one_moment(session)
        history = ticket_history.of_ticket(session, number)
        read_at = now()
    if history is None or history.ticket.agent not in viewer.tickets:
        return None
    names = _names(ctx, [*ids_in(history), viewer.user])
    return ticket_page(TicketStory(history, names), viewer=names.get(viewer.user, viewer.user), at=read_at)


def _overview(
    ctx: ListenerContext, session: Session, viewer: Viewer, wanted: Filter, name: str, at: datetime
) -> Overview:
    agents = wanted.agents
    measured = Cohort(wanted.begins, wanted.ends, at, rates=agent_cards.rates(ctx.agents), among=agents)
    found = figures.read(session, DashboardCohort(wanted.begins, wanted.ends, serving=ctx.releases, among=agents))
    criterion = success_days.read(session, measured)
    owned = tuple(one for one in agents if one in viewer.tickets)
    return Overview(
        viewer=name,
        at=at,
        filter=wanted,
        allowed=tuple(sorted(viewer.figures)),
        served=tuple(_served(ctx, session, one) for one in found.releases),
        success=criterion.total,
        success_by_day=criterion.days,
        success_at=criterion.counted_at,
        figures=found,
        shows_costs=owned == agents,
        drift=tuple((one.agent, drift_checks.latest(session, one.agent, one.fingerprint)) for one in found.releases),
        sampled=tuple(_sampled(session, one, owned) for one in found.releases),
        signs=watch.signs(session, agents),
        latest=latest_tickets.read(session, owned, wanted.begins, wanted.ends),
        owner=bool(owned),
    )


def _sampled(session: Session, release: ServedRelease, owned: Collection[str]) -> SampledQuality:
    """Return what the samples of a release say; which turns failed is for owners."""
    found = quality.read(session, release.agent, release.fingerprint)
    return found if release.agent in owned else replace(found, failures=())


def _served(ctx: ListenerContext, session: Session, release: ServedRelease) -> Served:
    agent = ctx.agents.get(release.agent)
    now_is = None if agent is None else standing.read(session, agent)
    active = now_is is not None and now_is.works
    pair = ctx.releases.get(release.agent)
    instead = None if pair is None or pair.release == release.fingerprint else pair.release
    passed = pair is not None and verdicts.standing(session, *pair).serves
    serving = active and passed and instead is None
    probe = None if pair is None or instead is not None else probes.last(session, pair)
    if release.run_id is None:
        return Served(release, serving, instead=instead, standing=now_is, probe=probe)
    tally = eval_runs.tally(session, release.run_id)
    return Served(release, serving, tally.passed, tally.played, tally.hard_failures, instead, now_is, probe)


def _names(ctx: ListenerContext, ids: Collection[str]) -> dict[str, str]:
    """Return names by id: the directory's, else Slack's; no transaction may be open."""
    found = directory.connect(ctx.database).names_of(ids)
    people = [one for one in ids if one.startswith(("U", "W")) and one not in found]
    found.update(ctx.members_named(people, NAMES_SECONDS) or {} if people else {})
    channels = {one: ctx.names(one) for one in ids if one.startswith(("C", "G"))}
    return found | {one: name for one, name in channels.items() if name is not None}
