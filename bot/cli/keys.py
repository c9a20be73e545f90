"""The commands that make and list keys: of delegation tokens, of approvers' secrets, of the audit log's signer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot import private
from bot.cli.root import cli, settings_of_environment, settings_to_look_at
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.configured_keys import KeyKind
    from bot.settings import Settings


@cli.group("keys")
def keys_group() -> None:
    """Make and list keys: that sign what each tool call may do, encrypt secrets of approvers, or sign checkpoints."""


@keys_group.command("generate")
@click.option("--approvers", is_flag=True, help="A key that encrypts the secrets of approvers.")
@click.option(
    "--audit", is_flag=True, help="A key that signs checkpoints of the audit log; no other process may have it."
)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Put it there instead of printing it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def keys_generate(*, approvers: bool, audit: bool, file: Path | None, as_json: bool) -> None:
    """Make a new key; it is printed as the environment variable that holds it, or put first into a FILE.

    A file keeps the key that was first before as the second one, and drops a third.
    """
    from bot import configured_keys

    settings_of_environment()
    kind = _kind(approvers=approvers, audit=audit)
    written = configured_keys.generate(kind)
    [new] = configured_keys.parse(kind, [written], source="the new key").keys
    if file is None:
        shown = {"kid": new.id, "variable": kind.variable, "key": written}
        click.echo(json.dumps(shown) if as_json else f"{kind.variable}={written}")
        return
    replaced = _put_first(kind, file, written)
    if as_json:
        told = {"kid": new.id, "variable": kind.file_variable, "file": str(file), "replaces": replaced}
        click.echo(json.dumps(told))
        return
    does, still, then = _told(approvers=approvers, audit=audit)
    click.echo(f"{file}: key {new.id} {does}.")
    if replaced is not None:
        click.echo(f"Key {replaced} {still}. {then}, delete the second line.")


def _told(*, approvers: bool, audit: bool) -> tuple[str, str, str]:
    """Return what a new key does, what the one before still does, and when that is no longer needed."""
    if audit:
        does = "signs checkpoints from the next start of `deskhand audit checkpoint` on"
        return does, "signs no more", "When its public part is in AUDIT_PUBLIC_KEY, beside the new one's"
    if approvers:
        does = "encrypts from the next start of `deskhand web` or `deskhand socket` on"
        return does, "still decrypts", "After that start and after `deskhand approvers reencrypt`"
    return "signs from the next start of the workers on", "still verifies", "When all workers have been restarted"


@keys_group.command("list")
@click.option("--approvers", is_flag=True, help="The keys that encrypt the secrets of approvers.")
@click.option("--audit", is_flag=True, help="The keys that sign checkpoints of the audit log.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def keys_list(*, approvers: bool, audit: bool, as_json: bool) -> None:
    """List the valid keys by id, those that sign with their public part; the private part is never shown."""
    settings = settings_to_look_at()
    source, shown = (_of_audit if audit else _of_approvers if approvers else _of_delegation)(settings)
    if as_json:
        click.echo(json.dumps({"source": source, "keys": shown}))
        return
    click.echo(f"Keys in {source}:")
    for one in shown:
        public = f"  ({one['crv']}, public part {one['x']})" if "x" in one else ""
        click.echo(f"  {one['kid']}  {one['does']}{public}")


def _of_delegation(settings: "Settings") -> tuple[str, list[dict[str, str]]]:
    from bot.delegation import keys

    valid = keys.of_settings(settings)
    return valid.source, [
        {"kid": key.id, "does": what, "kty": "OKP", "crv": keys.CURVE, "x": key.public}
        for key, what in zip(valid.keys, ["signs and verifies", "verifies"], strict=False)
    ]


def _of_audit(settings: "Settings") -> tuple[str, list[dict[str, str]]]:
    from bot.audit_chain import proofs

    found = proofs.signing_keys(settings)
    shown = zip((proofs.derived(one.secret) for one in found.keys), ["signs", "signs no more"], strict=False)
    return found.source, [
        {"kid": key.id, "does": what, "kty": "OKP", "crv": proofs.ALGORITHM, "x": key.public} for key, what in shown
    ]


def _of_approvers(settings: "Settings") -> tuple[str, list[dict[str, str]]]:
    from bot import configured_keys
    from bot.second_step import secret_box

    kind = secret_box.KIND
    valid = configured_keys.find(kind, settings.deskhand_approver_key, settings.deskhand_approver_key_file)
    if valid is None:
        raise ConfigError(f"environment: {kind.variable} is not set; `{kind.command}` makes a key")
    does = zip(valid.keys, ["encrypts and decrypts", "decrypts"], strict=False)
    return valid.source, [{"kid": key.id, "does": what} for key, what in does]


def _kind(*, approvers: bool, audit: bool) -> "KeyKind":
    from bot.audit_chain import proofs
    from bot.delegation import keys
    from bot.second_step import secret_box

    if approvers and audit:
        raise click.UsageError("--approvers and --audit are two kinds of keys: name one")
    return proofs.KIND if audit else secret_box.KIND if approvers else keys.KIND


def _put_first(kind: "KeyKind", file: Path, written: str) -> str | None:
    """Put a key first into a file that only our account can read; return the id of the key that was first before.

    Raises:
        ConfigError: the file holds something else, or it cannot be written.
    """
    from bot import configured_keys

    try:
        private.folder(file.parent)
        with private.alone(file.parent):  # two at once: each keeps what the other has put first
            private.clear_beside(file)
            before = configured_keys.read(kind, file) if file.exists() else None
            kept = [] if before is None else file.read_text("ascii").split()[:1]
            private.put(file, [f"{one}\n".encode("ascii") for one in [written, *kept]])
    except OSError as error:
        raise ConfigError(f"{file}: the key cannot be written: {error.strerror}") from error
    return None if before is None else before.keys[0].id
