"""The commands that make and list the keys of delegation tokens."""

import json
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import click

from bot import private
from bot.cli.root import cli, settings_of_environment, settings_to_look_at
from bot.errors import ConfigError


@cli.group("keys")
def keys_group() -> None:
    """Make and list the keys that sign what each tool call may do."""


@keys_group.command("generate")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Put it there instead of printing it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def keys_generate(*, file: Path | None, as_json: bool) -> None:
    """Make a new key; it is printed as the environment variable that holds it, or put first into a FILE.

    A file keeps the key that signed before as the second one, and drops a third.
    """
    from bot.delegation import keys

    settings_of_environment()
    written = keys.generate()
    new = keys.parse([written], source="the new key").signing
    if file is None:
        shown = {"kid": new.id, "variable": keys.VARIABLE, "key": written}
        click.echo(json.dumps(shown) if as_json else f"{keys.VARIABLE}={written}")
        return
    replaced = _put_first(file, written)
    if as_json:
        told = {"kid": new.id, "variable": keys.FILE_VARIABLE, "file": str(file), "replaces": replaced}
        click.echo(json.dumps(told))
        return
    click.echo(f"{file}: key {new.id} signs from the next start of the workers on.")
    if replaced is not None:
        click.echo(f"Key {replaced} still verifies. When all workers have been restarted, delete the second line.")


@keys_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def keys_list(*, as_json: bool) -> None:
    """List the valid keys by id, with their public part; the private part is never shown."""
    from bot.delegation import keys

    valid = keys.of_settings(settings_to_look_at())
    does = ["signs and verifies", "verifies"]
    if as_json:
        shown = [
            {"kid": key.id, "does": what, "kty": "OKP", "crv": keys.CURVE, "x": key.public}
            for key, what in zip(valid.keys, does, strict=False)
        ]
        click.echo(json.dumps({"source": valid.source, "keys": shown}))
        return
    click.echo(f"Keys in {valid.source}:")
    for key, what in zip(valid.keys, does, strict=False):
        click.echo(f"  {key.id}  {what}  ({keys.CURVE}, public part {key.public})")


def _put_first(file: Path, written: str) -> str | None:
    """Put a key first into a file that only our account can read; return the id of the key that signed before.

    Raises:
        ConfigError: the file holds something else, or it cannot be written.
    """
    from bot.delegation import keys

    before = keys.read(file) if file.exists() else None
    kept = [] if before is None else file.read_text("ascii").split()[:1]
    beside = file.with_name(f".{file.name}.{token_hex(4)}")
    try:
        private.folder(file.parent)
        made = private.new(beside)
        assert made is not None  # noqa: S101 - its name is random
        with os.fdopen(made, "w", encoding="ascii") as new:
            new.write("".join(f"{one}\n" for one in [written, *kept]))
        beside.replace(file)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise ConfigError(f"{file}: the key cannot be written: {error.strerror}") from error
    return None if before is None else before.signing.id
