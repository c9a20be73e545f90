"""How the dashboard looks and what it lets happen, in a real browser against the real web process."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from bot.store.schema import Ticket, now
from tests.support.chromium import browser
from tests.support.dashboard_visits import COOKIE, VisitedAddress, with_session
from tests.support.hostile_texts import PAYLOADS, write_hostile
from tests.support.lived_month import live
from tests.support.page_browser import PAGE_PATIENCE, complaints, shots_folder
from tests.support.page_measures import FAINT_BARS, FAINT_TEXTS, HEADINGS, UNNAMED_CHARTS, WIDER
from tests.support.web_harness import FrontDoor

__all__ = ["browser", "complaints"]

pytestmark = pytest.mark.browser

Look = Callable[..., Page]
PATHS = ("/dashboard", "/dashboard?since=soon&agent=nobody", "/dashboard/tickets/1")
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 8


@pytest.fixture
def look(browser: Browser, house: FrontDoor, visit: VisitedAddress, complaints: list[str]) -> Iterator[Look]:
    """Open a page as an owner; the browser must have nothing to complain of by the end."""
    contexts = []
    secret = with_session(house.database, "U0OLIVIA")

    def opened(path: str = "/dashboard", **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        contexts[-1].add_cookies([{"name": COOKIE, "value": secret, "url": visit.address}])
        page = contexts[-1].new_page()
        page.set_default_timeout(PAGE_PATIENCE)
        page.on("console", lambda said: complaints.append(said.text) if is_error(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        answer = page.goto(f"{visit.address}{path}")
        assert answer is not None
        assert answer.status == 200
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def is_error(said: ConsoleMessage) -> bool:
    """Return whether the browser complains; it asks for an icon where it ignores the policy, and there is none."""
    return said.type == "error" and not said.location["url"].endswith("/favicon.ico")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(house: FrontDoor, look: Look, scheme: str, tmp_path: Any) -> None:
    """Text has a contrast of 4.5 to 1 at least and a bar one of 3 to 1, on a light and on a dark page."""
    live(house.database, now())
    for number, path in enumerate(PATHS):
        page = look(path, color_scheme=scheme, viewport={"width": 1280, "height": 900})
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert page.evaluate(FAINT_TEXTS) == []
        assert page.evaluate(FAINT_BARS) == []
        page.screenshot(path=shots_folder(tmp_path) / f"dashboard-{number}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("filled", ["nothing", "a month", "long words"])
def test_a_phone_shows_it_without_scrolling_sideways(house: FrontDoor, look: Look, filled: str, tmp_path: Any) -> None:
    """At 380 pixels, with every table open, nothing is wider than the screen; neither are words without end."""
    if filled == "a month":
        live(house.database, now())
    elif filled == "long words":
        write_hostile(house.database, LONG)
    for number, path in enumerate(PATHS if filled != "nothing" else PATHS[:2]):
        page = look(path, viewport={"width": 380, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert page.evaluate(WIDER) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 380
        page.screenshot(path=shots_folder(tmp_path) / f"dashboard-{number}-phone-{filled[0]}.png", full_page=True)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_read_without_being_seen(house: FrontDoor, look: Look, path: str) -> None:
    """One language, one main part, headings that skip no level, a name for each chart and a table in its section."""
    live(house.database, now())
    page = look(path, java_script_enabled=True)
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


def test_it_needs_no_script(house: FrontDoor, look: Look) -> None:
    """With JavaScript off: figures are there, tables open, links lead on, and the window changes."""
    live(house.database, now())
    page = look(java_script_enabled=False)
    page.get_by_text("Figures by day").first.click()
    assert page.locator("details[open] table").first.is_visible()
    page.get_by_role("link", name="7 days").click()
    assert page.get_by_role("link", name="7 days").get_attribute("aria-current") == "page"
    page.get_by_role("link", name="Ticket").first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Ticket ")


def test_a_keyboard_goes_through_it(house: FrontDoor, look: Look) -> None:
    """The first stop leads past the head, and each stop is seen."""
    live(house.database, now())
    page = look()
    stops = []
    for _ in range(6):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.textContent"))
        assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
    assert stops == ["Go to the figures", "Deskhand", "Sign out", "7 days", "30 days", "90 days"]


def test_paper_shows_every_table(house: FrontDoor, look: Look) -> None:
    """What is behind a summary on a screen is printed, on white, and links to other windows are not."""
    live(house.database, now())
    page = look(color_scheme="dark")
    shown = page.locator("details table").first
    assert not shown.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert shown.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("link", name="7 days").is_visible()
    assert page.evaluate(FAINT_TEXTS) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_somebody_wrote_is_executed(house: FrontDoor, look: Look, payload: str) -> None:
    """Neither as the page is served nor where the browser is told to ignore its policy."""
    write_hostile(house.database, payload)
    for ignored in (False, True):
        for path in ("/dashboard", "/dashboard/tickets/1"):
            page = look(path, bypass_csp=ignored)
            page.wait_for_load_state("networkidle")
            page.mouse.move(200, 300)
            assert page.evaluate("window.owned") is None
            assert page.locator("script, style, img, iframe").count() == 0
            assert page.locator("main").is_visible()


def test_a_handed_over_ticket_is_reached_from_the_figures(house: FrontDoor, look: Look) -> None:
    """The link in the list of examples leads to its story."""
    live(house.database, now())
    page = look()
    link = page.locator("section[aria-labelledby=examples] a").first
    number = int(link.inner_text().removeprefix("Ticket "))
    link.click()
    assert page.locator(".story li").count() > 3
    assert number in {ticket.id for ticket in house.rows(Ticket)}
