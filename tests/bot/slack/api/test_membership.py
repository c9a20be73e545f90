"""Who people are, asked of Slack and kept for a minute: `bot.slack.api.membership`."""

from datetime import timedelta
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from bot import admission, durations
from bot.admission import Bar, Installation, Member
from bot.errors import Transient
from bot.rights import Membership
from bot.slack.api import roles
from bot.slack.api.client import WebClient
from bot.slack.api.membership import Members, Unseen
from bot.store import members
from bot.store.db import Database
from bot.store.schema import MemberRow, now
from tests.support.factories import at_once, rows
from tests.support.local_workspace import LocalWorkspace
from tests.support.worker_harness import wait_for

MAYA = "U0MAYA"


@pytest.fixture
def people(client: WebClient, database: Database) -> Members:
    """Return the people of the local workspace."""
    return Members(client, database)


class Scripted:
    """A Slack that answers `users.info` with what a test has written, and counts."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), 0

    def users_info(self, user: str, *, include_locale: bool) -> SimpleNamespace:
        """Answer with what comes next."""
        assert include_locale
        self.asked += 1
        answer = self.answers.pop(0)
        return SimpleNamespace(data=answer(user) if callable(answer) else answer)


def said(user: str, **more: Any) -> dict[str, Any]:
    """Return what Slack says of somebody."""
    return {"ok": True, "user": {"id": user, "team_id": "T0DESKHAND", **more}}


def age(database: Database, seconds: float, user: str = MAYA) -> None:
    """Let what is kept of somebody be older."""
    with database.write() as session:
        session.get_one(MemberRow, user).asked_at = now() - timedelta(seconds=seconds)


def test_a_burst_asks_slack_once_for_all_processes(database: Database) -> None:
    """What one process was told another uses, for a minute and no longer."""
    slack: Any = Scripted(*[said] * 3)
    one, other = Members(slack, database), Members(slack, database)
    assert one.look_up(MAYA) == other.look_up(MAYA) == admission.read(said(MAYA)["user"])
    age(database, durations.PROFILE_KEPT - 5)
    other.look_up(MAYA)
    assert slack.asked == 1
    age(database, durations.PROFILE_KEPT + 1)
    other.look_up(MAYA)
    assert slack.asked == 2
    age(database, -60)  # by a process whose clock is a minute ahead
    one.look_up(MAYA)
    assert slack.asked == 3


def test_the_language_of_a_person_outlives_what_else_was_said(
    workspace: LocalWorkspace, people: Members, database: Database
) -> None:
    """It is kept when Slack's answer is dropped, and changes with the next one."""
    for locale in ("de-DE", "fr-FR"):
        workspace.send("/sandbox/user", {"user": MAYA, "says": {"locale": locale}})
        people.look_up(MAYA)
        with database.write() as session:
            members.forget_all(session, before=now() + timedelta(seconds=1))
        with database.read() as session:
            assert (members.locale_of(session, MAYA), members.is_kept(session, MAYA)) == (locale, False)


@pytest.mark.both_databases
def test_threads_of_several_processes_that_ask_at_once_ask_once(database: Database) -> None:
    """The others wait until the first has its answer, which takes a while."""
    together = Barrier(8)

    def takes_a_while(user: str) -> dict[str, Any]:
        together.wait()
        return said(user)

    slack: Any = Scripted(takes_a_while, said)
    processes = [Members(slack, database), Members(slack, database)]

    def ask(number: int) -> Member | Unseen:
        if number < 7:
            return processes[number % 2].look_up(MAYA)
        wait_for("an inquiry", lambda: slack.asked)
        for _ in range(7):
            Thread(target=together.wait).start()
        return processes[1].look_up(MAYA)

    assert at_once(8, ask) == [admission.read(said(MAYA)["user"])] * 8
    assert slack.asked == 1


