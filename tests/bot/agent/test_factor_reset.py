"""A reset of a second factor, from the allowed call to the last write: `bot.tools.directory` on the path of a turn.

Who must allow it is another story: the tool needs no approval here.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.agent.loop import NeedsPerson, Outcome, Reply
from bot.directory.local import LocalDirectory
from bot.errors import Transient
from bot.principals import Account, AccountStatus, Reason, Subject
from bot.store.schema import AccountWrite, Step, StepKind
from tests.support.agent_office import Office, play_attempt
from tests.support.factories import rows
from tests.support.scripted_models import Block, Script, results

RESET: Block = ("reset_second_factor", {"lost": "phone"})
ALL = (("acc-kim", "reset_factor"), ("acc-kim", "reset_factor"), ("acc-kim", "revoke_sessions"))
FACTORS = ("sms", "totp", "security_key")


class Killed(BaseException):
    """A worker's end."""


@dataclass(frozen=True)
class Watched:
    """A directory in which something happens before or after a write, counted from 0; each happens once."""

    real: LocalDirectory
    before: dict[int, Any] = field(default_factory=dict)
    after: dict[int, Any] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        """Do as the real one does."""
        done = getattr(self.real, name)
        if name not in {"reset_factor", "revoke_sessions"}:
            return done

        def write(*given: Any, **more: Any) -> Any:
            number = len(self.made)
            self.made.append(name)
            self.before.pop(number, lambda: None)()
            changed = done(*given, **more)
            self.after.pop(number, lambda: None)()
            return changed

        return write


def dies() -> None:
    """End the worker."""
    raise Killed


def silent() -> None:
    """Leave it unknown whether the write was made."""
    raise Transient("no answer")


def resetting(office: Office, directory: Any, *answers: str) -> Any:
    """Return the agent at work, with a tool that needs nobody's approval."""
    tools = tuple(replace(tool, needs_approval=False) for tool in office.agent.tools)
    return office.runtime(
        Script([(RESET,), *((one,) for one in answers)]),
        agent=replace(office.agent, tools=tools),
        directory=directory,
    )


def lost_phone(office: Office, *factors: str) -> Subject:
    """Return somebody with second factors who is signed in on two devices."""
    sessions = [{"device": "Laptop"}, {"device": "Phone"}]
    return office.account("kim", "active", factors=factors or FACTORS, sessions=sessions)


def asks(office: Office, subject: Subject, directory: Any) -> tuple[Outcome, dict[str, Any]]:
    """Let somebody ask for a reset; return the outcome and what the model is told of its call."""
    runtime = resetting(office, directory, "Done.", "Done.")
    outcome = play_attempt(runtime, office.begin(office.asks(user=subject.user)), subject)
    prompts = runtime.call_model.prompts
    return outcome, results(prompts[1])[0] if len(prompts) > 1 else {}


def kim(directory: LocalDirectory) -> Account:
    """Return the account as it is."""
    found = directory.account("acc-kim")
    assert found is not None
    return found


def test_the_factors_of_the_lost_device_go_one_by_one_and_then_every_session(office: Office) -> None:
    """In the order of the device, what was on another device stays, and nobody is signed in afterwards."""
    subject, directory = lost_phone(office), LocalDirectory(office.database)
    outcome, said = asks(office, subject, directory)
    assert (outcome, said) == (Reply("Done.", None), {"done": True, "is_error": False})
    assert (directory.written(), kim(directory).factors) == (ALL, ("security_key",))
    assert directory.signed_in("acc-kim") == ()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(len(ALL)))
def test_a_reset_that_died_half_way_is_finished_and_never_doubled(office: Office, when: str, number: int) -> None:
    """The worker dies right before or after each write: the next attempt makes what is missing, and no more."""
    subject, directory, dead = lost_phone(office), LocalDirectory(office.database), {number: dies}
    watched = Watched(directory, before=dead) if when == "before" else Watched(directory, after=dead)
    turn = office.asks(user=subject.user)
    with pytest.raises(Killed):
        play_attempt(resetting(office, watched), office.begin(turn, lease=0), subject)
    runtime = resetting(office, watched, "Done.")
    runtime.call_model.answers.pop(0)  # the call itself is replayed
    assert play_attempt(runtime, office.begin(turn), subject) == Reply("Done.", None)
    assert directory.written() == ALL
    assert (kim(directory).factors, directory.signed_in("acc-kim")) == (("security_key",), ())
    assert [row.state for row in rows(office.database, AccountWrite)] == ["done"]
    assert [row.kind for row in rows(office.database, Step)].count(StepKind.TOOL) == 1


