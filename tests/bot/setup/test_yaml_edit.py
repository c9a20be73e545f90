"""Single values of a YAML text are changed, and nothing else: `bot.setup.yaml_edit`."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.setup.yaml_edit import Place, Value, with_values

FILE = Path("card.yaml")


@pytest.mark.parametrize(
    ("text", "place", "value", "after"),
    [
        ("a: 1  # one\nb: x # two\n", ("b",), "y", "a: 1  # one\nb: y # two\n"),
        ("a: [U1, U2]   # who\n", ("a",), ("U3",), "a: [U3]   # who\n"),
        ("a:\n  - U1\n  # and\n  - U2\n# end\nb: 1\n", ("a",), ("U3", "U4"), "a:\n  [U3, U4]\n# end\nb: 1\n"),
        ("a:\n- U1\nb: 1\n", ("a",), ("U3",), "a:\n  [U3]\nb: 1\n"),
        ("a:\nb: 1\n", ("a",), "x", "a: x\nb: 1\n"),
        ("a: {b: 'x', c: 2} # d\n", ("a", "b"), "7.50", 'a: {b: "7.50", c: 2} # d\n'),
        ("a:\n  b: 1 # c\n", ("a", "d"), "Europe/Berlin", "a:\n  d: Europe/Berlin\n  b: 1 # c\n"),
        ("a: S1 # c\n", ("a",), None, "a: null # c\n"),
        ("a: x\n", ("a",), "no", 'a: "no"\n'),
        ("a: 'x' # c\n", ("a",), "x", "a: 'x' # c\n"),
    ],
)
def test_a_value_is_changed_where_it_stands(text: str, place: Place, value: Value, after: str) -> None:
    """Comments, order and the style of all other lines stay; a value that is as wanted is not touched."""
    assert with_values(FILE, text, {place: value}) == after


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: {b: 1}\n", ("a", "c")),
        ("a: [1]\n", ("a", "b")),
        ("b: 1\n", ("a", "b")),
        ("x: &x U1\na: &y U2\nb: *y\n", ("a",)),
    ],
)
def test_what_cannot_be_changed_without_harm_is_left_to_a_person(text: str, place: Place) -> None:
    """The message names file and field, and what to write there."""
    with pytest.raises(
        ConfigError, match=rf"^card\.yaml: {'.'.join(place)}: cannot be changed in this text; write U9 "
    ):
        with_values(FILE, text, {place: "U9"})


def test_a_text_that_is_no_yaml_is_refused() -> None:
    """The message names the file and the line."""
    with pytest.raises(ConfigError, match=r"^card\.yaml: not YAML: line \d+: "):
        with_values(FILE, "a: [", {("a",): "x"})
