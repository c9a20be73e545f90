"""The tools on the directory, on a real one: `bot.tools.directory`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Refused
from bot.principals import Reason
from bot.store import accounts, private
from bot.store.accounts import AccountSeed, LocalDirectory
from bot.tools.directory import (
    look_up_my_account,
    recent_sign_ins,
    reset_second_factor,
    send_password_reset,
    unlock_my_account,
)
from bot.tools.registry import Call, NoArgs

NONE = NoArgs()


@pytest.fixture
def kim() -> Iterator[Call]:
    """Return a call on an account in a directory of its own."""
    with private.database() as database:
        yield Call(LocalDirectory(database), "kim", "turn:1:1")


def seed(call: Call, status: str = "locked", **more: Any) -> None:
    directory = call.directory
    assert isinstance(directory, LocalDirectory)
    given = {"id": "kim", "email": "kim@x.example", "name": "Kim", "status": status, **more}
    with directory.database.write() as session:
        accounts.seed(session, [AccountSeed.model_validate(given)])


def writes(call: Call) -> list[tuple[str, str, str, str]]:
    directory = call.directory
    assert isinstance(directory, LocalDirectory)
    with directory.database.read() as session:
        return [(row.account_id, row.action, row.before, row.after) for row in accounts.writes(session)]


def test_an_account_is_read_without_its_name_and_address(kim: Call) -> None:
    """Status, lock reason, password age, kinds of factors; the model needs no more."""
    seed(kim, lock_reason="too many", factors=("totp",), password_changed=41)
    assert look_up_my_account(kim, NONE) == {
        "status": "locked",
        "lock_reason": "too many",
        "may_lift_suspension": False,
        "password_age_days": 41,
        "factors": ["totp"],
        "privileged": False,
    }
    seed(kim)
    assert look_up_my_account(kim, NONE)["password_age_days"] is None


def test_sign_ins_are_told_with_their_age(kim: Call) -> None:
    """The newest first, why they failed, and no moment that a reader would have to convert."""
    entries = [{"minutes_ago": 90, "ok": True}, {"minutes_ago": 5, "ok": False, "why": "wrong password"}]
    seed(kim, sign_ins=entries)
    assert recent_sign_ins(kim, NONE) == {
        "sign_ins": [
            {"minutes_ago": 5, "ok": False, "why": "wrong password"},
            {"minutes_ago": 90, "ok": True, "why": ""},
        ]
    }


def test_a_lock_is_lifted_once_for_its_key(kim: Call) -> None:
    """A second try at the same step answers the same and changes nothing."""
    seed(kim)
    assert unlock_my_account(kim, NONE) == unlock_my_account(kim, NONE) == {"done": True, "status": "active"}
    assert writes(kim) == [("kim", "unlock", "locked", "active")]


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
def test_only_what_may_be_lifted_is(kim: Call, status: str, liftable: bool, lifted: bool) -> None:  # noqa: FBT001 - a table
    """A lock always, a suspension where policy lets its owner; anything else is refused and stays."""
    seed(kim, status, liftable=liftable)
    if lifted:
        assert unlock_my_account(kim, NONE)["status"] == "active"
    else:
        with pytest.raises(Refused, match=f"the account is {status}, not locked"):
            unlock_my_account(kim, NONE)
        assert writes(kim) == []


def test_a_reset_link_goes_to_the_address_on_file(kim: Call) -> None:
    """The answer names no address and no password, and the state stays until the owner has used the link."""
    seed(kim, "password_expired")
    assert send_password_reset(kim, NONE) == {"done": True, "sent_to": "the address on file"}
    assert writes(kim) == [("kim", "send_password_reset", "password_expired", "password_expired")]


@pytest.mark.parametrize("status", ["suspended", "disabled", "departed"])
def test_no_reset_link_for_who_may_not_sign_in(kim: Call, status: str) -> None:
    """A link would be a way around the suspension."""
    seed(kim, status)
    with pytest.raises(Refused, match=f"the account is {status}"):
        send_password_reset(kim, NONE)
    assert writes(kim) == []


def test_a_second_factor_is_never_reset_here(kim: Call) -> None:
    """Even if the policy let it through, the tool itself refuses."""
    seed(kim, "active")
    with pytest.raises(Refused) as refused:
        reset_second_factor(kim, NONE)
    assert refused.value.reason is Reason.APPROVAL_NEEDED
    assert writes(kim) == []


@pytest.mark.parametrize("run", [look_up_my_account, unlock_my_account, send_password_reset])
def test_an_account_that_is_gone_is_refused(kim: Call, run: Any) -> None:
    """It vanished between binding and call: a person looks at it."""
    with pytest.raises(Refused) as refused:
        run(replace(kim, account="nobody"), NONE)
    assert refused.value.reason is Reason.IDENTITY_MISMATCH
