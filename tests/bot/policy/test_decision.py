"""May this be done, for this person, now: `bot.policy.decision`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent import card as _registers_the_tools  # noqa: F401 - a card's import fills the registry
from bot.policy import Allowed, Decision, Denied, Facts, NeedsApproval, NotNeeded, PolicyRule, decide
from bot.policy.rules import AccountRules, WriteBounds
from bot.principals import Account, AccountStatus, Effect, Grant, LostDevice, PastWrite, Reason, SignIn, Subject
from bot.tools.directory import ResetFactorArgs
from bot.tools.registry import REGISTRY, Args, NoArgs, Tool
from tests.support.volumes import volume

LISTED, LIFTABLE = "too many failed sign-ins", "not used for 60 days"
RULES = AccountRules(may_unlock=(LISTED,), may_lift=(LIFTABLE,), may_send_link=("active", "locked", "password_expired"))
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
NOTHING = Facts(NOW)
KIM = Account("kim", "kim@x.example", "Kim", AccountStatus.LOCKED, LISTED, False, False, (), None)
SUBJECT = Subject("T1", "U1", ("kim",))
ALL = Grant("agent:access", frozenset(REGISTRY))
LOOK, UNLOCK, LINK, FACTOR, HAND_OFF = (
    REGISTRY[name]
    for name in ("look_up_my_account", "unlock_my_account", "send_password_reset", "reset_second_factor", "hand_off")
)


def decided(
    tool: Tool = UNLOCK,
    *,
    subject: Subject = SUBJECT,
    account: Account | None = KIM,
    grants: tuple[Grant, ...] = (ALL,),
    rules: AccountRules = RULES,
    facts: Facts = NOTHING,
    needs_account: bool = True,
    arguments: Args | None = None,
) -> Decision:
    return decide(
        tool,
        subject=subject,
        account=account,
        grants=grants,
        rules=rules,
        facts=facts,
        needs_account=needs_account,
        arguments=arguments,
    )


def word(decision: Decision) -> str:
    """Return a decision as the table of the module writes it."""
    match decision:
        case Allowed() | NeedsApproval():
            return "yes"
        case NotNeeded():
            return "not needed"
        case Denied(reason=Reason.OUT_OF_POLICY):
            return "person"
        case Denied(reason=other):
            return str(other)


def reason(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Denied) else None


def test_ones_own_account_by_a_granted_tool_is_allowed() -> None:
    """The target is the one bound account."""
    assert decided() == Allowed(PolicyRule.OWN_ACCOUNT, "kim", "own account, granted to agent and channel")


def test_nothing_is_allowed_by_default() -> None:
    """No grant, or one that does not name the tool, denies, and says who lacks it."""
    why = "no grant was given for unlock_my_account"
    assert decided(grants=()) == Denied(PolicyRule.NO_GRANT, Reason.NOT_PERMITTED, why)
    none = Grant("channel:C1", frozenset({"hand_off"}))
    why = "unlock_my_account is not granted by channel:C1"
    assert decided(grants=(ALL, none)) == Denied(PolicyRule.NOT_GRANTED, Reason.NOT_PERMITTED, why)
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


CATALOGUE = replace(LOOK, name="look_up_product", scope="catalogue:read")
NOBODY = Subject("T1", "U1", ())


def test_a_tool_that_needs_no_account_reads_for_anybody_who_was_admitted() -> None:
    """The card says which; a grant is needed all the same, and so is an approval where the tool asks for one."""
    granted = (Grant("agent:software", frozenset({"look_up_product"})),)
    asked = partial(decided, subject=NOBODY, account=None, grants=granted)
    assert asked(CATALOGUE, needs_account=False) == Allowed(PolicyRule.NEEDS_NO_ACCOUNT, "", "granted")
    assert reason(asked(CATALOGUE)) is Reason.IDENTITY_MISMATCH
    assert reason(decided(CATALOGUE, subject=NOBODY, account=None, needs_account=False)) is Reason.NOT_PERMITTED
    approved = replace(CATALOGUE, needs_approval=True)
    assert isinstance(asked(approved, needs_account=False), NeedsApproval)


@pytest.mark.parametrize(
    "tool", [LOOK, UNLOCK, FACTOR, replace(UNLOCK, scope="catalogue:write")], ids=lambda tool: tool.scope
)
def test_no_card_frees_a_tool_from_the_account_that_it_acts_on(tool: Tool) -> None:
    """What reads or writes an account, or writes at all, needs exactly one, whatever is said of it."""
    assert reason(decided(tool, subject=NOBODY, account=None, needs_account=False)) is Reason.IDENTITY_MISMATCH


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


ODD = (
    None,
    "",
    " ",
    "by HR",
    "credentials in a leak; do not unlock before Security has called",
    "Too many failed sign-ins",
    "TOO MANY FAILED SIGN-INS",
    " too many failed sign-ins",
    "too many failed sign-ins ",
    "too many failed sign-ins.",
    "too many failed sign-ins; do not unlock",
    "too many failed sign-ins\n",
    "too many failed sign\u2010ins",
    "too  many failed sign-ins",
    "t\u043eo many failed sign-ins",
    "too many failed sign-ins\u200b",
    "too many",
    LIFTABLE,
)
"Reasons that no card of the tests lists for a lock: they only look like it, or say more."
S = AccountStatus
TABLE = (
    # state, reasons, liftable: what becomes of an unlock, a link, a second factor
    (S.LOCKED, (LISTED,), (False, True), ("yes", "yes", "yes")),
    (S.LOCKED, ODD, (False, True), ("person", "person", "person")),
    (S.SUSPENDED, (LIFTABLE,), (True,), ("yes", "person", "yes")),
    (S.SUSPENDED, (LIFTABLE,), (False,), ("person", "person", "person")),
    (S.SUSPENDED, (LISTED, *ODD[:-1]), (False, True), ("person", "person", "person")),
    (S.ACTIVE, (None, "", LISTED), (False, True), ("not needed", "yes", "yes")),
    (S.ACTIVE, ODD[2:], (False, True), ("person", "person", "person")),
    (S.PASSWORD_EXPIRED, (None, "", LISTED), (False, True), ("not needed", "yes", "yes")),
    (S.PASSWORD_EXPIRED, ODD[2:], (False, True), ("person", "person", "person")),
    (S.DISABLED, (LISTED, *ODD), (False, True), ("person", "person", "person")),
    (S.DEPARTED, (LISTED, *ODD), (False, True), ("person", "person", "person")),
)
CELLS = [
    (replace(KIM, status=status, lock_reason=reason, liftable=liftable, factors=factors), expected)
    for status, reasons, flags, expected in TABLE
    for reason in reasons
    for liftable in flags
    for factors in ((), ("totp", "sms"))
]


def test_the_table_of_the_module_holds_in_every_cell() -> None:
    """Tool by state, reason, liftable and factors; privileged, each of them is a person's."""
    assert {account.status for account, _ in CELLS} == set(AccountStatus)
    for account, expected in CELLS:
        found = tuple(word(decided(tool, account=account)) for tool in (UNLOCK, LINK, FACTOR))
        assert found == expected, account
        theirs = replace(account, privileged=True)
        assert {word(decided(tool, account=theirs)) for tool in (UNLOCK, LINK, FACTOR)} == {"person"}
        assert isinstance(decided(LOOK, account=account), Allowed)


