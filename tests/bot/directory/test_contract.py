"""What every directory promises: `bot.directory.protocol`. An adapter is held to it by standing in `ADAPTERS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot import directory
from bot.admission import plain
from bot.directory import Directory
from bot.directory.local import AccountSeed, LocalDirectory, SignInSeed
from bot.errors import Refused
from bot.principals import Account, AccountStatus, Capability, ChallengeState, Reason
from bot.store.db import Database
from bot.store.schema import FactorChallenge, now
from tests.support.factories import at_once

MAYA, LOCKED = "acc-maya", AccountStatus.LOCKED
ACTS = ("unlock", "send_password_reset", "reset_factor")
ASKED, CONFIRMED, REFUSED = ChallengeState.ASKED, ChallengeState.CONFIRMED, ChallengeState.REFUSED
FACTORS = ("totp", "push", "security_key")
DEVICES = ({"device": "Laptop", "place": "London", "minutes_ago": 90}, {"device": "Phone", "minutes_ago": 5})
LOOK_ALIKES = (
    "m\u0430ya@northwind.example",  # a Cyrillic a
    "\uff4daya@northwind.example",  # a fullwidth m, which NFKC makes an m
    "maya@northw\u0131nd.example",  # a dotless i
    "MAYA@NORTHW\u0130ND.EXAMPLE",  # a dotted capital I
    "maya@\u212a.example",  # the Kelvin sign, whose lower case is a k
    "maya@k.example",
    "ma\u017fa@northwind.example",  # a long s, whose upper case is an S
    "stra\u00dfe@northwind.example",
    "strasse@northwind.example",
    "maya@northwind.example.",
    " maya@northwind.example",
    "maya@northwind.example\n",
    "maya@northwind.example\u200b",
    '"maya"@northwind.example',
    "maya(work)@northwind.example",
    "<maya@northwind.example>",
    "maya+1@northwind.example",
    "m.aya@northwind.example",
    "maya@northwind.example, ivan@northwind.example",
    "maya@m\u00fcnchen.example",
    "maya@xn--mnchen-3ya.example",
)


@dataclass(frozen=True)
class Staged:
    """A directory, and what its administrator can do to it."""

    directory: Directory
    put: Callable[[AccountSeed], object]
    "Make an account, or replace the one of its id."
    set_status: Callable[[str, AccountStatus], object]
    writes: Callable[[], tuple[tuple[str, str], ...]]
    "What the directory itself has on record: account and action of each write, oldest first."
    devices: Callable[[str], list[str]]
    "The devices that are signed in to an account, newest session first."
    notices: Callable[[str], list[tuple[str, str]]]
    "Address and text of each notice to an account, newest first."
    answer: Callable[[str, str, str | None], object]
    "Answer a challenge of an account on the device: with a number, or (None) that somebody else asked."
    pass_time: Callable[[str], object]
    "Let the time of a challenge run out."

    def found(self, account_id: str = MAYA) -> Account:
        """Return an account that is there."""
        found = self.directory.account(account_id)
        assert found is not None
        return found

    def act(self, name: str, key: str, *, seen: Account | None = None, account_id: str = MAYA) -> Account:
        """Make a write on an account, by default as it is."""
        which = ("totp",) if name == "reset_factor" else ()
        seen = seen or self.found(account_id)
        changed: Account = getattr(self.directory, name)(account_id, *which, key=key, seen=seen)
        return changed

    def challenge(self, key: str = "c", *, factor: str = "push", account_id: str = MAYA) -> None:
        """Send a challenge whose number is 07."""
        self.directory.challenge(account_id, factor, key=key, number="07", seconds=600)


def local(database: Database) -> Staged:
    """Return the local directory of a database, as an installation opens it."""
    own = LocalDirectory(database)

    def pass_time(key: str) -> None:
        with database.write() as session:
            session.execute(update(FactorChallenge).where(FactorChallenge.key == key).values(expires_at=now()))

    return Staged(
        directory.connect(database),
        put=lambda seed: own.seed([seed]),
        set_status=own.set_status,
        writes=own.written,
        devices=lambda account: [one.device for one in own.signed_in(account)],
        notices=lambda account: [(one.address, one.text) for one in own.notices_of(account)],
        answer=lambda account, key, typed: (
            own.refuse_challenge(account, key) if typed is None else own.answer_challenge(account, key, typed=typed)
        ),
        pass_time=pass_time,
    )


ADAPTERS: Mapping[str, Callable[[Database], Staged]] = {"local": local}


@pytest.fixture(params=ADAPTERS)
def staged(request: pytest.FixtureRequest, database: Database) -> Staged:
    """Return an empty directory of each kind; a local one on each database."""
    return ADAPTERS[request.param](database)


def maya(status: AccountStatus = LOCKED, **changes: Any) -> AccountSeed:
    """Return Maya's account in some state."""
    fields = {"id": MAYA, "email": "Maya@Northwind.example", "name": "Maya", "status": status, "factors": FACTORS}
    return AccountSeed.model_validate({**fields, "lock_reason": "too many failed sign-ins", **changes})


