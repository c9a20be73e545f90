"""A directory whose reads are of yesterday, when every account was active; its writes are real."""

from dataclasses import dataclass, replace

from bot.directory.local import LocalDirectory
from bot.principals import Account, AccountStatus, SignIn


@dataclass(frozen=True, slots=True)
class StaleDirectory(LocalDirectory):
    """The local directory as it was yesterday."""

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return the accounts as they were."""
        return tuple(_yesterday(account) for account in LocalDirectory.find_by_email(self, email))

    def account(self, account_id: str) -> Account | None:
        """Return an account as it was."""
        account = LocalDirectory.account(self, account_id)
        return None if account is None else _yesterday(account)

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return nothing of today."""
        return LocalDirectory.sign_ins(self, account_id, at_most=at_most)[:0]

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Unlock an account as it really is."""
        return LocalDirectory.unlock(self, account_id, key=key, seen=self._today(seen))

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send the link to an account as it really is."""
        return LocalDirectory.send_password_reset(self, account_id, key=key, seen=self._today(seen))

    def _today(self, seen: Account) -> Account:
        return LocalDirectory.account(self, seen.id) or seen


def _yesterday(account: Account) -> Account:
    return replace(account, status=AccountStatus.ACTIVE, lock_reason=None)
