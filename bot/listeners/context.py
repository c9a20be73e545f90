"""What every listener needs: the context of the use cases, and look-ups in Slack that come before them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot import rights
from bot.budget.caps import Budgets
from bot.casework.context import HearingContext
from bot.casework.dashboard_links import DashboardDoor
from bot.casework.proposing import CaseDesk
from bot.markup import Name
from bot.principals import Account
from bot.rights import Membership
from bot.second_step.secret_box import ApproverKeys
from bot.slack.api.token_check import TokenCheck
from bot.store.releases.verdicts import ReleasePair


@dataclass(frozen=True, slots=True)
class ListenerContext(HearingContext):
    """What every listener needs. The look-ups take about a second each, and no transaction may be open meanwhile."""

    releases: Mapping[str, ReleasePair] = field(default_factory=dict)
    "The release that a worker with these settings serves now, and the suite in its folder, by agent."
    read_budgets: Callable[[], Budgets] = lambda: Budgets(time_zone="UTC")
    "Reads the budgets as they are now; by default there are none."
    slack_api_url: str = "https://slack.com/api/"
    "Slack's API address; answers to clicks and commands may only be sent to the same Slack."
    look_up: Callable[[str, str], Membership] = lambda _user, _team: Membership.UNCHECKED
    "(user, their workspace) -> what Slack says of them now."
    names: Name = lambda _id: None
    "(id of a person or a channel) -> its name."
    members_named: Callable[[Sequence[str], float], Mapping[str, str] | None] = lambda _users, _seconds: None
    "(users, seconds) -> the names of the full members among them; None when not all are known in time."
    is_app: Callable[[str], bool | None] = lambda _user: None
    "(user) -> whether it is an app and not a person; None when Slack does not say."

    account: Callable[[str], Account | None] = lambda _id: None
    "(id of an account) -> it, as the directory has it now; raises `Transient` when the directory does not answer."
    token: TokenCheck | None = None
    "What Slack says of the bot token, once it is asked; None without one."
    door: DashboardDoor | None = None
    "Where the dashboard is; None when there is none."
    cases: CaseDesk = field(default_factory=CaseDesk)
    "What the suites of agents say of a proposed case."
    approver_keys: ApproverKeys = field(default_factory=ApproverKeys)
    "Open the secrets with which the codes of approvers are checked."

    def membership(self, user: str, team: str) -> Membership:
        """Return what Slack says now of somebody; only people with a role are looked up."""
        return self.look_up(user, team) if rights.served_by(self.agents, user) else Membership.UNCHECKED