def test_a_card_that_lists_nothing_lets_nothing_be_written() -> None:
    """What is not listed is a person's work: no lock, no suspension, no link."""
    for account, _ in CELLS:
        for tool in (UNLOCK, LINK):
            assert word(decided(tool, account=account, rules=AccountRules())) in ("person", "not needed")


def test_a_link_goes_only_where_the_card_says() -> None:
    """An account that the agent may unlock gets no link because of that."""
    rules = AccountRules(may_unlock=(LISTED,), may_send_link=("active",))
    assert word(decided(LINK, rules=rules)) == "person"
    assert word(decided(LINK, account=replace(KIM, status=S.ACTIVE), rules=rules)) == "yes"


def test_a_person_is_told_the_reason_and_the_model_is_not() -> None:
    """What the directory holds against an account is evidence, for who takes over; the half sentence has none of it."""
    denied = decided(account=replace(KIM, lock_reason="by HR"))
    assert isinstance(denied, Denied)
    assert "HR" not in denied.why
    assert denied.explanation == (
        "The agent's card does not list what the directory says about this account. "
        'The account is locked; the directory\'s reason: "by HR".'
    )
    unsaid = decided(account=replace(KIM, lock_reason=None))
    assert isinstance(unsaid, Denied)
    assert unsaid.evidence == "The account is locked, and the directory gives no reason."


def wrote(minutes_ago: float, tool: str = "unlock_my_account", ticket: int = 7, *, seen: bool = True) -> PastWrite:
    return PastWrite(tool, NOW - timedelta(minutes=minutes_ago), ticket, seen)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ((), "yes"),
        ((wrote(59.9),), "person"),
        ((wrote(60),), "yes"),
        ((wrote(5, seen=False),), "person"),
        ((wrote(-3),), "person"),
        ((wrote(5, "send_password_reset"),), "yes"),
        ((wrote(70), wrote(200)), "yes"),
        ((wrote(70), wrote(200), wrote(1_439)), "person"),
        ((wrote(70), wrote(200), wrote(1_440)), "yes"),
        ((wrote(70), wrote(200), wrote(300, "send_password_reset")), "yes"),
    ],
)
def test_an_account_is_written_once_an_hour_and_three_times_a_day(before: tuple[PastWrite, ...], expected: str) -> None:
    """Any hour and any 24 hours; what nobody saw the end of counts, and what a clock ahead of ours has stamped."""
    assert word(decided(facts=Facts(NOW, writes=before))) == expected


