"""Who sees the dashboard: `bot.web.dashboard`, by real HTTP against the real app."""

import shutil
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from bot import web
from bot.errors import Transient
from bot.settings import Settings
from bot.store import members
from bot.store.db import Database
from bot.store.schema import AuditRow
from bot.web import dashboard, visitors
from bot.web.headers import STRICT
from tests.support.dashboard_visits import PUBLIC, VisitedAddress, with_session
from tests.support.factories import at_once
from tests.support.live_server import served
from tests.support.paths import CONFIG
from tests.support.web_harness import FrontDoor, web_opened

OWNER, RESPONDER, REQUESTER = "U0OLIVIA", "U0PRIYA", "U0MAYA"
PAGES = ("/dashboard", "/dashboard/tickets/1")


def ended(house: FrontDoor) -> list[tuple[str, str]]:
    """Return whose sessions have ended and why, by the audit log."""
    found = [row for row in house.rows(AuditRow) if row.event == "dashboard.session_ended"]
    return [(row.actor, row.record["why"]) for row in found]


def test_owner_and_responder_see_the_figures(house: FrontDoor, visit: VisitedAddress) -> None:
    """Both may ask /agent-eval, so both see the figures; the name of the agent stands on the page."""
    for user in (OWNER, RESPONDER):
        seen = visit.get("/dashboard", with_session(house.database, user))
        assert (seen.status, "Solved without a person" in seen.text) == (200, True)


def test_only_an_owner_reads_a_ticket(house: FrontDoor, visit: VisitedAddress) -> None:
    """A responder is answered as if there were no such ticket: word for word what a number that nobody has gets."""
    house.say(REQUESTER, "C0HELP", "I am locked out")
    owner, responder = with_session(house.database, OWNER), with_session(house.database, RESPONDER)
    assert visit.get("/dashboard/tickets/1", owner).status == 200
    hidden, missing = visit.get("/dashboard/tickets/1", responder), visit.get("/dashboard/tickets/2", responder)
    assert (hidden.status, hidden.text) == (missing.status, missing.text)
    assert hidden.status == 404


@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 400, "-1", "1.0", "1%2f", "01%00", "%D9%A1", "%ff"])
def test_odd_ticket_number_is_no_page(house: FrontDoor, visit: VisitedAddress, number: str) -> None:
    """Whatever is put where the number of a ticket belongs, there is no such page, and no fault."""
    seen = visit.get(f"/dashboard/tickets/{number}", with_session(house.database, OWNER))
    assert seen.status == 404


@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_nothing_is_seen(visit: VisitedAddress, path: str) -> None:
    """A browser without a session is told how to open the dashboard, and no figure."""
    seen = visit.get(path)
    assert (seen.status, "access" in seen.text) == (403, False)
    assert "send /agent-eval" in seen.text


@pytest.mark.parametrize("path", PAGES)
def test_all_who_have_no_session_are_answered_alike(house: FrontDoor, visit: VisitedAddress, path: str) -> None:
    """A guessed secret, an expired session and two secrets at once get the same bytes as no session at all."""
    secret = with_session(house.database, OWNER)
    late = with_session(house.database, RESPONDER, hours=-0.001)
    two = ("Cookie", f"deskhand-dashboard={secret}; deskhand-dashboard={secret}x")
    answers = [visit.get(path), visit.get(path, "guessed"), visit.get(path, late), visit.get(path, None, two)]
    answers.append(visit.get(path, "x" * 5000))
    answers.append(visit.get(path, secret, ("Cookie", f"deskhand-dashboard={secret}x")))
    assert {(one.status, one.text) for one in answers} == {(403, answers[0].text)}


def test_requester_sees_nothing(house: FrontDoor, visit: VisitedAddress) -> None:
    """Somebody without a role is not let in even with a session, which ends."""
    secret = with_session(house.database, REQUESTER)
    assert visit.get("/dashboard", secret).text == visit.get("/dashboard").text
    assert ended(house) == [(REQUESTER, "no role")]


def test_leaver_sees_nothing_from_now_on(house: FrontDoor, visit: VisitedAddress) -> None:
    """The next page after somebody has left the workspace is refused, and the session stays ended if they return."""
    secret = with_session(house.database, OWNER)
    assert visit.get("/dashboard", secret).status == 200
    house.leaves(OWNER)
    assert visit.get("/dashboard", secret).status == 403
    with house.database.write() as session:
        members.note_return(session, OWNER)
    assert visit.get("/dashboard", secret).status == 403
    assert ended(house) == [(OWNER, "not a member")]


def test_guest_sees_nothing(house: FrontDoor, visit: VisitedAddress) -> None:
    """An owner whom Slack now calls a guest is refused by the next page."""
    secret = with_session(house.database, OWNER)
    assert visit.get("/dashboard", secret).status == 200
    house.slack_says(OWNER, is_restricted=True)
    assert visit.get("/dashboard", secret).status == 403
    assert ended(house) == [(OWNER, "not a member")]


