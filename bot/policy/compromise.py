"""Do an account's sign-ins suggest that somebody else has got in? Pure.

The pattern is a sign-in that succeeded right after many that failed, where either the failed ones or the successful
one came from an unfamiliar place. A place is familiar if sign-ins from it succeeded before the failures began. What the
directory does not say counts against the account: an attempt without a place counts as unfamiliar, and a list too long
to be read whole is suspicious by itself. Failures alone are not suspicious (locks exist for them), and neither are
failures after the last success.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.policy.rules import CompromiseFigures
from bot.principals import SignIn

READ_AT_MOST = 200
"How many sign-ins the directory is asked for."
SKEW = timedelta(minutes=2)
"How far apart the clocks of two sign-in servers may be."
PLACE_AT_MOST = 80
"Longest place name, in characters, that a person is shown."
_UNKNOWN = "an unknown place"


def detect(sign_ins: Sequence[SignIn], figures: CompromiseFigures, at: datetime) -> str | None:
    """Return why an account looks compromised, as a sentence for the person who takes over, or None.

    Args:
        sign_ins: what the directory returned, in any order.
        figures: how many failures are too many, and how soon after them a success is suspicious.
        at: now; sign-ins that the directory stamps later than this are included.
    """
    within, counts_from = timedelta(minutes=figures.within_minutes), at - timedelta(hours=figures.for_hours)
    ordered = sorted(sign_ins, key=lambda one: one.at)
    if len(ordered) >= READ_AT_MOST and ordered[0].at > counts_from - within:
        return f"{len(ordered)} sign-ins since {_when(ordered[0].at)}: too many to read."
    for success in (one for one in ordered if one.ok and one.at >= counts_from):
        burst = [one for one in ordered if not one.ok and success.at - within <= one.at <= success.at + SKEW]
        familiar = {_place(one) for one in ordered if one.ok and one.at < success.at - within} - {None}
        unfamiliar = [one for one in burst if _place(one) not in familiar]
        from_elsewhere = burst if _place(success) not in familiar else unfamiliar
        if len(from_elsewhere) >= figures.failures:
            return _sentence(from_elsewhere, success)
    return None


def after_reset(sign_ins: Sequence[SignIn], figures: CompromiseFigures, *, since: datetime, at: datetime) -> str | None:
    """Return what is odd about the sign-ins since second factors were reset, as a sentence for people, or None.

    A success from an unfamiliar place is odd then, and so is all that `detect` finds. A place is familiar if sign-ins
    from it succeeded before the reset. A directory that has never told a place says nothing by telling none.

    Args:
        sign_ins: what the directory returned, in any order.
        figures: how many failures are too many, and how soon after them a success is suspicious.
        since: when the factors were reset.
        at: now.
    """
    familiar = {_place(one) for one in sign_ins if one.ok and one.at < since} - {None}
    for success in sorted((one for one in sign_ins if one.ok and one.at >= since), key=lambda one: one.at):
        place = _place(success)
        if place not in familiar and (place or familiar):
            where = _shown(success)
            return f"A sign-in succeeded at {_when(success.at)}, from {where}; none from there had succeeded before."
    return detect([one for one in sign_ins if one.at >= since or one.ok], figures, at)


def _sentence(burst: Sequence[SignIn], success: SignIn) -> str:
    places = ", ".join(sorted({_shown(one) for one in burst}))
    return (
        f"{len(burst)} sign-ins failed between {_when(burst[0].at)} and {_when(burst[-1].at)}, from {places}; "
        f"then one succeeded at {_when(success.at)}, from {_shown(success)}."
    )


def _place(one: SignIn) -> str | None:
    """Return where an attempt came from, in a form that compares equal when the directory varies spaces or case."""
    words = " ".join((one.place or "").split()).casefold()
    return words or None


def _shown(one: SignIn) -> str:
    return " ".join((one.place or "").split())[:PLACE_AT_MOST] or _UNKNOWN


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
