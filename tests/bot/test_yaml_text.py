"""YAML read by the parser in C: `bot.yaml_text`."""

import re

import pytest
import yaml

from bot import yaml_text


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_no_depth_ends_the_process(text: str) -> None:
    """A text nested so deep is refused like any other that is wrong."""
    with pytest.raises(yaml.YAMLError, match="deeper than 100"):
        yaml_text.load(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2: 3\n", "line 2: mapping values are not allowed in this context"),
        ("a: 1\nb: [1,\n", "line 3: .*, while parsing a flow node that begins in line 3|line 3: .* begins in line 2"),
        ("a: 'x\n", "line [12]: found unexpected end of stream, while scanning a quoted scalar that begins in line 1"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(text: str, said: str) -> None:
    """It can be said behind the name of a file, and sends the reader to the line."""
    with pytest.raises(yaml.YAMLError) as raised:
        yaml_text.load(text)
    assert re.fullmatch(said, str(raised.value)), str(raised.value)


def test_what_is_not_deep_is_read() -> None:
    """A thing may be in a hundred others, and have as many beside it as it likes."""
    assert yaml_text.load("[" + "[]," * 1_000 + "]") == [[]] * 1_000
    assert yaml_text.load("[" * 100 + "]" * 100)
    with pytest.raises(yaml.YAMLError):
        yaml_text.load("[" * 101 + "]" * 101)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without it")
def test_it_is_the_fast_parser() -> None:
    """The one in C, where there is one."""
    assert issubclass(yaml_text.Loader, yaml.CSafeLoader)
