"""The languages that the stand-in answers in: `bot.sandbox.standin.languages`."""

from pathlib import Path

import pytest

from bot import yaml_text
from bot.sandbox.standin import languages, reading, wording
from bot.sandbox.standin.reading import Topic
from bot.slack.sentences import LANGUAGES
from tests.support.phrase_tables import misses

SENTENCES = languages.known()["sentences"]
POINTERS = [
    row["answer"] for row in yaml_text.load(Path(reading.__file__).with_name("phrases.yaml").read_text())["elsewhere"]
]
SAID = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]
SAID += [*wording.SMALL_TALK.values(), *POINTERS]
OTHERS = sorted(set(LANGUAGES) - {"en"})


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I'm locked out of my account", "en"),
        ("I lost my phone and can't get my code", "en"),
        ("no", "en"),
        ("???", "en"),
        ("Moin, ich kann mich nicht anmelden, mein Konto ist gesperrt", "de"),
        ("hola, olvid\u00e9 mi contrase\u00f1a, me ayudas?", "es"),
        ("bonjour, mon compte est bloqu\u00e9, impossible de me connecter", "fr"),
        ("Esqueci minha senha e n\u00e3o consigo entrar", "pt"),
        ("パスワードを忘れました", "ja"),
        ("Wer bist du?", "de"),
    ],
)
def test_a_language_is_known_by_its_words(text: str, language: str) -> None:
    """English where none is shown."""
    assert languages.language_of(text) == language


def test_the_first_text_that_shows_a_language_tells() -> None:
    """The last words, then the ones before."""
    assert languages.language_of("ok", "Ich kann mich nicht anmelden", "Hola") == "de"


def test_a_sentence_is_one_that_the_stand_in_says() -> None:
    """Or a part of one; and it is there in every language."""
    parts = ["Your account was locked", "Your account was suspended", "too many failed sign-ins", "failed attempts"]
    parts += ["Of your last", "sign-ins", "failed, the latest one worked."]
    assert [one for one in SENTENCES if one not in parts and not any(one in text for text in SAID)] == []
    assert [one for one, others in SENTENCES.items() if set(others) != set(OTHERS)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_is_another_one_there_and_found_again(language: str) -> None:
    """What was said in a language is read back as it was meant."""
    missed = misses(
        SENTENCES,
        stays_english=lambda english: languages.into(language, english) != english,
        is_not_found_again=lambda english: languages.back(language, languages.into(language, english)) == english,
    )
    assert missed == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_that_it_says_stays_english(language: str) -> None:
    """Who it is, what it can do, where to go instead and whom to ask: in each language that the other texts have."""
    missed = misses(
        SAID,
        has_a_part_that_is_no_sentence=lambda english: not unknown_in(english).strip(" ."),
        is_not_found_again=lambda english: languages.back(language, languages.into(language, english)) == english,
    )
    assert missed == []


def unknown_in(english: str) -> str:
    """Return what is left of a text without the sentences that have translations."""
    for known in SENTENCES:
        english = english.replace(known, "")
    return english


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("ログインできません", Topic.CANNOT),
        ("アカウントがロックされました", Topic.CANNOT),
        ("パスワードを忘れました", Topic.FORGOT),
        ("スマホをなくしました", Topic.FACTOR),
        ("担当者と話したいです", Topic.PERSON),
        ("こんにちは", Topic.GREETING),
        ("ありがとうございます", Topic.THANKS),
        ("あなたは誰ですか", Topic.WHO),
        ("給料はいつですか", Topic.ELSEWHERE),
    ],
)
def test_japanese_is_understood_too(text: str, topic: Topic) -> None:
    """The phrases of the demo."""
    assert reading.read(text).topic is topic
