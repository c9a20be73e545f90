"""The command that verifies the audit log, from the database or from an export."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import audit_proofs
from bot.cli.audit import audit_group
from bot.cli.root import settings_to_look_at
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.audit_chain.proofs import ProofLines
    from bot.audit_chain.tampering import ChainFinding, Link
    from bot.audit_chain.verification import ChainReport, ChainVerifier
    from bot.settings import Settings

WHOLE, TAMPERED = 0, 1
"Exit codes."
TOLD = 100_000
"Records between two lines of progress."


@audit_group.command("verify")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="An export, in place of the database.")
@audit_proofs.proof_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def audit_verify(*, file: Path | None, files: tuple[Path, ...], given_keys: tuple[str, ...], as_json: bool) -> None:
    """Verify that no record was changed, removed or put in, and say what was proved.

    Without checkpoints it cannot see that records were cut from the end, or that all hashes were recomputed. Exit code
    0: the log is whole; 1: it was tampered with; 2: it cannot be read.
    """
    settings = settings_to_look_at()
    proofs = audit_proofs.read(settings, files, given_keys)
    report = _of_file(file, proofs) if file is not None else _of_database(settings, proofs)
    _check_usable(report, proofs)
    if as_json:
        click.echo(json.dumps(report.as_json() | _of_lines(proofs)))
    else:
        click.echo("\n".join(words(report, proofs)))
    sys.exit(WHOLE if report.whole else TAMPERED)


def words(report: "ChainReport", proofs: "ProofLines | None") -> Iterator[str]:
    """Yield what a report says, line by line."""
    which = f"The log {report.chain[:8]}"
    if not report.whole:
        several = "" if len(report.findings) == 1 else "s"
        yield f"{which} is not whole: {len(report.findings)} finding{several} in {_records(report.records)}."
        for one in report.findings[:20]:
            row = "" if one.row is None else f" (row {one.row} of the table audit)"
            where = f"record {one.position:,}{row}" if one.position else "the checkpoints"
            yield f"  {where}: {one.says}. It fits: {', '.join(one.fits)}."
        yield "docs/how-to/audit.md says what each finding means, and what to do."
    elif report.last is None:
        yield f"{which} has no records, so nothing was proved."
    else:
        yield f"{which} is whole: {_records(report.records)}, from {report.first:,} to {report.last:,}."
    yield from _start(report)
    yield from _covered(report, proofs)


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _start(report: "ChainReport") -> Iterator[str]:
    if report.start == "seal":
        yield f"  It begins after a seal: the records up to {(report.first or 1) - 1:,} were removed by a rule."
    elif report.start == "range":
        yield f"  It is an export of a range: nothing was proved of the records before {report.first:,}."


def _covered(report: "ChainReport", proofs: "ProofLines | None") -> Iterator[str]:
    if report.agreed:
        last, several = report.agreed[-1], len(report.agreed) != 1
        yield (
            f"  {len(report.agreed):,} checkpoint{'s agree' if several else ' agrees'}, the last of record "
            f"{last.position:,} at {last.at}."
        )
        if report.uncovered:
            end = "record" if report.uncovered == 1 else f"{report.uncovered:,} records"
            yield f"  No checkpoint covers the last {end} yet."
    elif report.records:
        why = "no checkpoints were given" if proofs is None else "no checkpoint is of these records"
        yield f"  Records cut from the end, or a log with all hashes recomputed, would not show: {why}."
    if report.foreign:
        yield f"  Checkpoints of other logs that were left out: {report.foreign:,}."
    if proofs is not None and proofs.unknown_keys:
        yield f"  Lines that were left out, as their keys are not trusted: {proofs.unknown_keys:,}."
    if proofs is not None and proofs.torn:
        yield f"  Lines that were left out, as they are cut off, such as when a signer is killed: {proofs.torn:,}."


def _of_lines(proofs: "ProofLines | None") -> dict[str, Any]:
    if proofs is None:
        return {"checkpoints_given": False}
    return {"checkpoints_given": True, "of_unknown_keys": proofs.unknown_keys, "torn": proofs.torn}


def _check_usable(report: "ChainReport", proofs: "ProofLines | None") -> None:
    """Check that at least one of the given checkpoints is of this log.

    Raises:
        ConfigError: the log looks whole, and all checkpoints are of others.
    """
    if report.whole and proofs is not None and report.foreign == len(proofs.checkpoints) > 0:
        [other, *_] = {one.chain for one in proofs.checkpoints}
        raise ConfigError(
            f"the checkpoints are of the log {other[:8]}, and this is the log {report.chain[:8]}: they are those of "
            "another installation, or the whole log was put in the place of another"
        )


def _of_file(file: Path, proofs: "ProofLines | None") -> "ChainReport":
    from bot.audit_chain.export_file import ExportReader

    reader = ExportReader(file)
    verifier = _verifier(reader.head, proofs)
    feed(verifier, reader.batches())
    return verifier.report(also=[*reader.findings, *_altered(proofs)])


def _of_database(settings: "Settings", proofs: "ProofLines | None") -> "ChainReport":
    from bot.store import db
    from bot.store.audit import reading

    with closing(db.existing(settings.database_url)) as database, reading.opened(database.read()) as reader:
        verifier = _verifier(reader.head, proofs)
        feed(verifier, reader.batches())
        reader.look_beside()
        return verifier.report(also=[*reader.findings, *_altered(proofs)])


def _verifier(head: Any, proofs: "ProofLines | None") -> "ChainVerifier":
    from bot.audit_chain.verification import ChainVerifier

    return ChainVerifier(head) if proofs is None else ChainVerifier(head, proofs.checkpoints, proofs.seals)


def feed(verifier: "ChainVerifier", batches: "Iterable[Sequence[Link]]") -> None:
    """Feed batches of records to a verifier, and say on stderr how far it is."""
    told = 0
    for batch in batches:
        verifier.feed(batch)
        if verifier.records - told >= TOLD:
            told = verifier.records
            click.echo(f"{told:,} of {verifier.head.position - verifier.head.first + 1:,} records", err=True)


def _altered(proofs: "ProofLines | None") -> "Iterator[ChainFinding]":
    from bot.audit_chain.tampering import ChainFinding, Tampering

    for number in () if proofs is None else proofs.altered:
        yield ChainFinding(0, 0, (Tampering.EVIDENCE,), f"line {number} of the checkpoints is not what was signed")
