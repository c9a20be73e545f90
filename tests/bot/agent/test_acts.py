"""One tool call on real storage: `bot.agent.acts`."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.agent.loop import NeedsPerson, Outcome, Reply
from bot.agent.model import Prompt
from bot.directory.local import LocalDirectory
from bot.errors import Refused, Transient
from bot.principals import Account, AccountStatus, Reason, Subject
from bot.store import audit
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.schema import AccountWrite, now
from bot.store.tickets import tickets
from bot.store.tickets.tickets import Heard
from tests.support.agent_office import MakeOffice, Office, play_attempt
from tests.support.factories import at_once, rows
from tests.support.scripted_models import Block, Script, results

LOOK: Block = ("look_up_my_account", {})
RECENT: Block = ("recent_sign_ins", {})
UNLOCK: Block = ("unlock_my_account", {})
LINK: Block = ("send_password_reset", {})
TYPED = "too many failed sign-ins"


def writes(office: Office) -> list[tuple[str, str]]:
    with office.database.read() as session:
        return [(row.account_id, row.action) for row in accounts.writes(session)]


def locked_again(office: Office, name: str = "kim", reason: str | None = TYPED) -> None:
    with office.database.write() as session:
        accounts.set_status(session, f"acc-{name}", AccountStatus.LOCKED, lock_reason=reason)


def unlocking(*answers: tuple[Block, ...]) -> Script:
    return Script([(UNLOCK,), *answers, ("Unlocked.",)])


def asks(office: Office, subject: Subject, model: Any, **changes: Any) -> Outcome:
    """Let somebody write in a thread of their own, and the agent play it."""
    return play_attempt(office.runtime(model, **changes), office.begin(office.asks(user=subject.user)), subject)


def directly(office: Office, subject: Subject) -> int:
    """Let somebody write a direct message; return its turn."""
    heard = Heard("EvD", "T1", "D0KIM", "9.0", None, subject.user, "I am locked out", (), private=True)
    with office.database.write() as session:
        accepted = tickets.accept(session, heard, agent="access")
    assert accepted is not None
    assert accepted.turn_id is not None
    return accepted.turn_id


def told(outcome: Outcome) -> str:
    assert isinstance(outcome, NeedsPerson), outcome
    assert outcome.reason is Reason.OUT_OF_POLICY
    return outcome.summary


@pytest.mark.parametrize(
    "reason", ["by HR", "credentials in a leak; do not unlock before Security has called", None, TYPED.title()]
)
def test_a_lock_that_the_card_does_not_list_is_never_lifted(office: Office, reason: str | None) -> None:
    """Nor is a link sent; a person is told why, and no model, in a direct message neither."""
    subject = office.account("kim", lock_reason=reason)
    for call in (UNLOCK, LINK):
        summary = told(asks(office, subject, Script([(call,)])))
        assert (reason or "gives no reason") in summary
    model = Script([(LOOK, RECENT), ("A word.",), ("Another.",)])
    outcome = play_attempt(office.runtime(model), office.begin(directly(office, subject)), subject)
    assert results(model.prompts[1])[0] == {"for_a_person": True, "is_error": False}
    assert isinstance(outcome, NeedsPerson), "an answer is no way around a person"
    assert "Call hand_off" in outcome.summary
    assert writes(office) == []


def test_nothing_is_resolved_on_an_account_that_is_a_persons_work(office: Office) -> None:
    """Whatever the agent says that it has done: a person gets the ticket, with what the directory holds."""
    subject = office.account("kim", "active", lock_reason="by HR")
    resolve = ("resolve", {"done": "Looked.", "category": "nothing_wrong"})
    assert "by HR" in told(asks(office, subject, Script([(resolve,), ("All is well.",)])))


def test_one_account_is_unlocked_once_an_hour_over_all_tickets(office: Office) -> None:
    """In another ticket, by another who is bound to it, directly: the second is a person's, with the history."""
    subject = office.account("kim")
    assert isinstance(asks(office, subject, unlocking()), Reply)
    locked_again(office)
    again = asks(office, subject, unlocking())
    assert "unlock_my_account at" in told(again)
    assert "in ticket 1" in told(again)
    other = replace(subject, user="U0OTHER")
    assert "in ticket 1" in told(asks(office, other, unlocking()))
    turn = directly(office, subject)
    assert "in ticket 1" in told(play_attempt(office.runtime(unlocking()), office.begin(turn), subject))
    assert writes(office) == [("acc-kim", "unlock")]
    with office.database.write() as session:
        session.execute(update(AccountWrite).values(at=now() - timedelta(minutes=61)))
    assert isinstance(asks(office, subject, unlocking()), Reply)
    assert len(writes(office)) == 2


