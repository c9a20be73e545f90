"""To whom a handoff can be given, and the form that lists them: `bot.listeners.candidates`."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.pool import QueuePool

from bot import agent_cards
from bot.agent import card
from bot.listeners import candidates, modals
from bot.listeners.buttons import HandoffRef
from bot.listeners.context import ListenerContext
from bot.rights import Membership
from bot.slack.handoffs.handoff_modals import Offered
from bot.store import db, members
from bot.store.db import Database
from tests.support.json_object import Json
from tests.support.paths import CONFIG
from tests.support.web_harness import Card, FrontDoor
from tests.support.web_harness import web_opened as opened_door

HOLDER, ASKED, LATER = "U0PRIYA", "U0LENA", float("inf")
Members = Callable[[Sequence[str], float], Mapping[str, str] | None]


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """Open a migrated database."""
    opened = db.connect(sqlite_url)
    yield opened
    opened.close()


def named(users: Sequence[str], *, holder: str = HOLDER, **people: Any) -> HandoffRef:
    """Return a claimed handoff of an agent with these responders; the holder owns it."""
    access = card.load(CONFIG / "agents/access")
    handoff = access.card.handoff.model_copy(update={"responders": tuple(users), **people})
    agent = replace(access, card=access.card.model_copy(update={"owners": (HOLDER,), "handoff": handoff}))
    handed: Any = SimpleNamespace(id=1, claimed_by=holder)
    ticket: Any = SimpleNamespace(requester=ASKED)
    return HandoffRef(handed, ticket, agent)


def offered(database: Database, found: HandoffRef, says: Members) -> list[Offered] | None:
    """Return who is offered for a handoff by a door that learns names like this."""
    queue: Any = SimpleNamespace(put=lambda *_: None)
    return candidates.offered(ListenerContext(database, queue, {}, members_named=says), found, by=LATER)


def called(names: Mapping[str, str]) -> Members:
    """Return what knows these people and takes all others for no members."""
    return lambda users, _seconds: {user: names[user] for user in users if user in names}


def silent(_users: Sequence[str], _seconds: float) -> None:
    """Know nobody."""


def test_they_are_offered_in_the_order_of_their_names(database: Database) -> None:
    """As a person would sort them: no case, and a letter with an accent stands where the letter stands."""
    names = {"U01": "tom Brook", "U02": "Zoë Ash", "U03": "Ádám Kiss", "U04": "Adrian Fox", "U05": "Ben"}
    found = offered(database, named(tuple(names)), called(names))
    assert found is not None
    assert [one.name for one in found] == ["Ádám Kiss", "Adrian Fox", "Ben", "tom Brook", "Zoë Ash"]
    assert [one.user for one in found] == ["U03", "U04", "U05", "U01", "U02"]


def test_only_who_can_take_it_is_offered(database: Database) -> None:
    """Not its holder, nor who asked, nor who has left, nor who is no full member; of the first three none is asked."""
    with database.write() as session:
        members.note_departure(session, "U0GONE")
    asked: list[str] = []

    def says(users: Sequence[str], _seconds: float) -> Mapping[str, str]:
        asked.extend(users)
        return {"U0BEN": "Ben Castillo"}

    found = offered(database, named((HOLDER, "U0BEN", ASKED, "U0GONE", "U0GUEST")), says)
    assert (found, asked) == ([Offered("U0BEN", "Ben Castillo")], ["U0BEN", "U0GUEST"])


@pytest.mark.parametrize(("on_call", "said"), [("U0BEN", True), ("U0CHEN", False), ("S0ONCALL", False), (None, False)])
def test_who_is_on_call_is_known_where_the_card_names_a_person(
    database: Database, on_call: str | None, *, said: bool
) -> None:
    """Who is in a group would have to be asked for."""
    found = offered(database, named(("U0BEN",), on_call=on_call), called({"U0BEN": "Ben"}))
    assert found == [Offered("U0BEN", "Ben", on_call=said)]


@pytest.mark.parametrize(("many", "listed"), [(1, True), (100, True), (101, False)])
def test_more_than_slack_lists_are_not_listed(database: Database, many: int, *, listed: bool) -> None:
    """A hundred are; of more none is asked about."""
    users = [f"U{number:04}" for number in range(many)]
    asked: list[str] = []

    def says(some: Sequence[str], _seconds: float) -> Mapping[str, str]:
        asked.extend(some)
        return {user: f"Person {user}" for user in some}

    found = offered(database, named(users), says)
    assert [one.user for one in found or ()] == (users if listed else [])
    assert (found is None, asked) == ((False, users) if listed else (True, []))


def test_one_hundred_and_one_of_whom_one_has_left_are_listed(database: Database) -> None:
    """Who has left takes no place."""
    users = [f"U{number:04}" for number in range(101)]
    with database.write() as session:
        members.note_departure(session, users[7])
    found = offered(database, named(users), lambda some, _: {user: f"Person {user}" for user in some})
    assert found is not None
    assert len(found) == 100


@pytest.mark.parametrize("says", [silent, called({"U0BEN": "Sam Doyle", "U0CHEN": "Sam Doyle"})])
def test_names_that_tell_nobody_apart_make_no_list(database: Database, says: Members) -> None:
    """Two of one name, or names that are not known in time: Slack's own picker tells people apart."""
    assert offered(database, named(("U0BEN", "U0CHEN")), says) is None


