"""The commands about approvers with an authenticator app: who is enrolled, and who is locked."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from bot.cli.questions import answered
from bot.cli.root import cli, own_database, reading_database, settings_to_look_at

if TYPE_CHECKING:
    from bot.second_step.secret_box import ApproverKeys
    from bot.settings import Settings
    from bot.store.schema import Approver

OPERATOR = "operator"
"Who acts by the command line, in the audit log."
AT_A_TERMINAL = "Run it at a terminal, with the approver beside you; with --json no code is asked for."
NOT_NOW = "That is not the code of now; look at the clock of the phone."
TRIES = 3
"How often the first code may be typed."


@cli.group("approvers")
def approvers_group() -> None:
    """Enrol the authenticator apps of approvers, and unlock an approver after wrong codes."""


@approvers_group.command("enrol")
@click.argument("user", metavar="USER")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; no code is asked for.")
def approvers_enrol(*, user: str, as_json: bool) -> None:
    """Give an approver a secret for an authenticator app, which is shown this once.

    The approver adds it to the app beside you, and types the code that the app shows. Without a right code nothing is
    kept.
    """
    from bot.second_step import secret_box, totp
    from bot.store.approvals import approvers

    settings = settings_to_look_at()
    _refuse_strangers(settings, user)
    keys, secret = secret_box.of_settings(settings), totp.new_secret()
    sealed, address = keys.seal(secret, user=user), totp.address(secret, named=user)
    with own_database(settings) as database:
        with database.read() as session:
            if approvers.find(session, user) is not None:
                raise click.ClickException(_enrolled_already(user))
        first = None if as_json else _first_code(secret, address)
        with database.write() as session:
            if not approvers.enrol(session, user, secret=sealed, by=OPERATOR, last_step=first):
                raise click.ClickException(_enrolled_already(user))
    if as_json:
        click.echo(json.dumps({"user": user, "secret": secret, "address": address}))
        return
    click.echo(f"{user} is enrolled; the next code that the app shows is good for an approval.")


@approvers_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601.")
def approvers_list(*, as_json: bool) -> None:
    """List everybody who may approve or is enrolled, and whether their codes count; no secret is shown."""
    from bot.second_step import secret_box
    from bot.store.approvals import approvers

    settings = settings_to_look_at()
    keys, may = secret_box.of_settings(settings), _approvers_of_cards(settings)
    with reading_database(settings) as database, database.read() as session:
        enrolled = {row.user: row for row in approvers.everyone(session)}
    people = [_as_json(user, enrolled.get(user), keys, may.get(user, [])) for user in sorted({*may, *enrolled})]
    if as_json:
        click.echo(json.dumps({"approvers": people}))
        return
    if not people:
        click.echo("No card names an approver, and nobody is enrolled.")
    for one in people:
        of = ", ".join(one["agents"]) or "no agent any longer: `deskhand approvers remove` forgets the app"
        click.echo(f"{one['user']}  {one['status']}  (approves for {of})")


@approvers_group.command("unlock")
@click.argument("user", metavar="USER")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def approvers_unlock(*, user: str, as_json: bool) -> None:
    """Let the codes of an approver count again after five wrong ones; ask them first who typed those."""
    from bot.store.approvals import approvers

    with own_database(settings_to_look_at()) as database, database.write() as session:
        if not approvers.unlock(session, user, by=OPERATOR):
            raise click.ClickException(f"{user} is not locked. Nothing was done.")
    click.echo(json.dumps({"user": user, "status": "enrolled"}) if as_json else f"{user} is unlocked.")


@approvers_group.command("remove")
@click.argument("user", metavar="USER")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def approvers_remove(*, user: str, as_json: bool) -> None:
    """Forget the authenticator app of an approver, as when their phone is lost; `enrol` gives them another secret."""
    from bot.store.approvals import approvers

    with own_database(settings_to_look_at()) as database, database.write() as session:
        if not approvers.remove(session, user, by=OPERATOR):
            raise click.ClickException(f"{user} is not enrolled. Nothing was done.")
    click.echo(json.dumps({"user": user, "status": "not enrolled"}) if as_json else f"{user} is no longer enrolled.")


@approvers_group.command("reencrypt")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def approvers_reencrypt(*, as_json: bool) -> None:
    """Encrypt every secret with the first key, so that the second one can be dropped."""
    from bot.second_step import secret_box
    from bot.store.approvals import approvers

    settings = settings_to_look_at()
    keys = secret_box.of_settings(settings)
    done, unreadable = [], []
    idle = "none, as nobody is enrolled"
    with own_database(settings) as database, database.write() as session:
        for row in approvers.everyone(session):
            idle = "none, as the first key encrypts all that can be read"
            secret = keys.unseal(row.secret, user=row.user)
            if secret is None:
                unreadable.append(row.user)
            elif not keys.is_current(row.secret):
                approvers.replace_secret(session, row, keys.seal(secret, user=row.user))
                done.append(row.user)
    if as_json:
        click.echo(json.dumps({"reencrypted": done, "unreadable": unreadable}))
    else:
        click.echo(f"Encrypted anew: {', '.join(done) or idle}.")
    if unreadable:
        raise click.ClickException(f"No key opens the secret of {', '.join(unreadable)}: remove and enrol them again.")


def _first_code(secret: str, address: str) -> int:
    """Show a secret, and return the time step of the first code that the app makes of it.

    Raises:
        click.ClickException: no right code was typed, or none at all.
    """
    from bot.second_step import totp

    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    click.echo(f"Add this to the authenticator app, as a QR code or by hand; it is not shown again.\n\n  {address}\n")
    click.echo(f"  Key: {groups}\n")
    for _ in range(TRIES):
        with answered("Nothing was kept.", instead=AT_A_TERMINAL):
            digits = totp.digits_of(click.prompt("Code that the app shows now"))
        step = None if digits is None else totp.step_of(secret, digits, at=datetime.now(UTC))
        if step is not None:
            return step
        wrong = "A code has six digits." if digits is None else NOT_NOW
        click.echo(wrong)
    raise click.ClickException("No right code was typed. Nothing was kept.")


def _approvers_of_cards(settings: "Settings") -> dict[str, list[str]]:
    """Return the agents for which each approver of the cards approves."""
    from bot.agent import card

    found: dict[str, list[str]] = {}
    for name, agent in card.load_all(settings.deskhand_config).items():
        for user in agent.card.handoff.approvers:
            found.setdefault(user, []).append(name)
    return found


def _refuse_strangers(settings: "Settings", user: str) -> None:
    """Refuse to enrol somebody who may approve nothing.

    Raises:
        click.ClickException: they are no approver of any card.
    """
    may = _approvers_of_cards(settings)
    if user not in may:
        known = f"the approvers are {', '.join(sorted(may))}" if may else "no card names any"
        raise click.ClickException(f"{user} is in `handoff.approvers` of no card; {known}. Nothing was done.")


def _enrolled_already(user: str) -> str:
    return f"{user} is enrolled already; `deskhand approvers remove {user}` forgets the app. Nothing was done."


def _as_json(user: str, row: "Approver | None", keys: "ApproverKeys", agents: list[str]) -> dict[str, Any]:
    enrolled = {
        "enrolled_at": None if row is None else row.enrolled_at.isoformat(),
        "locked_at": None if row is None or row.locked_at is None else row.locked_at.isoformat(),
        "wrong_codes": 0 if row is None else row.failures,
    }
    return {"user": user, "status": _status(row, keys), "agents": agents, **enrolled}


def _status(row: "Approver | None", keys: "ApproverKeys") -> str:
    if row is None:
        return "not enrolled"
    if row.locked_at is not None:
        return "locked after wrong codes"
    return "enrolled" if keys.unseal(row.secret, user=row.user) is not None else "unreadable with the keys that are set"