def test_an_address_finds_all_its_accounts(staged: Staged) -> None:
    """Whatever its case, and two when there are two: the caller acts on exactly one or none."""
    for seed in (maya(), maya(id="acc-2"), maya(id="acc-3", email="other@northwind.example")):
        staged.put(seed)
    assert [one.id for one in staged.directory.find_by_email("MAYA@northwind.example")] == ["acc-2", MAYA]
    assert staged.directory.find_by_email("nobody@northwind.example") == ()


def test_only_ascii_letters_match_in_another_case(staged: Staged) -> None:
    """What looks alike, folds alike or is written otherwise is another address, on either side."""
    staged.put(maya())
    for number, email in enumerate(LOOK_ALIKES):
        staged.put(maya(id=f"acc-{number}", email=email))
    find = staged.directory.find_by_email
    assert [one.id for one in find("maya@northwind.example")] == [MAYA]
    for number, email in enumerate(LOOK_ALIKES):
        assert [one.id for one in find(email)] == ([f"acc-{number}"] if plain(email) is not None else []), email
    assert [one.id for one in find("MAYA@K.example")] == [f"acc-{LOOK_ALIKES.index('maya@k.example')}"]
    assert sum(plain(email) is not None for email in LOOK_ALIKES) == 5


def test_an_account_is_found_by_the_slack_id_that_it_is_bound_to(staged: Staged) -> None:
    """All of them, exactly as the id is written."""
    for seed in (maya(slack_user="U0MAYA"), maya(id="acc-2", slack_user="U0MAYA"), maya(id="b")):
        staged.put(seed)
    assert [one.id for one in staged.directory.find_by_slack_user("U0MAYA")] == ["acc-2", MAYA]
    assert staged.directory.find_by_slack_user("u0maya") == ()
    assert staged.directory.find_by_slack_user("") == ()


def test_people_are_named_by_the_slack_id_that_they_are_bound_to(staged: Staged) -> None:
    """Whom the directory does not know has no name."""
    staged.put(maya(slack_user="U0MAYA"))
    staged.put(maya(id="b", name="Bo"))
    assert staged.directory.names_of(["U0MAYA", "U0IVAN"]) == {"U0MAYA": "Maya"}
    assert staged.directory.names_of([]) == {}


def test_an_account_that_is_not_there_is_none(staged: Staged) -> None:
    """It has no sign-ins either; neither is an error."""
    assert staged.directory.account(MAYA) is None
    assert staged.directory.sign_ins(MAYA, at_most=10) == ()


def test_the_last_sign_ins_come_first(staged: Staged) -> None:
    """As many as are asked for, newest first, of this account alone."""
    seen = tuple(SignInSeed(minutes_ago=minutes, ok=False, why=f"{minutes}") for minutes in (30, 5, *range(40, 60)))
    staged.put(maya(sign_ins=seen))
    staged.put(maya(id="acc-2", sign_ins=seen[:1]))
    whys = [one.why for one in staged.directory.sign_ins(MAYA, at_most=10)]
    assert whys == ["5", "30", *map(str, range(40, 48))]


def test_an_unlocked_account_is_active(staged: Staged) -> None:
    """Lock and reason are gone, the next read says the same, and the write is on record."""
    staged.put(maya())
    unlocked = staged.act("unlock", "turn:1:2")
    assert (unlocked.status, unlocked.lock_reason) == (AccountStatus.ACTIVE, None)
    assert staged.found() == unlocked
    assert staged.writes() == ((MAYA, "unlock"),)


def test_a_change_from_outside_shows_at_once(staged: Staged) -> None:
    """A status is what the directory says now, and nothing that was kept."""
    staged.put(maya())
    assert staged.found().status is LOCKED
    staged.set_status(MAYA, AccountStatus.DISABLED)
    assert staged.found().status is AccountStatus.DISABLED


