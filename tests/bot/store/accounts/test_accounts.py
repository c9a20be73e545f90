"""The local directory: `bot.store.accounts.accounts`."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.admission import plain
from bot.errors import ConfigError, Refused
from bot.principals import Account, AccountStatus, Reason
from bot.store.accounts import accounts
from bot.store.accounts.accounts import AccountSeed, LocalDirectory, SignInSeed
from bot.store.db import Database
from bot.store.schema import AccountRow, DirectoryWrite
from tests.support.factories import at_once, rows

PEOPLE = Path(__file__).parents[4] / "bot/sandbox/demo/people.yaml"
GOOD = "people: [{email: a@b.c, real_name: Ann, account: {id: acc, status: locked}}]"


def directory(database: Database, *given: AccountSeed) -> LocalDirectory:
    """Return the directory with some accounts in it."""
    with database.write() as session:
        assert accounts.seed(session, given) == len(given)
    return LocalDirectory(database)


def account(status: AccountStatus = AccountStatus.LOCKED, **changes: object) -> AccountSeed:
    """Return Maya's account in some state."""
    fields = {"id": "acc-maya", "email": "Maya@Northwind.example", "name": "Maya", "status": status}
    return AccountSeed.model_validate({**fields, "lock_reason": "too many failed sign-ins", **changes})


def writes(database: Database, account_id: str | None = None) -> Sequence[tuple[str, str, str, str]]:
    """Return the changes as (key, action, before, after)."""
    with database.read() as session:
        return [(row.key, row.action, row.before, row.after) for row in accounts.writes(session, account_id)]


def test_an_unlocked_account_is_active(database: Database) -> None:
    """Lock and reason are gone, and the change is on record."""
    unlocked = directory(database, account()).unlock("acc-maya", key="turn:1:2")
    assert (unlocked.status, unlocked.lock_reason) == (AccountStatus.ACTIVE, None)
    assert LocalDirectory(database).account("acc-maya") == unlocked
    assert writes(database) == [("turn:1:2", "unlock", "locked", "active")]


def test_a_change_is_made_once_for_its_key(database: Database) -> None:
    """Asked for again under its key, it changes nothing, even when the account is locked once more."""
    found = directory(database, account())
    found.unlock("acc-maya", key="k")
    with database.write() as session:
        accounts.set_status(session, "acc-maya", AccountStatus.LOCKED)
    assert found.unlock("acc-maya", key="k").status is AccountStatus.LOCKED
    assert found.unlock("acc-maya", key="another").status is AccountStatus.ACTIVE
    assert [key for key, *_ in writes(database)] == ["k", "another"]


def test_twenty_threads_change_once(database: Database) -> None:
    """Under one key every one of them gets the unlocked account, and one change is on record."""
    found = directory(database, account())
    given = at_once(20, lambda _: found.unlock("acc-maya", key="k"))
    assert {one.status for one in given} == {AccountStatus.ACTIVE}
    assert writes(database) == [("k", "unlock", "locked", "active")]


def test_of_twenty_keys_one_unlocks(database: Database) -> None:
    """Under keys of their own one unlocks, the others are refused: the account was active by then."""
    found = directory(database, account())

    def unlock(number: int) -> Account | Refused:
        try:
            return found.unlock("acc-maya", key=f"k{number}")
        except Refused as refusal:
            return refusal

    given = at_once(20, unlock)
    assert len([one for one in given if isinstance(one, Account)]) == len(rows(database, DirectoryWrite)) == 1


def test_only_a_locked_account_is_unlocked(database: Database) -> None:
    """Any other state is a person's, by the reason of the policy, and nothing changes."""
    for status in set(AccountStatus) - {AccountStatus.LOCKED}:
        found = directory(database, account(status))
        with pytest.raises(Refused, match=f"is {status}, not locked") as refusal:
            found.unlock("acc-maya", key="k")
        assert refusal.value.reason == Reason.OUT_OF_POLICY
        assert writes(database) == []
        assert rows(database, AccountRow)[0].status == status


def test_a_suspension_that_its_owner_may_lift_is_lifted(database: Database) -> None:
    """The directory says which; any other suspension stays."""
    found = directory(database, account(AccountStatus.SUSPENDED, liftable=True))
    assert found.unlock("acc-maya", key="k").status is AccountStatus.ACTIVE


def test_a_reset_link_is_sent_to_who_may_sign_in(database: Database) -> None:
    """The account stays as it is until its owner has used the link; a closed one gets none."""
    for status in ("suspended", "disabled", "departed"):
        with pytest.raises(Refused, match=f"is {status}"):
            directory(database, account(AccountStatus(status))).send_password_reset("acc-maya", key="k")
    assert writes(database) == []
    for status in ("active", "locked", "password_expired"):
        found = directory(database, account(AccountStatus(status), id=status))
        assert found.send_password_reset(status, key=status).status == status
        assert writes(database, status) == [(status, "send_password_reset", status, status)]


def test_an_account_that_is_gone_is_refused(database: Database) -> None:
    """It is nobody's identity."""
    with pytest.raises(Refused, match="gone") as refusal:
        directory(database).unlock("acc-maya", key="k")
    assert refusal.value.reason == Reason.IDENTITY_MISMATCH
    assert LocalDirectory(database).account("acc-maya") is None


