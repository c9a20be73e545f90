"""Whose account it is: `bot.agent.binding`, on directories of a few accounts."""

from dataclasses import dataclass
from typing import Any

import pytest

from bot.admission import Admitted, Bar, NotAdmitted, plain
from bot.agent import binding
from bot.principals import Account, AccountStatus

MAYA, EMAIL = "U0MAYA", "maya@northwind.example"


def account(name: str, email: str = EMAIL, slack_user: str | None = None) -> Account:
    """Return an account."""
    return Account(name, email, name, AccountStatus.LOCKED, None, False, False, (), None, slack_user)


@dataclass(frozen=True)
class Few:
    """A directory of a few accounts."""

    accounts: tuple[Account, ...]

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return those of an address."""
        return tuple(one for one in self.accounts if plain(one.email) == email)

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Return those that are bound to a Slack id."""
        return tuple(one for one in self.accounts if one.slack_user == user)


def whose(*accounts: Account) -> str | None:
    """Return the one account that is Maya's."""
    directory: Any = Few(accounts)
    return binding.subject(directory, Admitted(MAYA, EMAIL), team="T", user=MAYA).account


@pytest.mark.parametrize(
    ("accounts", "found"),
    [
        ([account("a")], "a"),
        ([account("a", EMAIL.upper())], "a"),
        ([account("a", slack_user=MAYA)], "a"),
        ([account("a", "m@northwind.example", MAYA)], "a"),
        ([account("a", "m@northwind.example", MAYA), account("b", "other@northwind.example")], "a"),
        ([account("a"), account("b", EMAIL.upper())], None),
        ([account("a", slack_user="U0IVAN")], None),
        ([account("a"), account("b", "m@northwind.example", MAYA)], None),
        ([account("a", slack_user="U0IVAN"), account("b", "m@northwind.example", MAYA)], None),
        ([account("a", slack_user=MAYA), account("b", "m@northwind.example", MAYA)], None),
        ([account("a", slack_user=MAYA), account("b")], None),
        ([account("a", slack_user="u0maya")], None),
        ([account("a", f"{EMAIL} ")], None),
        ([account("a", "ma\u0443a@northwind.example")], None),
        ([], None),
    ],
)
def test_a_binding_of_the_directory_beats_an_address(accounts: list[Account], found: str | None) -> None:
    """Exactly one account, in every order; two that lead elsewhere, or one that is another's, is a mismatch."""
    assert whose(*accounts) == whose(*reversed(accounts)) == found


@pytest.mark.parametrize("kind", list(Bar))
def test_the_directory_is_not_asked_for_who_was_not_admitted(kind: Bar) -> None:
    """Nor for an admission that is somebody else's: a directory that is no object at all does not matter."""
    nothing: Any = None
    for who in (NotAdmitted(kind, "team_id"), Admitted("U0IVAN", EMAIL)):
        subject = binding.subject(nothing, who, team="T", user=MAYA)
        assert (subject.team, subject.user, subject.accounts) == ("T", MAYA, ())


def test_of_an_agent_without_accounts_nobody_is_looked_up() -> None:
    """There may be no directory at all; the requester was admitted as ever."""
    nothing: Any = None
    subject = binding.subject(nothing, Admitted(MAYA, EMAIL), team="T", user=MAYA, needs_account=False)
    assert (subject.user, subject.accounts, subject.account) == (MAYA, (), None)
