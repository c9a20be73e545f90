"""Checkpoints and seals: what is signed is read again, and nothing else is."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws

from bot import configured_keys
from bot.audit_chain import canonical, proofs
from bot.audit_chain.proofs import Checkpoint, Seal
from bot.errors import ConfigError
from bot.settings import Settings

KEY = proofs.derived(bytes(range(32)))
OTHER = proofs.derived(bytes(32))
ONE = Checkpoint(7, b"h" * 32, "2026-12-01T09:00:00.000000Z", "chain")
SEAL = Seal(7, b"h" * 32, "2026-12-01T09:00:00.000000Z", "chain", rule="records of 2025")
KEYS = {KEY.id: KEY}
DEEP = b".".join([base64.urlsafe_b64encode(b"[" * 2_000 + b"]" * 2_000).rstrip(b"=")] * 3)
"Nested too deeply to be read."


def _file(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_what_is_signed_is_read_again() -> None:
    """A checkpoint and a seal come back as they were; a seal is a checkpoint, too."""
    found = proofs.read_lines(_file(proofs.sign(ONE, KEY), proofs.sign(SEAL, KEY)), KEYS)
    assert found.checkpoints == (ONE, SEAL)
    assert found.seals == (SEAL,)
    assert (found.unknown_keys, found.altered, found.torn) == (0, (), 0)


def test_a_line_of_another_key_is_not_believed() -> None:
    """It is counted, and no checkpoint comes of it."""
    found = proofs.read_lines(_file(proofs.sign(ONE, OTHER), proofs.sign(SEAL, KEY)), KEYS)
    assert found.checkpoints == (SEAL,)
    assert found.unknown_keys == 1


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_changed_line_is_believed(data: st.DataObject) -> None:
    """Whatever character is changed: the line is altered, torn, or of an unknown key."""
    line = proofs.sign(ONE, KEY)
    at = data.draw(st.integers(0, len(line) - 2))  # the last character has bits that mean nothing
    new = data.draw(st.sampled_from([one for one in "AZaz09-_.!" if one != line[at]]))
    found = proofs.read_lines(_file(line[:at] + new + line[at + 1 :]), KEYS)
    assert found.checkpoints == ()
    assert found.unknown_keys + len(found.altered) + found.torn == 1


def test_a_seal_is_no_checkpoint_without_its_rule() -> None:
    """What was signed as one kind is not read as the other."""
    header = {"alg": proofs.ALGORITHM, "kid": KEY.id, "typ": proofs.SEAL_TYPE}
    payload = canonical.bytes_of({"position": 7, "hash": "0" * 64, "at": ONE.at, "chain": "c"})
    line = jws.serialize_compact(header, payload, KEY.jwk, algorithms=[proofs.ALGORITHM])
    assert proofs.read_lines(_file(line), KEYS).altered == (1,)


@pytest.mark.parametrize("wrong", [{"rule": ""}, {"position": 0}, {"at": "today"}, {"chain": ""}, {"hash": b"h"}])
def test_what_nobody_could_read_is_not_signed(wrong: dict[str, Any]) -> None:
    """Such a line counts as altered for good, and nothing is signed after it."""
    with pytest.raises(ConfigError, match=f"nothing was signed: {next(iter(wrong))}: "):
        proofs.sign(replace(SEAL, **wrong), KEY)


@pytest.mark.parametrize("left", [1, 50, -1])
def test_a_torn_line_hides_no_other(left: int) -> None:
    """A process was killed while it wrote, and the next one began a new line."""
    whole = proofs.sign(ONE, KEY)
    found = proofs.read_lines(_file(whole[:left], whole), KEYS)
    assert found.checkpoints == (ONE,)
    assert found.torn == 1
    assert proofs.read_lines(f"{whole}\n{whole[:left]}".encode(), KEYS).torn == 1


def test_the_time_of_a_line_is_read_without_a_key() -> None:
    """A watch that has no key sees when something was last signed; of what is no line it reads nothing."""
    line = proofs.sign(ONE, KEY).encode()
    assert proofs.time_said(line) == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert [proofs.time_said(one) for one in (b"", b"a.b.c", line[:40], b"dear diary", DEEP)] == [None] * 5
    assert proofs.read_lines(DEEP + b"\n", KEYS).checkpoints == ()


def test_a_public_key_is_its_characters_or_a_file(tmp_path: Path) -> None:
    """Both name the same key, and nothing of its private part is needed."""
    file = tmp_path / "public"
    file.write_text(f"{KEY.public}\n{OTHER.public}\n")
    assert set(proofs.public_keys([str(file)])) == {KEY.id, OTHER.id}
    keys = proofs.public_keys([KEY.public])
    assert proofs.read_lines(_file(proofs.sign(ONE, KEY)), keys).checkpoints == (ONE,)
    with pytest.raises(ConfigError, match="only the public part"):
        proofs.signature(keys[KEY.id], b"")


@pytest.mark.parametrize("text", ["", "dear diary\n", "*" * 43])
def test_what_is_no_public_key_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """The message names the file and says what was expected."""
    file = tmp_path / "public"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"public.*public key"):
        proofs.public_keys([str(file)])
    with pytest.raises(ConfigError, match="43 characters"):
        proofs.public_keys([str(tmp_path / "none")])


def test_the_signing_key_is_in_the_environment_or_in_a_private_file(tmp_path: Path) -> None:
    """Without one, or with a file that others may read, the message says what to do."""
    written = configured_keys.generate(proofs.KIND)
    file = tmp_path / "key"
    file.write_text(f"{written}\n")
    file.chmod(0o600)
    key = proofs.signing_key(Settings(audit_signing_key_file=file))
    assert key.id == proofs.signing_key(Settings.model_validate({"audit_signing_key": written})).id
    with pytest.raises(ConfigError, match="AUDIT_SIGNING_KEY_FILE"):
        proofs.signing_key(Settings())
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        proofs.signing_key(Settings(audit_signing_key_file=file))
