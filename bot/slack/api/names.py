"""Names of people and channels, for texts that people read.

A name is no identity: it may be any text (`bot.slack.api.membership` says who people are). Names are kept in this
process only, so that a mention rarely costs a look-up. It is also kept whether a member seems to be a full one: enough
to list them, never to let them act.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache

from bot import admission
from bot.errors import DeskhandError
from bot.markup import Name
from bot.principals import CHANNEL_ID, USER_ID
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient

KEEP_SECONDS = 600.0
"How long a name is kept, or that there is none."
AWAY_SECONDS = 5.0
"How long no look-up is made after one that failed."
PRIVATE = "a private channel"
"Shown instead of the name of a private channel, which only its members may know."
MOST_KEPT = 5_000
"The most names that are kept."
LONGEST = 80
"The most characters of a name."
AT_ONCE = 8
"The most look-ups at a time for a list of people."
NO_ONE = ("user_not_found", "user_not_visible")
"Slack's error codes for a person whom it does not know or show."


@dataclass(frozen=True, slots=True)
class Shown:
    """How a person or a channel is shown."""

    name: str | None = None
    full: bool | None = None
    "Whether the person seems to be a full member; None when Slack has not said."
    private: bool = False
    "Whether it is a private channel."


UNKNOWN = Shown()


@dataclass(slots=True)
class Names:
    """The names that this process has looked up."""

    client: WebClient
    _kept: OrderedDict[str, tuple[float, Shown]] = field(default_factory=OrderedDict, init=False)
    _away_until: float = field(default=0.0, init=False)
    _asking: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "names"), init=False)
    "Its threads start with the first look-up of a list."

    def of(self, some_id: str) -> str | None:
        """Return the name of a person or a public channel; None when it is not known now."""
        return self._shown(some_id).name

    def in_plain_text(self, some_id: str) -> str | None:
        """Return a person or a channel in words: `Maya Okafor`, `#help`, `a private channel`; None when unknown."""
        shown = self._shown(some_id)
        if shown.private:
            return PRIVATE
        return f"#{shown.name}" if shown.name and re.fullmatch(CHANNEL_ID, some_id) else shown.name

    def of_members(self, users: Sequence[str], seconds: float) -> dict[str, str] | None:
        """Return the names of the people among these who seem to be full members.

        None when not all are known in time; later answers are kept for the next call.

        Args:
            users: Slack user ids.
            seconds: the longest wait.
        """
        at = time.monotonic()
        asked = [self._asking.submit(self._shown, user) for user in users if not self._is_good(user, at)]
        done, late = wait(asked, timeout=seconds)
        for one in late:
            one.cancel()
        for one in done:
            one.result()
        shown = {user: self._kept.get(user, (at, UNKNOWN))[1] for user in users}
        if any(one.full is None or (one.full and one.name is None) for one in shown.values()):
            return None
        return {user: one.name for user, one in shown.items() if one.full and one.name is not None}

    def _is_good(self, some_id: str, at: float) -> bool:
        return some_id in self._kept and at - self._kept[some_id][0] < KEEP_SECONDS

    def _shown(self, some_id: str) -> Shown:
        at = time.monotonic()
        since, shown = self._kept.get(some_id, (-KEEP_SECONDS, UNKNOWN))
        if at - since < KEEP_SECONDS or at < self._away_until:
            return shown
        try:
            shown = self._asked(some_id)
        except DeskhandError:
            self._away_until = time.monotonic() + AWAY_SECONDS
            return shown
        self._kept.pop(some_id, None)  # so that it comes last
        self._kept[some_id] = (at, shown)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return shown

    def _asked(self, some_id: str) -> Shown:
        try:
            if re.fullmatch(USER_ID, some_id):
                return _of_person(slack.call(self.client.users_info, user=some_id).get("user"))
            if re.fullmatch(CHANNEL_ID, some_id):
                return _of_channel(slack.call(self.client.conversations_info, channel=some_id).get("channel"))
        except Rejected as error:  # Slack does not know them, or does not show them to us
            return Shown(full=False) if error.code in NO_ONE else UNKNOWN
        return UNKNOWN


def _of_person(card: object) -> Shown:
    """Return how a person is shown: by their full name, or else their display name, or else their handle."""
    if not isinstance(card, dict):
        return UNKNOWN
    profile = card.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    given = (profile.get("real_name"), card.get("real_name"), profile.get("display_name"), card.get("name"))
    return Shown(_line(*given), admission.seems_full(admission.read(card)))


def _of_channel(card: object) -> Shown:
    """Return the name of a public channel, or that a channel is private."""
    if not isinstance(card, dict) or card.get("is_private") is not False:
        return Shown(private=isinstance(card, dict) and card.get("is_private") is True)
    return Shown(_line(card.get("name")))


def _line(*given: object) -> str | None:
    """Return the first non-empty name, on one line."""
    names = (" ".join(name.split())[:LONGEST] for name in given if isinstance(name, str))
    return next(filter(None, names), None)


@lru_cache(maxsize=8)
def kept(client: WebClient) -> Names:
    """Return the names of a client, the same object on each call."""
    return Names(client)


def of(client: WebClient) -> Name:
    """Return a function that gives the names of people and public channels."""
    return kept(client).of
