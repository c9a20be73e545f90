"""Who asks, for each turn: who is not admitted reaches neither the directory nor the model: `jobs.requester`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.admission import Bar
from bot.directory.local import LocalDirectory
from bot.principals import Account, SignIn
from bot.slack.sentences import say
from bot.store.schema import AccountRow, AuditRow, Handoff, MemberRow, Ticket, Turn, now
from jobs import process, upkeep
from jobs.requester import PATIENCE
from tests.support.json_object import Json
from tests.support.product_harness import Place
from tests.support.product_steps import a_minute_passes
from tests.support.workspace_names import BOT, HELP

LOCKED = f"<@{BOT}> I am locked out of my account"
STRANGER: Json = {"team_id": "T0PARTNER", "is_stranger": True, "profile": {"team": "T0PARTNER"}}
GUEST: Json = {"is_restricted": True}


@dataclass
class Watched:
    """The directory, and what it was asked."""

    real: LocalDirectory
    asked: list[str] = field(default_factory=list)

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Note it, then look."""
        self.asked.append("find_by_email")
        return self.real.find_by_email(email)

    def find_by_slack_user(self, user: str) -> tuple[Account, ...]:
        """Note it, then look."""
        self.asked.append("find_by_slack_user")
        return self.real.find_by_slack_user(user)

    def account(self, account_id: str) -> Account | None:
        """Note it, then look."""
        self.asked.append("account")
        return self.real.account(account_id)

    def sign_ins(self, account_id: str, **more: Any) -> tuple[SignIn, ...]:
        """Note it, then look."""
        self.asked.append("sign_ins")
        return self.real.sign_ins(account_id, **more)

    def __getattr__(self, name: str) -> Any:
        """Note that something is changed."""
        self.asked.append(name)
        return getattr(self.real, name)


@pytest.fixture
def directory(place: Place) -> Watched:
    """Put a directory that notes what it is asked on the agent's desk."""
    watched = Watched(LocalDirectory(place.front.database))
    place.change_desk(directory=watched)
    return watched


def refusals(place: Place) -> list[tuple[str | None, str, bool]]:
    """Return who was not admitted, why, and whether a person was fetched."""
    found = [row for row in place.front.rows(AuditRow) if row.event == "requester.refused"]
    return [(row.subject, row.record["why"], row.record["to_person"]) for row in found]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (STRANGER, Bar.ELSEWHERE),
        ({"team_id": None}, Bar.ELSEWHERE),
        (GUEST, Bar.GUEST),
        ({"is_bot": True}, Bar.APP),
    ],
    ids=["stranger", "no team", "guest", "app"],
)
def test_who_is_not_admitted_gets_one_sentence_and_reaches_nothing(
    place: Place, directory: Watched, said: Json, why: Bar
) -> None:
    """Whatever address their profile shows: no directory, no model, no person, nothing that upkeep would look up."""
    place.front.say("U0MAYA", HELP, LOCKED)
    place.front.slack_says("U0MAYA", **said)
    place.work()
    assert place.front.whispers("U0MAYA") == [say(f"refused.{why}", "en")]
    assert (directory.asked, place.calls(), place.queue(), place.front.rows(Handoff)) == ([], [], [], [])
    [ticket], [turn] = place.front.rows(Ticket), place.front.rows(Turn)
    assert (ticket.account, ticket.state, ticket.category, ticket.resolved_at) == (None, "resolved", "refused", None)
    assert (turn.state, turn.outcome) == ("done", "refused")
    assert refusals(place) == [("U0MAYA", why, False)]
    upkeep.close_solved_tickets(place.ctx)
    assert place.status("acc-maya") == "locked"


@pytest.mark.parametrize(
    "said",
    [{"is_email_confirmed": False}, {"deleted": None}],
    ids=["unconfirmed", "missing"],
)
def test_a_member_who_cannot_be_told_is_a_persons(place: Place, directory: Watched, said: Json) -> None:
    """It may be one of ours: a person finds out, and learns that nothing was looked up."""
    place.front.slack_says("U0MAYA", **said)
    ts = place.asks("U0MAYA", LOCKED)
    handoff = place.last_handoff()
    assert handoff.reason == "identity_mismatch"
    assert handoff.summary.endswith("Make sure who they are before you touch an account.")
    assert (handoff.context.accounts, handoff.context.account) == (0, None)
    assert (directory.asked, place.calls()) == ([], [])
    assert len(place.thread("U0MAYA", ts)) == 1
    assert [to_person for _, _, to_person in refusals(place)] == [True]


def with_guests(place: Place, config: Path, policy: str) -> None:
    """Let the card of the agent say something else of guests, and its release serve."""
    file = config / "agents/access/card.yaml"
    file.write_text(file.read_text().replace("guest_policy: refuse", f"guest_policy: {policy}"))
    place.ctx.database.close()
    place.ctx.queue.close()
    place.ctx.meter.close()
    process.current.cache_clear()
    place.passes()


