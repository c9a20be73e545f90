"""What was expected where a value in a file is wrong, in words: `bot.field_errors`."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from bot import field_errors
from bot.agent.card import Card
from bot.evals.case_models import Case


def patterns(schema: Any) -> Iterator[str]:
    """Yield each pattern of a JSON schema."""
    if isinstance(schema, dict):
        found = schema.get("pattern")
        yield from [found] if isinstance(found, str) else []
        yield from schema.get("patternProperties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from patterns(part)


def test_every_pattern_of_a_card_and_of_a_case_has_its_words() -> None:
    """Nobody has to read a regular expression to see that a channel is named by its id."""
    known = {*patterns(Card.model_json_schema()), *patterns(Case.model_json_schema())}
    assert len(known) >= 8
    assert known <= field_errors.PATTERNS.keys()


def test_a_list_is_not_too_short_for_what_is_wrong_in_it() -> None:
    """One mistake is told once; a list that is empty is too short."""
    with pytest.raises(ValidationError) as refused:
        Card.model_validate({"owners": ["olivia"], "channels": []})
    told = {
        found["loc"]: field_errors.expected(found)
        for found in field_errors.distinct(refused.value.errors())
        if found["type"] != "missing"
    }
    assert told == {
        ("owners", 0): "expected the Slack id of a person such as U0123ABCD",
        ("channels",): "expected at least 1",
    }
