"""The people file and the manifest, and what is said when they are wrong."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.sandbox.methods import METHODS
from bot.sandbox.slack.seed import load_manifest, load_seed
from bot.slack.api.client import WebClient
from tests.support.paths import DEMO_PEOPLE


def test_the_people_have_their_stories() -> None:
    """The seed holds the people with the accounts that the scenes need, and four who are not admitted."""
    people = {person.id: person for person in load_seed(DEMO_PEOPLE).people}
    assert len(people) == 16
    statuses = {user: person.account and person.account["status"] for user, person in people.items()}
    assert (statuses["U0MAYA"], statuses["U0TOMAS"]) == ("locked", "password_expired")
    assert (statuses["U0RUTH"], statuses["U0NOOR"]) == ("disabled", None)
    assert people["U0SAM"].account == {**(people["U0SAM"].account or {}), "privileged": True}
    assert [user for user, person in people.items() if person.role == "responder"] == ["U0PRIYA", "U0BEN"]


def test_every_method_of_the_workspace_is_one_of_slacks() -> None:
    """A registered method has the dotted name under which the SDK calls it."""
    known = {name.replace("_", ".") for name in dir(WebClient)}
    assert set(METHODS) <= known | {"agents.sessions.rename"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("team: {id: T0}", "team.name: Field required"),
        ("[", "not YAML"),
        ("team: 2027-02-30", "not YAML"),
        (DEMO_PEOPLE.read_text(encoding="utf-8").replace("role: owner", "role: king"), "people.12.role: Input should"),
    ],
)
def test_a_wrong_people_file_names_its_field(tmp_path: Path, text: str, words: str) -> None:
    """The file and the field are named."""
    path = tmp_path / "people.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        load_seed(path)
    assert str(path) in str(caught.value)


def test_a_missing_manifest_is_said(tmp_path: Path) -> None:
    """A manifest that is not there stops the start with its path."""
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_manifest(tmp_path / "none.yaml")