def test_a_new_phone_is_never_taken_by_the_rest_of_an_old_reset(office: Office) -> None:
    """Its app was enrolled after the old one was removed, and the worker that removed it has died."""
    subject, directory = lost_phone(office, "totp"), LocalDirectory(office.database)
    turn, watched = office.asks(user=subject.user), Watched(directory, after={0: dies})
    with pytest.raises(Killed):
        play_attempt(resetting(office, watched), office.begin(turn, lease=0), subject)
    lost_phone(office, "totp")
    runtime = resetting(office, watched, "Done.")
    runtime.call_model.answers.pop(0)
    assert play_attempt(runtime, office.begin(turn), subject) == Reply("Done.", None)
    assert (kim(directory).factors, directory.signed_in("acc-kim")) == (("totp",), ())


@pytest.mark.parametrize("number", range(len(ALL)))
def test_a_directory_that_does_not_answer_once_is_asked_again(office: Office, number: int) -> None:
    """It has made the write all the same: each is on record once."""
    subject, directory = lost_phone(office), LocalDirectory(office.database)
    outcome, _ = asks(office, subject, Watched(directory, after={number: silent}))
    assert outcome == Reply("Done.", None)
    assert directory.written() == ALL


def test_a_reset_that_was_refused_half_way_is_a_persons_and_counts(office: Office) -> None:
    """HR disables the account between two factors: nothing more is written, and a person reads what was."""
    subject, directory = lost_phone(office), LocalDirectory(office.database)

    def disable() -> None:
        directory.set_status("acc-kim", AccountStatus.DISABLED)

    outcome, _ = asks(office, subject, Watched(directory, before={1: disable}))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.OUT_OF_POLICY
    assert "(totp removed, sessions not ended)" in outcome.summary
    assert directory.written() == ALL[:1]
    assert [row.state for row in rows(office.database, AccountWrite)] == ["begun"], "it counts against the next"


def test_where_nothing_is_enrolled_on_the_device_nothing_is_reset(office: Office) -> None:
    """The model reads so, nobody is asked, nothing counts, and nobody is signed out."""
    subject, directory = lost_phone(office, "security_key"), LocalDirectory(office.database)
    outcome, said = asks(office, subject, directory)
    assert isinstance(outcome, Reply)
    assert said == {"error": "there is nothing for reset_second_factor to change", "is_error": True}
    assert (directory.written(), len(directory.signed_in("acc-kim"))) == ((), 2)
    assert rows(office.database, AccountWrite) == []


def test_an_account_is_reset_once_an_hour(office: Office) -> None:
    """The card's bounds hold for resets as for every write: the second is a person's, with the history."""
    subject, directory = lost_phone(office), LocalDirectory(office.database)
    asks(office, subject, directory)
    lost_phone(office)
    outcome, _ = asks(office, subject, directory)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.OUT_OF_POLICY
    assert "reset_second_factor at" in outcome.summary
    assert directory.written() == ALL


@pytest.mark.parametrize("given", [{"lost": "laptop"}, {}, {"lost": "phone", "account": "acc-sam"}])
def test_the_model_chooses_a_device_and_nothing_else(office: Office, given: dict[str, str]) -> None:
    """Any other argument is an error to it."""
    subject, directory = lost_phone(office), LocalDirectory(office.database)
    runtime = resetting(office, directory, "No.")
    runtime.call_model.answers[0] = (("reset_second_factor", given),)
    play_attempt(runtime, office.begin(office.asks(user=subject.user)), subject)
    assert "wrong arguments" in results(runtime.call_model.prompts[1])[0]["error"]
    assert directory.written() == ()