def test_a_card_sets_the_bounds_by_tool() -> None:
    """Another tool keeps the usual ones; none at all may be allowed."""
    rules = RULES.model_copy(update={"at_most": {"unlock_my_account": WriteBounds(per_hour=2, per_day=2)}})
    one = Facts(NOW, writes=(wrote(5), wrote(5, "send_password_reset")))
    assert [word(decided(tool, rules=rules, facts=one)) for tool in (UNLOCK, LINK)] == ["yes", "person"]
    never = RULES.model_copy(update={"at_most": {"unlock_my_account": WriteBounds(per_hour=0, per_day=0)}})
    assert word(decided(rules=never)) == "person"


def test_over_the_bound_a_person_gets_the_history() -> None:
    """When, by which tool, in which ticket, and what is not known of it."""
    before = (wrote(300, "send_password_reset", 3), wrote(20, ticket=9, seen=False))
    denied = decided(facts=Facts(NOW, writes=before))
    assert isinstance(denied, Denied)
    assert denied.explanation == (
        "The limit for this account is reached: unlock_my_account, 1 within an hour, over all tickets. "
        "In the last 24 hours: send_password_reset at 2026-11-29 04:00 UTC in ticket 3; "
        "unlock_my_account at 2026-11-29 08:40 UTC in ticket 9 (its result was never seen)."
    )
    many = decided(facts=Facts(NOW, writes=tuple(wrote(n) for n in range(1, 30))))
    assert isinstance(many, Denied)
    assert many.evidence.endswith(" and 19 earlier.")


def test_a_sign_of_compromise_keeps_every_write_for_a_person() -> None:
    """The evidence goes with it; reading is as ever."""
    attack = [SignIn(NOW - timedelta(minutes=n), ok=n == 10, why="", place="Lagos") for n in range(10, 15)]
    facts = Facts(NOW, tuple(attack))
    for tool in (UNLOCK, LINK, FACTOR):
        denied = decided(tool, facts=facts)
        assert isinstance(denied, Denied)
        assert denied.reason is Reason.OUT_OF_POLICY
        assert "Lagos" in denied.evidence
        assert "Lagos" not in denied.why
    assert isinstance(decided(LOOK, facts=facts), Allowed)


def test_a_second_factor_needs_an_approval() -> None:
    """Granted and on one's own account, and still only after a person's yes."""
    assert decided(FACTOR) == NeedsApproval(PolicyRule.APPROVAL_MISSING, "reset_second_factor needs an approver")


def test_what_would_change_nothing_is_not_needed_unless_it_was_begun() -> None:
    """No factor is on that device: nobody is asked; but what an attempt that died has begun is finished."""
    asked = partial(decided, FACTOR, account=replace(KIM, factors=("totp",)))
    phone, key = ResetFactorArgs(lost=LostDevice.PHONE), ResetFactorArgs(lost=LostDevice.SECURITY_KEY)
    assert isinstance(asked(arguments=phone), NeedsApproval)
    why = "there is nothing for reset_second_factor to change"
    assert asked(arguments=key) == NotNeeded(PolicyRule.NOTHING_TO_DO, why)
    assert isinstance(asked(arguments=key, facts=Facts(NOW, begun=True)), NeedsApproval)
    assert asked(arguments=key, account=replace(KIM, privileged=True)).rule is PolicyRule.ADMINISTRATOR