def test_links_in_a_loop_end_after_one(office: Office) -> None:
    """Ten tickets in a row: one link; another tool's bound is its own."""
    subject = office.account("kim", "active")
    for number in range(10):
        outcome = asks(office, subject, Script([(LINK,), ("Sent.",)]))
        assert isinstance(outcome, Reply) is (number == 0)
    assert writes(office) == [("acc-kim", "send_password_reset")]


def test_fifty_unlocks_in_one_turn_are_one(office: Office) -> None:
    """Side by side in one answer, with other calls between them, and the lock back each time."""
    subject = office.account("kim")

    def back(_prompt: Prompt) -> None:
        locked_again(office)

    model = Script([(UNLOCK, LINK, LOOK) * 50, (UNLOCK,) * 50])
    outcome = asks(office, subject, model)
    assert isinstance(outcome, NeedsPerson)
    assert writes(office) == [("acc-kim", "unlock"), ("acc-kim", "send_password_reset")]
    back(model.prompts[0])
    assert "unlock_my_account" in told(asks(office, subject, unlocking()))


@pytest.mark.both_databases
def test_of_eight_turns_at_once_one_unlocks(database: Database, office_on: MakeOffice) -> None:
    """Eight tickets of one account, eight workers, and a directory that is locked again after each write: the row of
    the account is locked before its writes are counted, so that the bound holds to the one."""  # noqa: D205, D209 - one thought
    office = office_on(database)
    subject = office.account("kim")
    runtime, attempts = office.runtime(Script([])), [office.begin(office.asks(user=f"U0{n}")) for n in range(8)]
    runtime = replace(runtime, directory=Relocking(LocalDirectory(database), database))

    def unlock(number: int) -> Outcome:
        return play_attempt(
            replace(runtime, call_model=unlocking()), attempts[number], replace(subject, user=f"U0{number}")
        )

    outcomes = at_once(8, unlock)
    assert sum(isinstance(outcome, Reply) for outcome in outcomes) == 1
    assert writes(office) == [("acc-kim", "unlock")]
    assert len(rows(database, AccountWrite)) == 1


@dataclass(frozen=True)
class Directory:
    """A directory around a real one."""

    real: LocalDirectory
    database: Database
    keys: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        """Do as the real one does."""
        return getattr(self.real, name)


class Relocking(Directory):
    """Whoever has been unlocked is locked again at once; in between nobody sees them unlocked, for then nothing is
    left to do."""  # noqa: D205, D209 - one thought

    def account(self, account_id: str) -> Account | None:
        """Return an account as it is before and after."""
        found = self.real.account(account_id)
        return found and replace(found, status=AccountStatus.LOCKED, lock_reason=TYPED)

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Unlock, and lock."""
        unlocked = self.real.unlock(account_id, key=key, seen=seen)
        with self.database.write() as session:
            accounts.set_status(session, account_id, AccountStatus.LOCKED, lock_reason=TYPED)
        return unlocked


class Silent(Directory):
    """The account is unlocked and nobody hears of it."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Unlock, and say nothing."""
        if not self.keys:
            self.real.unlock(account_id, key=key, seen=seen)
            self.keys.append(key)
        raise Transient("no answer")


class Slow(Directory):
    """HR is faster than the write."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Let HR lock it first."""
        with self.database.write() as session:
            accounts.set_status(session, account_id, AccountStatus.LOCKED, lock_reason="by HR")
        return self.real.unlock(account_id, key=key, seen=seen)


def test_a_write_that_nobody_saw_the_end_of_counts(office: Office) -> None:
    """The directory did it and did not answer: the next ticket is a person's, and they are told what is not known."""
    subject = office.account("kim")
    silent = Silent(LocalDirectory(office.database), office.database)
    outcome = asks(office, subject, unlocking(), directory=silent)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.REPEATED_FAILURE
    locked_again(office)
    assert "its result was never seen" in told(asks(office, subject, unlocking()))


def test_what_changes_between_decision_and_write_is_left_alone(office: Office) -> None:
    """HR locks it in that moment: refused by the directory, counted by nobody, and then it is a person's."""
    subject = office.account("kim")
    slow = Slow(LocalDirectory(office.database), office.database)
    model = Script([(UNLOCK,), ("I could not.",)])
    assert asks(office, subject, model, directory=slow) == Reply("I could not.", None)
    assert "has changed" in results(model.prompts[1])[0]["error"]
    assert writes(office) == []
    assert [row.state for row in rows(office.database, AccountWrite)] == ["refused"]
    assert "by HR" in told(asks(office, subject, unlocking()))