@pytest.mark.parametrize("act", ACTS)
def test_a_write_is_made_once_for_its_key(staged: Staged, act: str) -> None:
    """Asked for again under its key, it changes nothing and tells the account as it is: locked once more by now."""
    staged.put(maya())
    seen = staged.found()
    staged.act(act, "k", seen=seen)
    staged.set_status(MAYA, LOCKED)
    assert staged.act(act, "k", seen=seen).status is LOCKED
    assert staged.writes() == ((MAYA, act),)
    staged.put(maya())
    staged.act(act, "another")
    assert staged.writes() == ((MAYA, act), (MAYA, act))


@pytest.mark.parametrize("act", ACTS)
def test_a_write_is_known_by_its_key_afterwards(staged: Staged, act: str) -> None:
    """Not before, not by another key, and not when it was refused."""
    staged.put(maya(AccountStatus.DEPARTED))
    with pytest.raises(Refused):
        staged.act(act, "k")
    assert not staged.directory.was_done("k")
    staged.set_status(MAYA, LOCKED)
    staged.act(act, "k")
    assert (staged.directory.was_done("k"), staged.directory.was_done("another")) == (True, False)


@pytest.mark.both_databases
def test_twenty_workers_change_once(staged: Staged) -> None:
    """Under one key every one of them gets the unlocked account, and one write is on record."""
    staged.put(maya())
    seen = staged.found()
    given = at_once(20, lambda _: staged.act("unlock", "k", seen=seen))
    assert {one.status for one in given} == {AccountStatus.ACTIVE}
    assert staged.writes() == ((MAYA, "unlock"),)


def test_of_twenty_keys_one_unlocks(staged: Staged) -> None:
    """Under keys of their own one unlocks, the others are refused: the account is another than they saw."""
    staged.put(maya())
    seen = staged.found()

    def unlock(number: int) -> Account | Refused:
        try:
            return staged.act("unlock", f"k{number}", seen=seen)
        except Refused as refusal:
            return refusal

    given = at_once(20, unlock)
    assert len([one for one in given if isinstance(one, Account)]) == len(staged.writes()) == 1


@pytest.mark.parametrize("status", sorted(set(AccountStatus) - {LOCKED}))
def test_only_a_locked_account_is_unlocked(staged: Staged, status: AccountStatus) -> None:
    """Any other state is a person's, by the reason of the policy, and nothing changes."""
    staged.put(maya(status))
    before = staged.found()
    with pytest.raises(Refused, match=f"is {status}, not locked") as refusal:
        staged.act("unlock", "k")
    assert refusal.value.reason == Reason.OUT_OF_POLICY
    assert (staged.writes(), staged.found()) == ((), before)


def test_a_suspension_that_its_owner_may_lift_is_lifted(staged: Staged) -> None:
    """The directory says which; any other suspension stays."""
    staged.put(maya(AccountStatus.SUSPENDED, liftable=True))
    assert staged.act("unlock", "k").status is AccountStatus.ACTIVE


def test_a_reset_link_is_sent_to_who_may_sign_in(staged: Staged) -> None:
    """A suspended, a closed and a departed account get none, and nothing is on record."""
    for status in (AccountStatus.SUSPENDED, AccountStatus.DISABLED, AccountStatus.DEPARTED):
        staged.put(maya(status))
        with pytest.raises(Refused, match=f"is {status}") as refusal:
            staged.act("send_password_reset", "k")
        assert refusal.value.reason == Reason.OUT_OF_POLICY
    assert staged.writes() == ()
    for status in (AccountStatus.ACTIVE, LOCKED, AccountStatus.PASSWORD_EXPIRED):
        staged.put(maya(status, id=status))
        staged.act("send_password_reset", status, account_id=status)
        assert (status, "send_password_reset") in staged.writes()


@pytest.mark.parametrize("act", ACTS)
def test_an_account_that_has_changed_since_it_was_seen_is_left_alone(staged: Staged, act: str) -> None:
    """Even where the write would mend it: what was decided upon was another account."""
    staged.put(maya())
    seen = staged.found()
    for other in (replace(seen, privileged=True), replace(seen, lock_reason="by HR")):
        with pytest.raises(Refused, match="has changed") as refusal:
            staged.act(act, "k", seen=other)
        assert refusal.value.reason == Reason.OUT_OF_POLICY
    assert (staged.writes(), staged.found(), staged.directory.was_done("k")) == ((), seen, False)


