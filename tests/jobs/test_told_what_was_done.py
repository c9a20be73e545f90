"""Who is handed over after something was done for them reads that first: the whole path of a turn, `jobs.turn`."""

import pytest

from bot.agent.model import Completion
from bot.principals import Reason
from bot.slack.sentences import Language, say
from tests.support.product_harness import LOCKED, Place
from tests.support.product_steps import LOCALES, set_language
from tests.support.scripted_models import Block, Script
from tests.support.web_harness import Card

LOOK: Block = ("look_up_my_account", {})
UNLOCK: Block = ("unlock_my_account", {})
UNLOCKED = "I have unlocked your account. For the rest I have called in a person"


def hands_off(reason: Reason) -> Block:
    """Return a call that hands a ticket off."""
    return "hand_off", {"reason": str(reason), "summary": "They need a new phone, too."}


def asks(place: Place, *answers: tuple[Block, ...] | BaseException | Completion) -> str:
    """Let Maya ask a model that answers like this; return the ts of her message."""
    place.change_desk(call_model=Script(list(answers)), sleep=lambda _seconds: None)
    return place.asks("U0MAYA", LOCKED)


@pytest.mark.parametrize("language", ["en", *LOCALES])
def test_an_unlocked_account_is_told_before_a_person_comes(place: Place, language: Language) -> None:
    """In the requester's language, by the steps of the turn and not by what the model writes; the card shows it too."""
    set_language(place, "U0MAYA", LOCALES.get(language, "en-US"))
    ts = asks(place, (LOOK,), (UNLOCK,), (hands_off(Reason.REQUESTED),))
    assert place.writes() == [("acc-maya", "unlock")]
    [notice] = place.thread("U0MAYA", ts)
    assert notice.startswith(say("done.unlock_my_account", language))
    assert say("handoff.rest_passed_on", language) in notice
    assert say("why.requested", language) not in notice
    assert place.last_handoff().context.tried[-1] == ("unlock_my_account", "done: yes, status: active")


def test_it_is_told_whatever_brings_the_person(place: Place) -> None:
    """A bug after it, too: then the requester reads both."""
    ts = asks(place, (UNLOCK,), ZeroDivisionError())
    [notice] = place.thread("U0MAYA", ts)
    assert place.last_handoff().reason == "error"
    told = ("done.unlock_my_account", "why.error", "handoff.rest_passed_on")
    assert notice.startswith(" ".join(say(key, "en") for key in told))


def test_nothing_is_told_that_was_not_done(place: Place) -> None:
    """What was only read is nothing."""
    ts = asks(place, (LOOK,), (hands_off(Reason.LOW_CONFIDENCE),))
    assert place.thread("U0MAYA", ts)[0].startswith(say("why.low_confidence", "en"))
    assert place.writes() == []


def test_it_is_told_once(place: Place) -> None:
    """A turn after that, given back and handed off again, has done nothing; nor is an answer's work told again."""
    ts = asks(place, (UNLOCK,), (hands_off(Reason.REQUESTED),))
    handoff = place.last_handoff().id
    card = Card(handoff, "U0MAYA", ts, place.front.card(handoff))
    place.front.press("U0PRIYA", card, "claim")
    place.front.press("U0PRIYA", place.front.refreshed(card), "give_back")
    assert place.front.fill("U0PRIYA", {"note": {"note": {"value": "Look again."}}})["ok"]
    place.change_desk(call_model=Script([(LOOK,), (hands_off(Reason.LOW_CONFIDENCE),)]))
    place.work()
    told = place.thread("U0MAYA", ts)
    assert [UNLOCKED in text for text in told] == [True, *[False] * (len(told) - 1)]
    assert told[-1].startswith(say("why.low_confidence", "en"))