@pytest.mark.parametrize(("policy", "outcome"), [("handoff", "handoff"), ("serve", "reply")])
def test_the_card_says_what_becomes_of_guests(place: Place, config: Path, policy: str, outcome: str) -> None:
    """A person instead of a sentence, without a look into the directory, or the same help as a member's."""
    with_guests(place, config, policy)
    place.front.slack_says("U0MAYA", **GUEST)
    place.asks("U0MAYA", LOCKED)
    assert place.last_turn().outcome == outcome
    assert place.status("acc-maya") == ("active" if policy == "serve" else "locked")
    assert place.last_turn().reason == ("identity_mismatch" if policy == "handoff" else None)


def test_who_is_no_member_any_longer_when_it_is_done_gets_nothing_done(place: Place) -> None:
    """They were admitted when the turn began; right before an account is changed they are looked up once more."""
    place.while_thinking(lambda: place.front.slack_says("U0MAYA", **STRANGER))
    place.asks("U0MAYA", LOCKED)
    assert place.status("acc-maya") == "locked"
    assert place.writes() == []
    assert place.last_handoff().reason == "identity_mismatch"


def test_a_change_that_slack_did_not_tell_counts_before_a_write(place: Place) -> None:
    """What Slack said more than a minute ago is good for nothing, though it tells of no change."""

    def changes_unheard() -> None:
        place.front.act("user", "U0MAYA", says=STRANGER, told=False)
        a_minute_passes(place)

    place.while_thinking(changes_unheard)
    place.asks("U0MAYA", LOCKED)
    assert (place.status("acc-maya"), place.writes()) == ("locked", [])


def bound(place: Place, **accounts: str | None) -> None:
    """Let the directory bind accounts to Slack ids, or to none."""
    with place.front.database.write() as session:
        for name, user in accounts.items():
            session.get_one(AccountRow, f"acc-{name}").slack_user = user


def address(place: Place, bound_to: str | None = None, **emails: str) -> None:
    """Let accounts have other addresses."""
    bound(place, **dict.fromkeys(emails, bound_to))
    with place.front.database.write() as session:
        for name, email in emails.items():
            session.get_one(AccountRow, f"acc-{name}").email = email


@pytest.mark.parametrize(
    ("before", "unlocked"),
    [
        (lambda place: address(place, maya="m@northwind.example", bound_to="U0MAYA"), True),
        (lambda place: bound(place, maya="U0IVAN"), False),
        (lambda place: address(place, ivan="MAYA.okafor@NORTHWIND.example"), False),
    ],
    ids=["bound", "bound to another", "twice but for case"],
)
def test_a_binding_of_the_directory_beats_an_address(
    place: Place, before: Callable[[Place], object], *, unlocked: bool
) -> None:
    """Both leading to different accounts is a mismatch, and so is an address whose account is bound to another."""
    before(place)
    place.asks("U0MAYA", LOCKED)
    assert (place.status("acc-maya"), place.status("acc-ivan")) == ("active" if unlocked else "locked", "locked")
    if not unlocked:
        assert place.last_handoff().reason == "identity_mismatch"
        assert place.writes() == []


def test_slack_that_does_not_say_for_long_is_a_persons_work(place: Place, directory: Watched) -> None:
    """Until then the turn waits; nobody is matched by what was known before."""
    place.ctx.members.look_up("U0MAYA")
    with place.front.database.write() as session:
        session.execute(update(MemberRow).values(asked_at=now() - timedelta(minutes=5)))
    place.front.faults({"method": "users.info", "kind": "rate_limit", "times": -1})
    place.asks("U0MAYA", LOCKED)
    turn = place.last_turn()
    assert (turn.state, directory.asked) == ("waiting", [])
    with place.front.database.write() as session:
        session.execute(update(Turn).where(Turn.id == turn.id).values(created_at=now() - PATIENCE))
    place.ctx.queue.put("jobs.turn.run_turn", turn.id)
    place.work()
    assert place.last_handoff().reason == "identity_mismatch"
    assert (directory.asked, place.writes()) == ([], [])


def test_what_came_behind_a_refusal_is_the_next_turns(place: Place) -> None:
    """Nothing is left lying, and who has become a member meanwhile is helped in the same thread."""
    place.front.slack_says("U0MAYA", **GUEST)
    ts = place.asks("U0MAYA", LOCKED)
    place.front.slack_says("U0MAYA")
    place.asks("U0MAYA", "and now?", thread_ts=ts)
    assert [turn.outcome for turn in place.front.rows(Turn)] == ["refused", "reply"]
    assert place.status("acc-maya") == "active"
    assert place.front.rows(Ticket)[0].category == "locked"
