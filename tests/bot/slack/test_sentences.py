"""What is said to people who ask for help, in their language: `bot.slack.sentences`."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest
import yaml

from bot.admission import Bar
from bot.principals import Reason
from bot.rights import Forbidden
from bot.slack import mrkdwn, sentences
from bot.slack.sentences import LANGUAGES, Language, catalogue, duration, joined, language_of, say
from bot.store import members
from bot.store.db import Database
from bot.store.schema import WithdrawCause
from tests.support.paths import ROOT
from tests.support.source_trees import syntax_nodes

CODE = [file for folder in ("bot", "jobs") for file in sorted((ROOT / folder).rglob("*.py"))]
FORMS = {
    "de": r"\b(?:Sie|Ihr|Ihre[mnrs]?|Ihnen)\b",
    "es": r"\busted\b",
    "fr": r"\b(?:tu|te|toi|tes|ton)\b",
    "pt": r"\btu\b",
}
"How nobody is addressed in a language; a sentence about others begins with these in none of them."
COMPUTED = {
    "why.": [str(reason) for reason in Reason],
    "done.": ["unlock_my_account", "send_password_reset", "reset_second_factor"],
    "refused.": [str(bar) for bar in Bar],
    "denied.": [why.name.lower() for why in Forbidden],
    "approval.withdrawn_": [str(cause) for cause in WithdrawCause],
    "home.": ["agent", "answered", "yours", "waiting", "person", "resolved", "refused", "withdrawn"],
    "press.only_theirs_to_": ["take_back", "judge", "say"],
    "feedback.": ["title", "send", "cancel"],
    "budget.": ["in_conversation", "in_channel", "on_yours", "today", "this_week", "this_month"],
    "surge.joined_": ["directory", "alike"],
    "surge.ended_": ["directory", "people"],
    "surge.notice_": ["directory", "alike", "directory_over", "people_over"],
    "excess.": ["messages", "tickets_hour", "tickets_day", "another", "others"],
}
"Keys that code puts together or chooses between, by what they begin with."


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_no_sentence_is_missing() -> None:
    """Every key in every language, and no language beside them."""
    wrong = [key for key, texts in catalogue().items() if list(texts) != list(LANGUAGES)]
    assert wrong == []


def test_no_sentence_is_written_down_twice() -> None:
    """YAML would let the second one of a key win in silence."""
    text = Path(sentences.__file__).with_suffix(".yaml").read_text("utf-8")
    keys = re.findall(r"^([a-z_.]+):", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(catalogue()) == len(yaml.safe_load(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_placeholder_is_in_each_language(language: Language) -> None:
    """What code fills in is said in all of them, and nothing is left open in one."""
    for key, texts in catalogue().items():
        assert placeholders(texts[language]) == placeholders(texts["en"]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_is_whole(language: Language) -> None:
    """It ends as it does in English, has no space at an end but between channels, and no unbalanced mark."""
    ends = {".": ".。", ":": ":\N{FULLWIDTH COLON}", "?": "?\N{FULLWIDTH QUESTION MARK}"}
    for key, texts in catalogue().items():
        text, english = texts[language], texts["en"]
        assert text.strip() == text or key == "home.or", key
        assert (text[-1] in ends[english[-1]]) if english[-1] in ends else (text[-1] not in ".。:"), key
        assert text.count("`") == english.count("`"), key
        assert text.count("*") == english.count("*"), key
        assert "!" not in text, key


@pytest.mark.parametrize("language", FORMS)
def test_people_are_addressed_in_one_way(language: Language) -> None:
    """As the head of the file says."""
    wrong = [key for key, texts in catalogue().items() if re.search(FORMS[language], texts[language])]
    assert wrong == []


def test_nothing_was_left_in_english() -> None:
    """No sentence of more than two words reads the same in two languages."""
    for key, texts in catalogue().items():
        if texts["en"].strip().count(" ") > 1 and key != "date":
            assert len(set(texts.values())) == len(LANGUAGES), key


def said_in_code() -> tuple[set[str], set[str]]:
    """Return the keys that the code names, and what the keys that it computes begin with."""
    keys, begun = set(), set()
    for file in (file for file in CODE if "bot.slack.sentences" in file.read_text("utf-8") or file.stem == "sentences"):
        for node in syntax_nodes(file):
            if isinstance(node, ast.Constant) and node.value in catalogue():
                keys.add(str(node.value))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    keys.add(str(first.value))
                elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                    begun.add(str(first.values[0].value))
    return keys, begun


def test_the_catalogue_is_what_the_code_says() -> None:
    """Every key that is named or put together is there, and none is there that nothing says."""
    keys, begun = said_in_code()
    assert begun <= set(COMPUTED)
    keys |= {head + tail for head, tails in COMPUTED.items() for tail in tails}
    keys |= {f"{key}_later" for key in keys if f"{key}_later" in catalogue()}
    keys |= {f"{key}_label" for key in keys if f"{key}_label" in catalogue()}
    assert keys == set(catalogue())


def test_whoever_is_spoken_to_is_spoken_to_in_a_language() -> None:
    """Code passes a language to everything that takes one; what has English by default has it for tests."""
    takes: dict[tuple[str, str], int] = {}
    calls: list[tuple[tuple[str, str], ast.Call, str]] = []
    for file in CODE:
        for node in syntax_nodes(file):
            if isinstance(node, ast.FunctionDef):
                arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
                if "language" in arguments:
                    takes[file.stem, node.name] = arguments.index("language")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                whose = getattr(node.func.value, "id", "")
                calls.append(((whose, node.func.attr), node, f"{file.name}:{node.lineno}"))
    assert {("replies", "resolved"), ("budget_cards", "footers"), ("copies", "human_reply")} <= set(takes)
    silent = [
        where
        for called, call, where in calls
        if called in takes and called[1] != "in_words"  # which responders read in English
        if len(call.args) <= takes[called] and all(keyword.arg != "language" for keyword in call.keywords)
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("en-US", "en"),
        ("en-GB", "en"),
        ("de-DE", "de"),
        ("de-AT", "de"),
        ("es-LA", "es"),
        ("es-ES", "es"),
        ("fr-FR", "fr"),
        ("pt-BR", "pt"),
        ("pt_PT", "pt"),
        ("ja-JP", "ja"),
        ("JA", "ja"),
        ("it-IT", "en"),
        ("zh-CN", "en"),
        ("dehlavi", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_locale_is_of_a_language(locale: str | None, language: str) -> None:
    """Whatever country it names; one that is unknown is English."""
    assert language_of(locale) == language


def test_a_person_is_spoken_to_in_their_language(database: Database) -> None:
    """As Slack last said it, and in English before it has."""
    with database.write() as session:
        assert sentences.spoken_by(session, "U0LENA") == "en"
        members.store_locale(session, "U0LENA", "de-CH")
        assert sentences.spoken_by(session, "U0LENA") == "de"


@pytest.mark.parametrize(
    ("minutes", "english", "german"),
    [
        (0, "a minute", "einer Minute"),
        (1, "a minute", "einer Minute"),
        (15, "15 minutes", "15 Minuten"),
        (60, "an hour", "einer Stunde"),
        (61, "2 hours", "2 Stunden"),
    ],
)
def test_a_time_in_words(minutes: int, english: str, german: str) -> None:
    """Never shorter than it is."""
    assert (duration("en", minutes), duration("de", minutes)) == (english, german)


def test_a_moment_stays_slacks_to_write() -> None:
    """With words of the language around day and time; in English as everywhere else."""
    at = datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert sentences.date("en", at) == mrkdwn.date(at)
    assert (
        sentences.date("de", at)
        == f"<!date^{int(at.timestamp())}^{{date_short_pretty}} um {{time}}|2026-11-30 08:00 UTC>"
    )


def test_sentences_are_joined_as_a_language_joins_them() -> None:
    """With a space, but in Japanese."""
    assert joined("fr", ["A.", "", "B."]) == "A. B."
    assert joined("ja", ["甲。", "", "乙。"]) == "甲。乙。"


def test_what_is_filled_in_is_not_read_again() -> None:
    """Braces in a value stay braces."""
    assert say("handoff.attached", "en", files="{who}.txt") == "Attached: {who}.txt"