def test_who_has_waited_long_enough_tries_later(database: Database) -> None:
    """Another process asks and has no answer yet: nobody is admitted, and Slack is not asked a second time."""
    slack: Any = Scripted(said)
    with database.write() as session:
        assert members.begin_inquiry(session, MAYA) is not None
    with pytest.raises(Transient, match="another process"):
        Members(slack, database, patience=0).look_up(MAYA)
    assert slack.asked == 0


def test_the_inquiry_of_a_process_that_died_is_taken_over(database: Database) -> None:
    """Once its time is over, and by one process alone; that of the dead one ends nothing of the other's."""
    with database.write() as session:
        dead = members.begin_inquiry(session, MAYA)
        session.get_one(MemberRow, MAYA).asking_until = now()
    assert dead is not None

    def meanwhile(user: str) -> dict[str, Any]:
        with database.write() as session:
            assert members.begin_inquiry(session, user) is None
            assert not members.end_inquiry(session, dead, None, asked_at=now())
            assert members.begin_inquiry(session, user) is None
            members.forget_all(session, before=now() + timedelta(seconds=1))
        return said(user)

    slack: Any = Scripted(meanwhile)
    assert isinstance(Members(slack, database).look_up(MAYA), Member)
    assert [row.asking_until for row in rows(database, MemberRow)] == [None]


@pytest.mark.parametrize("known", [False, True])
def test_who_has_changed_is_asked_for_again(database: Database, *, known: bool) -> None:
    """An answer that was under way when they changed may be of before: it is neither handed out nor kept."""

    def changes_meanwhile(user: str) -> dict[str, Any]:
        with database.read() as session:
            assert members.is_kept(session, user)  # or a change would not be written down
        with database.write() as session:
            members.forget(session, user)
        return said(user, deleted=False)

    slack: Any = Scripted(*[said] * known, changes_meanwhile, lambda user: said(user, deleted=True))
    people = Members(slack, database)
    if known:
        people.look_up(MAYA)
        age(database, durations.PROFILE_KEPT + 1)
    for _ in range(2):
        assert people.look_up(MAYA) == admission.read(said(MAYA, deleted=True)["user"])
    assert slack.asked == 2 + known


def test_what_another_process_was_told_later_counts(database: Database) -> None:
    """The first is slower than its inquiry lasts: it hands out what the other has kept."""
    other = Members(Scripted(lambda user: said(user, deleted=True)), database)  # type: ignore[arg-type]

    def is_slower(user: str) -> dict[str, Any]:
        with database.write() as session:
            session.get_one(MemberRow, user).asking_until = now()
        other.look_up(user)
        return said(user, deleted=False)

    slack: Any = Scripted(is_slower)
    assert Members(slack, database).look_up(MAYA) == admission.read(said(MAYA, deleted=True)["user"])


def test_who_changes_all_the_time_is_a_later_try(database: Database) -> None:
    """Slack is asked three times at most, and nobody is admitted by what was outdated."""

    def changes_meanwhile(user: str) -> dict[str, Any]:
        with database.write() as session:
            members.forget(session, user)
        return said(user)

    slack: Any = Scripted(*[changes_meanwhile] * 4)
    with pytest.raises(Transient, match="changes"):
        Members(slack, database).look_up(MAYA)
    assert slack.asked == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True},
        {"ok": True, "user": None},
        {"ok": True, "user": [said(MAYA)["user"]]},
        {"ok": True, "user": {}},
        said("U0IVAN"),
        said("u0maya"),
        b"compressed",
        None,
    ],
    ids=["nobody", "null", "list", "empty", "another", "case", "bytes", "none"],
)
def test_an_answer_that_makes_no_sense_is_a_later_try(database: Database, answer: Any) -> None:
    """An answer about another id least of all; nothing of it is kept."""
    with pytest.raises(Transient):
        Members(Scripted(answer), database).look_up(MAYA)  # type: ignore[arg-type]
    assert [(row.said, row.asking_until) for row in rows(database, MemberRow)] == [(None, None)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limit"},
        {"kind": "http_500"},
        {"kind": "drop_answer"},
        {"kind": "fail", "error": "missing_scope"},
        {"kind": "fail", "error": "invalid_auth"},
        {"kind": "fail", "error": "internal_error"},
    ],
    ids=lambda fault: str(fault.get("error", fault["kind"])),
)
def test_a_look_up_that_failed_is_a_later_try(
    workspace: LocalWorkspace, people: Members, fault: dict[str, Any]
) -> None:
    """However it failed, and though something old is known: that is not used instead."""
    people.look_up(MAYA)
    age(people.database, durations.PROFILE_KEPT + 1)
    workspace.faults({"method": "users.info", "times": -1, **fault})
    with pytest.raises(Transient):
        people.look_up(MAYA)
    workspace.faults()
    assert isinstance(people.look_up(MAYA), Member)


