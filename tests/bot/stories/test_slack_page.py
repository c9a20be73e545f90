"""An explanation as a message in Slack: `bot.stories.slack_page`."""

import pytest

from bot.stories import slack_page
from bot.stories.explanation import Explanation, StoryPart
from tests.support.block_checks import NASTY, check


def page(*says: str, parts: int = 1) -> Explanation:
    """Return a page with the same sentences in each part."""
    return Explanation("turn:1", "Turn 1.", tuple(StoryPart("Asked", says, {}) for _ in range(parts)))


@pytest.mark.parametrize("words", NASTY)
def test_nobodys_words_mention_link_or_break_anything(words: str) -> None:
    """Whatever was written, Slack takes the message, and only our own mentions are in it."""
    check(slack_page.body(page(f"U0MAYA wrote: {words}", words), ["U0MAYA"]), ours=("<@U0MAYA>",))


def test_people_and_channels_of_the_page_are_mentioned() -> None:
    """An id that the page does not name stays text, and so does one within a place or a longer word."""
    body = slack_page.body(page("U0MAYA wrote in C0HELP (C0HELP/1.5): U0OTHER, XU0MAYA, turn:1"), ["U0MAYA", "C0HELP"])
    assert body["blocks"][1]["text"]["text"] == (
        "*Asked*\n<@U0MAYA> wrote in <#C0HELP> (C0HELP/1.5): U0OTHER, XU0MAYA, turn:1"
    )


def test_a_long_page_is_cut_and_says_so() -> None:
    """Slack takes 50 blocks; what is left is on a terminal."""
    body = slack_page.body(page("It was.", parts=60), [])
    check(body)
    assert "`deskhand audit explain turn:1` 20 more parts are there." in body["blocks"][-1]["elements"][0]["text"]
