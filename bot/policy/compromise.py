"""Does it look as if somebody else had got into an account? Judged by its sign-ins alone. Pure.

The sign is a sign-in that succeeded right after many that failed, when either those that failed or the one that
succeeded came from elsewhere. At home is where sign-ins succeeded before any of this began. What the directory does
not say counts against the account: an attempt without a place is from elsewhere, and a list too long to be read whole
is a sign by itself. Only failures are none (that is what locks are for), and failures after the last success neither.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.policy.rules import CompromiseFigures
from bot.principals import SignIn

READ_AT_MOST = 200
"Sign-ins that the directory is asked for."
SKEW = timedelta(minutes=2)
"How far apart the clocks of two sign-in servers may be."
PLACE_AT_MOST = 80
"Characters of a place that a person is told."
_UNKNOWN = "an unknown place"


def sign(sign_ins: Sequence[SignIn], figures: CompromiseFigures, at: datetime) -> str | None:
    """Return the sign of compromise as a sentence for the person who takes over, or None.

    Args:
        sign_ins: what the directory has, in any order.
        figures: what counts as many and as right after.
        at: now; what the directory stamps later than that is looked at too.
    """
    within, counts_from = timedelta(minutes=figures.within_minutes), at - timedelta(hours=figures.for_hours)
    ordered = sorted(sign_ins, key=lambda one: one.at)
    if len(ordered) >= READ_AT_MOST and ordered[0].at > counts_from - within:
        return f"{len(ordered)} sign-ins since {_when(ordered[0].at)}: more than can be looked through."
    for success in (one for one in ordered if one.ok and one.at >= counts_from):
        burst = [one for one in ordered if not one.ok and success.at - within <= one.at <= success.at + SKEW]
        home = {_place(one) for one in ordered if one.ok and one.at < success.at - within} - {None}
        strange = [one for one in burst if _place(one) not in home]
        from_elsewhere = burst if _place(success) not in home else strange
        if len(from_elsewhere) >= figures.failures:
            return _told(from_elsewhere, success)
    return None


def _told(burst: Sequence[SignIn], success: SignIn) -> str:
    places = ", ".join(sorted({_shown(one) for one in burst}))
    return (
        f"{len(burst)} sign-ins failed between {_when(burst[0].at)} and {_when(burst[-1].at)}, from {places}; "
        f"then one succeeded at {_when(success.at)}, from {_shown(success)}."
    )


def _place(one: SignIn) -> str | None:
    """Return where an attempt came from as it is compared: the directory may write one place in two ways."""
    words = " ".join((one.place or "").split()).casefold()
    return words or None


def _shown(one: SignIn) -> str:
    return " ".join((one.place or "").split())[:PLACE_AT_MOST] or _UNKNOWN


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