@pytest.mark.parametrize("error", ["user_not_found", "user_not_visible", "access_denied"])
def test_whom_slack_will_not_tell_is_unseen(workspace: LocalWorkspace, people: Members, error: str) -> None:
    """That is no member for anybody, and nothing is kept of it."""
    workspace.faults({"method": "users.info", "kind": "fail", "error": error, "times": -1})
    assert people.look_up(MAYA) == Unseen(error)
    assert [(row.said, row.asking_until) for row in rows(people.database, MemberRow)] == [(None, None)]
    barred = people.may_act(MAYA)
    assert barred is not None
    assert (barred.why, barred.to_person) == (Bar.UNSEEN, True)


@pytest.mark.parametrize(
    ("user", "why"), [(MAYA, None), ("U0NOOR", Bar.GUEST), ("U0PETRA", Bar.ELSEWHERE), ("U0DESKHAND", Bar.APP)]
)
def test_the_people_of_the_workspace_are_told_apart(people: Members, user: str, why: Bar | None) -> None:
    """A member, a guest, a partner's person and an app, by what the workspace says of them."""
    barred = people.may_act(user)
    assert (barred and barred.why) == why


def test_whose_workspace_it_is_the_token_says(people: Members, workspace: LocalWorkspace) -> None:
    """Asked once; without an answer it is a later try."""
    workspace.faults({"method": "auth.test", "kind": "rate_limit", "times": 1})
    with pytest.raises(Transient):
        people.ours()
    assert people.ours() == people.ours() == Installation("T0DESKHAND", None)


@pytest.mark.parametrize(
    ("team", "found"),
    [
        ("", Membership.MEMBER),
        ("T0DESKHAND", Membership.MEMBER),
        ("T0SISTER", Membership.MEMBER),
        ("E0NORTH", Membership.MEMBER),
        ("T0OTHER", Membership.STRANGER),
        ("E0OTHER", Membership.STRANGER),
    ],
)
def test_who_is_in_several_workspaces_acts_in_ours(database: Database, team: str, found: Membership) -> None:
    """In an Enterprise organisation Slack may name any of theirs, or the organisation, when they press something."""
    never = dict.fromkeys(("deleted", "is_bot", "is_restricted", "is_ultra_restricted"), False)
    user = {"enterprise_id": "E0NORTH", "teams": ["T0SISTER", "T0DESKHAND"]}
    people = Members(Scripted(said(MAYA, **never, enterprise_user=user)), database)  # type: ignore[arg-type]
    people._ours.append(Installation("T0DESKHAND", "E0NORTH"))
    assert roles.membership_look_up(people)(MAYA, team) is found


def test_no_one_is_a_member_by_a_slack_that_refuses(workspace: LocalWorkspace, people: Members) -> None:
    """Whether for now or for good: the act is put off, and what a requester says in the same event is not lost."""
    look_up = roles.membership_look_up(people)
    for kind in ("http_500", "fail"):
        workspace.faults({"method": "auth.test", "kind": kind, "error": "team_access_not_granted", "times": 1})
        assert look_up(MAYA, "T0DESKHAND") is Membership.UNCHECKED
    assert look_up(MAYA, "T0DESKHAND") is Membership.MEMBER
