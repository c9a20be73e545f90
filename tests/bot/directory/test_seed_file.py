"""Accounts in a YAML file: `bot.directory.seed_file`."""

from pathlib import Path

import pytest

from bot.directory import seed_file
from bot.errors import ConfigError

GOOD = "people: [{email: a@b.c, real_name: Ann, account: {id: acc, status: locked}}]"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (GOOD.replace("locked", "asleep"), r"people\.0\.account\.status: expected 'active'"),
        (GOOD.replace("status: locked", "status: locked, lokced: 1"), r"people\.0\.account\.lokced: is unknown$"),
        (GOOD.replace("id: acc", "id: ''"), r"people\.0\.account\.id: expected a name without blanks$"),
        (
            GOOD.replace("a@b.c", "ann"),
            r"people\.0\.account\.email: expected an e-mail address such as maya@example\.com$",
        ),
        (GOOD.replace("id: acc, ", ""), r"people\.0\.account\.id: is missing$"),
        (
            GOOD.replace("}}", ", sign_ins: [{ok: true}]}}"),
            r"people\.0\.account\.sign_ins\.0\.minutes_ago: is missing$",
        ),
        (GOOD.replace("real_name: Ann, ", ""), r"people\.0\.real_name: expected a text$"),
        (GOOD.replace("{id: acc, status: locked}", "acc"), r"people\.0\.account: expected `id` and `status`, or null$"),
        (GOOD.replace("]", ", Ann]"), r"people\.1: expected `email`, `real_name` and `account`$"),
        ("just text", "expected `people:` with a list of people$"),
        ("people:", "expected `people:`"),
        ("persons: []", "expected `people:`"),
        ("people: [", "expected `people:`"),
        ("people: 2027-02-30", "expected `people:`"),
        ("", "expected `people:`"),
    ],
)
def test_a_wrong_seed_is_refused_by_file_and_field(tmp_path: Path, content: str, complaint: str) -> None:
    """The message says which file, which field and what was expected."""
    file = tmp_path / "people.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=complaint) as wrong:
        seed_file.read(file)
    assert str(wrong.value).startswith(f"{file}: ")


def test_a_seed_that_cannot_be_read_is_refused_by_file(tmp_path: Path) -> None:
    """Missing, or not text."""
    (tmp_path / "latin.yaml").write_bytes("people: [Tomás]".encode("latin-1"))
    for name in ("missing.yaml", "latin.yaml"):
        with pytest.raises(ConfigError, match=name):
            seed_file.read(tmp_path / name)
