"""What a directory promises. `tests/bot/directory/test_contract.py` holds every adapter to it.

Reads: what nobody has is an empty tuple or None, never an error. An account's status, factors and times are as the
directory has them at the moment of the call; nothing is kept in between.

Writes: each is made once for its idempotency key, however often and by however many workers it is asked for. Asked for
again it changes nothing and returns the account as it is now, which may differ from what the write left. A write is
made only while the account is as it was decided upon (`seen`); otherwise it is refused and nothing has changed.

Every call may raise `Transient`: the directory cannot be reached or does not answer in time. After such a write nobody
knows if it was made, and `was_done` may say so later.
"""

from collections.abc import Collection
from typing import Protocol

from bot.principals import Account, SignIn


class Directory(Protocol):
    """What every directory adapter can do."""

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return every account under an address, by id.

        ASCII letters match in any case, and no other character matches another: an address that `bot.admission.plain`
        does not know as one has no account.
        """

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Return every account that the directory itself binds to a Slack user id, by id."""

    def account(self, account_id: str) -> Account | None:
        """Return an account by its id; None: there is none."""

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return the last sign-in attempts of an account, newest first; none for an account that is not there."""

    def names_of(self, users: Collection[str]) -> dict[str, str]:
        """Return the names of the people whom the directory binds to these Slack user ids; others are left out."""

    def was_done(self, key: str) -> bool:
        """Say if a write is known to have been made under a key; one that was refused was not."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Lift a lock-out, or a suspension that its owner may lift, once for the key.

        Args:
            account_id: the account.
            key: under which it is done once.
            seen: the account as it was decided upon; in any other state it is left alone.

        Returns:
            The account as it is afterwards.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone; with `OUT_OF_POLICY` when it is in a state that
                unlocking does not mend, or has changed since it was seen.
        """

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send the directory's own reset link to the address on file, once for the key.

        Args:
            account_id: the account.
            key: under which it is done once.
            seen: the account as it was decided upon; in any other state it is left alone.

        Returns:
            The account as it is afterwards; its owner may have to use the link before they can sign in.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone; with `OUT_OF_POLICY` when it may not sign in at
                all, or has changed since it was seen.
        """
