"""What every listener is handed: what the use cases need, and how Slack is asked before one begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot import rights
from bot.budget.caps import Budgets
from bot.casework.context import HearingContext
from bot.markup import Name
from bot.rights import Membership


@dataclass(frozen=True, slots=True)
class ListenerContext(HearingContext):
    """What every listener is handed."""

    releases: dict[str, str] = field(default_factory=dict)
    "By agent, what a worker with these settings serves."
    read_budgets: Callable[[], Budgets] = lambda: Budgets(time_zone="UTC")
    "The budgets as they are now; where none are told, nobody is named as the owner of one."
    slack_api_url: str = "https://slack.com/api/"
    "The Slack that is heard, which says where an answer may be sent."
    look_up: Callable[[str, str], Membership] = lambda _user, _team: Membership.UNCHECKED
    "(user, their workspace) -> what Slack says of them now, within about a second; asked with no transaction open."
    names: Name = lambda _id: None
    "What people and channels are called, within about a second; asked with no transaction open."
    members_named: Callable[[Sequence[str], float], Mapping[str, str] | None] = lambda _users, _seconds: None
    "(users, seconds) -> the names of those who are full members; None when not all are known in time. Asked likewise."
    is_app: Callable[[str], bool | None] = lambda _user: None
    "Is a user an app's, and no person? None when Slack does not say now; asked like the others."

    def membership(self, user: str, team: str) -> Membership:
        """Return what Slack says now of somebody who has a role; of all others nothing is asked."""
        return self.look_up(user, team) if rights.served_by(self.agents, user) else Membership.UNCHECKED