def test_nobody_is_asked_about_where_there_is_nobody(database: Database) -> None:
    """That is known without a name."""
    assert offered(database, named((HOLDER, ASKED)), silent) == []


def test_names_are_waited_for_only_as_long_as_the_trigger_lives(database: Database) -> None:
    """What the press has taken until then is taken off."""
    waited: list[float] = []

    def says(_users: Sequence[str], seconds: float) -> None:
        waited.append(seconds)

    queue: Any = SimpleNamespace(put=lambda *_: None)
    ctx = ListenerContext(database, queue, {}, members_named=says)
    for left in (-5.0, 500.0):
        candidates.offered(ctx, named(("U0BEN",)), by=time.monotonic() + left)
    assert waited[0] == 0.0
    assert 0.0 < waited[1] <= 500.0
    assert candidates.SECONDS <= 1.5  # of the three that a trigger lives, one is for the look-up of who pressed


def to(element: Json) -> Json:
    """Return what is filled into the form that reassigns."""
    return {"to": {"to": element}, "why": {"why": {"type": "plain_text_input", "value": ""}}}


def picked(user: str) -> Json:
    """Return a choice from the list."""
    return {"type": "static_select", "selected_option": {"value": user}}


def found_by_slack(user: str) -> Json:
    """Return a choice from everybody in the workspace."""
    return {"type": "users_select", "selected_user": user}


def element(front: FrontDoor, card: Card, user: str = HOLDER) -> Json:
    """Let somebody press Reassign; return the field in which they choose."""
    front.press(user, front.refreshed(card), "reassign")
    view = front.sees(user)["view"]
    return next(dict(block["element"]) for block in view["blocks"] if block.get("block_id") == "to")


def options(field: Json) -> list[tuple[str, str]]:
    """Return the names and ids in a list."""
    return [(one["text"]["text"], one["value"]) for one in field["options"]]


def test_the_form_offers_the_responders_without_its_holder(front: FrontDoor) -> None:
    """By their names in Slack; whoever has it by now is not among them, and an owner who presses may take it."""
    card = front.claimed()
    field = element(front, card)
    assert field["type"] == "static_select"
    assert options(field) == [("Ben Castillo", "U0BEN"), ("Olivia Hart", "U0OLIVIA")]
    assert front.fill(HOLDER, to(picked("U0BEN")))["ok"]
    assert front.stands(card) == ("claimed", "U0BEN")
    assert options(element(front, card, "U0OLIVIA")) == [("Olivia Hart", "U0OLIVIA"), ("Priya Nair", HOLDER)]


