"""The tools on the directory, on a real one: `bot.tools.directory`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.directory import Directory
from bot.directory.local import AccountSeed, LocalDirectory
from bot.errors import Refused
from bot.principals import FACTORS_ON, Account, LostDevice, Reason
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.installation import scratch_database
from bot.store.schema import now
from bot.tools.directory import (
    ResetFactorArgs,
    is_reset,
    look_up_my_account,
    plan_of_reset,
    recent_sign_ins,
    reset_second_factor,
    send_password_reset,
    unlock_my_account,
)
from bot.tools.registry import REGISTRY, NoArgs, ToolUse, WrittenCall

NONE = NoArgs()
Kim = Callable[..., ToolUse]


@pytest.fixture
def database() -> Iterator[Database]:
    """Return a directory of its own."""
    with scratch_database.database() as opened:
        yield opened


@pytest.fixture
def kim(database: Database) -> Kim:
    """Return a call, in a direct message, on an account that is seeded and not barred."""

    def seeded(status: str = "locked", **more: Any) -> ToolUse:
        given = {"id": "kim", "email": "kim@x.example", "name": "Kim", "status": status, **more}
        with database.write() as session:
            accounts.seed(session, [AccountSeed.model_validate(given)])
        directory = LocalDirectory(database)
        account, sign_ins = directory.account("kim"), directory.sign_ins("kim", at_most=200)
        assert account is not None
        return ToolUse(directory, account, "turn:1:1", private=True, barred=False, sign_ins=sign_ins)

    return seeded


def writes(call: ToolUse) -> list[tuple[str, str, str, str]]:
    directory = call.directory
    assert isinstance(directory, LocalDirectory)
    with directory.database.read() as session:
        return [(row.account_id, row.action, row.before, row.after) for row in accounts.writes(session)]


def test_an_account_is_read_without_its_name_and_address(kim: Kim) -> None:
    """Status, lock reason, password age, kinds of factors; the model needs no more."""
    call = kim(lock_reason="too many", factors=("totp",), password_changed=41)
    assert look_up_my_account(call, NONE) == {
        "for_a_person": False,
        "status": "locked",
        "lock_reason": "too many",
        "password_age_days": 41,
        "factors": ["totp"],
    }
    assert look_up_my_account(kim(), NONE)["password_age_days"] is None


SIGN_INS = (
    {"minutes_ago": 90, "ok": True, "place": "Leeds"},
    {"minutes_ago": 5, "ok": False, "why": "wrong password", "place": "Lagos"},
)


def test_where_others_read_along_less_is_read(kim: Kim) -> None:
    """The state, which is needed to act; no reason, no sign-in, no factor, no age: what is not read cannot leak."""
    call = replace(
        kim(lock_reason="too many", factors=("totp",), password_changed=41, sign_ins=SIGN_INS), private=False
    )
    assert look_up_my_account(call, NONE) == {"for_a_person": False, "status": "locked"}
    told = str(recent_sign_ins(call, NONE))
    assert "direct message" in told
    assert not any(word in told for word in ("Lagos", "Leeds", "wrong password", "90", "minutes"))


@pytest.mark.parametrize("private", [True, False])
def test_what_a_person_keeps_is_theirs_to_tell(kim: Kim, private: bool) -> None:  # noqa: FBT001 - a parameter
    """Why HR or Security has locked it reaches no model, in a direct message neither."""
    call = replace(kim(lock_reason="by HR", sign_ins=SIGN_INS), barred=True, private=private)
    assert look_up_my_account(call, NONE) == {"for_a_person": True}
    assert list(recent_sign_ins(call, NONE)) == ["withheld"]


def test_a_call_withholds_unless_it_is_told_otherwise(kim: Kim) -> None:
    """Whoever forgets to say where it was asked, and of what standing, gets the least."""
    told = kim(lock_reason="by HR")
    assert look_up_my_account(ToolUse(told.directory, told.account, "k"), NONE) == {"for_a_person": True}


def test_sign_ins_are_told_with_their_age(kim: Kim) -> None:
    """The newest first, why they failed, and no moment that a reader would have to convert."""
    assert recent_sign_ins(kim(sign_ins=SIGN_INS), NONE) == {
        "sign_ins": [
            {"minutes_ago": 5, "ok": False, "why": "wrong password"},
            {"minutes_ago": 90, "ok": True, "why": ""},
        ]
    }


def test_ten_sign_ins_are_told(kim: Kim) -> None:
    """The policy looks at more of them than the model is told."""
    call = kim(sign_ins=[{"minutes_ago": n, "ok": True} for n in range(1, 30)])
    assert len(call.sign_ins) == 29
    assert [row["minutes_ago"] for row in recent_sign_ins(call, NONE)["sign_ins"]] == list(range(1, 11))


def test_a_lock_is_lifted_once_for_its_key(kim: Kim) -> None:
    """A second try at the same step answers the same and changes nothing."""
    call = kim()
    assert unlock_my_account(call, NONE) == unlock_my_account(call, NONE) == {"done": True, "status": "active"}
    assert writes(call) == [("kim", "unlock", "locked", "active")]


CHANGES: tuple[dict[str, Any], ...] = (
    {"status": "locked", "lock_reason": "by HR"},
    {"status": "suspended", "lock_reason": "too many", "liftable": True},
    {"status": "locked", "lock_reason": "too many", "privileged": True},
    {"status": "disabled", "lock_reason": "too many"},
)


@pytest.mark.parametrize("run", [unlock_my_account, send_password_reset])
@pytest.mark.parametrize("change", CHANGES, ids=["reason", "status", "privileged", "disabled"])
def test_what_has_changed_since_it_was_decided_is_left_alone(kim: Kim, run: Any, change: dict[str, Any]) -> None:
    """HR locks it between the decision and the write: nothing is written, and the agent has to look again."""
    call = kim(lock_reason="too many")
    kim(**change)
    with pytest.raises(Refused, match="has changed since it was looked at"):
        run(call, NONE)
    assert writes(call) == []


@pytest.mark.parametrize(
    ("status", "liftable", "lifted"),
    [
        ("locked", False, True),
        ("suspended", True, True),
        ("suspended", False, False),
        ("active", True, False),
        ("password_expired", False, False),
        ("disabled", True, False),
        ("departed", True, False),
    ],
)
def test_only_what_may_be_lifted_is(kim: Kim, status: str, liftable: bool, lifted: bool) -> None:  # noqa: FBT001 - a table
    """A lock always, a suspension where policy lets its owner; anything else is refused and stays."""
    call = kim(status, liftable=liftable)
    if lifted:
        assert unlock_my_account(call, NONE)["status"] == "active"
    else:
        with pytest.raises(Refused, match=f"the account is {status}, not locked"):
            unlock_my_account(call, NONE)
        assert writes(call) == []


def test_a_reset_link_goes_to_the_address_on_file(kim: Kim) -> None:
    """The answer names no address and no password, and the state stays until the owner has used the link."""
    call = kim("password_expired")
    assert send_password_reset(call, NONE) == {"done": True, "sent_to": "the address on file"}
    assert writes(call) == [("kim", "send_password_reset", "password_expired", "password_expired")]


@pytest.mark.parametrize("status", ["suspended", "disabled", "departed"])
def test_no_reset_link_for_who_may_not_sign_in(kim: Kim, status: str) -> None:
    """A link would be a way around the suspension."""
    call = kim(status)
    with pytest.raises(Refused, match=f"the account is {status}"):
        send_password_reset(call, NONE)
    assert writes(call) == []


def test_a_lost_phone_takes_its_factors_along(kim: Kim) -> None:
    """In private the model reads which; the record holds the factors before and after each write."""
    call = kim("active", factors=["security_key", "sms", "totp"], sessions=[{"device": "Phone"}])
    assert reset_second_factor(call, ResetFactorArgs(lost=LostDevice.PHONE)) == {
        "done": True,
        "removed": ["totp", "sms"],
        "sessions_ended": 1,
        "factors_left": ["security_key"],
    }
    assert writes(call) == [
        ("kim", "reset_factor", "security_key, sms, totp", "security_key, sms"),
        ("kim", "reset_factor", "security_key, sms", "security_key"),
        ("kim", "revoke_sessions", "active", "active"),
    ]


def test_where_others_read_along_a_reset_names_no_factor(kim: Kim) -> None:
    """It says that it was done, and no more."""
    call = replace(kim("active", factors=["security_key"]), private=False)
    assert reset_second_factor(call, ResetFactorArgs(lost=LostDevice.SECURITY_KEY)) == {"done": True}


def test_a_plan_says_exactly_what_a_reset_would_do(kim: Kim) -> None:
    """Each factor, the sessions, and what stays; it is empty where there is nothing on that device."""
    account = kim("active", factors=["security_key", "sms", "totp"]).account
    assert plan_of_reset(ResetFactorArgs(lost=LostDevice.PHONE), account) == (
        "Remove the codes of their authenticator app (totp) from the account kim of Kim.",
        "Remove the text messages to their phone (sms) from the account kim of Kim.",
        "End every session of this account, on all devices.",
        "These second factors stay: their security key (security_key).",
    )
    assert plan_of_reset(ResetFactorArgs(lost=LostDevice.PHONE), replace(account, factors=("security_key",))) == ()
    alone = plan_of_reset(ResetFactorArgs(lost=LostDevice.SECURITY_KEY), replace(account, factors=("security_key",)))
    assert alone[-1] == "No second factor stays."


def test_every_factor_that_can_be_lost_has_words(kim: Kim) -> None:
    """No device carries a kind of factor that a plan could not name."""
    for lost, factors in FACTORS_ON.items():
        plan = plan_of_reset(ResetFactorArgs(lost=lost), replace(kim("active").account, factors=factors))
        assert [factor for factor in factors if not any(f"({factor})" in one for one in plan)] == []


@pytest.mark.parametrize("run", [unlock_my_account, send_password_reset])
def test_an_account_that_is_gone_is_refused(kim: Kim, run: Any) -> None:
    """It vanished between decision and call: a person looks at it."""
    call = kim()
    gone: Account = replace(call.account, id="nobody")
    with pytest.raises(Refused) as refused:
        run(replace(call, bound=gone), NONE)
    assert refused.value.reason is Reason.IDENTITY_MISMATCH


def test_what_a_write_promises_is_read_back(kim: Kim) -> None:
    """An active account, a link that the directory knows of, no factor of the lost device and no older session."""
    unlock, link, phone = (
        (REGISTRY[name], replace(call, key=name), arguments)
        for name, call, arguments in (
            ("unlock_my_account", kim(), NONE),
            ("send_password_reset", kim(), NONE),
            ("reset_second_factor", kim(), ResetFactorArgs(lost=LostDevice.PHONE)),
        )
    )
    since = now()
    seen = []
    for tool, asked, arguments in (unlock, link, phone):
        kim("locked", factors=["totp", "security_key"], sessions=[{"device": "Phone"}])
        call = replace(asked, bound=asked.directory.account("kim"))
        written = WrittenCall(call.directory, "kim", call.key, arguments, since)
        assert tool.as_promised is not None
        assert tool.run is not None
        before = tool.as_promised(written)
        tool.run(call, arguments)
        seen.append((before, tool.as_promised(written), tool.as_promised(replace(written, account="nobody"))))
    assert seen == [(False, True, False), (False, True, True), (False, True, False)]


def test_a_session_of_before_breaks_the_promise_of_a_reset(kim: Kim) -> None:
    """One that began later is its owner's again; a directory that lists none is asked whether it knows the key."""
    call, lost = kim("active", factors=["totp"], sessions=[{"device": "Phone"}]), ResetFactorArgs(lost=LostDevice.PHONE)
    reset_second_factor(call, lost)
    written = WrittenCall(call.directory, "kim", call.key, lost, now())
    assert is_reset(written)
    kim("active", sessions=[{"device": "Phone", "minutes_ago": 1}])
    assert not is_reset(written)
    assert is_reset(replace(written, since=now() - timedelta(minutes=5)))
    assert is_reset(replace(written, directory=ListsNone(call.directory)))
    assert not is_reset(replace(written, directory=ListsNone(call.directory), key="unknown"))


class ListsNone:
    """A directory that ends sessions and lists none."""

    def __init__(self, real: Directory) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        """Do as the real one does."""
        return getattr(self.real, name)

    def open_sessions(self, _account_id: str, *, begun_before: datetime) -> int | None:
        """Return that it is not known."""
        assert begun_before
        return None
