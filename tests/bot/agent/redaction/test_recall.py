"""Of every kind of secret nearly all leave, and nearly no harmless text is harmed: `bot.agent.redaction`."""

import pytest

from bot.agent.redaction import redact
from tests.bot.agent.redaction.generated import LEAST, generated_texts
from tests.bot.agent.redaction.scores import by_language, score
from tests.support.real_requests import real_requests

RECALL, HARMED, IN_A_LANGUAGE = 0.9, 0.01, 0.8
SEEDS = {"templates": 1, "holdout": 2, "later": 3}


@pytest.mark.parametrize("name", SEEDS)
def test_nine_of_ten_secrets_of_every_kind_leave_and_one_of_a_hundred_texts_is_harmed(name: str) -> None:
    """A thousand of each in each of three sets of templates; in no language is a kind found badly."""
    scores = score(generated_texts(name, seed=SEEDS[name]), redact)
    assert sum(scores.texts[kind] for kind in scores.kinds) >= LEAST
    assert scores.texts["harmless"] >= LEAST
    assert {kind: scores.recall(kind) for kind in scores.kinds if scores.recall(kind) < RECALL} == {}
    assert scores.harmed <= HARMED
    table = [(language, kind, *row) for language, kinds in by_language(scores).items() for kind, row in kinds.items()]
    assert {"en", "de", "es", "fr"} <= {language for language, *_ in table}
    assert [row for row in table if min(row[-2:]) < IN_A_LANGUAGE] == []


def test_the_words_of_real_people_stay() -> None:
    """Four hundred requests that were sent to a bank and to an assistant hold no secret."""
    texts = real_requests()
    assert len(texts) == 400
    assert [text for text in texts if redact(text) != text] == []
