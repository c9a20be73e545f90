"""Looks people up in Slack: at most once a minute for each person, however many turns, presses and processes ask.

Invariant: a returned `Member` comes from a successful `users.info` about that very id, is not older than
`PROFILE_KEPT`, and no change of the person was heard of since. Any other result is an error for now (`Transient`) or
for good (`Unseen`), and neither admits anybody nor is stored. Slack allows about a hundred look-ups a minute, so its
answers are kept in the database for all processes, and one process at a time asks about a person (`store.members`).
"""

import time
from dataclasses import dataclass, field

from bot import admission, durations
from bot.admission import Bar, Installation, Member, NotAdmitted, Rules
from bot.errors import Transient
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store import members
from bot.store.db import Database
from bot.store.members import Inquiry
from bot.store.schema import now

FULL_MEMBERS = Rules()
"Rules for people who act for others: no guests, and nobody of another workspace."
TRIES = 3
"The most tries of one look-up, when its answer is outdated before it is stored."
POLL_SECONDS = 0.05
"Between two looks for the answer that another thread or process is waiting for."


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
    patience: float = durations.PROFILE_INQUIRY
    "The longest wait, in seconds, for the answer that another thread or process is waiting for."
    _ours: list[Installation] = field(default_factory=list, init=False)

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

    def kept(self, user: str) -> Member | None:
        """Return what Slack said of a person a moment ago; None: ask it."""
        with self.database.look() as session:
            return members.recall(session, user)

    def look_up(self, user: str) -> Member | Unseen:
        """Return what Slack says of a person, or said a moment ago.

        Raises:
            Transient: Slack does not answer now, or its answer makes no sense.
        """
        return self.kept(user) or self.ask(user)

    def ask(self, user: str) -> Member | Unseen:
        """Return what Slack says of a person of whom nothing was kept: one of those who look asks.

        Raises:
            Transient: Slack does not answer now, or its answer makes no sense.
        """
        began, tries, busy = time.monotonic(), 0, False
        while tries < TRIES:
            inquiry = None if busy else self._begin(user)
            if inquiry is not None:
                tries += 1
                if (found := self._ask(inquiry)) is not None:
                    return found
                continue
            with self.database.look() as session:
                kept, busy = members.recall(session, user), members.is_inquired(session, user)
            if kept is not None:
                return kept
            if time.monotonic() - began > self.patience:
                raise Transient("slack: another process asks who somebody is, and has no answer yet")
            time.sleep(POLL_SECONDS)
        raise Transient("slack: somebody changes faster than users.info says who they are")

    def _begin(self, user: str) -> Inquiry | None:
        with self.database.write() as session:
            return members.begin_inquiry(session, user)

    def _ask(self, inquiry: Inquiry) -> Member | Unseen | None:
        """Ask Slack; return None when the person has changed, or another process was told later, meanwhile."""
        said, asked_at, is_news = None, now(), False
        try:
            said = self._said(inquiry.user)
        except Rejected as error:
            return Unseen(error.code)
        finally:  # whatever came of it, others may ask now
            with self.database.write() as session:
                is_news = members.end_inquiry(session, inquiry, said, asked_at=asked_at)
                if said is not None:
                    members.store_locale(session, said.id, said.locale)
        return said if is_news else None

    def _said(self, user: str) -> Member:
        card = slack.call(self.client.users_info, user=user, include_locale=True).get("user")
        if not isinstance(card, dict) or card.get("id") != user:
            raise Transient("slack: users.info did not answer about who was asked for")
        return admission.read(card)

    def may_act(self, user: str, *, team: str = "", rules: Rules = FULL_MEMBERS) -> NotAdmitted | None:
        """Return why somebody is not a member whom a card admits, or None when they are.

        Args:
            user: Slack user id.
            team: the workspace that an event names for them; empty for none. In an Enterprise organisation it may
                be another workspace of a person who is also in ours.
            rules: the card's rules.

        Raises:
            Transient: Slack does not answer now, so they may do nothing for now.
        """
        member = self.look_up(user)
        if isinstance(member, Unseen):
            return NotAdmitted(Bar.UNSEEN, member.code, to_person=True)
        if team and team not in admission.homes(member, self.ours()):
            return NotAdmitted(Bar.ELSEWHERE, "team of the event")
        return admission.membership(member, user=user, ours=self.ours(), rules=rules)
