"""Looks people up in Slack: at most once a minute for each person, however many turns, presses and processes ask.

Invariant: a returned `Member` comes from a successful `users.info` about that very id, is not older than the caller
allows, and no change of the person was heard of since. Any other result is an error for now (`Transient`) or for good
(`Unseen`), and neither admits anybody. Slack allows about a hundred look-ups a minute, so answers are kept in the
database for `KEEP_SECONDS`, for all processes, and dropped when Slack says that the person has changed.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from bot import admission
from bot.admission import Bar, Installation, Member, NotAdmitted, Rules
from bot.errors import Transient
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store import members
from bot.store.db import Database
from bot.store.schema import now

KEEP_SECONDS = 60.0
"The longest that an answer is used for acts that only read or speak."
FRESH_SECONDS = 10.0
"The longest that an answer is used before a change of the person's account, or before an approval by them."
FULL_MEMBERS = Rules()
"Rules for people who act for others: no guests, and nobody of another workspace."
TRIES = 3
"The most tries of one look-up, when its answer is outdated before it is stored."
STRIPES = 64
"The number of locks that people are distributed over."


@dataclass(frozen=True, slots=True)
class Unseen:
    """Slack will never say who this is."""

    code: str
    "Slack's error code."


@dataclass(frozen=True, slots=True)
class Members:
    """Looks up the people of the workspace."""

    client: WebClient
    database: Database
    _ours: list[Installation] = field(default_factory=list, init=False)
    _asking: tuple[Lock, ...] = field(default_factory=lambda: tuple(Lock() for _ in range(STRIPES)), init=False)
    "Held during a look-up, so that threads that look up the same person ask Slack once."

    def ours(self) -> Installation:
        """Return the workspace of our token, asked of Slack once.

        Raises:
            Transient: Slack does not answer now.
        """
        if not self._ours:
            me = slack.call(self.client.auth_test)
            team, enterprise = me.get("team_id"), me.get("enterprise_id")
            if not isinstance(team, str) or not team:
                raise Transient("slack: auth.test names no workspace")
            self._ours.append(Installation(team, enterprise if isinstance(enterprise, str) and enterprise else None))
        return self._ours[0]

    def look_up(self, user: str, *, at_most: float = KEEP_SECONDS) -> Member | Unseen:
        """Return what Slack says of a person.

        Args:
            user: Slack user id.
            at_most: the largest age of the answer, in seconds.

        Raises:
            Transient: Slack does not answer now, or its answer makes no sense.
        """
        with self._asking[hash(user) % STRIPES]:
            for _ in range(TRIES):
                with self.database.read() as session:
                    kept = members.recall(session, user, since=now() - timedelta(seconds=at_most))
                if (found := kept or self._asked(user)) is not None:
                    return found
        raise Transient("slack: somebody changes faster than users.info says who they are")

    def _asked(self, user: str) -> Member | Unseen | None:
        """Ask Slack; return None when the person has changed or another process has looked them up meanwhile."""
        with self.database.write() as session:
            since = members.expect(session, user)
        asked_at = now()
        try:
            card = slack.call(self.client.users_info, user=user, include_locale=True).get("user")
        except Rejected as error:
            return Unseen(error.code)
        if not isinstance(card, dict) or card.get("id") != user:
            raise Transient("slack: users.info did not answer about who was asked for")
        member = admission.read(card)
        with self.database.write() as session:
            is_news = members.remember(session, member, asked_at=asked_at, since=since)
            members.store_locale(session, user, member.locale)
        return member if is_news else None

    def may_act(
        self, user: str, *, team: str = "", rules: Rules = FULL_MEMBERS, at_most: float = KEEP_SECONDS
    ) -> NotAdmitted | None:
        """Return why somebody is not a member whom a card admits, or None when they are.

        Args:
            user: Slack user id.
            team: the workspace that an event names for them; empty for none. In an Enterprise organisation it may
                be another workspace of a person who is also in ours.
            rules: the card's rules.
            at_most: the largest age of Slack's answer, in seconds.

        Raises:
            Transient: Slack does not answer now, so they may do nothing for now.
        """
        member = self.look_up(user, at_most=at_most)
        if isinstance(member, Unseen):
            return NotAdmitted(Bar.UNSEEN, member.code, to_person=True)
        if team and team not in admission.homes(member, self.ours()):
            return NotAdmitted(Bar.ELSEWHERE, "team of the event")
        return admission.membership(member, user=user, ours=self.ours(), rules=rules)
