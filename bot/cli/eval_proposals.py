"""The commands about proposed evaluation cases: what people have made of handoffs, as files to apply."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli.evals import eval_group
from bot.cli.questions import answered
from bot.cli.root import ROW, reading_database, settings_to_look_at
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.agent.card import Agent
    from bot.evals.proposals.checking import CheckedCase
    from bot.store.schema import CaseProposal

VOIDS = (
    "{folder} is the folder that is served. With one more case its suite has no verdict: every request goes to a "
    "person until `deskhand eval run` has passed it. Apply it there?"
)


@eval_group.group("proposals")
def proposals_group() -> None:
    """Show cases that people have proposed from handoffs; an accepted one is a file diff that you apply yourself."""


@proposals_group.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what was dismissed.")
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601.")
def proposals_list(*, everything: bool, last: int, as_json: bool) -> None:
    """List the proposed and the accepted cases, the newest first."""
    from bot.store.releases import case_proposals
    from bot.store.schema import ProposalState

    states = [one for one in ProposalState if everything or one is not ProposalState.DISMISSED]
    with reading_database(settings_to_look_at()) as database, database.read() as session:
        found = [_view(one) for one in case_proposals.newest(session, states=states, at_most=last)]
    if as_json:
        click.echo(json.dumps({"proposals": found}))
        return
    for one in found:
        case = one["draft"]
        click.echo(f"{one['id']:>5}  {one['state']:<9} {one['agent']}  {case['slice'] or '-'}/{case['id']}")
        click.echo(f"       from ticket {one['ticket']}, with {one['assignee']}, proposed {one['proposed_at'][:16]}")
    if not found:
        click.echo("No case is proposed. A responder proposes one below the card of a resolved handoff.")


@proposals_group.command("show")
@click.argument("proposal", type=ROW)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601.")
def proposals_show(*, proposal: int, as_json: bool) -> None:
    """Show one PROPOSAL: the draft as it is, and what is wrong with it, if anything is."""
    found, agent = _read(proposal)
    checked = _checked(found, agent)
    view = _view(found) | {"problems": [f"{one.field}: {one.reason}" for one in _problems(checked)]}
    if as_json:
        click.echo(json.dumps(view))
        return
    click.echo(f"Proposal {found.id}, {found.state}, of {found.agent}, from ticket {found.ticket_id}.")
    for name, value in view["draft"].items():
        if value:
            shown = ", ".join(value) if isinstance(value, list) else str(value).replace("\n", "\n      ")
            click.echo(f"  {name}: {shown}")
    for problem in view["problems"]:
        click.echo(f"  WRONG {problem}")


@proposals_group.command("diff")
@click.argument("proposal", type=ROW)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def proposals_diff(*, proposal: int, as_json: bool) -> None:
    """Print the change that adds an accepted PROPOSAL to the suite as it is now, for `git apply`."""
    found, agent = _read(proposal)
    checked = _accepted(found, agent)
    click.echo(json.dumps({"proposal": found.id, "diff": checked.diff}) if as_json else checked.diff, nl=as_json)


@proposals_group.command("apply")
@click.argument("proposal", type=ROW)
@click.option(
    "--to",
    "config",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The config folder of a checkout; by default the one that is served, after a question.",
)
@click.option("--yes", is_flag=True, help="Do not ask before the folder that is served is changed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def proposals_apply(*, proposal: int, config: Path | None, yes: bool, as_json: bool) -> None:
    """Write an accepted PROPOSAL into a folder of agents: the case, and the number of its slice in coverage.yaml.

    The suite is another one then, and its release has no verdict until an evaluation has passed.
    """
    from bot.evals.proposals import applying

    found, agent = _read(proposal, config)
    checked = _accepted(found, agent)
    if config is None and not yes:
        with answered("Nothing was applied.", instead="With --yes nothing is asked."):
            click.confirm(VOIDS.format(folder=agent.folder), abort=True, err=True)
    changed = applying.apply(agent, checked)
    if as_json:
        click.echo(json.dumps({"proposal": found.id, "folder": str(agent.folder), "changed": list(changed)}))
        return
    click.echo(f"{found.draft.id} is in {agent.folder} now: {', '.join(changed)}. Run `deskhand eval run`.")


def _read(proposal: int, config: Path | None = None) -> "tuple[CaseProposal, Agent]":
    """Return a proposal, and its agent as a folder has it.

    Raises:
        ConfigError: there is no such proposal, or no such agent.
    """
    from bot.agent import card
    from bot.store.releases import case_proposals

    settings = settings_to_look_at()
    with reading_database(settings) as database, database.read() as session:
        found = case_proposals.get(session, proposal)
    if found is None:
        raise ConfigError(f"database: no proposal {proposal}; `deskhand eval proposals list` names them")
    agent = card.answering(card.load_all(config or settings.deskhand_config), found.agent)
    if agent is None:
        raise ConfigError(f"config: there is no agent {found.agent}")
    return found, agent


def _checked(found: "CaseProposal", agent: "Agent") -> Any:
    from bot.evals.proposals import checking

    return checking.check(agent, found.draft, handoff=found.handoff_id)


def _problems(checked: Any) -> tuple[Any, ...]:
    return checked if isinstance(checked, tuple) else ()


def _accepted(found: "CaseProposal", agent: "Agent") -> "CheckedCase":
    """Return the files of an accepted case.

    Raises:
        ClickException: nobody has accepted it, or the suite cannot take it as it is now.
    """
    from bot.evals.proposals.checking import CheckedCase
    from bot.store.schema import ProposalState

    if found.state is not ProposalState.ACCEPTED:
        raise click.ClickException(f"Proposal {found.id} is {found.state}; a person accepts it in Slack first.")
    checked = _checked(found, agent)
    if not isinstance(checked, CheckedCase):
        why = "; ".join(f"{one.field}: {one.reason}" for one in checked)
        raise click.ClickException(f"The suite cannot take it as it is now: {why}")
    return checked


def _view(one: "CaseProposal") -> dict[str, Any]:
    return {
        "id": one.id,
        "agent": one.agent,
        "handoff": one.handoff_id,
        "ticket": one.ticket_id,
        "state": one.state,
        "assignee": one.assignee,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at.isoformat(),
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "draft": one.draft.to_json(),
    }
