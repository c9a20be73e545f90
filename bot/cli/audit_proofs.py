"""What the commands about the audit log share: which keys are trusted, and which checkpoints are read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.audit_chain.proofs import AuditKey, ProofLines
    from bot.settings import Settings

Command = TypeVar("Command", bound=Callable[..., object])


def proof_options(command: Command) -> Command:
    """Give a command the options `--checkpoints` and `--key`."""
    checkpoints = click.option(
        "--checkpoints",
        "files",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file with checkpoints and seals; AUDIT_CHECKPOINTS by default. Repeat it for several.",
    )
    key = click.option(
        "--key",
        "given_keys",
        multiple=True,
        metavar="KEY",
        help="The signer's public key, or a file with it; AUDIT_PUBLIC_KEY by default. Repeat it for several.",
    )
    return checkpoints(key(command))


def trusted(settings: "Settings", given: Sequence[str]) -> "dict[str, AuditKey]":
    """Return the public keys that are trusted: the given ones, or those of the environment.

    Raises:
        ConfigError: one is no public key, or the variable names none.
    """
    from bot.audit_chain import proofs

    if given or settings.audit_public_key is None:
        return proofs.public_keys(given)
    named = [one for one in settings.audit_public_key.split(",") if one.strip()]
    if not named:
        raise ConfigError(f"environment: {proofs.PUBLIC_VARIABLE} names no key: write one, or leave the variable out")
    try:
        return proofs.public_keys(named)
    except ConfigError as error:
        raise ConfigError(f"environment: {proofs.PUBLIC_VARIABLE}: {error}") from error


def read(settings: "Settings", files: Sequence[Path], given_keys: Sequence[str]) -> "ProofLines | None":
    """Return what the files of checkpoints say; None when there are none.

    Raises:
        ConfigError: one cannot be read, no key is trusted, or no line is signed by a trusted key.
    """
    from bot.audit_chain import proofs

    files = files or ([] if settings.audit_checkpoints is None else [settings.audit_checkpoints])
    if not files:
        return None
    named = ", ".join(map(str, files))
    keys = trusted(settings, given_keys)
    if not keys:
        raise ConfigError(
            f"{named}: no key says which checkpoints to believe: name the signer's public key with --key or "
            f"{proofs.PUBLIC_VARIABLE}; `deskhand keys list --audit` shows it to the signer"
        )
    found = proofs.together([proofs.read_file(file, keys) for file in files])
    if found.unknown_keys and not found.checkpoints:
        raise ConfigError(f"{named}: none of its {found.unknown_keys} checkpoints is signed by a key that is trusted")
    return found
