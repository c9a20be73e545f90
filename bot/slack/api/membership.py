"""Who people are, asked of Slack: one look-up a person and minute, however many turns, presses and processes ask.

Invariant: what is handed out was said by a `users.info` that succeeded, about that very id, no longer ago than the
caller allows, and no change of theirs was heard of since it was asked. Everything else is an error for now
(`Transient`) or an answer that will not change (`Unseen`), and neither admits anybody. Slack allows about a hundred
such look-ups a minute, so answers are kept in the database for `KEEP_SECONDS`, for all processes alike, and dropped
when Slack says that the person has changed.
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
"How long an answer of Slack is good for what only reads or speaks."
FRESH_SECONDS = 10.0
"How old it may be when an account is about to be changed for them, or something is approved by them."
FULL_MEMBERS = Rules()
"Who may act for others: no guest, and no one of another workspace."
TRIES = 3
"Of one look-up, while what Slack says is outdated before it is kept."
STRIPES = 64
"Locks among which people are shared out."


@dataclass(frozen=True, slots=True)
class Unseen:
    """Slack will not say who this is, however often it is asked."""

    code: str
    "Slack's own error name."


@dataclass(frozen=True, slots=True)
class Members:
    """The people of the workspace, as far as Slack tells us of them."""

    client: WebClient
    database: Database
    _ours: list[Installation] = field(default_factory=list, init=False)
    _asking: tuple[Lock, ...] = field(default_factory=lambda: tuple(Lock() for _ in range(STRIPES)), init=False)
    "Held while Slack is asked, so that threads which want to know of the same person ask once."

    def ours(self) -> Installation:
        """Return the workspace of our token, asked of Slack once.

        Raises:
            Transient: Slack does not say now.
        """
        if not self._ours:
            me = slack.call(self.client.auth_test)
            team, enterprise = me.get("team_id"), me.get("enterprise_id")
            if not isinstance(team, str) or not team:
                raise Transient("slack: auth.test names no workspace")
            self._ours.append(Installation(team, enterprise if isinstance(enterprise, str) and enterprise else None))
        return self._ours[0]

    def look_up(self, user: str, *, at_most: float = KEEP_SECONDS) -> Member | Unseen:
        """Return what Slack says of somebody.

        Args:
            user: Slack user id.
            at_most: how old the answer may be, in seconds.

        Raises:
            Transient: Slack does not say now, or said nothing that makes sense.
        """
        with self._asking[hash(user) % STRIPES]:
            for _ in range(TRIES):
                with self.database.read() as session:
                    kept = members.recall(session, user, since=now() - timedelta(seconds=at_most))
                if (found := kept or self._asked(user)) is not None:
                    return found
        raise Transient("slack: somebody changes faster than users.info says who they are")

    def _asked(self, user: str) -> Member | Unseen | None:
        """Ask Slack who somebody is; None when they have changed, or another process was told, meanwhile."""
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
            members.speaks(session, user, member.locale)
        return member if is_news else None

    def may_act(
        self, user: str, *, team: str = "", rules: Rules = FULL_MEMBERS, at_most: float = KEEP_SECONDS
    ) -> NotAdmitted | None:
        """Return why somebody is no member of ours whom a card lets in, or None when they are one.

        Args:
            user: Slack user id.
            team: the workspace that an event names for them; empty for none. In an Enterprise organisation it may
                be another one of somebody who is in ours too.
            rules: of the card.
            at_most: how old Slack's answer may be, in seconds.

        Raises:
            Transient: Slack does not say now: they may do nothing for now.
        """
        member = self.look_up(user, at_most=at_most)
        if isinstance(member, Unseen):
            return NotAdmitted(Bar.UNSEEN, member.code, to_person=True)
        if team and team not in admission.homes(member, self.ours()):
            return NotAdmitted(Bar.ELSEWHERE, "team of the event")
        return admission.membership(member, user=user, ours=self.ours(), rules=rules)