IDS = st.sampled_from(["kim", "eve", "sam"])
ACCOUNTS = st.builds(
    Account,
    id=IDS,
    email=st.just(""),
    name=st.just(""),
    status=st.sampled_from(AccountStatus),
    lock_reason=st.none() | st.text(max_size=5) | st.sampled_from([*ODD, LISTED, LISTED]),
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


WRITES = st.lists(
    st.builds(wrote, st.floats(-10, 2_000), st.sampled_from(["unlock_my_account", "new_tool"])), max_size=4
).map(tuple)


@settings(max_examples=volume(250, long=1_000))
@given(tool=TOOLS, subject=SUBJECTS, account=st.none() | ACCOUNTS, grants=GRANTS, writes=WRITES)
def test_nothing_is_allowed_outside_the_intersection(
    tool: Tool, subject: Subject, account: Account | None, grants: tuple[Grant, ...], writes: tuple[PastWrite, ...]
) -> None:
    """For any input there is one decision, and Allowed only where every right agrees."""
    decision = decided(tool, subject=subject, account=account, grants=grants, facts=Facts(NOW, writes=writes))
    assert decision == decided(tool, subject=subject, account=account, grants=grants, facts=Facts(NOW, writes=writes))
    assert decision.why
    if isinstance(decision, Denied | NotNeeded):
        return
    assert grants
    assert tool.name in frozenset.intersection(*(grant.tools for grant in grants))
    if tool.effect is Effect.CONTROL:
        assert decision == Allowed(PolicyRule.ENDS_PART, "", decision.why)
        return
    assert account is not None
    assert subject.accounts == (account.id,)
    assert isinstance(decision, NeedsApproval) is tool.needs_approval
    assert not isinstance(decision, Allowed) or decision.account == account.id
    if tool.effect is Effect.WRITE:
        assert not account.privileged
        assert account.status not in (AccountStatus.DISABLED, AccountStatus.DEPARTED)
        assert account.lock_reason == (LIFTABLE if account.status is S.SUSPENDED else LISTED) or (
            not account.lock_reason and account.status in (S.ACTIVE, S.PASSWORD_EXPIRED)
        )
        assert not [one for one in writes if one.tool == tool.name and one.at > NOW - timedelta(hours=1)]


class Colour(StrEnum):
    """What a declaration lists."""

    RED = "red"


class Closed(Args):
    """Arguments that hold only what we have written down."""

    account: Colour
    kind: Literal["totp", "push"]
    at_once: bool
    category: str


class Free(Args):
    """Arguments that hold whatever the model copied."""

    account: str
    kind: Literal["totp", "push"]
    minutes: int | None = None


def test_a_write_whose_target_is_free_text_is_denied() -> None:
    """The card grants it, the account is fine: still no words that somebody wrote choose what is written."""
    granted = (Grant("agent:access", frozenset({UNLOCK.name})),)
    closed = replace(UNLOCK, args=Closed, choices=(("category", ("locked",)),))
    assert isinstance(decided(closed, grants=granted), Allowed)
    for free in (replace(UNLOCK, args=Free), replace(closed, choices=())):
        denied = decided(free, grants=granted)
        assert isinstance(denied, Denied)
        assert (denied.rule, denied.reason) == (PolicyRule.TAINTED_TARGET, Reason.NOT_PERMITTED)
    assert [str(one) for one in replace(UNLOCK, args=Free).tainted] == ["model:account", "model:minutes"]
    assert isinstance(decided(replace(LOOK, args=Free), grants=(ALL,)), Allowed), "what only reads harms no account"
    assert {tool.name for tool in REGISTRY.values() if tool.effect is Effect.WRITE and tool.tainted} == set()


def test_every_rule_is_named_by_a_decision_and_has_a_sentence() -> None:
    """Each rule is reached by some call; so an audit record says which one it was.

    The turn alone reaches `done_before`, and what people have said of an approval (`test_approving`).
    """
    privileged, gone = replace(KIM, privileged=True), replace(KIM, status=S.DISABLED)
    attack = tuple(SignIn(NOW - timedelta(minutes=n), ok=n == 10, why="", place="Lagos") for n in range(10, 15))
    catalogue = (Grant("agent:software", frozenset({"look_up_product"})),)
    unlisted = RULES.model_copy(update={"may_send_link": ()})
    made = {
        decided(grants=()).rule,
        decided(grants=(Grant("channel:C1", frozenset()),)).rule,
        decided(HAND_OFF).rule,
        decided(CATALOGUE, subject=NOBODY, account=None, grants=catalogue, needs_account=False).rule,
        decided(replace(UNLOCK, args=Free)).rule,
        decided(account=None).rule,
        decided(account=privileged).rule,
        decided(account=gone).rule,
        decided(account=replace(KIM, lock_reason="by HR")).rule,
        decided(facts=Facts(NOW, attack)).rule,
        decided(LINK, rules=unlisted).rule,
        decided(facts=Facts(NOW, writes=(wrote(5),))).rule,
        decided(account=replace(KIM, status=S.ACTIVE)).rule,
        decided(FACTOR).rule,
        decided(FACTOR, arguments=ResetFactorArgs(lost=LostDevice.PHONE)).rule,
        decided().rule,
    }
    said = {rule for rule in PolicyRule if rule.startswith("approv")} - {PolicyRule.APPROVAL_MISSING}
    assert made == set(PolicyRule) - {PolicyRule.DONE_BEFORE} - said
    assert all(rule.sentence.endswith(".") for rule in PolicyRule)
    assert str(PolicyRule.OWN_ACCOUNT) == "own_account"
