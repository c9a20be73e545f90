"""Whoever asks for help reads what the bot says by itself in their own language; those who help read English."""

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.slack.sentences import LANGUAGES, Language, catalogue, say
from bot.store.outbox import homes
from bot.store.schema import Handoff, now
from jobs import home
from tests.support.factories import put
from tests.support.product_harness import Place
from tests.support.product_steps import LOCALES, clock_looks, set_language
from tests.support.web_harness import Card
from tests.support.workspace_names import BOT, HELP

if TYPE_CHECKING:
    from tests.support.json_object import Json

LENA = "U0LENA"
ENGLISH = [
    part.strip()
    for texts in catalogue().values()
    for part in re.split(r"\{\w+\}", texts["en"])
    if part.strip().count(" ") > 1 and "{" not in part
]
"What English sentences consist of; a part of two words could be said in another language."


def reads(place: Place, user: str) -> list[str]:
    """Return all that the bot says to somebody: in the help channel, to them alone, and directly."""
    posted: list[Json] = [one for one in place.front.sees(user)["messages"].get(HELP, ()) if one.get("bot_id")]
    return (
        [json.dumps(one, ensure_ascii=False) for one in posted]
        + place.front.whispers(user)
        + place.front.directly(user)
    )


def presses(place: Place, card: Card, action: str) -> None:
    place.front.press("U0PRIYA", place.front.refreshed(card), action)


def expiries(place: Place, card: Card) -> None:
    put(place.front.database, Handoff, card.handoff, lease_until=now() - timedelta(seconds=1))
    clock_looks(place)


def waits(place: Place, card: Card) -> None:
    put(place.front.database, Handoff, card.handoff, open_since=now() - timedelta(hours=1))
    clock_looks(place)


@pytest.mark.parametrize("language", LOCALES)
def test_a_handoff_is_told_in_the_requesters_language(place: Place, language: Language) -> None:
    """From its notice with a button, over every move of it, to the thanks; responders read English."""
    set_language(place, LENA, LOCALES[language])
    card = place.front.hand_off(LENA)
    passed_on, expect = say("handoff.passed_on", language), say("duration.minutes", language, count=15)
    assert passed_on in place.front.said_in(card)[0]
    assert expect in place.front.said_in(card)[0]
    assert say("handoff.no_longer_needed", language) in json.dumps(place.front.thread(card), ensure_ascii=False)
    waits(place, card)
    presses(place, card, "claim")
    presses(place, card, "unclaim")
    presses(place, card, "claim")
    expiries(place, card)
    presses(place, card, "claim")
    told = "\n".join(place.front.said_in(card))
    for key in ("still_waiting", "claimed", "let_go"):
        assert say(f"handoff.{key}", language, who="<@U0PRIYA>") in told
    read = reads(place, LENA)
    assert [part for part in ENGLISH if any(part in text for text in read)] == []
    assert "is with a person" in json.dumps(place.queue())


@pytest.mark.parametrize("language", LOCALES)
def test_what_is_said_to_one_person_alone_is_in_their_language(place: Place, language: Language) -> None:
    """A request that is taken back, twice; a flood; who may not ask; the thread of somebody else."""
    set_language(place, LENA, LOCALES[language])
    card = place.front.hand_off(LENA)
    [notice] = [one for one in place.front.thread(card) if "handoff.cancel" in json.dumps(one)]
    place.front.choose(LENA, notice, HELP, "cancel")
    place.front.choose(LENA, notice, HELP, "cancel", forge=True, value=str(card.handoff))
    set_language(place, "U0MAYA", LOCALES[language])
    theirs = place.front.hand_off("U0MAYA")
    place.front.say(LENA, HELP, f"<@{BOT}> me too", thread_ts=theirs.thread_ts)
    clock_looks(place)
    assert say("where.bystander", language, who="<@U0MAYA>") in place.front.whispers(LENA)
    assert say("handoff.cancelled", language) in "\n".join(place.front.said_in(card))
    assert say("press.taken_back", language) in place.front.whispers(LENA)
    read = reads(place, LENA)
    assert [part for part in ENGLISH if any(part in text for text in read)] == []


@pytest.mark.parametrize("language", LOCALES)
def test_what_comes_directly_says_so_in_their_language(place: Place, language: Language) -> None:
    """Their thread is closed, so the news of it come to them, headed by where they belong."""
    set_language(place, LENA, LOCALES[language])
    card = place.front.hand_off(LENA)
    place.front.archive(HELP)
    presses(place, card, "claim")
    [told] = place.front.directly(LENA)
    assert told.startswith(say("where.about_closed", language, channel=f"<#{HELP}>"))
    assert say("handoff.claimed", language, who="<@U0PRIYA>") in told
    assert [part for part in ENGLISH if part in told] == []


@pytest.mark.parametrize("language", LOCALES)
def test_who_is_refused_reads_why_in_their_language(place: Place, language: Language) -> None:
    """Slack says it in the very look-up that says who they are."""
    place.front.slack_says(LENA, locale=LOCALES[language], is_restricted=True)
    place.asks(LENA, f"<@{BOT}> I cannot sign in")
    assert place.front.whispers(LENA) == [say("refused.guest", language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_ones_own_part_of_the_home_is_in_ones_language(place: Place, language: Language) -> None:
    """With a request that waits; a responder's desk above it stays English."""
    for user in (LENA, "U0PRIYA"):
        set_language(place, user, LOCALES.get(language, "it-IT"))
    place.front.hand_off(LENA)
    shown = {}
    for user in (LENA, "U0PRIYA"):
        with place.front.database.write() as session:
            homes.opened(session, user, "T1", blank=True)
        home.show(user)
        shown[user] = json.dumps(place.front.sees(user)["home"], ensure_ascii=False)
    for key in ("your_requests", "open_thread", "waiting"):
        assert say(f"home.{key}", language) in shown[LENA]
    assert say("home.none", language) in shown["U0PRIYA"]
    assert "Waiting for somebody (1)" in shown["U0PRIYA"]


def test_who_has_changed_their_language_is_told_in_the_new_one(place: Place) -> None:
    """From the next look-up on; what was said stays as it was."""
    set_language(place, LENA, "de-DE")
    card = place.front.hand_off(LENA)
    set_language(place, LENA, "fr-FR")
    presses(place, card, "claim")
    assert say("handoff.claimed", "fr", who="<@U0PRIYA>") in place.front.said_in(card)
