"""The story as people see it: a real browser on the page, every process behind it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bot.sandbox.scenes.stage import HELP, QUEUE, Stage
from tests.chromium import browser
from tests.e2e.house import HTTP

__all__ = ["browser"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.usefixtures("untroubled"),
    pytest.mark.parametrize("house", [HTTP], ids=["http-sqlite"], indirect=True),
]

PATIENCE = 20_000
"Milliseconds that an answer may take to appear."
REPLY = "Can you come to the service desk with your badge?"
DONE = "Checked her badge and enrolled the new phone."


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """Open the page as Maya; whatever the console holds against it fails the test."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{stage.sitting.page}#user=U0MAYA&channel={HELP}")
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Return the folder that screenshots go to; DESKHAND_SHOTS names another."""
    folder = Path(os.environ.get("DESKHAND_SHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ask(page: Page, text: str) -> str:
    """Type a request in the help channel and open its thread once there is an answer; return its ts."""
    page.get_by_test_id("composer").press_sequentially(f"@deskhand {text}")
    page.get_by_test_id("composer").press("Enter")
    root = page.locator("#scroll article", has_text=text).last
    root.locator("[data-testid^=open-thread]").click()
    return str(root.get_attribute("data-ts"))


def in_thread(page: Page) -> Locator:
    """Return the messages of the thread that is open."""
    return page.get_by_test_id("thread").locator("article")


def become(page: Page, user: str, channel: str) -> None:
    """Switch to another person and look into a channel."""
    page.get_by_test_id(f"person-{user}").click()
    page.get_by_test_id(f"channel-{channel}").click()


def test_request_is_answered(page: Page, shots: Path) -> None:
    """What Maya types in the help channel is answered in its thread."""
    ask(page, "I'm locked out, please help")
    expect(in_thread(page)).to_have_count(2)
    expect(in_thread(page).last).to_contain_text("account")
    page.screenshot(path=shots / "answered.png")


def test_lost_phone_goes_to_a_person_and_back(page: Page, shots: Path) -> None:
    """Lena's lost phone becomes a card; Priya claims it, writes to her, resolves it; the card follows each step."""
    become(page, "U0LENA", HELP)
    asked = ask(page, "I lost my phone and can't get my code")
    expect(in_thread(page).last).to_contain_text("You can expect an answer in this thread")
    become(page, "U0PRIYA", QUEUE)
    card = page.locator("article", has_text="needs a person").last
    ts = card.get_attribute("data-ts")
    card = page.get_by_test_id(f"message-{ts}").first
    page.screenshot(path=shots / "card.png")
    card.locator("[data-action-id='handoff.claim']").click()
    expect(card).to_contain_text("is with a person")
    expect(card.locator("[data-action-id='handoff.claim']")).to_have_count(0)
    page.screenshot(path=shots / "claimed.png")
    card.locator("[data-action-id='handoff.reply']").click()
    modal = page.get_by_test_id("modal")
    modal.get_by_label("Your reply").fill(REPLY)
    page.screenshot(path=shots / "reply.png")
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)
    card.locator("[data-action-id='handoff.resolve']").click()
    modal.get_by_label("What was done?").fill(DONE)
    modal.get_by_label("What was it?").select_option(label="Second factor or new phone")
    modal.get_by_label("No", exact=True).check()
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)
    expect(card).to_contain_text("is resolved")
    expect(card.locator("[data-action-id]")).to_have_count(0)
    page.screenshot(path=shots / "resolved.png")
    become(page, "U0LENA", HELP)
    page.get_by_test_id(f"open-thread-{asked}").click()
    expect(in_thread(page).filter(has_text=REPLY)).to_contain_text("Priya Nair")
    expect(in_thread(page).filter(has_text=DONE)).to_be_visible()
    page.screenshot(path=shots / "lena.png")
