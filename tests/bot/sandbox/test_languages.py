"""The languages that the stand-in answers in: `bot.sandbox.standin.languages`."""

from pathlib import Path

import pytest

from bot import yaml_text
from bot.sandbox.standin import languages, reading, wording
from bot.sandbox.standin.reading import Topic
from bot.slack.sentences import LANGUAGES

SENTENCES = languages.known()["sentences"]
POINTERS = [
    row["answer"] for row in yaml_text.load(Path(reading.__file__).with_name("phrases.yaml").read_text())["elsewhere"]
]
SAID = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]
SAID += [*wording.SMALL_TALK.values(), *POINTERS]


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


@pytest.mark.parametrize("english", SENTENCES)
def test_a_sentence_is_there_in_every_language_and_found_again(english: str) -> None:
    """It is one that the stand-in says, or a part of one."""
    parts = ["Your account was locked", "Your account was suspended", "too many failed sign-ins", "failed attempts"]
    parts += ["Of your last", "sign-ins", "failed, the latest one worked."]
    assert english in parts or any(english in one for one in SAID)
    assert set(SENTENCES[english]) == set(LANGUAGES) - {"en"}
    for language in SENTENCES[english]:
        said = languages.into(language, english)
        assert said != english
        assert languages.back(language, said) == english


@pytest.mark.parametrize("english", SAID)
@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_nothing_that_it_says_stays_english(english: str, language: str) -> None:
    """Who it is, what it can do, where to go instead and whom to ask: in each language that the other texts have."""
    left = english
    for known in SENTENCES:
        left = left.replace(known, "")
    assert not left.strip(" ."), left
    assert languages.back(language, languages.into(language, english)) == english


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
