"""The local directory: accounts in our own database, in place of an identity provider.

It opens the transactions; `bot.store.accounts.accounts` has the statements. Besides what every directory can do, a
local one can be filled and changed from outside, as its administrator would.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bot.principals import Account, AccountStatus, SignIn
from bot.store.accounts import accounts
from bot.store.accounts.accounts import ACTIONS, AccountSeed, SignInSeed
from bot.store.db import Database

__all__ = ["ACTIONS", "AccountSeed", "LocalDirectory", "SignInSeed"]


@dataclass(frozen=True, slots=True)
class LocalDirectory:
    """The accounts of one database; see `bot.directory.protocol` for what each call promises."""

    database: Database

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return every account with an e-mail address."""
        with self.database.read() as session:
            return accounts.by_email(session, email)

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Return every account that is bound to a Slack user id."""
        with self.database.read() as session:
            return accounts.by_slack_user(session, user)

    def account(self, account_id: str) -> Account | None:
        """Return an account by id."""
        with self.database.read() as session:
            return accounts.find(session, account_id)

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return the last sign-in attempts, newest first."""
        with self.database.read() as session:
            return accounts.sign_ins(session, account_id, at_most=at_most)

    def names_of(self, users: Collection[str]) -> dict[str, str]:
        """Return the names of the accounts that are bound to these Slack user ids."""
        with self.database.read() as session:
            return accounts.names_of(session, users)

    def was_done(self, key: str) -> bool:
        """Return whether a change was made under a key."""
        with self.database.read() as session:
            return accounts.was_done(session, key)

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Lift a lock-out, or a suspension that its owner may lift.

        Raises:
            Refused: the account is gone, in a state that unlocking does not end, or has changed.
        """
        with self.database.write() as session:
            return accounts.unlock(session, account_id, key=key, seen=seen)

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send the reset link; the account is unchanged until its owner has used it.

        Raises:
            Refused: the account is gone, may not sign in at all, or has changed.
        """
        with self.database.write() as session:
            return accounts.send_password_reset(session, account_id, key=key, seen=seen)

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
            return tuple((write.account_id, write.action) for write in accounts.writes(session))
