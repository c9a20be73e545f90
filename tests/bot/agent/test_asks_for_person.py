"""A wish for a person, seen without a model: `bot.agent.asks_for_person`."""

from pathlib import Path

import pytest

from bot.agent import card, phrases
from bot.agent.asks_for_person import languages, wants_person
from bot.agent.phrases import LanguagePhrases
from bot.evals import cases
from bot.principals import Reason
from tests.support.growth import again, grows_evenly
from tests.support.paths import CONFIG
from tests.support.phrase_tables import Phrases, misses, read_table
from tests.support.real_requests import real_requests
from tests.support.slack_markup import named

TEXTS = read_table(Path(__file__).parent / "asks_for_person.yaml")
WANTED: Phrases = TEXTS["positives"]


@pytest.mark.parametrize("language", WANTED)
def test_a_wish_is_seen(language: str) -> None:
    """However it is put, in any of the languages, in capitals and among other words."""
    missed = misses(
        WANTED[language],
        alone=wants_person,
        in_capitals=lambda text: wants_person(text.upper()),
        after_a_mention=lambda text: wants_person(f"<@U0BOT> {text}"),
        below_other_words=lambda text: wants_person(f"Hi, I am locked out\n\n{text}\n"),
    )
    assert missed == []


@pytest.mark.parametrize("text", ["representative", "Operator!", "<@U0BOT> a human.", "real person", "speak to agent"])
def test_a_word_alone_is_a_wish(text: str) -> None:
    """As people have learnt to say to machines; within other words it is not enough."""
    assert wants_person(text)
    assert not wants_person(f"They say {text} and I know what they mean")


def test_what_is_no_wish_is_left_alone() -> None:
    """Other people, refusals, reports, questions and mere possibilities are not for code to judge."""
    assert [text for text in TEXTS["negatives"] if wants_person(text)] == []


def test_a_persons_name_is_no_wish() -> None:
    """Whatever somebody who is mentioned calls themselves."""
    assert wants_person("I want to talk to a human")
    assert not wants_person(f"{named('I want to talk to a human')} says that you can unlock me")


def test_every_language_has_examples() -> None:
    """No table without at least four wishes that it alone is there for."""
    assert all(len(texts) >= 4 for texts in WANTED.values())
    seen = {name for name, one in languages().items() for texts in WANTED.values() if _alone(one, texts)}
    assert seen == set(languages())


def _alone(language: LanguagePhrases, texts: list[str]) -> bool:
    return sum(phrases.found(phrases.plain(text), [language]) for text in texts) >= 4


def test_no_real_request_is_mistaken() -> None:
    """Of 400 real people's words none asks this desk for a person, and none is taken to."""
    texts = real_requests()
    assert len(texts) == 400
    assert [text for text in texts if wants_person(text)] == []


def test_the_suite_agrees() -> None:
    """Whatever a case of the suite says is a wish only where the case ends as requested or given back."""
    for case in cases.load(card.load(CONFIG / "agents/access")).cases:
        wished = [said.text for said in case.says if said.by == "requester" and wants_person(said.text)]
        asked = any(Reason.REQUESTED in end.reasons for end in case.expect) or len(case.says) > 1
        assert not wished or asked, case.id


@pytest.mark.parametrize(
    "piece",
    [
        "I do not want to talk to a human, ",
        "can i please talk to ",
        "mit einem echten ",
        "je voudrais parler ",
        "не хочу говорить с ",  # noqa: RUF001 - Cyrillic is what is tried
        "人と",
        "不要转人工",
        "사람과 이야기",
        "if i ",
        "connect my " + "a" * 500,
        "```",
        "<@",
        "> ",
        "\n",
        "?",
        "x",
    ],
)
def test_a_very_long_text_is_read_quickly(piece: str) -> None:
    """The time grows with the length and no faster, whatever is repeated."""
    assert grows_evenly(wants_person, again(piece))


def test_a_wish_at_the_end_of_a_long_text_is_seen() -> None:
    """Nothing is cut off."""
    assert wants_person("lorem ipsum " * 8_000 + ". Can I talk to a human?")