@pytest.mark.parametrize("act", ACTS)
def test_an_account_that_is_gone_is_refused(staged: Staged, act: str) -> None:
    """It is nobody's identity."""
    staged.put(maya())
    seen = replace(staged.found(), id="acc-gone")
    with pytest.raises(Refused, match="gone") as refusal:
        staged.act(act, "k", seen=seen, account_id="acc-gone")
    assert refusal.value.reason == Reason.IDENTITY_MISMATCH


def test_a_directory_declares_what_it_can_do(staged: Staged) -> None:
    """A tool that needs more would not be offered; this one does everything."""
    assert staged.directory.can == frozenset(Capability)


def test_an_account_names_its_manager(staged: Staged) -> None:
    """By the id of the manager's account, or not at all; a manager who changes makes it another account."""
    staged.put(maya(manager="acc-olivia"))
    seen = staged.found()
    assert seen.manager == "acc-olivia"
    staged.put(maya())
    assert staged.found().manager is None
    with pytest.raises(Refused, match="has changed"):
        staged.act("unlock", "k", seen=seen)


def test_second_factors_are_reset_one_by_one(staged: Staged) -> None:
    """The one that is named goes, the others stay, and each counts from the account as the one before has left it."""
    staged.put(maya())
    left = staged.directory.reset_factor(MAYA, "totp", key="k:totp", seen=staged.found())
    assert (left.factors, staged.found()) == (("push", "security_key"), left)
    left = staged.directory.reset_factor(MAYA, "push", key="k:push", seen=left)
    assert (left.factors, left.status) == (("security_key",), LOCKED)
    assert staged.writes() == ((MAYA, "reset_factor"), (MAYA, "reset_factor"))


def test_a_factor_that_was_enrolled_again_is_not_reset_under_the_old_key(staged: Staged) -> None:
    """A repeated write never takes the new phone away."""
    staged.put(maya())
    staged.act("reset_factor", "k")
    staged.put(maya())
    assert staged.act("reset_factor", "k").factors == FACTORS


def test_a_factor_that_cannot_be_reset_is_refused(staged: Staged) -> None:
    """It is not enrolled, or its owner may not sign in at all."""
    staged.put(maya(factors=("push",)))
    with pytest.raises(Refused, match="no second factor of the kind totp") as refusal:
        staged.act("reset_factor", "k")
    assert refusal.value.reason == Reason.OUT_OF_POLICY
    for status in (AccountStatus.DISABLED, AccountStatus.DEPARTED):
        staged.put(maya(status))
        with pytest.raises(Refused, match=f"is {status}"):
            staged.act("reset_factor", "k")
    assert staged.writes() == ()


def test_all_sessions_of_an_account_are_revoked_once(staged: Staged) -> None:
    """Those of others stay, the number is told again under the key, and a later session is not ended by a repeat."""
    staged.put(maya(sessions=DEVICES))
    staged.put(maya(id="acc-2", sessions=DEVICES))
    assert staged.devices(MAYA) == ["Phone", "Laptop"]
    assert staged.directory.revoke_sessions(MAYA, key="k") == 2
    assert (staged.devices(MAYA), staged.devices("acc-2")) == ([], ["Phone", "Laptop"])
    assert staged.directory.revoke_sessions(MAYA, key="k") == 2
    assert staged.directory.revoke_sessions(MAYA, key="another") == 0
    assert staged.directory.was_done("k")
    staged.put(maya(sessions=DEVICES[:1]))
    staged.directory.revoke_sessions(MAYA, key="k")
    assert staged.devices(MAYA) == ["Laptop"]


def test_sessions_that_had_begun_before_a_time_are_counted(staged: Staged) -> None:
    """A later one is no part of what was to be ended, nor is one of another account."""
    staged.put(maya(sessions=DEVICES))
    staged.put(maya(id="acc-2", sessions=DEVICES))
    counted = [
        staged.directory.open_sessions(MAYA, begun_before=now() - timedelta(minutes=ago)) for ago in (120, 60, 0)
    ]
    assert counted == [0, 1, 2]
    staged.directory.revoke_sessions(MAYA, key="k")
    assert staged.directory.open_sessions(MAYA, begun_before=now()) == 0
    assert staged.directory.open_sessions("acc-none", begun_before=now()) == 0


