"""Signing in with Slack: `bot.web.slack_sign_in`, by real HTTP between web process and workspace."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bot import web
from bot.errors import ConfigError
from bot.settings import Settings
from bot.store.schema import AuditRow, DashboardLink, DashboardSession
from tests.support.dashboard_visits import CLIENT_ID, CLIENT_SECRET, PUBLIC, Seen, VisitedAddress
from tests.support.front_workspace import PAGE_KEY
from tests.support.unfollowed import ask_workspace
from tests.support.web_harness import FrontDoor, web_opened

OWNER, REQUESTER = "U0OLIVIA", "U0MAYA"
START, DONE = "/dashboard/sign-in", "/dashboard/sign-in/done"
COOKIE = "deskhand-dashboard-sign-in"


@dataclass(frozen=True)
class Begun:
    """A sign-in that a browser has begun."""

    slack: str
    "The address at Slack."
    cookie: str


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str) -> Iterator[FrontDoor]:
    """Serve the web process with a dashboard where people sign in with Slack."""
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", PUBLIC)
    monkeypatch.setenv("SLACK_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SLACK_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-the-model")
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url) as front:
        web.check_token(web.open_context(Settings.from_environment()))
        yield front


def begin(visit: VisitedAddress) -> Begun:
    """Begin to sign in."""
    seen = visit.get(START)
    assert seen.status == 303
    found = SimpleCookie("; ".join(seen.headers.get_all("set-cookie", [])))
    return Begun(seen.headers["Location"], found[COOKIE].value)


def agreed(begun: Begun, user: str) -> str:
    """Let somebody say at Slack who they are; return the path to which Slack sends the browser back."""
    address = begun.slack.replace("/openid/connect/authorize?", "/openid/connect/agree?") + f"&user={user}"
    answer = ask_workspace(address, PAGE_KEY)
    assert (answer.status, answer.location.startswith(PUBLIC + DONE)) == (302, True)
    return answer.location.removeprefix(PUBLIC)


def finish(visit: VisitedAddress, path: str, cookie: str | None) -> Seen:
    """Come back from Slack."""
    return visit.get(path, None, *([] if cookie is None else [("Cookie", f"{COOKIE}={cookie}")]))


def refused(house: FrontDoor) -> list[tuple[str, str]]:
    """Return who was refused and why."""
    found = [row for row in house.rows(AuditRow) if row.event == "dashboard.refused"]
    return [(row.actor, row.record["why"]) for row in found]


def test_owner_signs_in(house: FrontDoor, visit: VisitedAddress) -> None:
    """Slack names the person, the dashboard is open in this browser, and a page of ours leads on."""
    begun = begin(visit)
    asked = {name: value for name, [value] in parse_qs(urlsplit(begun.slack).query).items()}
    assert begun.slack.startswith(f"{house.slack}/openid/connect/authorize?")
    assert (asked["redirect_uri"], asked["team"], asked["scope"]) == (PUBLIC + DONE, "T0DESKHAND", "openid")
    seen = finish(visit, agreed(begun, OWNER), begun.cookie)
    assert (seen.status, seen.headers["Refresh"]) == (200, "0; url=/dashboard")
    assert visit.get("/dashboard", seen.cookie).status == 200
    [opened] = [row for row in house.rows(AuditRow) if row.event == "dashboard.opened"]
    assert (opened.actor, opened.record["by"]) == (OWNER, "sign-in with Slack")


def test_others_sign_in_in_vain(house: FrontDoor, visit: VisitedAddress) -> None:
    """A requester is known to Slack and may not see the dashboard; they read what everybody reads."""
    begun = begin(visit)
    seen = finish(visit, agreed(begun, REQUESTER), begun.cookie)
    assert (seen.status, seen.cookie) == (403, None)
    assert seen.text == finish(visit, DONE, None).text
    assert refused(house)[0] == (REQUESTER, "not a responder")


def test_sign_in_is_finished_by_the_browser_that_began_it(house: FrontDoor, visit: VisitedAddress) -> None:
    """Without its cookie, with another browser's, or with two of them, nobody's code opens anything."""
    mine, theirs = begin(visit), begin(visit)
    path = agreed(mine, OWNER)
    for cookie in (None, theirs.cookie, "x.y", ".", "", f"{mine.cookie}; {COOKIE}={theirs.cookie}"):
        assert (finish(visit, path, cookie).status, house.rows(DashboardSession)) == (403, [])
    assert set(refused(house)) == {("unknown", "sign-in not begun in this browser")}
    assert finish(visit, path, mine.cookie).status == 200


def test_nonce_is_that_of_the_browser(house: FrontDoor, visit: VisitedAddress) -> None:
    """A code that Slack made for another sign-in of the same app does not fit, although the state was made to."""
    mine, theirs = begin(visit), begin(visit)
    code = parse_qs(urlsplit(agreed(theirs, OWNER)).query)["code"][0]
    state = mine.cookie.partition(".")[0]
    seen = finish(visit, f"{DONE}?{urlencode({'code': code, 'state': state})}", mine.cookie)
    assert (seen.status, seen.cookie) == (403, None)
    assert refused(house) == [("unknown", "id token for another sign-in")]


def test_code_is_used_once(house: FrontDoor, visit: VisitedAddress) -> None:
    """The same address again, with the same cookie, opens nothing more."""
    begun = begin(visit)
    path = agreed(begun, OWNER)
    assert finish(visit, path, begun.cookie).status == 200
    assert finish(visit, path, begun.cookie).cookie is None
    assert refused(house) == [("unknown", "code refused by Slack: invalid_code")]
    assert len(house.rows(DashboardSession)) == 1


@pytest.mark.parametrize(
    "query",
    ["", "error=access_denied", "code=", "code=a&code=b", "code=" + "x" * 2000, "code=guessed", "code=a&error=x"],
)
def test_odd_return_opens_nothing(house: FrontDoor, visit: VisitedAddress, query: str) -> None:
    """Whatever else Slack's address of return carries, with the right state and cookie."""
    begun = begin(visit)
    seen = finish(visit, f"{DONE}?state={begun.cookie.partition('.')[0]}&{query}", begun.cookie)
    assert (seen.status, seen.cookie) == (403, None)
    assert house.rows(DashboardSession) == []


