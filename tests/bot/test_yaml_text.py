"""YAML read by the parser in C: `bot.yaml_text`."""

import pytest
import yaml

from bot import yaml_text


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_no_depth_ends_the_process(text: str) -> None:
    """A text nested so deep is refused like any other that is wrong."""
    with pytest.raises(yaml.YAMLError, match="deeper than 100"):
        yaml_text.load(text)


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
