"""Who opens their App Home, and who leaves."""

from typing import Any

from bot.admission import read
from bot.queue import SHOW_HOME
from bot.store import members
from bot.store.schema import AuditRow, Departed, Home, MemberRow, now
from tests.support.web_harness import FrontDoor


def changed(user: str, **more: Any) -> dict[str, Any]:
    """Return the event of a member who was changed."""
    member = {"id": user, "team_id": "T0DESKHAND", "name": "somebody", "deleted": False, **more}
    return {"type": "user_change", "user": member, "cache_ts": 1_700_000_000, "event_ts": "1700000000.000100"}


def has_left(front: FrontDoor, user: str) -> bool:
    """Tell whether the house knows somebody as gone."""
    with front.database.read() as session:
        return members.has_left(session, user)


def test_a_home_that_is_opened_is_stored_and_queued(front: FrontDoor) -> None:
    """Once the row is there a job publishes it; the listener itself calls nobody."""
    front.act("home", "U0MAYA")
    [home] = front.rows(Home)
    assert (home.user, home.team, home.mark, home.shown) == ("U0MAYA", "T0DESKHAND", "", "")
    assert list(map(str, front.jobs(SHOW_HOME))) == ["U0MAYA"]
    assert front.sees("U0MAYA")["home"] is None


def test_what_was_queued_shows_the_home(front: FrontDoor) -> None:
    """A worker publishes it, and opening it again does not publish the same once more."""
    front.act("home", "U0MAYA")
    front.work()
    view = front.sees("U0MAYA")["home"]
    assert view["type"] == "home"
    front.act("home", "U0MAYA")
    front.work()
    assert front.sees("U0MAYA")["home"]["hash"] == view["hash"]
    assert len(front.rows(Home)) == 1


def test_the_conversation_with_the_bot_is_no_home(front: FrontDoor) -> None:
    """The other tab tells the same event: it leaves nothing."""
    front.act("dm", "U0MAYA")
    told = {"type": "app_home_opened", "user": "U0MAYA", "channel": "D1", "tab": "messages", "event_ts": "1.1"}
    assert front.event(told) == 200
    assert front.rows(Home) == []
    assert front.jobs(SHOW_HOME) == []


def test_an_opening_that_comes_again_changes_nothing(front: FrontDoor) -> None:
    """Slack delivers it three times: one home."""
    event = {"type": "app_home_opened", "user": "U0MAYA", "channel": "D1", "tab": "home", "event_ts": "1.1"}
    for number in range(3):
        assert front.event(event, headers={"x-slack-retry-num": str(number)}) == 200
    front.work()
    assert [home.user for home in front.rows(Home)] == ["U0MAYA"]
    assert [one["name"] for one in front.world.journal.entries].count("views.publish") == 1


def test_a_member_who_leaves_is_noted_once_and_may_come_back(front: FrontDoor) -> None:
    """However often Slack says so there is one record of each."""
    for event_id in ("Ev1", "Ev1", "Ev2"):
        assert front.event(changed("U0BEN", deleted=True), event_id=event_id) == 200
    assert has_left(front, "U0BEN")
    for event_id in ("Ev3", "Ev4"):
        assert front.event(changed("U0BEN"), event_id=event_id) == 200
    assert not has_left(front, "U0BEN")
    assert [(row.event, row.subject) for row in front.rows(AuditRow)] == [
        ("member.left", "U0BEN"),
        ("member.returned", "U0BEN"),
    ]


def test_any_other_change_of_a_member_writes_nothing(front: FrontDoor) -> None:
    """A new name, a new status: acknowledged and forgotten."""
    before = front.kept()
    assert front.event(changed("U0MAYA", real_name="Maya O.")) == 200
    assert front.kept() == before
    assert front.rows(Departed) == []


def test_who_has_changed_is_looked_up_anew(front: FrontDoor) -> None:
    """What Slack has said of them before is dropped, of nobody else; of who is not known nothing is written."""
    with front.database.write() as session:
        for user in ("U0MAYA", "U0IVAN"):
            inquiry = members.begin_inquiry(session, user)
            assert inquiry is not None
            said = read({"id": user, "team_id": "T0DESKHAND"})
            assert members.end_inquiry(session, inquiry, said, asked_at=now())
    for user in ("U0MAYA", "U0LENA"):
        assert front.event(changed(user), event_id=f"Ev{user}") == 200
    assert [(row.user, row.said is None) for row in front.rows(MemberRow)] == [("U0IVAN", False), ("U0MAYA", True)]
