"""The languages that the stand-in answers in: `bot.sandbox.standin.languages`."""

import pytest

from bot.sandbox.standin import languages, wording

SAID = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]
SENTENCES = languages.known()["sentences"]


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
    assert english in [*SAID, *wording.SMALL_TALK.values(), *parts]
    assert set(SENTENCES[english]) == {"de", "es", "fr", "pt"}
    for language in SENTENCES[english]:
        said = languages.into(language, english)
        assert said != english
        assert languages.back(language, said) == english
