"""The local directory: accounts in our own database, in place of an identity provider.

It opens the transactions; `bot.store.accounts` has the statements. Besides what every directory can do, a local one can
be filled and changed from outside, as its administrator would, and its people can answer it, as on their devices.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.principals import Account, AccountStatus, Capability, ChallengeState, SignIn
from bot.store.accounts import access, accounts, challenges, changes
from bot.store.accounts.access import SentNotice, SignedInDevice
from bot.store.accounts.accounts import AccountSeed, SignInSeed
from bot.store.accounts.challenges import OpenChallenge
from bot.store.accounts.changes import ACTIONS
from bot.store.db import Database

__all__ = ["ACTIONS", "AccountSeed", "LocalDirectory", "SignInSeed"]


@dataclass(frozen=True, slots=True)
class LocalDirectory:
    """The accounts of one database; see `bot.directory.protocol` for what each call promises."""

    database: Database

    @property
    def can(self) -> frozenset[Capability]:
        """Return everything: whatever a directory may be able to do, this one does."""
        return frozenset(Capability)

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return every account with an e-mail address."""
        with self.database.look() as session:
            return accounts.by_email(session, email)

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Return every account that is bound to a Slack user id."""
        with self.database.look() as session:
            return accounts.by_slack_user(session, user)

    def account(self, account_id: str) -> Account | None:
        """Return an account by id."""
        with self.database.look() as session:
            return accounts.find(session, account_id)

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return the last sign-in attempts, newest first."""
        with self.database.look() as session:
            return accounts.sign_ins(session, account_id, at_most=at_most)

    def names_of(self, users: Collection[str]) -> dict[str, str]:
        """Return the names of the accounts that are bound to these Slack user ids."""
        with self.database.read() as session:
            return accounts.names_of(session, users)

    def was_done(self, key: str) -> bool:
        """Return whether a change was made under a key."""
        with self.database.look() as session:
            return changes.was_done(session, key)

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Lift a lock-out, or a suspension that its owner may lift.

        Raises:
            Refused: the account is gone, in a state that unlocking does not end, or has changed.
        """
        with self.database.write() as session:
            return changes.unlock(session, account_id, key=key, seen=seen)

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send the reset link; the account is unchanged until its owner has used it.

        Raises:
            Refused: the account is gone, may not sign in at all, or has changed.
        """
        with self.database.write() as session:
            return changes.send_password_reset(session, account_id, key=key, seen=seen)

    def reset_factor(self, account_id: str, factor: str, *, key: str, seen: Account) -> Account:
        """Remove one second factor; its owner enrols a new one when they next sign in.

        Raises:
            Refused: the account is gone, may not sign in at all, has no such factor, or has changed.
        """
        with self.database.write() as session:
            return changes.reset_factor(session, account_id, factor, key=key, seen=seen)

    def revoke_sessions(self, account_id: str, *, key: str) -> int:
        """End every session of an account; return how many were ended under the key.

        Raises:
            Refused: the account is gone.
        """
        with self.database.write() as session:
            return access.revoke_sessions(session, account_id, key=key)

    def open_sessions(self, account_id: str, *, begun_before: datetime) -> int | None:
        """Return how many sessions of an account that had begun before a time are still open."""
        with self.database.read() as session:
            return sum(one.since < begun_before for one in access.signed_in(session, account_id))

    def challenge(self, account_id: str, factor: str, *, key: str, number: str, seconds: float) -> None:
        """Ask the owner of an account, through one of their second factors, whether it is they who ask.

        Raises:
            Refused: the account is gone, or its owner cannot confirm through this factor.
        """
        with self.database.write() as session:
            challenges.ask(session, account_id, factor, key=key, number=number, seconds=seconds)

    def challenge_state(self, key: str) -> ChallengeState | None:
        """Return how a challenge was answered, or None if none was sent under this key."""
        with self.database.read() as session:
            return challenges.state(session, key)

    def notify(self, account_id: str, text: str, *, key: str) -> None:
        """Send a notice to the address on file.

        Raises:
            Refused: the account is gone.
        """
        with self.database.write() as session:
            access.notify(session, account_id, text, key=key)

    def challenges_of(self, account_id: str) -> tuple[OpenChallenge, ...]:
        """Return the challenges that wait on the devices of an account, newest first."""
        with self.database.read() as session:
            return challenges.waiting(session, account_id)

    def answer_challenge(self, account_id: str, key: str, *, typed: str) -> ChallengeState | None:
        """Answer a challenge with a number, as its owner does; return its state, or None if it is not theirs."""
        with self.database.write() as session:
            return challenges.answer(session, account_id, key, typed=typed)

    def refuse_challenge(self, account_id: str, key: str) -> ChallengeState | None:
        """Say on the device that somebody else asked; return the state, or None if it is not their challenge."""
        with self.database.write() as session:
            return challenges.refuse(session, account_id, key)

    def signed_in(self, account_id: str) -> tuple[SignedInDevice, ...]:
        """Return the devices that are signed in to an account, newest session first."""
        with self.database.read() as session:
            return access.signed_in(session, account_id)

    def notices_of(self, account_id: str) -> tuple[SentNotice, ...]:
        """Return the notices that were sent to the address on file of an account, newest first."""
        with self.database.read() as session:
            return access.notices(session, account_id)

    def seed(self, given: Iterable[AccountSeed]) -> int:
        """Put accounts into the directory, replacing those with the same id; return how many."""
        with self.database.write() as session:
            return accounts.seed(session, given)

    def set_status(self, account_id: str, status: AccountStatus, *, lock_reason: str | None = None) -> bool:
        """Change an account from outside, as its owner or an administrator would; return whether it exists."""
        with self.database.write() as session:
            return accounts.set_status(session, account_id, status, lock_reason=lock_reason)

    def written(self) -> tuple[tuple[str, str], ...]:
        """Return the account and action of each change made through this directory, oldest first."""
        with self.database.read() as session:
            return tuple(accounts.written(session))
