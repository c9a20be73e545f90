"""The story as people see it: a real browser on the page, every process behind it."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect  # noqa: A004 - Playwright's is another

from bot.sandbox.demo.scenes.stage import HELP, QUEUE, Stage
from bot.store import backlog
from tests.e2e.product import HTTP
from tests.e2e.product_processes import SLACK_WAITS_SECONDS
from tests.support import crowd

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.usefixtures("untroubled"),
    pytest.mark.parametrize("house", [HTTP], ids=["http-sqlite"], indirect=True),
]

PATIENCE = 120_000
"Milliseconds that an answer may take to appear."
FORM_PATIENCE = round(SLACK_WAITS_SECONDS + 10) * 1000
"""Milliseconds after which a form that has not come will not come: its button's trigger is no longer good.

Were the button pressed again before that, a second form might take the place of the first while it is filled in.
"""
ASIDE = "Let us see her badge before anything is enrolled."
HELLO = "Hi Lena, I am on it."
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
    page.goto(f"{stage.running_demo.entry_url}#user=U0MAYA&channel={HELP}")
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
    expect(page.get_by_test_id(f"person-{user}")).to_have_attribute("aria-current", "true")
    page.get_by_test_id(f"channel-{channel}").click()
    expect(page.get_by_test_id(f"channel-{channel}")).to_have_attribute("aria-current", "page")


def test_a_forwarded_message_is_read(page: Page, stage: Stage, shots: Path) -> None:
    """What somebody forwards to the bot is what Ivan wrote; what they add is what is done, for them."""
    said = stage.act("say", user="U0IVAN", channel=HELP, text="Get me a person, my account is locked")
    ts = said["ts"]
    become(page, crowd.like("U0MAYA"), HELP)
    page.get_by_test_id(f"message-{ts}").hover()
    page.get_by_test_id(f"more-{ts}").click()
    page.get_by_role("menuitem", name="Forward message").click()
    page.get_by_test_id("forward-text").fill("I'm locked out too, please help")
    page.get_by_test_id("forward-send").click()
    page.get_by_text("Deskhand", exact=True).first.click()
    expect(page.get_by_test_id("share")).to_contain_text("Ivan Petrov")
    page.locator("[data-testid^=open-thread]").click()
    expect(in_thread(page).last).to_contain_text("unlocked your account")
    page.screenshot(path=shots / "forwarded-and-answered.png")


def test_request_is_answered(page: Page, shots: Path) -> None:
    """What Maya types in the help channel is answered in its thread."""
    become(page, crowd.like("U0MAYA"), HELP)
    ask(page, "I'm locked out, please help")
    expect(in_thread(page)).to_have_count(2)
    expect(in_thread(page).last).to_contain_text("account")
    page.screenshot(path=shots / "answered.png")


@dataclass(frozen=True)
class Desk:
    """The queue channel before a responder: one handoff's card, and the thread below it."""

    page: Page
    stage: Stage
    ts: str

    @property
    def card(self) -> Locator:
        """The card in the channel, as whoever looks sees it."""
        return self.page.locator(f"#scroll [data-testid='message-{self.ts}']")

    def at_rest(self) -> None:
        """Wait until nothing is to be said and the page shows the card as it is: an older one's buttons are refused."""

        def is_shown() -> bool:
            owed = self.stage.read(backlog.read)
            if owed.stored.count + owed.sending.count + owed.updates.count:
                return False
            card = next(one for one in self.stage.sees("U0PRIYA")["messages"][QUEUE] if one["ts"] == self.ts)
            shown = self.card.locator("[data-block-id]").evaluate_all("all => all.map((one) => one.dataset.blockId)")
            return {block["block_id"] for block in card["blocks"]} <= set(shown)

        self.stage.wait("the card to be at rest", is_shown)

    def press(self, move: str) -> None:
        """Press a button of the card."""
        self.at_rest()
        self.card.locator(f"[data-action-id='handoff.{move}']").click()

    def open_form(self, move: str) -> None:
        """Press a button until its form is there: on a busy machine its trigger may end before it comes."""
        form, deadline = self.page.get_by_test_id("modal"), time.monotonic() + PATIENCE / 1000
        while not form.is_visible():
            assert time.monotonic() < deadline, f"no form was opened by {move}"
            self.at_rest()
            with suppress(TimeoutError):
                self.card.locator(f"[data-action-id='handoff.{move}']").click(timeout=FORM_PATIENCE)
                form.wait_for(timeout=FORM_PATIENCE)

    def as_(self, user: str) -> None:
        """Look at it as somebody else, with its thread open."""
        become(self.page, user, QUEUE)
        self.page.locator(f"#scroll [data-testid='open-thread-{self.ts}']").click()

    def note(self, text: str) -> None:
        """Write below the card."""
        box = self.page.get_by_test_id("thread-composer")
        box.fill(text)
        box.press("Enter")

    def submit(self) -> None:
        """Send the form that is open, and see it taken."""
        self.page.get_by_test_id("modal-submit").click()
        expect(self.page.get_by_test_id("modal")).to_have_count(0)


