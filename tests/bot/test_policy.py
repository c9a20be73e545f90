"""May this be done, for this person, now: `bot.policy`."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent import card as _registers_the_tools  # noqa: F401 - a card's import fills the registry
from bot.policy import Allowed, Decision, Denied, NeedsApproval, decide
from bot.principals import Account, AccountStatus, Effect, Grant, Reason, Subject
from bot.tools.registry import REGISTRY, NoArgs, Tool

KIM = Account("kim", "kim@x.example", "Kim", AccountStatus.LOCKED, None, False, False, (), None)
SUBJECT = Subject("T1", "U1", ("kim",))
ALL = Grant("agent:access", frozenset(REGISTRY))
LOOK, UNLOCK, FACTOR, HAND_OFF = (
    REGISTRY[name] for name in ("look_up_my_account", "unlock_my_account", "reset_second_factor", "hand_off")
)


def decided(
    tool: Tool = UNLOCK,
    *,
    subject: Subject = SUBJECT,
    account: Account | None = KIM,
    grants: tuple[Grant, ...] = (ALL,),
) -> Decision:
    return decide(tool, subject=subject, account=account, grants=grants)


def reason(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Denied) else None


def test_ones_own_account_by_a_granted_tool_is_allowed() -> None:
    """The target is the one bound account."""
    assert decided() == Allowed("kim", "own account, granted to agent and channel")


def test_nothing_is_allowed_by_default() -> None:
    """No grant, or one that does not name the tool, denies, and says who lacks it."""
    assert decided(grants=()) == Denied(Reason.NOT_PERMITTED, "unlock_my_account is not granted by nobody")
    none = Grant("channel:C1", frozenset({"hand_off"}))
    assert decided(grants=(ALL, none)) == Denied(Reason.NOT_PERMITTED, "unlock_my_account is not granted by channel:C1")
    assert reason(decided(HAND_OFF, grants=(Grant("agent:x", frozenset()),))) is Reason.NOT_PERMITTED


def test_handing_off_needs_no_account() -> None:
    """Whoever the requester is, a person can be fetched."""
    assert isinstance(decided(HAND_OFF, subject=Subject("T1", "U1", ()), account=None), Allowed)


@pytest.mark.parametrize(
    ("subject", "account"),
    [
        (Subject("T1", "U1", ()), None),
        (Subject("T1", "U1", ()), KIM),
        (Subject("T1", "U1", ("kim", "kim2")), KIM),
        (SUBJECT, None),
        (SUBJECT, replace(KIM, id="eve")),
    ],
)
@pytest.mark.parametrize("tool", [LOOK, UNLOCK, FACTOR], ids=lambda tool: tool.name)
def test_an_identity_that_is_not_exactly_one_account_gets_none(
    tool: Tool, subject: Subject, account: Account | None
) -> None:
    """None, two, a vanished one or another's: not even reading is allowed."""
    assert reason(decided(tool, subject=subject, account=account)) is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize(
    "account",
    [
        replace(KIM, privileged=True),
        replace(KIM, status=AccountStatus.DISABLED),
        replace(KIM, status=AccountStatus.DEPARTED),
    ],
)
def test_some_accounts_are_always_a_persons_work(account: Account) -> None:
    """An administrator's, a disabled or a departed one may be read and never written, approval or not."""
    assert isinstance(decided(LOOK, account=account), Allowed)
    assert reason(decided(UNLOCK, account=account)) is Reason.OUT_OF_POLICY
    assert reason(decided(FACTOR, account=account)) is Reason.OUT_OF_POLICY


def test_a_second_factor_needs_an_approval() -> None:
    """Granted and on one's own account, and still only after a person's yes."""
    assert decided(FACTOR) == NeedsApproval("reset_second_factor needs an approver's yes")


IDS = st.sampled_from(["kim", "eve", "sam"])
ACCOUNTS = st.builds(
    Account,
    id=IDS,
    email=st.just(""),
    name=st.just(""),
    status=st.sampled_from(AccountStatus),
    lock_reason=st.none() | st.text(max_size=5),
    privileged=st.booleans(),
    liftable=st.booleans(),
    factors=st.just(()),
    password_changed_at=st.none(),
)
TOOLS = st.sampled_from(list(REGISTRY.values())) | st.builds(
    Tool,
    name=st.sampled_from([*REGISTRY, "new_tool"]),
    description=st.just(""),
    args=st.just(NoArgs),
    effect=st.sampled_from(Effect),
    scope=st.just(""),
    needs_approval=st.booleans(),
    run=st.none(),
)
GRANTS = st.lists(
    st.builds(Grant, holder=st.just("x"), tools=st.frozensets(st.sampled_from([*REGISTRY, "new_tool"]))), max_size=3
).map(tuple)
SUBJECTS = st.builds(
    Subject, team=st.just("T1"), user=st.just("U1"), accounts=st.lists(IDS, max_size=3, unique=True).map(tuple)
)


@settings(max_examples=1_000)
@given(tool=TOOLS, subject=SUBJECTS, account=st.none() | ACCOUNTS, grants=GRANTS)
def test_nothing_is_allowed_outside_the_intersection(
    tool: Tool, subject: Subject, account: Account | None, grants: tuple[Grant, ...]
) -> None:
    """For any input there is one decision, and Allowed only where every right agrees."""
    decision = decide(tool, subject=subject, account=account, grants=grants)
    assert decision == decide(tool, subject=subject, account=account, grants=grants)
    assert decision.why
    if isinstance(decision, Denied):
        return
    assert grants
    assert tool.name in frozenset.intersection(*(grant.tools for grant in grants))
    if tool.effect is Effect.CONTROL:
        assert decision == Allowed("", decision.why)
        return
    assert account is not None
    assert subject.accounts == (account.id,)
    assert isinstance(decision, NeedsApproval) is tool.needs_approval
    assert not isinstance(decision, Allowed) or decision.account == account.id
    if tool.effect is Effect.WRITE:
        assert not account.privileged
        assert account.status not in (AccountStatus.DISABLED, AccountStatus.DEPARTED)
