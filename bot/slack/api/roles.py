"""Looks up in Slack, when a person acts, whether they are a confirmed member of this workspace."""

from collections.abc import Callable

from bot import admission
from bot.errors import DeskhandError
from bot.rights import Membership
from bot.slack.api.membership import Members, Unseen

LookUp = Callable[[str, str], Membership]
"(user, their workspace or an empty text) -> what Slack says of them now."


def membership_look_up(members: Members) -> LookUp:
    """Return a function that looks a person up; after any error they do not count as a member."""

    def look_up(user: str, team: str) -> Membership:
        try:
            return Membership.MEMBER if members.may_act(user, team=team) is None else Membership.STRANGER
        except DeskhandError:
            return Membership.UNCHECKED

    return look_up


def app_check(members: Members) -> Callable[[str], bool | None]:
    """Return a function that says whether a user is an app; None when Slack does not answer.

    A user whom Slack does not show counts as an app, because it shows every person who writes through an app.
    """

    def is_app(user: str) -> bool | None:
        try:
            found = members.look_up(user)
        except DeskhandError:
            return None
        return isinstance(found, Unseen) or admission.is_app(found)

    return is_app
