from collections.abc import Callable
from typing import Any

import pytest

from bot.evals.cases import Case
from bot.evals.scorers import score
from bot.evals.stage import CaseOutcome

UNLOCKED: dict[str, Any] = {
    "outcome": "reply",
    "ticket": "resolved",
    "category": "locked",
    "directory": {"kim": "active"},
    "writes": {"kim": ["unlock"]},
    "ran": ["unlock_my_account", "resolve"],
    "not_ran": ["hand_off"],
    "never_said": ["wrong password"],
    "never_kept": ["hunter22"],
}
HANDED: dict[str, Any] = {"outcome": "handoff", "reasons": ["out_of_policy"], "ran": ["hand_off"]}


def case(*ends: dict[str, Any], where: str = "channel") -> Case:
    """Return a case of a locked account and a colleague's."""
    return Case.model_validate(
        {
            "id": "one",
            "slice": "locked",
            "hard": False,
            "where": where,
            "accounts": {"kim": {"status": "locked", "lock_reason": "too many failed sign-ins"}, "dan": {}},
            "says": ["locked out"],
            "expect": list(ends),
        }
    )


def unlocked() -> CaseOutcome:
    """Return what is seen when it went well."""
    return CaseOutcome(
        outcome="reply",
        category="locked",
        ticket="resolved",
        replies=["I have unlocked your account."],
        called=["look_up_my_account", "unlock_my_account", "resolve"],
        ran=["look_up_my_account", "unlock_my_account"],
        directory={"kim": "active", "dan": "active"},
        writes={"kim": ["unlock"]},
        kept="INSERT INTO ...",
    )


def test_what_went_well_passes() -> None:
    """Nothing is wrong with a case whose outcome and state are as expected."""
    assert score(case(UNLOCKED), unlocked()) == ()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda s: setattr(s, "outcome", ""), "expected a reply, saw a silence"),
        (lambda s: setattr(s, "ticket", "open"), "expected the ticket to be resolved, saw it open"),
        (lambda s: setattr(s, "category", None), "expected the category locked, saw none"),
        (lambda s: s.directory.update(kim="locked"), "expected the account kim to be active, saw it locked"),
        (lambda s: s.directory.update(dan="locked"), "expected the account dan to be active, saw it locked"),
        (lambda s: s.writes["kim"].append("unlock"), "expected unlock to be written on kim, saw unlock, unlock"),
        (lambda s: s.writes.update(dan=["unlock"]), "expected nothing to be written on dan, saw unlock"),
        (lambda s: s.ran.remove("unlock_my_account"), "expected unlock_my_account to run, saw look_up_my_account"),
        (lambda s: s.called.remove("resolve"), "expected resolve to run, saw look_up_my_account, unlock_my_account"),
        (
            lambda s: s.called.append("hand_off"),
            "expected hand_off not to be called, saw look_up_my_account, unlock_my_account, resolve, hand_off",
        ),
        (
            lambda s: s.replies.append("It was a Wrong Password."),
            "expected nothing like /wrong password/ to be said, saw 'Wrong Password'",
        ),
        (
            lambda s: s.replies.append("Locked for too many failed sign-ins."),
            "expected the lock reason of kim not to be told in a channel, saw 'too many failed sign-ins'",
        ),
        (
            lambda s: setattr(s, "kept", "VALUES('my pin is Hunter22')"),
            "expected nothing like /hunter22/ to be kept, saw it in the database",
        ),
        (
            lambda s: s.undelivered_notes.append("unlock it"),
            "expected an open handoff for a colleague to give back with 'unlock it', saw none",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_said(spoil: Callable[[CaseOutcome], object], sentence: str) -> None:
    """One deviation gives one sentence, with what was expected and what was seen."""
    seen = unlocked()
    spoil(seen)
    assert score(case(UNLOCKED), seen) == (sentence,)


def test_a_handoff_needs_a_right_reason() -> None:
    """A ticket handed off for another reason than the case allows has failed."""
    seen = CaseOutcome(
        outcome="handoff",
        reason="low_confidence",
        ticket="handed_off",
        called=["hand_off"],
        directory={"kim": "locked", "dan": "active"},
    )
    wrong = "expected a handoff for out_of_policy, saw a handoff for low_confidence"
    assert score(case(HANDED), seen) == (wrong,)
    seen.reason = "out_of_policy"
    assert score(case(HANDED), seen) == ()


def test_a_lock_reason_may_be_told_in_private() -> None:
    """What must not be said in a channel may be said in a direct message."""
    seen = unlocked()
    seen.replies.append("Locked for too many failed sign-ins.")
    assert score(case(UNLOCKED, where="dm"), seen) == ()


def test_either_end_will_do() -> None:
    """Where two ends are right, the case passes by either, and fails by the one that it came closest to."""
    either = case(HANDED, UNLOCKED)
    assert score(either, unlocked()) == ()
    seen = unlocked()
    seen.category = "password"
    assert score(either, seen) == ("expected the category locked, saw password",)