def test_while_slack_is_silent_nobody_signs_in(house: FrontDoor, visit: VisitedAddress) -> None:
    """Who cannot be looked up is asked to come again."""
    begun = begin(visit)
    path = agreed(begun, OWNER)
    house.faults({"method": "users.info", "kind": "fail", "error": "internal_error", "times": -1})
    assert finish(visit, path, begun.cookie).status == 503
    house.faults()
    assert house.rows(DashboardSession) == []


def test_state_cookie_is_short_lived_and_comes_back_from_slack(house: FrontDoor, visit: VisitedAddress) -> None:
    """It is HttpOnly, for ten minutes, for these two pages; it must be lax, or Slack's redirect would lose it."""
    [cookie] = visit.get(START).headers.get_all("set-cookie", [])
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert flags == {"httponly", "samesite=lax", f"path={START}", "max-age=600"}


def test_where_people_sign_in_no_link_is_given_away(house: FrontDoor, visit: VisitedAddress) -> None:
    """Slack's answer leads to signing in, nothing is stored for it, and links open nothing."""
    house.act("command", OWNER, channel="C0HELP", command="/agent-eval", text="")
    house.work()
    assert f"'url': '{PUBLIC}{START}'" in str(house.sees(OWNER)["ephemeral"])
    assert house.rows(DashboardLink) == []
    assert visit.press("/dashboard/open", {"link": "x"}).status == 404
    assert "Sign in with Slack" in visit.get("/dashboard").text


def test_half_a_setting_is_no_setting(house: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the secret, or with a Slack that others can listen to, the web process does not start."""
    monkeypatch.setenv("SLACK_API_URL", "http://slack.example/api/")
    with pytest.raises(ConfigError, match="SLACK_API_URL needs https"):
        web.create_app(Settings.from_environment())
    monkeypatch.delenv("SLACK_CLIENT_SECRET")
    with pytest.raises(ConfigError, match="set together"):
        web.create_app(Settings.from_environment())