def test_an_address_finds_all_its_accounts(database: Database) -> None:
    """Whatever its case, and two when there are two: the caller acts on exactly one or none."""
    found = directory(database, account(), account(id="acc-2"), account(id="acc-3", email="other@northwind.example"))
    with database.write() as session:
        session.get_one(AccountRow, "acc-2").email = "Maya@NORTHWIND.example"  # as another program has written it
    assert {one.id for one in found.find_by_email("MAYA@northwind.example")} == {"acc-maya", "acc-2"}
    assert found.find_by_email("nobody@northwind.example") == ()


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


def test_only_ascii_letters_match_in_another_case(database: Database) -> None:
    """What looks alike, folds alike or is written otherwise is another address, on either side."""
    seeds = [account(id=f"acc-{number}", email=email) for number, email in enumerate(LOOK_ALIKES)]
    found = directory(database, account(), *seeds)
    assert [one.id for one in found.find_by_email("maya@northwind.example")] == ["acc-maya"]
    for number, email in enumerate(LOOK_ALIKES):
        matched = [one.id for one in found.find_by_email(email)]
        assert matched == ([f"acc-{number}"] if plain(email) is not None else []), email
    assert [one.id for one in found.find_by_email("MAYA@K.example")] == [f"acc-{LOOK_ALIKES.index('maya@k.example')}"]
    assert sum(plain(email) is not None for email in LOOK_ALIKES) == 5


def test_an_account_is_found_by_the_slack_id_that_it_is_bound_to(database: Database) -> None:
    """All of them, exactly as the id is written."""
    found = directory(database, account(slack_user="U0MAYA"), account(id="acc-2", slack_user="U0MAYA"), account(id="b"))
    assert [one.id for one in found.find_by_slack_user("U0MAYA")] == ["acc-2", "acc-maya"]
    assert found.find_by_slack_user("u0maya") == ()
    assert found.find_by_slack_user("") == ()


def test_the_last_sign_ins_come_first(database: Database) -> None:
    """Ten at most, newest first, of this account alone."""
    seen = tuple(SignInSeed(minutes_ago=minutes, ok=False, why=f"{minutes}") for minutes in (30, 5, *range(40, 60)))
    found = directory(database, account(sign_ins=seen), account(id="acc-2", sign_ins=seen[:1]))
    assert [one.why for one in found.sign_ins("acc-maya", at_most=10)] == ["5", "30", *map(str, range(40, 48))]


def test_seeding_again_replaces(database: Database) -> None:
    """The same file loaded twice is the same directory, without doubled sign-ins."""
    seeds = accounts.read_seed(PEOPLE)
    directory(database, *seeds)
    found = directory(database, *seeds)
    [maya] = found.find_by_email("maya.okafor@northwind.example")
    assert (maya.status, maya.factors, len(found.sign_ins(maya.id, at_most=10))) == (
        AccountStatus.LOCKED,
        ("totp", "sms"),
        4,
    )
    assert len(rows(database, AccountRow)) == len(seeds) == 12


def test_a_status_is_set_from_outside(database: Database) -> None:
    """As the owner's new password would; an unknown account is no error."""
    found = directory(database, account(AccountStatus.PASSWORD_EXPIRED))
    with database.write() as session:
        assert accounts.set_status(session, "acc-maya", AccountStatus.ACTIVE)
        assert not accounts.set_status(session, "acc-nobody", AccountStatus.ACTIVE)
    changed = found.account("acc-maya")
    assert changed is not None
    assert (changed.status, changed.password_changed_at is None) == (AccountStatus.ACTIVE, False)


def test_changes_are_told_by_account(database: Database) -> None:
    """One account's record holds no other's."""
    found = directory(database, account(), account(id="acc-2"))
    found.unlock("acc-maya", key="a")
    found.unlock("acc-2", key="b")
    assert [key for key, *_ in writes(database, "acc-2")] == ["b"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (GOOD.replace("locked", "asleep"), r"people\.account\.status: Input should be 'active'"),
        (GOOD.replace("status: locked", "status: locked, lokced: 1"), r"people\.account\.lokced: Extra inputs"),
        (GOOD.replace("id: acc, ", ""), r"people\.account\.id: Field required"),
        (GOOD.replace("}}", ", sign_ins: [{ok: true}]}}"), r"people\.account\.sign_ins\.0\.minutes_ago: Field"),
        (GOOD.replace("real_name: Ann, ", ""), "'real_name'"),
        ("people: [Ann]", "expected `people:`"),
        ("people:", "expected `people:`"),
        ("persons: []", "expected `people:`"),
        ("people: [", "expected `people:`"),
        ("people: 2027-02-30", "expected `people:`"),
        ("", "expected `people:`"),
    ],
)
def test_a_wrong_seed_is_refused_by_file_and_field(tmp_path: Path, content: str, complaint: str) -> None:
    """The message says which file, which field and what was expected."""
    file = tmp_path / "people.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=complaint) as wrong:
        accounts.read_seed(file)
    assert str(wrong.value).startswith(f"{file}: ")


def test_a_seed_that_cannot_be_read_is_refused_by_file(tmp_path: Path) -> None:
    """Missing, or not text."""
    (tmp_path / "latin.yaml").write_bytes("people: [Tomás]".encode("latin-1"))
    for name in ("missing.yaml", "latin.yaml"):
        with pytest.raises(ConfigError, match=name):
            accounts.read_seed(tmp_path / name)
