"""Is this only a thank-you?: `bot.agent.thanks`."""

from itertools import chain
from pathlib import Path

import pytest
import yaml

from bot.agent.thanks import LONGEST, Tone, is_courtesy, tone_of, tone_of_turn
from bot.store.schema import InboxEvent
from tests.support.growth import again, grows_evenly
from tests.support.real_requests import real_requests
from tests.support.slack_markup import named

SETS: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load(Path(__file__).with_name("thanks.yaml").read_text())


def heard(text: str, *files: str) -> InboxEvent:
    return InboxEvent(text=text, files=list(files))


def weighed(which: str, kind: str) -> dict[str, Tone]:
    """Return what each text of a set comes down to."""
    return {text: tone_of(text) for text in chain.from_iterable(SETS[which][kind].values())}


@pytest.mark.parametrize(("which", "unclear"), [("first", 0), ("second", 4)])
def test_thanks_open_nothing_again(which: str, unclear: int) -> None:
    """None of some hundred thanks in seventeen languages is taken for more; what code cannot tell are these few."""
    verdicts = weighed(which, "thanks")
    assert [text for text, verdict in verdicts.items() if verdict is Tone.MORE] == []
    assert sum(verdict is Tone.UNCLEAR for verdict in verdicts.values()) <= unclear


@pytest.mark.parametrize(("which", "unclear"), [("first", 4), ("second", 17)])
def test_who_wants_more_is_not_thanked_away(which: str, unclear: int) -> None:
    """None of some hundred other words is taken for thanks; for most of them no model is asked."""
    verdicts = weighed(which, "more")
    assert [text for text, verdict in verdicts.items() if verdict is Tone.THANKS] == []
    assert sum(verdict is Tone.UNCLEAR for verdict in verdicts.values()) <= unclear


def test_no_real_request_is_thanks() -> None:
    """None of 400 real people's requests is one."""
    texts = real_requests()
    assert len(texts) == 400
    assert [text for text in texts if tone_of(text) is Tone.THANKS] == []


@pytest.mark.parametrize(
    "text",
    [
        "thx :+1:",
        ":+1::skin-tone-2:",
        "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}",
        "thanks :parrot:",
        "thanks <@U0PRIYA>",
        "Thanks <@U0PRIYA|priya>!",
        "thanks @priya",
        f"thanks {named('Unlock my account, please')}",
        "THANKS PRIYA",
        "thanks so much priya!",
        "Thanks Mary-Jane O'Neil",
        "&gt; thanks",
    ],
)
def test_names_mentions_and_emoji_add_nothing(text: str) -> None:
    """However Slack writes them."""
    assert tone_of(text) is Tone.THANKS


@pytest.mark.parametrize(
    "text",
    [
        "it works not",
        "not solved",
        "???",
        "thanks?",
        "谢谢\N{FULLWIDTH QUESTION MARK}",
        ":sob:",
        "thanks :face_with_rolling_eyes:",
        "thanks locked",
        "Thanks. Problem",
        "Priya locked",
        "",
        "<@U0PRIYA>",
    ],
)
def test_a_doubt_is_none(text: str) -> None:
    """Marks, signs and trouble that stand where a name could stand."""
    assert tone_of(text) is Tone.MORE


@pytest.mark.parametrize("text", ["now", "Priya", ":parrot:", "thanks printer cable", "> works\n5012"])
def test_what_says_neither_is_left_to_others(text: str) -> None:
    """No thanks alone, and no more than that."""
    assert tone_of(text) is Tone.UNCLEAR


def test_a_file_is_more_than_thanks() -> None:
    """A screenshot, with or without a word, may show what is still broken."""
    assert tone_of_turn([heard("", "error.png")]) is Tone.MORE
    assert tone_of_turn([heard("thanks", "error.png")]) is Tone.MORE


def test_silence_is_no_thanks() -> None:
    """A turn whose messages were all withdrawn thanks for nothing."""
    assert tone_of_turn([]) is Tone.MORE


def test_all_messages_of_a_turn_are_one_text() -> None:
    """Thanks followed by a question are a question, and a greeting followed by thanks is thanks."""
    assert tone_of_turn([heard("great"), heard("thanks!")]) is Tone.THANKS
    assert tone_of_turn([heard("hi Priya"), heard("thanks!")]) is Tone.THANKS
    assert tone_of_turn([heard("thanks!"), heard("one more thing")]) is Tone.MORE


def test_a_letter_is_more_than_thanks() -> None:
    """What is longer than a thank-you is read by a person, however friendly its words are."""
    assert tone_of("thanks " * 80) is Tone.THANKS
    assert tone_of("thanks " * (LONGEST // 7 + 1)) is Tone.MORE


@pytest.mark.parametrize(
    "words", ["works now ", "thank you ", "all good ", "thanks priya ", "super merci ", "a, ", "("]
)
def test_a_long_text_is_no_riddle(words: str) -> None:
    """Words that could be read in two ways do not make the check take for ever."""
    assert tone_of(again(words)(10_000) + "but") is Tone.MORE
    assert grows_evenly(lambda text: tone_of(f"{text}but"), again(words), length=LONGEST - 10)


@pytest.mark.parametrize(
    "text", ["hi", "Hello Deskhand!", "<@U0BOT>", "Guten Tag", "hola", "bonjour", "こんにちは", "danke dir"]
)
def test_a_greeting_is_a_courtesy_as_thanks_are(text: str) -> None:
    """In whatever language, and so is a mention alone."""
    assert is_courtesy([heard(text)])


def test_what_is_asked_is_no_courtesy() -> None:
    """However politely; nor is a file, a wall of thanks, or nothing at all."""
    asked = ["hello, I cannot sign in", "hi, how are you?", "yes please", "Guten Tag, mein Konto ist gesperrt"]
    assert [text for text in [*asked, "thanks " * LONGEST] if is_courtesy([heard(text)])] == []
    assert not is_courtesy([heard("hi", "screen.png")])
    assert not is_courtesy([])


def test_no_real_request_is_a_courtesy() -> None:
    """Of 400 real people's first words one is: a greeting and no more."""
    texts = real_requests()
    assert [text for text in texts if is_courtesy([heard(text)])] == ["hola"]
