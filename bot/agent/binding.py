"""Whose account it is: from an admitted requester to their accounts in the directory.

Invariant: the directory is asked only about admitted requesters; unless exactly one account matches, it is an identity
mismatch. Production and evaluation both bind here.
"""

from bot.admission import Admitted, NotAdmitted
from bot.directory.protocol import Directory
from bot.principals import Subject


def subject(
    directory: Directory, who: Admitted | NotAdmitted, *, team: str, user: str, needs_account: bool = True
) -> Subject:
    """Return on whose behalf a turn is played, with the accounts that are bound to the requester.

    An agent that needs no account works without a directory: the requester is not looked up in one.
    """
    if not needs_account:
        return Subject(team, user, ())
    accounts = _accounts(directory, who) if isinstance(who, Admitted) and who.user == user else ()
    return Subject(team, user, accounts)


def _accounts(directory: Directory, who: Admitted) -> tuple[str, ...]:
    """Return the accounts that match; the directory's own binding to a Slack id beats an address.

    An address that leads to another account than that binding is a mismatch, and so is one whose account the directory
    binds to somebody else.
    """
    bound = directory.find_by_slack_user(who.user)
    addressed = directory.find_by_email(who.email)
    if bound:
        return tuple(sorted({account.id for account in (*bound, *addressed)}))
    if any(account.slack_user is not None for account in addressed):
        return ()
    return tuple(account.id for account in addressed)
