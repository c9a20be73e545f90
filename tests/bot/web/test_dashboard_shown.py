"""How the dashboard looks and what it lets happen, in a real browser against the real web process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from bot.store.schema import Ticket, now
from tests.support.dashboard_visits import COOKIE, PUBLIC, with_session
from tests.support.hostile_texts import PAYLOADS, write_hostile
from tests.support.lived_month import live
from tests.support.page_browser import PAGE_PATIENCE, keep_shot
from tests.support.page_measures import FAINT_BARS, FAINT_TEXTS, HEADINGS, UNNAMED_CHARTS, WIDER
from tests.support.web_harness import FrontDoor, opened_for_all

pytestmark = pytest.mark.browser

Look = Callable[..., Page]
PATHS = ("/dashboard", "/dashboard?since=soon&agent=nobody", "/dashboard/tickets/1")
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 8
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
OPEN_TABLES = "document.querySelectorAll('details').forEach(one => { one.open = true })"


@dataclass
class Windows:
    """Windows of one browser: to open one costs more than to show a page in it, so that tests alike share one."""

    browser: Browser
    opened: dict[str, Page] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    "What the browser's console held against the pages."

    def page(self, **options: Any) -> Page:
        """Return the window with these options."""
        name = repr(sorted(options.items()))
        if name not in self.opened:
            page = self.opened[name] = self.browser.new_context(**options).new_page()
            page.set_default_timeout(PAGE_PATIENCE)
            page.on("console", lambda said: self.complaints.append(said.text) if is_error(said) else None)
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self.opened[name]


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Iterator[Windows]:
    """Keep the windows of this file, and close them at its end."""
    shared = Windows(browser)
    yield shared
    for page in shared.opened.values():
        page.context.close()


@pytest.fixture
def look(windows: Windows) -> Iterator[Look]:
    """Open a page of a house as an owner; the browser must have nothing to complain of by the end."""

    def opened(house: FrontDoor, path: str = "/dashboard", **options: Any) -> Page:
        page, address = windows.page(**options), house.url.removesuffix("/slack/events")
        page.context.add_cookies([{"name": COOKIE, "value": "secret-of-U0OLIVIA", "url": address}])
        answer = page.goto(f"{address}{path}")
        assert answer is not None
        assert answer.status == 200
        return page

    windows.complaints.clear()
    yield opened
    assert windows.complaints == []


@pytest.fixture(scope="module")
def month(_sqlite: Path, _shared_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """Serve the dashboard of a month to all tests of this file that only look at it."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("DESKHAND_PUBLIC_URL", PUBLIC)
        with opened_for_all(_sqlite, _shared_redis, tmp_path_factory.mktemp("month")) as house:
            live(house.database, now())
            with_session(house.database, "U0OLIVIA")
            yield house


@pytest.fixture
def empty(house: FrontDoor) -> FrontDoor:
    """Serve a dashboard of this test's own, with an owner who is signed in."""
    with_session(house.database, "U0OLIVIA")
    return house


def is_error(said: ConsoleMessage) -> bool:
    """Return whether the browser complains; it asks for an icon where it ignores the policy, and there is none."""
    return said.type == "error" and not said.location["url"].endswith("/favicon.ico")


@pytest.mark.parametrize("path", PATHS)
def test_every_text_stands_out(month: FrontDoor, look: Look, path: str) -> None:
    """Text has a contrast of 4.5 to 1 at least and a bar one of 3 to 1, on a light and on a dark page."""
    page = look(month, path)
    page.evaluate(OPEN_TABLES)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert (scheme, page.evaluate(FAINT_TEXTS), page.evaluate(FAINT_BARS)) == (scheme, [], [])
        keep_shot(page, f"dashboard-{PATHS.index(path)}-{scheme}", full_page=True)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


@pytest.mark.parametrize("filled", ["a month", "nothing", "long words"])
def test_a_phone_shows_it_without_scrolling_sideways(request: pytest.FixtureRequest, look: Look, filled: str) -> None:
    """At 380 pixels, with every table open, nothing is wider than the screen; neither are words without end."""
    house: FrontDoor = request.getfixturevalue("month" if filled == "a month" else "empty")
    if filled == "long words":
        write_hostile(house.database, LONG)
    for number, path in enumerate(PATHS if filled != "nothing" else PATHS[:2]):
        page = look(house, path, viewport={"width": 380, "height": 800})
        page.evaluate(OPEN_TABLES)
        assert page.evaluate(WIDER) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 380
        keep_shot(page, f"dashboard-{number}-phone-{filled[0]}", full_page=True)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_read_without_being_seen(month: FrontDoor, look: Look, path: str) -> None:
    """One language, one main part, headings that skip no level, a name for each chart and a table in its section."""
    page = look(month, path)
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert [page.locator(one).count() for one in ("main", "header", "footer")] == [1, 1, 1]
    assert page.evaluate(UNNAMED_CHARTS) == []
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(one => one.id)).size") == (
        page.locator("[id]").count()
    )


def test_it_needs_no_script(month: FrontDoor, look: Look) -> None:
    """With JavaScript off: figures are there, tables open, links lead on, and the window changes."""
    page = look(month, java_script_enabled=False)
    page.get_by_text("Figures by day").first.click()
    assert page.locator("details[open] table").first.is_visible()
    page.get_by_role("link", name="7 days").click()
    assert page.get_by_role("link", name="7 days").get_attribute("aria-current") == "page"
    page.get_by_role("link", name="Ticket").first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Ticket ")


def test_a_keyboard_goes_through_it(month: FrontDoor, look: Look) -> None:
    """The first stop leads past the head, and each stop is seen."""
    page = look(month)
    stops = []
    for _ in range(6):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.textContent"))
        assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
    assert stops == ["Go to the figures", "Deskhand", "Sign out", "7 days", "30 days", "90 days"]


def test_paper_shows_every_table(month: FrontDoor, look: Look) -> None:
    """What is behind a summary on a screen is printed, on white, and links to other windows are not."""
    page = look(month, color_scheme="dark")
    shown = page.locator("details table").first
    assert not shown.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert shown.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("link", name="7 days").is_visible()
    assert page.evaluate(FAINT_TEXTS) == []


def test_a_handed_over_ticket_is_reached_from_the_figures(month: FrontDoor, look: Look) -> None:
    """The link in the list of examples leads to its story."""
    page = look(month)
    link = page.locator("section[aria-labelledby=examples] a").first
    number = int(link.inner_text().removeprefix("Ticket "))
    link.click()
    assert page.locator(".story li").count() > 3
    assert number in {ticket.id for ticket in month.rows(Ticket)}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_somebody_wrote_is_executed(empty: FrontDoor, look: Look, payload: str) -> None:
    """Neither as the page is served nor where the browser is told to ignore its policy."""
    write_hostile(empty.database, payload)
    for ignored in (False, True):
        for path in ("/dashboard", "/dashboard/tickets/1"):
            page = look(empty, path, bypass_csp=ignored)
            page.mouse.move(200, 300)
            assert page.evaluate("window.owned") is None
            assert page.locator("script, style, img, iframe").count() == 0
            assert page.locator("main").is_visible()
