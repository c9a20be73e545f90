"""Texts as tables of phrases are held against them: `bot.agent.phrases`."""

from pathlib import Path

import pytest

from bot.agent import phrases

TABLE = """
Dutch:
  words: {who: [mens, persoon]}
  phrases: ['geef me een <who>', 'café']
  unless_before: ['niet ']
  unless_after: [' readable']
Korean:
  spaced: false
  phrases: ['사람']
"""


@pytest.fixture
def languages(tmp_path: Path) -> dict[str, phrases.LanguagePhrases]:
    """Return a small table."""
    (tmp_path / "table.yaml").write_text(TABLE, "utf-8")
    return phrases.load(tmp_path / "table.yaml")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  Möchte\tICH\u00a0 das?\n\n ja ", "mochte ich das?\n\nja"),
        ("*Stra\u00dfe* &amp; \u201el\u2019h\u00f4tel\u201c", 'strasse & "l\'hotel"'),
        ("\u0130nsan l\u00fctfen, k\u0131z", "insan lutfen, kiz"),
        ("żywym człowiekiem", "zywym czlowiekiem"),
        ("ещё й ї", "еще и і"),  # noqa: RUF001 - Cyrillic is what is tried
        ("ＡＢＣ？がんばる。", "abc?がんばる,"),  # noqa: RUF001 - full width is what is tried
        ("상담원", "상담원"),
        ("", ""),
    ],
)
def test_a_text_is_made_plain(text: str, plain: str) -> None:
    """Case, accents, markup, spaces and kinds of quotes do not matter; kana and hangul stay what they are."""
    assert phrases.plain(text) == plain
    assert phrases.plain(plain) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("geef me een mens", True),
        ("Geef me\n een persoon!", False),
        ("geef me een persoonlijk antwoord", False),
        ("ageef me een mens", False),
        ("cafe", True),
        ("wil je niet geef me een mens", False),
        ("niet dit: geef me een mens", True),
        ("geef me een mens readable", False),
        ("geef me een mens' naam", False),
        ('"geef me een mens"', False),
        ("niet geef me een mens. geef me een mens", True),
        ("그사람이", True),
    ],
)
def test_a_phrase_is_found_unless_it_is_undone(
    languages: dict[str, phrases.LanguagePhrases],
    text: str,
    expected: bool,  # noqa: FBT001 - a parameter
) -> None:
    """On one line, as whole words where there are any, and not where its surroundings make it something else."""
    assert phrases.found(phrases.plain(text), languages.values()) is expected


def test_a_row_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    """A slip in a table does not pass in silence."""
    (tmp_path / "table.yaml").write_text("Dutch: {phrases: [mens], unles_before: [niet]}")
    with pytest.raises(TypeError, match="unles_before"):
        phrases.load(tmp_path / "table.yaml")
