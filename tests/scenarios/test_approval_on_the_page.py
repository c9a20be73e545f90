"""A reset of a second factor in a real browser, as the manager and two approvers see and press it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs import home
from tests.support.approval_plays import resetter
from tests.support.front_workspace import PAGE_KEY
from tests.support.live_server import PATIENCE
from tests.support.page_browser import PAGE_PATIENCE, keep_shot
from tests.support.product_harness import Place, change_card
from tests.support.workspace_names import BOT

pytestmark = pytest.mark.browser
ASKS = f"<@{BOT}> I lost my phone. Please reset my second factor."
MAYA, OLIVIA, PRIYA, BEN = "U0MAYA", "U0OLIVIA", "U0PRIYA", "U0BEN"


@pytest.fixture
def config(config: Path) -> Path:
    """Let a manager vouch, and two people approve."""
    terms = {"proof": ["manager"], "second_step": "two_people"}
    change_card(config, lambda card: card.update(approvals={"reset_second_factor": terms}))
    return config


@pytest.fixture
def page(browser: Browser, place: Place) -> Iterator[Page]:
    """Open the workspace in a browser of its own, in which no script may fail."""
    place.change_desk(call_model=resetter)
    context = browser.new_context()
    page, complaints = context.new_page(), list[str]()
    page.set_default_timeout(PAGE_PATIENCE)
    expect.set_options(timeout=PAGE_PATIENCE)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{place.front.slack}/?key={PAGE_KEY}")
    yield page
    context.close()
    assert complaints == []


def becomes(page: Page, user: str, channel: str) -> None:
    """Look at a conversation as somebody, once the page shows theirs."""
    page.get_by_test_id(f"person-{user}").click()
    page.locator(f"[data-testid='channel-{channel}'][href*='user={user}&']").click()


def at_home(page: Page, user: str) -> None:
    """Look at the bot's Home tab as somebody, once the page shows their conversations."""
    page.get_by_test_id(f"person-{user}").click()
    expect(page.locator(f"#channels [href*='user={user}&']").first).to_be_visible()
    page.locator("[data-testid=open-dm], [data-testid^=channel-D0]").click()
    page.get_by_test_id("tab-home").click()


def presses(page: Page, action: str) -> None:
    """Press a button of the newest message that has it."""
    page.locator(f"[data-action-id='{action}']").last.click()


def approves(page: Page) -> None:
    """Press Approve, tick the box and send the form."""
    presses(page, "approval.approve")
    modal = page.get_by_test_id("modal")
    modal.get_by_label("I have read it, and it should be done").check()
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)


def shows(page: Page, place: Place, text: str) -> None:
    """Let worker and clock work until the page shows a text."""
    deadline = time.monotonic() + PATIENCE
    while text not in (seen := page.locator("#frame").inner_text()):
        assert time.monotonic() < deadline, seen
        place.front.work()
        place.work()
        home.refresh(place.ctx)


def test_who_vouches_and_who_approves_do_it_on_the_page(page: Page, place: Place) -> None:
    """A manager's no ends it. After a yes two approvers are needed: one who presses twice is told so, and Home lists
    what waits; after the second yes it is done, and card and thread say so."""  # noqa: D205, D209 - one story
    place.asks(MAYA, ASKS)
    becomes(page, OLIVIA, "D0OLIVIA")
    shows(page, place, "You are their manager: is it really them?")
    presses(page, "proof.refuse")
    shows(page, place, "You have said that it is not @Maya Okafor")
    becomes(page, PRIYA, "C0QUEUE")
    shows(page, place, "Ticket 1: withdrawn")
    shows(page, place, "@Olivia Hart said")
    shows(page, place, "check who they are, then decide")
    keep_shot(page, "approval_refused_by_manager")
    place.front.resolve_all()
    place.asks(MAYA, ASKS)
    becomes(page, OLIVIA, "D0OLIVIA")
    presses(page, "proof.confirm")
    shows(page, place, "You have confirmed that it is @Maya Okafor")
    becomes(page, PRIYA, "C0QUEUE")
    shows(page, place, "Ticket 2 needs an approval")
    approves(page)
    shows(page, place, "@Priya Nair approved it")
    presses(page, "approval.approve")
    shows(page, place, "You have approved this already. It needs the approval of another person too.")
    keep_shot(page, "approval_by_the_same_again")
    at_home(page, PRIYA)
    shows(page, place, "Waiting for somebody")
    assert "To approve" not in page.locator("#home").inner_text()
    at_home(page, BEN)
    shows(page, place, "To approve (1)")
    keep_shot(page, "approval_at_home")
    approves(page)
    becomes(page, BEN, "C0QUEUE")
    shows(page, place, "@Ben Castillo and @Priya Nair approved it")
    becomes(page, MAYA, "C0HELP")
    page.locator("#scroll [data-testid^=open-thread-]").last.click()
    shows(page, place, "@Ben Castillo has approved what you asked for.")
    assert ("acc-maya", "revoke_sessions") in place.writes()
