"""What people and channels are called, for those who read of them; who they are is asked of `bot.slack.membership`.

A name is no identity: it may be any text, and it is kept in this process only, so that a mention costs a look-up
once in a while.
"""

import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

from bot.errors import DeskhandError
from bot.markup import Name
from bot.principals import CHANNEL_ID, USER_ID
from bot.slack import client as slack
from bot.slack.client import Rejected, WebClient

KEEP_SECONDS = 600.0
"How long a name is good for; so is that there is none."
AWAY_SECONDS = 5.0
"How long nothing is asked after a look-up that Slack did not answer."
MOST_KEPT = 5_000
LONGEST = 80
"Characters of a name."


@dataclass(slots=True)
class Names:
    """The names that this process has heard of."""

    client: WebClient
    _kept: OrderedDict[str, tuple[float, str | None]] = field(default_factory=OrderedDict, init=False)
    _away_until: float = field(default=0.0, init=False)

    def of(self, some_id: str) -> str | None:
        """Return what a person, or a public channel, is called; None when no one says so now."""
        at = time.monotonic()
        since, name = self._kept.get(some_id, (-KEEP_SECONDS, None))
        if at - since < KEEP_SECONDS or at < self._away_until:
            return name
        try:
            name = self._asked(some_id)
        except DeskhandError:
            self._away_until = time.monotonic() + AWAY_SECONDS
            return name
        self._kept[some_id] = (at, name)
        self._kept.move_to_end(some_id)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return name

    def _asked(self, some_id: str) -> str | None:
        try:
            if re.fullmatch(USER_ID, some_id):
                return _of_person(slack.call(self.client.users_info, user=some_id).get("user"))
            if re.fullmatch(CHANNEL_ID, some_id):
                return _of_channel(slack.call(self.client.conversations_info, channel=some_id).get("channel"))
        except Rejected:  # no one whom Slack knows, or nothing that we may see
            return None
        return None


def _of_person(card: object) -> str | None:
    """Return how a person is shown: by their full name, else by the one that they show, else by their handle."""
    if not isinstance(card, dict):
        return None
    profile = card.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    given = (profile.get("real_name"), card.get("real_name"), profile.get("display_name"), card.get("name"))
    return _line(*given)


def _of_channel(card: object) -> str | None:
    """Return the name of a channel that everybody in the workspace may know of."""
    if not isinstance(card, dict) or card.get("is_private") is not False:
        return None
    return _line(card.get("name"))


def _line(*given: object) -> str | None:
    """Return the first name that there is, on one line."""
    names = (" ".join(name.split())[:LONGEST] for name in given if isinstance(name, str))
    return next(filter(None, names), None)


@lru_cache(maxsize=8)
def of(client: WebClient) -> Name:
    """Return what says how people and channels are called, the same for a client each time."""
    return Names(client).of
