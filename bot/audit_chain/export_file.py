"""A log as a file that is verified without a database: a line that says what it holds, then one line a record.

    {"audit_export":1,"chain":...,"elsewhere":...,"from":1,"hash":...,"made_at":...,"prev":...,"to":...,"unused":...}
    {"hash":"<64 hex>","position":1,"prev":"<64 hex>","record":{...}}

Every line is canonical JSON (RFC 8785), and `record` is its last value. So the bytes that were hashed stand in the line
as they are, and nothing has to be parsed to verify them. People are in it by reference only.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot import private
from bot.audit_chain import canonical
from bot.audit_chain.tampering import ChainFinding, Link, Tampering
from bot.audit_chain.verification import LogHead
from bot.errors import ConfigError

BATCH = 5_000
_RECORD = re.compile(
    rb'\{"hash":"([0-9a-f]{64})","position":([1-9][0-9]{0,15}),"prev":"([0-9a-f]{64})","record":(\{.*\}|null)\}\n'
)
_BEGINS = b'{"audit_export":'
_HASH = r"^[0-9a-f]{64}$"


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    audit_export: Literal[1]
    chain: str = Field(min_length=1)
    elsewhere: str | None
    first: int = Field(alias="from", ge=1)
    hash: str = Field(pattern=_HASH)
    made_at: str
    prev: str = Field(pattern=_HASH)
    to: int = Field(ge=0)
    unused: int | None


class ExportReader:
    """Reads an export."""

    def __init__(self, file: Path) -> None:
        """Read what a file says of itself.

        Raises:
            ConfigError: it cannot be read, or is no export.
        """
        self.findings: list[ChainFinding] = []
        "What is wrong with it apart from its records."
        self._file = file
        try:
            with file.open("rb") as opened:
                header = _Header.model_validate_json(opened.readline())
        except OSError as error:
            raise ConfigError(f"{file}: the export cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise ConfigError(
                f"{file}: no export of an audit log: its first line is not that of `deskhand audit export`"
            ) from error
        self.made_at = header.made_at
        self.head = LogHead(
            chain=header.chain,
            position=header.to,
            hash=bytes.fromhex(header.hash),
            unused=header.unused,
            elsewhere=header.elsewhere,
            first=header.first,
            prev=bytes.fromhex(header.prev),
        )

    def batches(self) -> Iterator[list[Link]]:
        """Yield the records, many at a time."""
        with self._file.open("rb") as opened:
            opened.readline()
            links = self._links(opened)
            while batch := list(islice(links, BATCH)):
                yield batch

    def _links(self, lines: Iterable[bytes]) -> Iterator[Link]:
        position, match, unhex, sha256 = self.head.first - 1, _RECORD.fullmatch, bytes.fromhex, hashlib.sha256
        for line in lines:
            if found := match(line):
                stated, at, prev, text = found.groups()
                position = int(at)
                there = text != b"null"
                digest = sha256(text).digest() if there else None
                yield Link(position, unhex(prev.decode()), unhex(stated.decode()), digest, text if there else None)
            elif line.startswith(_BEGINS):
                says = f"after record {position} another export begins in the same file"
                self.findings.append(ChainFinding(position + 1, position + 1, (Tampering.MERGED,), says))
                return
            elif not line.endswith(b"\n"):
                return  # it is cut off; the end is missing
            else:
                position += 1
                yield Link(position, b"", b"", b"", None)


def lines(head: LogHead, made_at: str, batches: Iterable[Iterable[Link]]) -> Iterator[bytes]:
    """Yield the lines of an export, many at a time."""
    said = {"audit_export": 1, "chain": head.chain, "elsewhere": head.elsewhere, "from": head.first}
    said |= {"hash": head.hash.hex(), "made_at": made_at, "prev": head.prev.hex(), "to": head.position}
    yield canonical.bytes_of(said | {"unused": head.unused}) + b"\n"
    for batch in batches:
        yield b"".join(map(line_of, batch))


def line_of(link: Link) -> bytes:
    """Return a record as one line."""
    return b'{"hash":"%b","position":%d,"prev":"%b","record":%b}\n' % (
        link.hash.hex().encode(),
        link.position,
        link.prev.hex().encode(),
        b"null" if link.text is None else link.text,
    )


def put(file: Path, chunks: Iterable[bytes]) -> str:
    """Write a file that only our account can read, whole or not at all; return its SHA-256, in hexadecimal.

    Raises:
        ConfigError: it cannot be written.
    """
    summed = hashlib.sha256()

    def all_summed() -> Iterator[bytes]:
        for chunk in chunks:
            summed.update(chunk)
            yield chunk

    try:
        private.folder(file.parent)
        private.put(file, all_summed())
    except OSError as error:
        raise ConfigError(f"{file}: the export cannot be written: {error.strerror}") from error
    return summed.hexdigest()
