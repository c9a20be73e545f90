"""Why a turn is looked at again for certain: what its rows show without a look at its words. Pure."""

import re

from bot.drift.loops import Repetition
from bot.principals import Reason
from bot.store.figures.first_turns import NOT_PLAYED
from bot.store.figures.turn_signs import TurnSigns
from bot.store.schema import SampledFor, TurnOutcome

_REDACTED = re.compile(r"\[[a-z][a-z ]{2,30}\]")
"What stands for a secret, such as `[password]`. A requester who writes that is looked at, too, which does no harm."


def is_turn(signs: TurnSigns) -> bool:
    """Return whether a turn is one of its agent: it ended in a reply or a handoff, and the agent had a part in it."""
    return signs.outcome in {TurnOutcome.REPLY, TurnOutcome.HANDOFF} and signs.reason not in NOT_PLAYED


def kept_for(signs: TurnSigns, repetition: Repetition | None) -> SampledFor | None:
    """Return why a turn is kept for certain, the first reason that holds; None: only if it is drawn."""
    reasons = (
        (SampledFor.THUMB_DOWN, signs.thumb_down),
        (SampledFor.ERROR, signs.reason == Reason.ERROR or signs.failures > 0),
        (SampledFor.HANDOFF, signs.outcome is TurnOutcome.HANDOFF),
        (SampledFor.LOOP, repetition is not None),
        (SampledFor.REFUSED_CALL, signs.troubled),
        (SampledFor.HELD_BACK, signs.answers > 1),
        (SampledFor.REDACTED, any(_REDACTED.search(text) for text in signs.heard)),
    )
    return next((why for why, holds in reasons if holds), None)
