"""The commands about agents as principals: who they are, whether they work, and when their cards are reviewed."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from bot.cli.root import cli, known, own_database, reading_database, settings_to_look_at

if TYPE_CHECKING:
    from bot.agent.card import Agent
    from bot.store.db import Session

MOST_DAYS = 366
"The longest that a review may hold."
CAUSE_CHARACTERS = 300
PAST_SUSPENSIONS = 10
"How many suspensions `show` names."


@cli.group("agents")
def agents_group() -> None:
    """Show the agents, stop one at its next step and let it go on, and record reviews of their cards."""


@agents_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601, null for unknown.")
def agents_list(*, as_json: bool) -> None:
    """List every agent there ever was: its status, its owners, and until when its review holds."""
    from bot.agent import card
    from bot.cli import agent_views

    settings = settings_to_look_at()
    agents = card.load_all(settings.deskhand_config)
    with reading_database(settings) as database, database.read() as session:
        views = agent_views.views(session, agents)
    click.echo(
        json.dumps({"agents": [agent_views.as_json(one) for one in views]}) if as_json else agent_views.table(views)
    )


@agents_group.command("show")
@click.argument("name", metavar="AGENT")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601, null for unknown.")
def agents_show(*, name: str, as_json: bool) -> None:
    """Show one agent: its purpose, its people, what it may do where, its release, and when it was suspended."""
    from bot.agent.release import release_of
    from bot.cli import agent_views
    from bot.store.installation import agents as principals

    settings = settings_to_look_at()
    agent = known(settings, name)
    names = (name, *agent.card.inherits)
    with reading_database(settings) as database, database.read() as session:
        [view] = [one for one in agent_views.views(session, {name: agent}) if one.name == name]
        past = principals.past(session, name, most=PAST_SUSPENSIONS)
        turns = principals.turns_not_done(session, names)
    card = agent.card
    more: dict[str, Any] = {
        "release": str(release_of(settings, agent)),
        "channels": list(card.channels),
        "direct_messages": card.direct_messages,
        "tools": list(card.tools),
        "inherits": list(card.inherits),
        "responders": list(card.handoff.responders),
        "turns_not_done": turns,
        "suspensions": [agent_views.suspension_json(one) for one in past],
    }
    click.echo(json.dumps(agent_views.as_json(view) | more) if as_json else agent_views.page(view, more, past))


@agents_group.command("suspend")
@click.argument("name", metavar="AGENT")
@click.option("--reason", "cause", required=True, help="Why; its owners, responders and the audit log read it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def agents_suspend(*, name: str, cause: str, as_json: bool) -> None:
    """Stop an agent in every worker, at the next step of each turn, and give its tickets to people.

    A model or tool call that has left is not taken back; what it answers is written down, and nothing follows. Turns
    under way, turns that wait and every new request end in a handoff, until the agent is resumed.
    """
    from bot.agent.redaction import redact
    from bot.agent.standing import suspended
    from bot.cli import agent_views
    from bot.store.installation import agents as principals

    settings = settings_to_look_at()
    agent = known(settings, name)
    written = redact(_cause(cause))
    with own_database(settings) as database, database.write() as session:
        _refuse_retired(session, agent)
        new = principals.suspend(session, name, cause=written, by=principals.OPERATOR)
        found = new or principals.suspension(session, name)
        turns = principals.turns_not_done(session, (name, *agent.card.inherits))
    if new is None:
        is_now = "was suspended and resumed just now" if found is None else suspended(found).sentence
        raise click.ClickException(f"{name} {is_now.rstrip('.')}. Nothing was done.")
    if as_json:
        click.echo(json.dumps({"agent": name, **agent_views.suspension_json(new), "turns_not_done": turns}))
        return
    under_way = "No turn was under way" if not turns else f"{turns} turn{'s' if turns > 1 else ''} under way"
    follows = "" if not turns else f" {'go' if turns > 1 else 'goes'} to people at the next step"
    click.echo(f"{name} is suspended. {under_way}{follows}; every new request goes to a person.")


@agents_group.command("resume")
@click.argument("name", metavar="AGENT")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def agents_resume(*, name: str, as_json: bool) -> None:
    """Let a suspended agent take new requests again; what people have got stays with them."""
    from bot.cli import agent_views
    from bot.principals import AgentStatus
    from bot.store.installation import agents as principals

    settings = settings_to_look_at()
    agent = known(settings, name)
    by_card = f"its card says `status: {agent.card.status}`; set `status: active` there"
    works = agent.card.status is AgentStatus.ACTIVE
    with own_database(settings) as database, database.write() as session:
        ended = principals.resume(session, name, by=principals.OPERATOR)
    if ended is None:
        why = "it works" if works else by_card
        raise click.ClickException(f"{name} is not suspended by `deskhand agents suspend`: {why}. Nothing was done.")
    if as_json:
        click.echo(json.dumps({"agent": name, "status": agent.card.status, **agent_views.suspension_json(ended)}))
    elif works:
        click.echo(f"{name} is resumed. Tickets that people have got stay with them; they may give them back.")
    else:
        click.echo(f"The suspension of {name} is over, but it does not work: {by_card}.")


@agents_group.command("review")
@click.argument("name", metavar="AGENT")
@click.option(
    "--until",
    "day",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day of the next review.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def agents_review(*, name: str, day: datetime, as_json: bool) -> None:
    """Record that an agent's card was reviewed, and until which day that holds.

    The later of this day and `review_by` of the card counts. When it is over, the owners are told once a week.
    """
    from bot.store.installation import agents as principals

    settings = settings_to_look_at()
    agent = known(settings, name)
    until, today = day.date(), datetime.now(UTC).date()
    if not today < until <= today + timedelta(days=MOST_DAYS):
        latest = today + timedelta(days=MOST_DAYS)
        raise click.BadParameter(
            f"expected a day after today, {latest} at the latest; found {until}", param_hint="--until"
        )
    with own_database(settings) as database, database.write() as session:
        _refuse_retired(session, agent)
        principals.review(session, name, until=until, by=principals.OPERATOR)
        counts = principals.review_by(session, name, agent.card.review_by)
    if as_json:
        click.echo(json.dumps({"agent": name, "until": until.isoformat(), "review_by": counts.isoformat()}))
        return
    later = "" if counts == until else f" Its card says `review_by: {counts}`, which is later and counts."
    click.echo(f"The review of {name} is recorded; it holds until {until}.{later}")


def _refuse_retired(session: "Session", agent: "Agent") -> None:
    """Refuse to change what never works again.

    Raises:
        click.ClickException: the agent is retired.
    """
    from bot.agent import standing
    from bot.principals import AgentStatus

    if standing.read(session, agent).status is AgentStatus.RETIRED:
        raise click.ClickException(f"{agent.card.name} is retired and never works again. Nothing was done.")


def _cause(text: str) -> str:
    """Return a cause on one line.

    Raises:
        click.BadParameter: it is empty or too long.
    """
    cause = " ".join(text.split())
    if not 1 <= len(cause) <= CAUSE_CHARACTERS:
        what = f"expected 1 to {CAUSE_CHARACTERS} characters that say why, found {len(cause)}"
        raise click.BadParameter(what, param_hint="--reason")
    return cause
