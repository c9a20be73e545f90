"""What a directory promises. `tests/bot/directory/test_contract.py` holds every adapter to it.

Reads: where nothing is found, the result is an empty tuple or None, never an error. An account's status, factors and
times are those of the directory at the moment of the call; nothing is cached.

A directory declares what it can do besides (`can`). A tool that needs more is not offered to the model, so that no
directory is asked for what it cannot do.

Writes: each is made once per idempotency key, however often and by however many workers it is asked for. A repeated
write changes nothing and returns the account as it is now, which may differ from what the write left. A write that
changes the account is made only while the account is as it was decided upon (`seen`); otherwise it is refused and
nothing changes.

Every call may raise `Transient`: the directory cannot be reached or does not answer in time. After such a write it is
unknown whether it was made; `was_done` may report it later.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from bot.principals import Account, Capability, ChallengeState, SignIn


class Directory(Protocol):
    """What every directory adapter promises."""

    @property
    def can(self) -> frozenset[Capability]:
        """Return what this directory can do besides finding an account."""

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return every account with an e-mail address, ordered by id.

        ASCII letters match in any case, and every other character matches only itself: an address that
        `bot.admission.plain` does not accept has no account.
        """

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Return every account that the directory itself binds to a Slack user id, ordered by id."""

    def account(self, account_id: str) -> Account | None:
        """Return an account by its id, or None if there is none."""

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return the last sign-in attempts of an account, newest first; none for an unknown account."""

    def names_of(self, users: Collection[str]) -> dict[str, str]:
        """Return the names of the people whom the directory binds to these Slack user ids; others are left out."""

    def was_done(self, key: str) -> bool:
        """Return whether a write under a key is known to have been made; a refused one was not."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Lift a lock-out, or a suspension that its owner may lift, once for the key.

        Args:
            account_id: the account.
            key: the idempotency key.
            seen: the account as it was decided upon; in any other state it is not changed.

        Returns:
            The account as it is afterwards.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone; with `OUT_OF_POLICY` when it is in a state that
                unlocking does not end, or has changed since it was seen.
        """

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send the directory's own reset link to the address on file, once for the key.

        Args:
            account_id: the account.
            key: the idempotency key.
            seen: the account as it was decided upon; in any other state it is not changed.

        Returns:
            The account as it is afterwards; its owner may have to use the link before they can sign in.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone; with `OUT_OF_POLICY` when it may not sign in at
                all, or has changed since it was seen.
        """

    def reset_factor(self, account_id: str, factor: str, *, key: str, seen: Account) -> Account:
        """Remove one second factor, never all at once, once for the key.

        Args:
            account_id: the account.
            factor: the kind of second factor, as `Account.factors` names it.
            key: the idempotency key.
            seen: the account as it was decided upon; in any other state it is not changed.

        Returns:
            The account as it is afterwards.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone; with `OUT_OF_POLICY` when it may not sign in at
                all, has no such factor, or has changed since it was seen.
        """

    def revoke_sessions(self, account_id: str, *, key: str) -> int:
        """End every session of an account, on all devices, once for the key.

        Returns:
            How many sessions were ended under this key, now or before.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone.
        """

    def open_sessions(self, account_id: str, *, begun_before: datetime) -> int | None:
        """Return how many sessions of an account that had begun before a time are still open.

        None where the directory does not list sessions; none are open in an unknown account.
        """

    def challenge(self, account_id: str, factor: str, *, key: str, number: str, seconds: float) -> None:
        """Ask the owner of an account, through one of their second factors, whether it is they who ask.

        They confirm by typing the number on the device. Three wrong numbers count as a refusal.

        Args:
            account_id: the account.
            factor: the kind of second factor, one of `bot.principals.CONFIRMING_FACTORS`.
            key: the idempotency key, under which the answer is read.
            number: two digits, which are told to the requester and not shown on the device.
            seconds: how long it can be answered.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone; with `OUT_OF_POLICY` when its owner cannot
                confirm through this factor.
        """

    def challenge_state(self, key: str) -> ChallengeState | None:
        """Return how a challenge was answered, or None if none was sent under this key."""

    def notify(self, account_id: str, text: str, *, key: str) -> None:
        """Send a notice to the address on file, once for the key.

        Raises:
            Refused: with `IDENTITY_MISMATCH` when the account is gone.
        """
