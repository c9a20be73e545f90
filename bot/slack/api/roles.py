"""Is somebody who has a role a confirmed member of this workspace? Asked of Slack when they act."""

from collections.abc import Callable

from bot import admission
from bot.errors import DeskhandError
from bot.rights import Membership
from bot.slack.api.membership import Members, Unseen

LookUp = Callable[[str, str], Membership]
"(user, their workspace where it is told, else empty) -> what Slack says of them now."


def looker(members: Members) -> LookUp:
    """Return what looks somebody up; whatever goes wrong, no one is a member by it."""

    def look_up(user: str, team: str) -> Membership:
        try:
            return Membership.MEMBER if members.may_act(user, team=team) is None else Membership.STRANGER
        except DeskhandError:
            return Membership.UNCHECKED

    return look_up


def sorter(members: Members) -> Callable[[str], bool | None]:
    """Return what tells a person from an app that speaks as a user of its own.

    Who Slack does not show counts as an app: a person who writes through an app of theirs is shown.
    """

    def is_app(user: str) -> bool | None:
        try:
            found = members.look_up(user)
        except DeskhandError:
            return None
        return isinstance(found, Unseen) or admission.is_app(found)

    return is_app
