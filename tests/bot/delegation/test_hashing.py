"""One hash for the same values: `bot.delegation.hashing`."""

import hashlib

import pytest

from bot.delegation import hashing
from bot.tools.registry import Args


class Given(Args):
    """Arguments of a tool."""

    name: str
    minutes: int = 5


def test_the_same_values_have_the_same_hash() -> None:
    """In whatever order and spelling the model wrote them; it is that of RFC 8785's form."""
    form = '{"minutes":5,"name":"é"}'
    expected = hashlib.sha256(form.encode()).hexdigest()
    written = ['{"name": "é"}', '{"minutes": 5, "name": "\\u00e9"}', '{"name":"é","minutes":5}']
    assert {hashing.of_arguments(Given.model_validate_json(one)) for one in written} == {expected}
    assert hashing.of_arguments(Given(name="e")) != expected


def test_a_number_that_readers_would_round_has_no_hash() -> None:
    """Two of them would be one number to another reader of JSON."""
    assert hashing.of_arguments(Given(name="", minutes=2**53 - 1))
    with pytest.raises(ValueError, match="no canonical form"):
        hashing.of_arguments(Given(name="", minutes=2**53))
