"""A directory whose failures have a name: each `Transient` of an adapter becomes `DirectoryDown`.

So whoever plays a turn can tell a directory that does not answer from a Slack or a database that does not.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bot.directory.protocol import Directory
from bot.errors import DirectoryDown, Transient
from bot.principals import Account, Capability, ChallengeState, SignIn


@dataclass(frozen=True, slots=True)
class NamingOutages:
    """An adapter's calls, unchanged but for the name of their failure."""

    adapter: Directory

    @property
    def can(self) -> frozenset[Capability]:
        """Return what the directory can do besides finding an account."""
        return self.adapter.can

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return every account with an e-mail address."""
        with _named():
            return self.adapter.find_by_email(email)

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Return every account that is bound to a Slack user id."""
        with _named():
            return self.adapter.find_by_slack_user(user)

    def account(self, account_id: str) -> Account | None:
        """Return an account by id."""
        with _named():
            return self.adapter.account(account_id)

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return the last sign-in attempts, newest first."""
        with _named():
            return self.adapter.sign_ins(account_id, at_most=at_most)

    def names_of(self, users: Collection[str]) -> dict[str, str]:
        """Return the names of the accounts that are bound to these Slack user ids."""
        with _named():
            return self.adapter.names_of(users)

    def was_done(self, key: str) -> bool:
        """Return whether a change was made under a key."""
        with _named():
            return self.adapter.was_done(key)

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Lift a lock-out, or a suspension that its owner may lift."""
        with _named():
            return self.adapter.unlock(account_id, key=key, seen=seen)

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send the reset link; the account is unchanged until its owner has used it."""
        with _named():
            return self.adapter.send_password_reset(account_id, key=key, seen=seen)

    def reset_factor(self, account_id: str, factor: str, *, key: str, seen: Account) -> Account:
        """Remove one second factor."""
        with _named():
            return self.adapter.reset_factor(account_id, factor, key=key, seen=seen)

    def revoke_sessions(self, account_id: str, *, key: str) -> int:
        """End every session of an account; return how many were ended under the key."""
        with _named():
            return self.adapter.revoke_sessions(account_id, key=key)

    def open_sessions(self, account_id: str, *, begun_before: datetime) -> int | None:
        """Return how many sessions of an account that had begun before a time are still open."""
        with _named():
            return self.adapter.open_sessions(account_id, begun_before=begun_before)

    def challenge(self, account_id: str, factor: str, *, key: str, number: str, seconds: float) -> None:
        """Ask the owner of an account, through one of their second factors, whether it is they who ask."""
        with _named():
            self.adapter.challenge(account_id, factor, key=key, number=number, seconds=seconds)

    def challenge_state(self, key: str) -> ChallengeState | None:
        """Return how a challenge was answered, or None if none was sent under this key."""
        with _named():
            return self.adapter.challenge_state(key)

    def notify(self, account_id: str, text: str, *, key: str) -> None:
        """Send a notice to the address on file."""
        with _named():
            self.adapter.notify(account_id, text, key=key)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except DirectoryDown:
        raise
    except Transient as error:
        raise DirectoryDown(f"directory: {error}", retry_after=error.retry_after) from error
