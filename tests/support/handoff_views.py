"""A handoff as its card, its report and Home show it."""

from datetime import UTC, datetime, timedelta

from bot.principals import Reason
from bot.slack.handoffs.handoff_facts import HandoffView
from bot.store.schema import HandoffState

AT = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
THREAD_LINK = "https://acme.slack.com/archives/C0HELP/p1762088700000100"
OPEN_HANDOFF = HandoffView(
    handoff_id=3,
    ticket_id=12,
    state=HandoffState.OPEN,
    claimed_by=None,
    lease_until=None,
    openings=1,
    expiries=0,
    requester="U0SAM",
    words="I got a new phone and can't sign in any more",
    requester_zone="Asia/Tokyo",
    private=False,
    reason=Reason.OUT_OF_POLICY,
    summary="Sam has a new phone and needs the second factor reset.",
    tried=(("look_up_my_account", "status: active, factors: totp"),),
    account="active",
    account_reason=None,
    barred=None,
    cost_nusd=4_200_000,
    opened_at=AT,
    waiting_since=AT - timedelta(minutes=2),
    first_response_at=None,
    closed_at=None,
    before=None,
    thread_link=THREAD_LINK,
    resolution=None,
    people=None,
    raised_by=None,
    withheld=False,
    of_account=True,
    proposed_by=None,
    fell_back=False,
)