@pytest.mark.parametrize("choice", [picked, found_by_slack])
def test_both_kinds_of_choice_are_taken(front: FrontDoor, choice: Callable[[str], Json]) -> None:
    """Which of them the form had is decided when it is opened."""
    card = front.claimed()
    element(front, card)
    assert front.fill(HOLDER, to(choice("U0BEN")))["ok"]
    assert front.stands(card) == ("claimed", "U0BEN")


def test_without_names_slack_lists_everybody(front: FrontDoor) -> None:
    """It is as good a form, and who is no responder is refused as ever."""
    card = front.claimed()
    front.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "has": "U0BEN", "times": -1})
    field = element(front, card)
    front.faults()
    assert (field["type"], "options" in field) == ("users_select", False)
    words = "Choose one of the responders; nobody else can take it."
    assert front.fill(HOLDER, to(found_by_slack("U0MAYA")))["errors"] == {"to": words}
    assert front.fill(HOLDER, to(found_by_slack("U0BEN")))["ok"]


@pytest.mark.parametrize("says", [{"deleted": True}, {"is_restricted": True}, {"is_bot": True}])
def test_who_is_no_full_member_is_not_offered(front: FrontDoor, says: Json) -> None:
    """Though the card names them."""
    card = front.claimed()
    front.slack_says("U0BEN", **says)
    assert options(element(front, card)) == [("Olivia Hart", "U0OLIVIA")]


def test_a_stale_choice_is_refused_beside_its_field(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Who left the workspace, or the card, while the form was open gets nothing; another choice is taken."""
    for pause in ("LOOK_SECONDS", "STAYED_SECONDS"):
        monkeypatch.setattr(agent_cards, pause, 0)
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    file = config / "agents/access/card.yaml"
    with opened_door(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as front:
        card = front.claimed()
        element(front, card)
        front.leaves("U0OLIVIA")
        left = front.fill(HOLDER, to(picked("U0OLIVIA")))
        assert left["errors"] == {"to": "They are no longer a member of this workspace."}
        file.write_text(file.read_text().replace("[U0PRIYA, U0BEN]", "[U0PRIYA, U0RUTH]"))
        off = front.fill(HOLDER, to(picked("U0BEN")))
        assert off["errors"] == {"to": "Choose one of the responders; nobody else can take it."}
        assert front.stands(card) == ("claimed", HOLDER)
        assert front.fill(HOLDER, to(picked("U0RUTH")))["ok"]
        assert front.stands(card) == ("claimed", "U0RUTH")


def test_where_nobody_else_can_take_it_the_form_says_so(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    """There is nothing to fill in and nothing to send."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    file = config / "agents/access/card.yaml"
    alone = file.read_text().replace("[U0PRIYA, U0BEN]", "[U0PRIYA]").replace("[U0OLIVIA]", "[U0PRIYA]")
    file.write_text(alone)
    with opened_door(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as front:
        card = front.claimed()
        front.press(HOLDER, card, "reassign")
        view = front.sees(HOLDER)["view"]
        assert [block["type"] for block in view["blocks"]] == ["section"]
        assert "Nobody else can take this" in view["blocks"][0]["text"]["text"]
        assert view.get("submit") is None


def test_no_transaction_is_open_while_names_are_asked_for(front: FrontDoor) -> None:
    """Every connection is back in its pool then."""
    card_, opened = front.claimed(), db.connect(str(front.database.engine.url))
    pool, found = opened.engine.pool, []
    assert isinstance(pool, QueuePool)

    def says(users: Sequence[str], _seconds: float) -> Mapping[str, str]:
        found.append(pool.checkedout())
        return {user: f"Person {user}" for user in users}

    queue: Any = SimpleNamespace(put=lambda *_: None)
    agents = card.load_all(CONFIG)
    ctx = ListenerContext(opened, queue, agents, look_up=lambda *_: Membership.MEMBER, members_named=says)
    press = {"trigger_id": "t", "channel": {"id": "C0QUEUE"}, "actions": [{"value": str(card_.handoff)}]}
    view = modals._form(ctx, {"user": {"id": HOLDER, "team_id": "T0DESKHAND"}, **press}, "reassign")
    opened.close()
    assert view is not None
    assert found == [0]
