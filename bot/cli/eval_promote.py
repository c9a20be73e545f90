"""The command with which an owner makes a release the baseline that later ones are held against."""

import json

import click

from bot.cli.evals import eval_group
from bot.cli.root import known, own_database, settings_to_look_at


@eval_group.command("promote")
@click.option("--by", "owner", required=True, help="Slack user id of the owner who promotes it; the audit log has it.")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option("--release", "release", help="Such as access@1f3c9a20; by default the one that would be served now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def eval_promote(*, owner: str, name: str | None, release: str | None, as_json: bool) -> None:
    """Make a release that has passed the suite the baseline of its agent.

    Only owners of the agent do so, and nothing does so by itself after the first release that passed: each pass allows
    a small loss, and with a baseline that follows every pass the losses would add up.
    """
    from bot.cli.releases import unknown
    from bot.releases.pairs import pair_of
    from bot.store import members
    from bot.store.releases import baselines, releases
    from bot.store.releases.baselines import NotPromoted

    settings = settings_to_look_at()
    agent = known(settings, name)
    if owner not in agent.card.owners:
        raise click.ClickException(f"{owner} is no owner of {agent.card.name}; owners: {', '.join(agent.card.owners)}.")
    pair = pair_of(settings, agent)
    pair = pair._replace(release=release or pair.release)
    with own_database(settings) as database, database.write() as session:
        if members.has_left(session, owner):
            raise click.ClickException(f"{owner} has left the workspace. Nothing was promoted.")
        if release is not None and releases.get(session, release) is None:
            raise unknown(release)
        done = baselines.promote(session, agent.card.name, pair, by=owner)
    if isinstance(done, NotPromoted):
        first = " Run `deskhand eval run` first." if done is NotPromoted.NOT_PASSED and release is None else ""
        raise click.ClickException(f"{pair.release} was not promoted: {done}.{first}")
    if as_json:
        about = {
            "agent": done.agent,
            "release": done.release,
            "suite": done.suite,
            "by": done.by,
            "number": done.number,
        }
        click.echo(json.dumps(about))
        return
    click.echo(f"{done.release} is the baseline of {done.agent}: later releases are held against its plays.")
