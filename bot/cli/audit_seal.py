"""The commands that seal the beginning of the audit log, and remove what is sealed."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import audit_proofs
from bot.cli.audit import audit_group
from bot.cli.audit_checkpoint import signer_of
from bot.cli.root import ROW, own_database, settings_of_environment
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.audit_chain.proofs import ProofLines, Seal
    from bot.settings import Settings


@audit_group.command("seal")
@click.option("--until", required=True, type=ROW, help="The position of the last record to seal.")
@click.option("--rule", help="Why they are removed, in words; it is signed with the seal.")
@click.option("--remove", is_flag=True, help="Remove the records that a seal is of, as the owner of the tables.")
@click.option(
    "--exported",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --remove: an export that holds all records which are removed.",
)
@audit_proofs.proof_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def audit_seal(
    *,
    until: int,
    rule: str | None,
    remove: bool,
    exported: Path | None,
    files: tuple[Path, ...],
    given_keys: tuple[str, ...],
    as_json: bool,
) -> None:
    """Seal the first records of the audit log, so that they may be removed and the rest still verifies.

    Two people do it: the signer seals with --rule, after the whole log was verified; the owner of the database then
    removes the records with --remove and --exported.
    """
    settings = settings_of_environment()
    if remove:
        if exported is None or rule is not None:
            raise click.UsageError("--remove needs --exported, and takes no --rule")
        seal, gone = _remove(settings, until, exported, files, given_keys)
        said = {"removed": gone, "position": seal.position, "rule": seal.rule}
        click.echo(
            json.dumps(said) if as_json else f"{_records(gone)} removed; the log begins with record {until + 1:,}."
        )
        return
    if rule is None or not rule.strip() or exported is not None:
        raise click.UsageError("a seal needs a --rule in words; --exported is for --remove")
    seal = _seal(settings, until, rule, files)
    said = {"position": seal.position, "hash": seal.hash.hex(), "at": seal.at, "chain": seal.chain, "rule": seal.rule}
    click.echo(json.dumps(said) if as_json else f"The records up to {until:,} are sealed; nothing is removed yet.")


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count:,} records are"


def _seal(settings: "Settings", until: int, rule: str, files: Sequence[Path]) -> "Seal":
    if len(files) > 1:
        raise click.UsageError("a seal is added to one file of checkpoints")
    from bot.store import db

    with closing(db.existing(settings.database_url)) as database:
        return signer_of(settings, database, files[0] if files else None).seal(until, rule)


def _remove(
    settings: "Settings", until: int, exported: Path, files: Sequence[Path], given_keys: Sequence[str]
) -> "tuple[Seal, int]":
    """Remove what is sealed, after the export was verified.

    Raises:
        ConfigError: there is no such seal, or the export does not hold what it is of.
    """
    from bot.store.audit import reading, removal

    proofs = audit_proofs.read(settings, files, given_keys)
    with own_database(settings, as_owner=True) as database:
        with reading.opened(database.read(), alone=True) as reader:
            chain, begins = reader.head.chain, reader.start()[0]
        seals = [] if proofs is None else [one for one in proofs.seals if (one.position, one.chain) == (until, chain)]
        if not seals or proofs is None:
            raise ConfigError(_no_seal(until, chain, given=proofs is not None))
        _check_export(exported, seals[-1], begins, proofs)
        with database.write() as session:
            return seals[-1], removal.remove(session, seals[-1])


def _no_seal(until: int, chain: str, *, given: bool) -> str:
    """Return why nothing may be removed, and what to do."""
    if not given:
        return "no checkpoints were given: name the file that has the seal with --checkpoints or AUDIT_CHECKPOINTS"
    return (
        f"no seal of record {until} of the log {chain[:8]} is in the files of checkpoints: the signer makes it by "
        f"`deskhand audit seal --until {until} --rule WHY`"
    )


def _check_export(exported: Path, seal: "Seal", begins: int, proofs: "ProofLines") -> None:
    """Check that an export holds every record up to a seal.

    Raises:
        ConfigError: it does not.
    """
    from bot.audit_chain.export_file import ExportReader
    from bot.audit_chain.verification import ChainVerifier
    from bot.cli.audit_verify import feed

    reader = ExportReader(exported)
    verifier = ChainVerifier(reader.head, (*proofs.checkpoints, seal), proofs.seals)
    feed(verifier, reader.batches())
    report = verifier.report(also=reader.findings)
    if not report.whole:
        raise ConfigError(f"{exported}: the export is not whole: {report.findings[0].says}")
    holds = report.first is not None and report.first <= begins and seal in report.agreed
    if not holds:
        raise ConfigError(
            f"{exported}: the export does not hold the records {begins:,} to {seal.position:,} of this log: run "
            "`deskhand audit export --output FILE` first"
        )