def test_lost_phone_goes_to_a_person_and_back(page: Page, stage: Stage, shots: Path) -> None:
    """Lena's lost phone becomes a card; Priya claims it, notes, answers, passes it to Ben, who resolves it; she
    comes back and a new card stands there. What responders say among themselves stays among them."""  # noqa: D205, D209
    lena = crowd.like("U0LENA")
    become(page, lena, HELP)
    asked = ask(page, "I lost my phone and can't get my code")
    expect(in_thread(page).last).to_contain_text("You can expect an answer in this thread")
    become(page, "U0PRIYA", QUEUE)
    card = page.locator("#scroll article", has_text="needs a person").filter(has_text=lena)
    ts = card.get_attribute("data-ts")
    desk, modal = Desk(page, stage, str(ts)), page.get_by_test_id("modal")
    page.screenshot(path=shots / "card.png")
    desk.press("claim")
    expect(desk.card).to_contain_text("is with a person")
    expect(desk.card.locator("[data-action-id='handoff.claim']")).to_have_count(0)
    desk.as_("U0PRIYA")
    desk.note(ASIDE)
    desk.note(f"> {HELLO}")
    question = in_thread(page).filter(has_text="Send this one?")
    page.screenshot(path=shots / "asked.png")
    question.locator("[data-action-id='handoff.send']").click()
    expect(in_thread(page).filter(has_text="sent this to")).to_be_visible()
    desk.open_form("reply")
    modal.get_by_label("Your reply").fill(REPLY)
    page.screenshot(path=shots / "reply.png")
    desk.submit()
    expect(in_thread(page).filter(has_text=REPLY)).to_be_visible()
    desk.open_form("reassign")
    _choose(modal.get_by_label("Who takes over?"), "Ben Castillo", among=["Ben Castillo", "Olivia Hart"])
    page.screenshot(path=shots / "reassign.png")
    desk.submit()
    expect(in_thread(page).filter(has_text="this is yours")).to_contain_text("Ben")
    desk.as_("U0BEN")
    desk.open_form("resolve")
    modal.get_by_label("What was done?").fill(DONE)
    modal.get_by_label("What was it?").select_option(label="Second factor or new phone")
    modal.get_by_label("No", exact=True).check()
    page.screenshot(path=shots / "resolve.png")
    desk.submit()
    expect(desk.card).to_contain_text("is resolved")
    expect(desk.card.locator("[data-action-id]")).to_have_text(["Propose as a case"])
    page.screenshot(path=shots / "resolved.png")
    _lena_reads(page, lena, asked)
    page.screenshot(path=shots / "lena.png")
    become(page, "U0PRIYA", QUEUE)
    expect(card).to_contain_text(DONE)
    page.screenshot(path=shots / "reopened.png")
    page.get_by_test_id("channel-D0PRIYA").or_(page.get_by_test_id("open-dm")).first.click()
    page.get_by_test_id("tab-home").click()
    page.locator("[data-action-id='handoff.claim']").first.click()
    expect(page.locator("[data-action-id='handoff.resolve']").first).to_be_visible()
    page.screenshot(path=shots / "home.png")


def _choose(field: Locator, name: str, *, among: list[str]) -> None:
    """Choose somebody from a list that offers just these people."""
    expect(field.locator("option")).to_have_text(["Choose a responder", *among])
    field.select_option(label=name)


def _lena_reads(page: Page, lena: str, asked: str) -> None:
    """See as Lena what she was told, by whom, and what she was not; then come back."""
    become(page, lena, HELP)
    page.locator(f"#scroll [data-testid='open-thread-{asked}']").click()
    expect(page.get_by_test_id("thread")).to_contain_text("help-access")
    for said, by in ((HELLO, "Priya Nair"), (REPLY, "Priya Nair")):
        expect(in_thread(page).filter(has_text=said)).to_contain_text(by)
    expect(in_thread(page).filter(has_text=DONE)).to_be_visible()
    expect(in_thread(page).filter(has_text=ASIDE)).to_have_count(0)
    page.get_by_test_id("thread-composer").fill("It still asks for the old phone.")
    page.get_by_test_id("thread-composer").press("Enter")
    expect(in_thread(page).last).to_contain_text("request is open again")