def test_role_is_read_for_each_page(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    """A person whom the card no longer names loses the dashboard without a restart of the web process."""
    config = shutil.copytree(CONFIG, tmp_path / "config")
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", PUBLIC)
    monkeypatch.setattr("bot.agent_cards.LOOK_SECONDS", 0.0)
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as house:
        visit = VisitedAddress(house.url.removesuffix("/slack/events"))
        secret = with_session(house.database, OWNER)
        assert visit.get("/dashboard", secret).status == 200
        cards = list(config.glob("agents/*/card.yaml"))
        for one in cards:
            one.write_text(one.read_text("utf-8").replace(OWNER, "U0SOMEBODY"), "utf-8")
        for _ in range(200):
            if visit.get("/dashboard", secret).status == 403:
                break
        assert ended(house) == [(OWNER, "no role")]


def test_while_slack_is_silent_nobody_sees_figures(house: FrontDoor, visit: VisitedAddress) -> None:
    """Who cannot be looked up is asked to come again; the session is kept for when Slack answers."""
    secret = with_session(house.database, OWNER)
    house.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": -1})
    seen = visit.get("/dashboard", secret)
    assert (seen.status, "Solved without a person" in seen.text) == (503, False)
    house.faults()
    assert visit.get("/dashboard", secret).status == 200


def test_without_a_database_nobody_sees_figures(
    house: FrontDoor, visit: VisitedAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that cannot be reached is a plain sentence with 503, and a fault of ours is one with 500."""
    secret = with_session(house.database, OWNER)

    def away(*_: object) -> None:
        raise Transient("database: away")

    def broken(*_: object) -> None:
        raise RuntimeError("figures of access")

    monkeypatch.setattr(visitors, "viewer", away)
    seen = visit.get("/dashboard", secret)
    assert (seen.status, seen.headers["Retry-After"]) == (503, "60")
    assert "The database cannot be reached" in seen.text
    monkeypatch.setattr(visitors, "viewer", broken)
    with capture_logs() as logged:
        seen = visit.get("/dashboard", secret)
    assert (seen.status, "figures" in seen.text) == (500, False)
    assert [line["event"] for line in logged] == ["dashboard.crashed"]


def test_only_so_many_pages_are_made_at_once(
    house: FrontDoor, visit: VisitedAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More requests than may wait are answered 503 at once, and Slack's events are heard meanwhile."""
    secret = with_session(house.database, OWNER)
    go_on, look = Event(), visitors.viewer

    def slowly(*given: object) -> object:
        go_on.wait(60)
        return look(*given)  # type: ignore[arg-type]  # what it is given

    monkeypatch.setattr(visitors, "viewer", slowly)
    monkeypatch.setattr(dashboard, "WAITING", 5)

    def ask(number: int) -> int:
        status = visit.get("/dashboard", secret).status
        if number == 0 or status == 503:
            heard.append(visit.get("/healthz").status)
            go_on.set()
        return status

    heard: list[int] = []
    statuses = at_once(8, ask)
    assert sorted(statuses) == [200] * 5 + [503] * 3
    assert set(heard) == {200}


def test_every_answer_has_the_strict_headers(house: FrontDoor, visit: VisitedAddress) -> None:
    """Pages, refusals, styles, unknown paths and other methods alike: nothing is stored, framed or run."""
    secret = with_session(house.database, OWNER)
    answers = [visit.get(path, secret) for path in (*PAGES, "/dashboard/none", "/dashboard/style.css", "/healthz")]
    answers += [visit.get("/dashboard"), visit.send("DELETE", "/dashboard"), visit.send("POST", "/slack/events")]
    for name, value in STRICT.items():
        assert {tuple(seen.headers.get_all(name, [])) for seen in answers} == {(value,)}, name
    for needed in ("default-src 'none'", "frame-ancestors 'none'"):
        assert needed in STRICT["Content-Security-Policy"]


def test_without_a_public_address_there_is_no_dashboard(front: FrontDoor) -> None:
    """An installation that does not set DESKHAND_PUBLIC_URL serves none of it."""
    assert [front.get(path)[0] for path in (*PAGES, "/dashboard/style.css")] == [404] * 3


def test_beside_socket_mode_only_the_dashboard_is_served(
    monkeypatch: pytest.MonkeyPatch, database: Database, database_url: str, redis_url: str
) -> None:
    """Without a signing secret no request of Slack is heard; the dashboard is served, and needs its session."""
    for name, value in {
        "DESKHAND_PUBLIC_URL": PUBLIC,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DESKHAND_CONFIG": str(CONFIG),
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SLACK_SIGNING_SECRET", raising=False)
    with served(web.create_app(Settings.from_environment()), lifespan="on") as address:
        visit = VisitedAddress(address)
        assert visit.send("POST", "/slack/events", body=b"{}").status == 404
        assert visit.get("/dashboard").status == 403
        assert visit.get("/dashboard", with_session(database, REQUESTER)).status == 403
