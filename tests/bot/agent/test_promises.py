"""A reply that promises what nobody has arranged: `bot.agent.promises`."""

from pathlib import Path

import pytest

from bot.agent import phrases, promises
from bot.agent.promises import promises_a_person
from bot.sandbox.standin import languages, wording
from tests.support.growth import again, grows_evenly
from tests.support.phrase_tables import Phrases, misses, read_table

TEXTS = read_table(Path(__file__).parent / "promises.yaml")
PROMISED: Phrases = TEXTS["positives"]


@pytest.mark.parametrize("language", PROMISED)
def test_promises_are_recognised(language: str) -> None:
    """A person or a later act, in any of the languages, alone and after what was done."""
    missed = misses(
        PROMISED[language],
        alone=promises_a_person,
        after_what_was_done=lambda text: promises_a_person(f"I have unlocked your account. {text}"),
    )
    assert missed == []


def test_plain_answers_are_no_promises() -> None:
    """What has been done may be said, strangers may be named, and people may be sent elsewhere."""
    assert [text for text in TEXTS["negatives"] if promises_a_person(text)] == []


def test_the_stand_ins_sentences_are_no_promises() -> None:
    """What is said in every demonstration passes."""
    said = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]
    said += wording.SMALL_TALK.values()
    said += [languages.into(language, text) for text in said for language in ("de", "es", "fr", "pt")]
    assert len(said) > 15
    assert [text for text in said if promises_a_person(text)] == []


def test_every_language_is_tried() -> None:
    """No table that no example reaches."""
    plain = [phrases.plain(text) for texts in PROMISED.values() for text in texts]
    assert all(
        sum(phrases.found(text, [language]) for text in plain) >= 3 for language in promises.languages().values()
    )
    assert len(PROMISED) >= 18
    assert all(len(texts) >= 4 for texts in PROMISED.values())


@pytest.mark.parametrize("piece", ["i will now ", "someone from it ", "ich gebe ", "担当者が", "\n", "a member of "])
def test_a_very_long_reply_is_read_quickly(piece: str) -> None:
    """The time grows with the length and no faster."""
    assert grows_evenly(promises_a_person, again(piece))