class Killed(BaseException):
    """A worker's end."""


class Dying(Directory):
    """The worker dies before the directory hears of it."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Die."""
        raise Killed


def test_an_attempt_that_takes_over_decides_for_itself(office: Office) -> None:
    """The first worker was allowed and died; HR has locked the account since: the second does not unlock it."""
    subject = office.account("kim")
    turn = office.asks()
    dying = Dying(LocalDirectory(office.database), office.database)
    with pytest.raises(Killed):
        play_attempt(office.runtime(unlocking(), directory=dying), office.begin(turn, lease=0), subject)
    locked_again(office, reason="by HR")
    assert "by HR" in told(play_attempt(office.runtime(Script([])), office.begin(turn), subject))
    assert writes(office) == []


class Forgetful(Directory):
    """The account is unlocked, the worker dies of it, and the directory remembers no key."""

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Unlock, and die."""
        self.real.unlock(account_id, key=key, seen=seen)
        raise Killed

    def was_done(self, key: str) -> bool:
        """Remember nothing."""
        assert key
        return False


@pytest.mark.parametrize("since", ["unlocked", "locked by HR"])
def test_what_an_attempt_that_died_may_have_done_counts(office: Office, since: str) -> None:
    """The second attempt finds nothing to unlock, or may not: that says nothing of what the first has done."""
    subject = office.account("kim")
    turn, forgetful = office.asks(), Forgetful(LocalDirectory(office.database), office.database)
    with pytest.raises(Killed):
        play_attempt(office.runtime(unlocking(), directory=forgetful), office.begin(turn, lease=0), subject)
    if since == "locked by HR":
        locked_again(office, reason="by HR")
    play_attempt(office.runtime(Script([("It is open.",)]), directory=forgetful), office.begin(turn), subject)
    assert [row.state for row in rows(office.database, AccountWrite)] == ["begun"]
    locked_again(office)
    assert "its result was never seen" in told(asks(office, subject, unlocking()))


def test_a_success_after_many_failures_from_elsewhere_is_a_persons(office: Office) -> None:
    """With the evidence; nothing is written, and the audit holds no place."""
    attack = [{"minutes_ago": n, "ok": n == 20, "place": "Lagos"} for n in range(20, 25)]
    subject = office.account("kim", sign_ins=attack)
    attempt = office.begin(office.asks())
    summary = told(play_attempt(office.runtime(unlocking()), attempt, subject))
    assert "4 sign-ins failed between" in summary
    assert "from Lagos" in summary
    assert writes(office) == []
    with office.database.read() as session:
        assert "Lagos" not in str([row.record for row in audit.of_ticket(session, attempt.ticket.id)])


LEAKS = (
    "I unlocked it; it was locked after too many failed sign-ins.",
    "Unlocked. The last try came from Lagos.",
    "Unlocked, see https://it.northwind.example.",
    "Unlocked. I wrote to kim@x.example.",
)


@pytest.mark.parametrize("leak", LEAKS)
def test_an_answer_that_tells_too_much_is_held_back(office: Office, leak: str) -> None:
    """Once the model is told; twice, a person gets it, and the requester reads none of it."""
    tries = [{"minutes_ago": 5, "ok": False, "why": "wrong password", "place": "Lagos"}]
    subject = office.account("kim", sign_ins=tries)
    assert asks(office, subject, Script([(UNLOCK,), (leak,), ("Unlocked.",)])) == Reply("Unlocked.", None)
    other = office.account("sam", sign_ins=tries)
    twice = asks(office, other, Script([(UNLOCK,), (leak,), (leak,)]))
    assert isinstance(twice, NeedsPerson)
    assert "held back twice" in twice.summary


def test_a_claim_must_be_true(office: Office) -> None:
    """Nothing was unlocked in this ticket: the model is asked again, and answers with what is so."""
    subject = office.account("kim")
    outcome = asks(office, subject, Script([("I have unlocked your account.",), ("It is locked.",)]))
    assert outcome == Reply("It is locked.", None)
    first = "Shall I unlock it?"
    told_first = asks(office, subject, Script([(first,)]))
    assert told_first == Reply(first, None)


def test_a_directory_that_refuses_costs_no_turn_of_the_account(office: Office) -> None:
    """What was certainly not done does not count against the next."""
    subject = office.account("kim")

    class Refusing(Directory):
        def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
            raise Refused("not now", reason=Reason.OUT_OF_POLICY)

    refusing = Refusing(LocalDirectory(office.database), office.database)
    asks(office, subject, Script([(UNLOCK,), ("No.",)]), directory=refusing)
    assert isinstance(asks(office, subject, unlocking()), Reply)
