"""Is this only a thank-you?: `bot.agent.thanks`."""

import pytest

from bot.agent.thanks import is_thanks
from bot.store.schema import InboxEvent
from tests.growth import again, grows_evenly


def heard(text: str, *files: str) -> InboxEvent:
    return InboxEvent(text=text, files=list(files))


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "Thank you so much!",
        "thx :+1:",
        ":+1::skin-tone-2:",
        ":white_check_mark:",
        "\N{THUMBS UP SIGN}",
        "ok, it works now. Thanks a lot for your help!",
        "works now",
        "Danke schön!",
        "merci beaucoup",
        "¡Gracias!",
        "obrigada",
    ],
)
def test_thanks_fetch_nobody(text: str) -> None:
    """Nothing but thanks, in several languages, with emoji as Slack writes them."""
    assert is_thanks([heard(text)])


@pytest.mark.parametrize(
    "text",
    [
        "thanks, but it is still locked",
        "it works not",
        "not solved",
        "ok and my second phone?",
        "???",
        "thanks?",
        ":sob:",
        "danke, geht aber nicht",
        "help",
        "",
    ],
)
def test_anything_more_is_no_thanks(text: str) -> None:
    """Whoever says one thing more than thanks gets a person again."""
    assert not is_thanks([heard(text)])


def test_a_file_is_more_than_thanks() -> None:
    """A screenshot without a word may show what is still broken."""
    assert not is_thanks([heard("", "error.png")])
    assert not is_thanks([heard("thanks", "error.png")])


def test_silence_is_no_thanks() -> None:
    """A turn whose messages were all withdrawn thanks nobody."""
    assert not is_thanks([])


def test_every_message_of_a_turn_counts() -> None:
    """Thanks followed by a question is a question."""
    assert is_thanks([heard("great"), heard("thanks!")])
    assert not is_thanks([heard("thanks!"), heard("one more thing")])


@pytest.mark.parametrize("words", ["works now ", "thank you ", "all good ", "a lot of thanks ", "it works now again "])
def test_a_long_text_is_no_riddle(words: str) -> None:
    """Words that could be read in two ways do not make the check take for ever."""
    assert not is_thanks([heard(again(words)(10_000) + "but")])
    assert grows_evenly(lambda text: is_thanks([heard(f"{text}but")]), again(words))
