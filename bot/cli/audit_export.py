"""The command that exports the audit log, as a file that is verified by itself or for other systems."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli.audit import audit_group
from bot.cli.root import settings_to_look_at
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.audit_chain.tampering import Link
    from bot.audit_chain.verification import LogHead
    from bot.settings import Settings
    from bot.store.audit.reading import ChainReader

TOLD = 100_000


@audit_group.command("export")
@click.option("--format", "kind", type=click.Choice(["ndjson", "ocsf", "dsse"]), default="ndjson", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; stdout by default.")
@click.option("--since", metavar="WHEN", help="The first record: its position, or a time such as 2026-12-01T09:00Z.")
@click.option("--until", metavar="WHEN", help="The last record: its position, or the time before which it is.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; needs --output.")
def audit_export(*, kind: str, output: Path | None, since: str | None, until: str | None, as_json: bool) -> None:
    """Export the audit log: ndjson verifies offline, ocsf is for event collectors, dsse vouches for an ndjson file.

    It names people by reference only. With dsse, OUTPUT is the signed envelope and OUTPUT.ndjson the export that it
    vouches for; it needs AUDIT_SIGNING_KEY_FILE.
    """
    from bot.store import db
    from bot.store.audit import reading

    settings = settings_to_look_at()
    if output is None and (as_json or kind == "dsse"):
        raise click.UsageError("--output is needed with --json and with --format dsse")
    with closing(db.existing(settings.database_url)) as database, reading.opened(database.read()) as reader:
        head = part(reader, since, until)
        batches = told(reader.batches(after=head.first - 1, until=head.position), head)
        if output is None:
            for chunk in _chunks(kind, head, batches):
                sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
            return
        said: dict[str, Any] = _put(kind, settings, head, batches, output)
    said |= {"format": kind, "chain": head.chain, "from": head.first, "to": head.position}
    held = f"records {head.first:,} to {head.position:,}" if head.first <= head.position else "no record"
    click.echo(json.dumps(said) if as_json else f"{output}: {held} of the log {head.chain[:8]}.")


def part(reader: "ChainReader", since: str | None, until: str | None) -> "LogHead":
    """Return the head of the part of a log from and up to a position or a time.

    Raises:
        ConfigError: there is no such part.
    """
    head, (begins, before) = reader.head, reader.start()
    first = 1 if since is None else _position(since, "--since", reader.first_since)
    last = head.position if until is None else _position(until, "--until", reader.last_before)
    if first is None or last is None or last > head.position or (since is not None and not begins <= first <= last):
        held = f"the records {begins:,} to {head.position:,}" if begins <= head.position else "no records"
        raise ConfigError(f"no record is in that range; the log has {held}")
    prev = head.prev if since is None else before if first == begins else reader.hash_at(first - 1)
    ends = head.hash if last == head.position else reader.hash_at(last)
    if prev is None or ends is None:
        raise ConfigError("the records at the ends of that range are missing: run `deskhand audit verify`")
    return replace(head, first=first, prev=prev, position=last, hash=ends)


def told(batches: "Iterable[list[Link]]", head: "LogHead") -> "Iterator[list[Link]]":
    """Pass batches on, and say on stderr how far it is."""
    done = shown = 0
    for batch in batches:
        yield batch
        done += len(batch)
        if done - shown >= TOLD:
            shown = done
            click.echo(f"{done:,} of {head.position - head.first + 1:,} records", err=True)


def _position(when: str, option: str, of_time: Callable[[str], int | None]) -> int | None:
    """Return a position, as it is given or as the record of a time has it; None: no record is of that time."""
    from bot.audit_chain import canonical

    if re.fullmatch(r"[1-9]\d{0,15}", when, re.ASCII):
        return int(when)
    try:
        moment = datetime.fromisoformat(when)
        at = canonical.time_of(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, OverflowError) as error:  # not a time, or one that no year holds in UTC
        raise ConfigError(
            f"{option}: expected a position or a time such as 2026-12-01T09:00Z, found {when!r}"
        ) from error
    return of_time(at)


def _chunks(kind: str, head: "LogHead", batches: "Iterable[list[Link]]") -> Iterator[bytes]:
    from bot.audit_chain import canonical, export_file, other_formats

    if kind == "ocsf":
        return (b"".join(other_formats.ocsf_event(link, head.chain) for link in batch) for batch in batches)
    return export_file.lines(head, canonical.time_of(datetime.now(UTC)), batches)


def _put(
    kind: str, settings: "Settings", head: "LogHead", batches: "Iterable[list[Link]]", output: Path
) -> dict[str, Any]:
    """Write the file or files, and return what a script is told of them."""
    from bot.audit_chain import export_file, other_formats, proofs

    if kind != "dsse":
        return {"file": str(output), "sha256": export_file.put(output, _chunks(kind, head, batches))}
    key, beside = proofs.signing_key(settings), output.with_name(f"{output.name}.ndjson")
    digest = export_file.put(beside, _chunks("ndjson", head, batches))
    envelope = other_formats.dsse_envelope(head, name=beside.name, sha256=digest, key=key)
    return {
        "file": str(beside),
        "sha256": digest,
        "envelope": str(output),
        "envelope_sha256": export_file.put(output, [envelope]),
    }
