"""The commands about releases: what they are made of, what changed between two, and the way back."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from bot.cli.evals import eval_group
from bot.cli.root import cli, known, own_database, reading_database, settings_to_look_at
from bot.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from bot.agent.card import Agent
    from bot.releases.differences import StoredRelease
    from bot.store.db import Session
    from bot.store.releases.verdicts import ReleasePair
    from bot.store.schema import Release, VerdictRow

SUITE_SHOWN = 12
"Characters of a suite's fingerprint that a table shows."


@cli.group("release")
def release_group() -> None:
    """Show the releases of agents, compare two, and go back to one that passed."""


@release_group.command("list")
@click.option("--agent", "name", help="Only of this folder under config/agents/; all agents by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601, null for unknown.")
def release_list(*, name: str | None, as_json: bool) -> None:
    """List the releases of the agents with what each suite said of them, the newest first.

    A star marks the release and the suite that are served now.
    """
    from bot.agent import card
    from bot.releases.pairs import pair_of
    from bot.store.releases import releases

    settings = settings_to_look_at()
    if name is not None:
        known(settings, name)
    agents = card.load_all(settings.deskhand_config)
    names = [name] if name else list(agents)
    served = {pair_of(settings, agents[one]) for one in names}
    with reading_database(settings) as database, database.read() as session:
        rows = [_view(session, one, served) for one in releases.of_agents(session, names)]
    if as_json:
        click.echo(json.dumps({"releases": rows}))
        return
    lines = [line for row in rows for line in _lines(row)] or ["No release is stored yet: run `deskhand eval run`."]
    click.echo("\n".join(lines))


@release_group.command("show")
@click.argument("release", metavar="RELEASE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601, null for unknown.")
def release_show(*, release: str, as_json: bool) -> None:
    """Show what a release is made of, what was said of it, and who has answered for it."""
    from bot.agent import card
    from bot.releases.pairs import pair_of
    from bot.store.releases import kept_files, releases

    settings = settings_to_look_at()
    served = {pair_of(settings, agent) for agent in card.load_all(settings.deskhand_config).values()}
    with reading_database(settings) as database, database.read() as session:
        row = releases.get(session, release)
        if row is None:
            raise unknown(release)
        view = _view(session, row, served)
        body, files = row.body, sorted(kept_files.read(session, release))
    if as_json:
        click.echo(json.dumps(view | {"body": body, "files": files}))
        return
    made = [f"{field}: {json.dumps(value)}" for field, value in body.items() if field != "code"]
    kept = ", ".join(files) or "none were kept"
    click.echo("\n".join([*_lines(view), "", *made, f"code: {len(body.get('code', {}))} files", f"files: {kept}"]))


@release_group.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def release_diff(*, before: str, after: str, as_json: bool) -> None:
    """Say what changed from one release to another, and line by line where the files of both are kept."""
    from bot.releases import differences

    settings = settings_to_look_at()
    with reading_database(settings) as database, database.read() as session:
        one, other = _stored(session, before), _stored(session, after)
    words, files = differences.in_words(one, other), differences.of_files(one, other)
    if as_json:
        click.echo(json.dumps({"before": before, "after": after, "changed": list(words), "files": list(files)}))
        return
    click.echo("\n".join(words) or "Nothing that decides behaviour differs.")
    for text in files:
        click.echo(f"\n{text}")


@release_group.command("rollback")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option("--to", help="The release; by default the newest other one that may serve.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def release_rollback(*, name: str | None, to: str | None, as_json: bool) -> None:
    """Put back the files of the last release that passed; running processes serve it within seconds.

    Only what decides behaviour is put back: owners, responders and channels stay as they are now. The files of now
    are kept in a folder that the command names.
    """
    from bot import folder_exchange
    from bot.releases import rollback

    given = datetime.now(UTC)
    settings = settings_to_look_at()
    folder_exchange.mend(settings.deskhand_config)
    folder = _agent_folder(settings.deskhand_config, name)
    with own_database(settings) as database:
        done = rollback.roll_back(settings, folder, database, to=to, at=given)
    if as_json:
        facts: dict[str, Any] = {"agent": done.agent, "before": done.before, "release": done.now.release}
        facts |= {"suite": done.now.suite, "kept": str(done.kept), "changed": list(done.changed)}
        click.echo(json.dumps(facts | {"resumed": done.resumed}))
        return
    otherwise = "an earlier command was cut off when it had put them back" if done.resumed else "no file had to change"
    changed = ", ".join(done.changed) or otherwise
    click.echo(f"{done.agent} is {done.now.release} again: {changed}. The previous folder is kept as {done.kept}.")
    click.echo("Running processes serve it within seconds. Turns under way end as they began.")


@eval_group.command("waive")
@click.option("--release", required=True, help="The release, which must be the one that is served now.")
@click.option("--reason", help="Why it may serve nevertheless; owners and the audit log read it.")
@click.option("--days", type=int, help="How long the waiver lasts, 30 days at most.")
@click.option("--revoke", is_flag=True, help="End its waiver instead; without --reason and --days.")
@click.option("--by", required=True, help="Slack user id of the owner who answers for it, or revokes the waiver.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601.")
def eval_waive(*, release: str, reason: str | None, days: int | None, revoke: bool, by: str, as_json: bool) -> None:
    """Let a release serve that did not pass: an owner answers for it, for days, with a reason.

    Nobody can waive a failure in a hard slice, nor a release that was never evaluated. The waiver counts for the last
    run only, and it ends by itself, or when an owner revokes it.
    """
    from bot.releases.pairs import pair_of

    if revoke != (reason is None and days is None) or (reason is None) != (days is None):
        raise click.UsageError("Give both --reason and --days, or --revoke alone.")
    settings = settings_to_look_at()
    agent = known(settings, release.partition("@")[0])
    pair = pair_of(settings, agent)
    if pair.release != release:
        raise click.ClickException(f"{release} is not what is served now, which is {pair.release}. Nothing was done.")
    with own_database(settings) as database, database.write() as session:
        if reason is None or days is None:
            facts, told = _revoked(session, agent, pair, by)
        else:
            facts, told = _signed(session, agent, pair, by, days=days, reason=reason)
    click.echo(json.dumps(facts) if as_json else told)


def _signed(
    session: "Session", agent: "Agent", pair: "ReleasePair", by: str, *, days: int, reason: str
) -> tuple[dict[str, Any], str]:
    """Sign a waiver; return it as JSON values and in words."""
    from bot.agent.redaction import redact
    from bot.releases import waiving
    from bot.releases.waiving import WaiverRefusal

    signed = waiving.waive(session, agent, pair, by=by, reason=redact(reason), days=days)
    if isinstance(signed, WaiverRefusal):
        raise click.ClickException(f"{signed.sentence} Nothing was signed.")
    facts = {"waiver": signed.id, **pair._asdict(), "owner": by, "reason": signed.reason}
    told = f"{by} answers for {pair.release} until {signed.ends_at:%Y-%m-%d %H:%M} UTC. It serves until then."
    return facts | {"ends_at": signed.ends_at.isoformat()}, told


def _revoked(session: "Session", agent: "Agent", pair: "ReleasePair", by: str) -> tuple[dict[str, Any], str]:
    """Revoke the waivers in force; return them as JSON values and in words."""
    from bot.releases import waiving
    from bot.releases.waiving import WaiverRefusal

    ended = waiving.revoke(session, agent, pair, by=by)
    if isinstance(ended, WaiverRefusal):
        raise click.ClickException(f"{ended.sentence} Nothing was revoked.")
    facts = {"revoked": [one.id for one in ended], **pair._asdict(), "by": by}
    return facts, f"The waiver of {pair.release} has ended: every request goes to a person until a release passes."


def _agent_folder(config: "Path", name: str | None) -> str:
    """Return the name of an agent's folder, whose card may be the broken one of which a person wants to get rid.

    Raises:
        ConfigError: there is no such folder, or there are several and none is named.
    """
    names = sorted(file.parent.name for file in (config / "agents").glob("*/card.yaml"))
    if not names:
        raise ConfigError(f"{config / 'agents'}: no agent; expected <name>/card.yaml")
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        raise ConfigError(f"config: there are several agents; name one with --agent: {', '.join(names)}")
    if name not in names:
        raise ConfigError(f"config: no agent is called {name}; known: {', '.join(names)}")
    return name


def unknown(release: str) -> click.ClickException:
    """Return the error about a release that is not stored."""
    return click.ClickException(f"There is no release {release}. `deskhand release list` names those that are stored.")


def _stored(session: "Session", release: str) -> "StoredRelease":
    from bot.releases.differences import StoredRelease
    from bot.store.releases import kept_files, releases

    row = releases.get(session, release)
    if row is None:
        raise unknown(release)
    return StoredRelease(release, row.body, kept_files.read(session, release))


def _view(session: "Session", row: "Release", served: "set[ReleasePair]") -> dict[str, Any]:
    """Return a release with its verdicts and waivers as JSON values."""
    from bot.store.releases import verdicts, waivers

    pairs = {pair.suite for pair in served if pair.release == row.fingerprint}
    return {
        "release": row.fingerprint,
        "agent": row.agent,
        "since": row.created_at.isoformat(),
        "served": bool(pairs),
        "verdicts": [_verdict(session, one, pairs) for one in verdicts.of_release(session, row.fingerprint)],
        "waivers": [
            {
                "id": one.id,
                "suite": one.suite,
                "owner": one.owner,
                "reason": one.reason,
                "ends_at": one.ends_at.isoformat(),
                "revoked_at": None if one.revoked_at is None else one.revoked_at.isoformat(),
                "revoked_by": one.revoked_by,
            }
            for one in waivers.of_release(session, row.fingerprint)
        ],
    }


def _verdict(session: "Session", row: "VerdictRow", served: set[str]) -> dict[str, Any]:
    from bot.store.releases import verdicts

    found = verdicts.standing(session, row.release, row.suite)
    return {
        "suite": row.suite,
        "verdict": row.verdict,
        "at": row.at.isoformat(),
        "run": row.run_id,
        "why": row.why,
        "served": row.suite in served,
        "serves": found.serves,
        "waiver": None if found.waiver is None else found.waiver.words,
    }


def _lines(view: dict[str, Any]) -> list[str]:
    """Return a release for a terminal: a line for it, and one for each verdict."""
    star = "*" if view["served"] else " "
    lines = [f"{star} {view['release']}  since {view['since'][:16]}"]
    for one in view["verdicts"]:
        mark = "*" if one["served"] else " "
        waiver = "" if one["waiver"] is None else f"; {one['waiver']}"
        lines.append(f"  {mark} {one['verdict']:<12} suite {one['suite'][:SUITE_SHOWN]}  {one['at'][:16]}{waiver}")
    return lines if view["verdicts"] else [*lines, "    never evaluated"]
