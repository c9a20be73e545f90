"""The way into the dashboard as a real browser goes it: what it sends with forms, cookies and redirects is its own."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from bot import web
from bot.casework import dashboard_links
from bot.settings import Settings
from bot.store.installation import marks
from tests.support.dashboard_visits import CLIENT_ID, CLIENT_SECRET
from tests.support.front_workspace import PAGE_KEY
from tests.support.page_browser import PAGE_PATIENCE, keep_shot
from tests.support.redis_servers import free_port
from tests.support.web_harness import FrontDoor, web_opened

OWNER = "U0OLIVIA"
REFUSED = "the server responded with a status of 40"
"What the console says of a page that is refused, and of the icon that none of these pages has."
FIGURE = "Solved without a person"


@pytest.fixture
def house(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, request: pytest.FixtureRequest
) -> Iterator[FrontDoor]:
    """Serve the dashboard at its public address; with the parameter `slack`, people sign in with Slack."""
    port = free_port()
    monkeypatch.setenv("DESKHAND_PUBLIC_URL", f"http://127.0.0.1:{port}")
    if getattr(request, "param", "link") == "slack":
        monkeypatch.setenv("SLACK_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("SLACK_CLIENT_SECRET", CLIENT_SECRET)
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url, port=port) as front:
        web.check_token(web.open_context(Settings.from_environment()))
        yield front


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a browser of its own, which may complain of nothing but refusals: no policy is broken, no script fails."""
    context = browser.new_context()
    page, complaints = context.new_page(), list[str]()
    page.set_default_timeout(PAGE_PATIENCE)
    expect.set_options(timeout=PAGE_PATIENCE)
    page.on("console", lambda said: None if REFUSED in said.text else complaints.append(said.text))
    yield page
    context.close()
    assert complaints == []


def link(house: FrontDoor) -> str:
    """Make a link for the owner."""
    with house.database.write() as session:
        seen = marks.read(session)
        assert seen is not None
        door = dashboard_links.door_of(Settings.from_environment(), seen.ground)
        assert door is not None
        return dashboard_links.make(session, door, OWNER)


def test_link_opens_the_dashboard_and_sign_out_closes_it(house: FrontDoor, page: Page) -> None:
    """One press leads to the figures; after signing out the same browser sees none, nor does the link open any."""
    address = link(house)
    page.goto(address)
    keep_shot(page, "door-link")
    page.get_by_role("button", name=re.compile("Open as Olivia")).click()
    expect(page).to_have_url(re.compile(r"/dashboard$"))
    expect(page.get_by_text(FIGURE).first).to_be_visible()
    keep_shot(page, "door-dashboard")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("heading", name="This does not open the dashboard")).to_be_visible()
    keep_shot(page, "door-closed")
    page.get_by_role("link").click()
    expect(page.get_by_role("heading", name="The dashboard is not open in this browser")).to_be_visible()


@pytest.mark.parametrize("house", ["slack"], indirect=True)
def test_sign_in_with_slack_leads_to_the_dashboard(house: FrontDoor, page: Page) -> None:
    """From our page to Slack's, back, and on to the figures, with the cookies that a browser sends on the way."""
    page.goto(f"{house.slack}/?key={PAGE_KEY}")
    page.goto(house.url.removesuffix("/slack/events") + "/dashboard")
    page.get_by_role("link", name="Sign in with Slack").click()
    keep_shot(page, "door-slack")
    page.get_by_role("link", name=re.compile("Olivia")).click()
    expect(page).to_have_url(re.compile(r"/dashboard$"))
    expect(page.get_by_text(FIGURE).first).to_be_visible()