def test_a_challenge_is_confirmed_by_its_number(staged: Staged) -> None:
    """As it was told elsewhere, spaces or not; nothing else than the answer changes its state."""
    staged.put(maya())
    assert staged.directory.challenge_state("c") is None
    staged.challenge()
    assert staged.directory.challenge_state("c") is ASKED
    staged.answer(MAYA, "c", " 0 7 ")
    assert staged.directory.challenge_state("c") is CONFIRMED
    assert staged.directory.was_done("c")
    staged.pass_time("c")
    assert staged.directory.challenge_state("c") is CONFIRMED


def test_a_challenge_is_sent_once_for_its_key(staged: Staged) -> None:
    """Sent again after its answer, it asks nobody a second time."""
    staged.put(maya())
    staged.challenge()
    staged.answer(MAYA, "c", None)
    staged.challenge()
    assert staged.directory.challenge_state("c") is REFUSED
    assert staged.writes() == ((MAYA, "challenge"),)


def test_that_was_not_me_refuses_a_challenge(staged: Staged) -> None:
    """The right number does not help afterwards."""
    staged.put(maya())
    staged.challenge()
    staged.answer(MAYA, "c", None)
    staged.answer(MAYA, "c", "07")
    assert staged.directory.challenge_state("c") is REFUSED


def test_the_third_wrong_number_refuses_a_challenge(staged: Staged) -> None:
    """Two may be typed by mistake; with the third, the right one is too late."""
    staged.put(maya())
    for key in ("a", "b"):
        staged.challenge(key)
        for typed in ("70", "7"):
            staged.answer(MAYA, key, typed)
            assert staged.directory.challenge_state(key) is ASKED
    staged.answer(MAYA, "a", "07")
    staged.answer(MAYA, "b", "")
    staged.answer(MAYA, "b", "07")
    assert (staged.directory.challenge_state("a"), staged.directory.challenge_state("b")) == (CONFIRMED, REFUSED)


def test_a_challenge_expires(staged: Staged) -> None:
    """Nobody answers it afterwards, neither with the number nor with a no."""
    staged.put(maya())
    staged.challenge()
    staged.pass_time("c")
    for typed in ("07", None):
        staged.answer(MAYA, "c", typed)
        assert staged.directory.challenge_state("c") is ChallengeState.EXPIRED


def test_a_challenge_of_somebody_else_is_not_answered(staged: Staged) -> None:
    """Its number, typed on another person's device, changes nothing."""
    staged.put(maya())
    staged.put(maya(id="acc-2"))
    staged.challenge()
    for typed in ("07", None):
        staged.answer("acc-2", "c", typed)
    assert staged.directory.challenge_state("c") is ASKED


def test_of_a_yes_and_a_no_at_once_one_counts(staged: Staged) -> None:
    """Twenty answers at once leave one state, and it never changes again."""
    staged.put(maya())
    staged.challenge()
    given = at_once(20, lambda number: staged.answer(MAYA, "c", "07" if number % 2 else None))
    assert len({*given, staged.directory.challenge_state("c")}) == 1


def test_only_a_factor_that_can_confirm_is_challenged(staged: Staged) -> None:
    """Codes that anybody can read out prove nothing; a factor that is not enrolled reaches nobody."""
    staged.put(maya(factors=("totp", "sms", "push")))
    for factor in ("totp", "sms", "security_key"):
        with pytest.raises(Refused, match="nobody can confirm") as refusal:
            staged.challenge(factor=factor)
        assert refusal.value.reason == Reason.OUT_OF_POLICY
    assert (staged.directory.challenge_state("c"), staged.writes()) == (None, ())


def test_a_notice_goes_to_the_address_on_file_once(staged: Staged) -> None:
    """To the address of that moment, however often it is asked for."""
    staged.put(maya())
    for _ in range(2):
        staged.directory.notify(MAYA, "Your phone was reset.", key="n")
    staged.put(maya(email="new@northwind.example"))
    staged.directory.notify(MAYA, "Your key was reset.", key="n2")
    assert staged.notices(MAYA) == [
        ("new@northwind.example", "Your key was reset."),
        ("maya@northwind.example", "Your phone was reset."),
    ]


def test_what_is_sent_to_an_account_that_is_gone_is_refused(staged: Staged) -> None:
    """A notice, a challenge and the end of sessions alike."""
    for send in (
        lambda: staged.directory.notify("acc-gone", "Hello.", key="k"),
        lambda: staged.directory.revoke_sessions("acc-gone", key="k"),
        lambda: staged.challenge("k", account_id="acc-gone"),
    ):
        with pytest.raises(Refused, match="gone") as refusal:
            send()
        assert refusal.value.reason == Reason.IDENTITY_MISMATCH
    assert not staged.directory.was_done("k")
