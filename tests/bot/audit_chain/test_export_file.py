"""An export is verified without a database, and says in clear words what is wrong with it."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bot.audit_chain import canonical, export_file
from bot.audit_chain.export_file import ExportReader
from bot.audit_chain.tampering import Tampering
from bot.audit_chain.verification import ChainReport, ChainVerifier, LogHead, Start
from bot.errors import ConfigError
from tests.support import log_copies
from tests.support.log_copies import LogCopy

MADE = "2026-12-01T09:00:00.000000Z"


def _written(file: Path, log: LogCopy) -> Path:
    export_file.put(file, export_file.lines(log.head, MADE, [log.links]))
    return file


def _verified(file: Path, log: LogCopy) -> ChainReport:
    reader = ExportReader(file)
    verifier = ChainVerifier(reader.head, log.checkpoints)
    for batch in reader.batches():
        verifier.feed(batch)
    return verifier.report(also=reader.findings)


@pytest.fixture
def log() -> LogCopy:
    """Return a whole log."""
    return log_copies.log_copy(Random(7))


def test_what_is_written_is_read_again(tmp_path: Path, log: LogCopy) -> None:
    """The records come back as they were, each line is canonical JSON, and only our account can read the file."""
    file = _written(tmp_path / "new" / "audit.ndjson", log)
    reader = ExportReader(file)
    assert [one for batch in reader.batches() for one in batch] == list(log.links)
    assert reader.head == log.head
    for line in file.read_bytes().splitlines():
        assert canonical.bytes_of(json.loads(line)) == line
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["audit.ndjson"]
    assert _verified(file, log).whole


@pytest.mark.parametrize("tamper", log_copies.EIGHT, ids=lambda one: one.__name__)
def test_tampering_is_found_in_a_file(tmp_path: Path, tamper: log_copies.Tamper) -> None:
    """What is found of a copy in memory is found of the same copy in a file."""
    for seed in range(3):
        random = Random(seed)
        done = tamper(log_copies.log_copy(random), random)
        report = _verified(_written(tmp_path / "audit.ndjson", done.copy), done.copy)
        assert not report.whole
        assert (report.findings[0].fits[0], report.findings[0].position) == (done.kind, done.first)


@pytest.mark.parametrize("cut", [1, 40, 3000])
def test_a_file_that_is_cut_off_is_truncated(tmp_path: Path, log: LogCopy, cut: int) -> None:
    """Its first line says where it ends, so that the first missing record is named."""
    file = _written(tmp_path / "audit.ndjson", log)
    file.write_bytes(file.read_bytes()[:-cut])
    report = _verified(file, replace(log, checkpoints=()))
    [found] = report.findings
    assert found.fits == (Tampering.TRUNCATE,)
    assert (found.position, found.last) == ((report.last or 0) + 1, log.head.position)


def test_an_unreadable_line_is_an_edit(tmp_path: Path, log: LogCopy) -> None:
    """It is named by the position that it should have, and the rest is still verified."""
    lines = _written(tmp_path / "audit.ndjson", log).read_bytes().splitlines(keepends=True)
    lines[9] = b'{"position": 9}\n'
    (tmp_path / "audit.ndjson").write_bytes(b"".join(lines))
    found = _verified(tmp_path / "audit.ndjson", log).findings[0]
    assert (found.position, found.fits[-1]) == (9, Tampering.EDIT)


def test_two_exports_in_one_file_are_merged_chains(tmp_path: Path, log: LogCopy) -> None:
    """The second one's first line tells."""
    file = _written(tmp_path / "audit.ndjson", log)
    file.write_bytes(file.read_bytes() * 2)
    [found] = _verified(file, log).findings
    assert (found.position, found.fits) == (log.head.position + 1, (Tampering.MERGED,))


@pytest.mark.parametrize("text", [b"", b"dear diary\n", b'{"audit_export":2}\n', b"\xff\xfe\n"])
def test_what_is_no_export_is_refused_by_name(tmp_path: Path, text: bytes) -> None:
    """The message names the file; a missing one is said, too."""
    file = tmp_path / "notes"
    file.write_bytes(text)
    with pytest.raises(ConfigError, match="notes: no export"):
        ExportReader(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        ExportReader(tmp_path / "none")


def test_an_export_that_cannot_be_written_changes_nothing(tmp_path: Path, log: LogCopy) -> None:
    """The old file stays, and nothing lies beside it."""
    file = tmp_path / "audit.ndjson"
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        _written(file, log)
    assert [one.name for one in tmp_path.iterdir()] == ["audit.ndjson"]


def test_an_empty_log_and_one_of_one_record_are_whole(tmp_path: Path, log: LogCopy) -> None:
    """Nothing was proved of an empty one, and that is no fault."""
    empty = LogCopy((), LogHead("c", 0, bytes(32)), ())
    report = _verified(_written(tmp_path / "a", empty), empty)
    assert (report.whole, report.start, report.records, report.uncovered) == (True, Start.EMPTY, 0, 0)
    one = replace(log.with_links(log.links[:1], ends_there=True), checkpoints=())
    report = _verified(_written(tmp_path / "b", one), one)
    assert (report.whole, report.start, report.records, report.uncovered) == (True, Start.FIRST, 1, 1)


def test_a_range_is_verified_as_one(tmp_path: Path, log: LogCopy) -> None:
    """It says where it begins and after which hash; a checkpoint before it is not counted as one that agrees."""
    first = log.checkpoints[0].position + 1
    head = replace(log.head, first=first, prev=log.links[first - 2].hash)
    part = replace(log, links=log.links[first - 1 :], head=head)
    report = _verified(_written(tmp_path / "a", part), part)
    assert (report.whole, report.start, report.first) == (True, Start.RANGE, first)
    assert (len(report.agreed), report.outside) == (len(log.checkpoints) - 1, 1)
    none = replace(head, position=first - 1, hash=head.prev)
    empty = LogCopy((), none, log.checkpoints)
    assert _verified(_written(tmp_path / "c", empty), empty).whole
    cut = replace(part, links=part.links[1:])
    found = _verified(_written(tmp_path / "b", cut), cut).findings[0]
    assert (found.position, found.fits) == (first, (Tampering.CUT_HEAD,))
