"""Is somebody who has a role a confirmed member of this workspace? Asked of Slack when they act."""

from collections.abc import Callable

from bot.errors import DeskhandError
from bot.rights import Membership
from bot.slack.membership import Members

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
