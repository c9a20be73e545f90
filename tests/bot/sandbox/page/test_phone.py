"""A person's phone on the page of the local workspace, on a real local directory: `bot.sandbox.demo.phones`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.directory import seed_file
from bot.directory.local import LocalDirectory
from bot.principals import ChallengeState
from bot.sandbox.demo import phones
from bot.second_step import totp
from bot.store.db import Database
from tests.support.local_workspace import LocalWorkspace
from tests.support.page_browser import OpenPage, keep_shot
from tests.support.paths import DEMO_PEOPLE

pytestmark = pytest.mark.browser


@pytest.fixture
def directory(sqlite: Database) -> LocalDirectory:
    """Return the demo's directory."""
    own = LocalDirectory(sqlite)
    own.seed(seed_file.read(DEMO_PEOPLE))
    return own


@pytest.fixture
def workspace(
    serve_workspace: Callable[..., LocalWorkspace], directory: LocalDirectory, sqlite_url: str, tmp_path: Path
) -> LocalWorkspace:
    """Return a workspace whose people have their devices with them, Priya an authenticator among them."""
    secrets = tmp_path / "authenticators.json"
    secrets.write_text(json.dumps({"U0PRIYA": totp.new_secret()}))
    assert directory.account("acc-lena") is not None
    return serve_workspace(phones=phones.connect(sqlite_url, DEMO_PEOPLE, secrets))


def challenge(directory: LocalDirectory, key: str) -> None:
    """Ask Lena, through her security key, whether it is she: the number is 42."""
    directory.challenge("acc-lena", "security_key", key=key, number="42", seconds=600)


def opened(page: Page) -> Page:
    """Open the phone."""
    page.get_by_test_id("open-phone").click()
    expect(page.get_by_test_id("phone")).to_be_visible()
    return page


def test_a_phone_answers_what_the_directory_asks(open_page: OpenPage, directory: LocalDirectory) -> None:
    """The question comes by itself, a wrong number leaves a try less, the right one confirms it, all by keyboard; then
    another is refused. A screen reader hears each."""  # noqa: D205, D209 - one story on one page
    page = open_page("U0LENA")
    expect(page.get_by_test_id("open-phone")).to_have_accessible_name("Phone")
    challenge(directory, "a")
    expect(page.get_by_test_id("open-phone")).to_have_accessible_name("Phone, 1 question to answer")
    expect(page.locator("#announcer")).to_have_text("Your phone asks whether it was you.")
    page.get_by_test_id("open-phone").press("Enter")
    box = page.get_by_test_id("challenge-number")
    expect(box).to_be_focused()
    keep_shot(page, "phone_asks")
    box.press_sequentially("24")
    box.press("Enter")
    expect(page.get_by_test_id("phone-said")).to_have_text("That is not the number.")
    expect(page.get_by_test_id("challenge")).to_contain_text("2 tries left")
    expect(box).to_be_focused()
    keep_shot(page, "phone_wrong_number")
    box.press_sequentially("4 2")
    box.press("Enter")
    expect(page.get_by_test_id("phone-said")).to_have_text("You confirmed that it was you.")
    assert directory.challenge_state("a") is ChallengeState.CONFIRMED
    challenge(directory, "b")
    page.get_by_test_id("challenge-no").press("Enter")
    expect(page.get_by_test_id("phone-said")).to_have_text("You said that it was not you.")
    assert directory.challenge_state("b") is ChallengeState.REFUSED
    expect(page.get_by_test_id("challenge")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("phone")).to_be_hidden()
    expect(page.get_by_test_id("open-phone")).to_be_focused()


def test_a_reset_is_seen_on_the_phone(open_page: OpenPage, directory: LocalDirectory) -> None:
    """Nobody is signed in any longer, the factor is gone, and there is mail to the address on file; another person's
    phone shows nothing of it, an approver's shows a code, and one without an account says so."""  # noqa: D205, D209 - one story on one page
    page = opened(open_page("U0LENA", color_scheme="dark"))
    expect(page.get_by_test_id("device")).to_have_count(2)
    expect(page.get_by_test_id("code")).to_have_count(0)
    lena = directory.account("acc-lena")
    assert lena is not None
    directory.reset_factor("acc-lena", "push", key="r:push", seen=lena)
    directory.revoke_sessions("acc-lena", key="r")
    directory.notify("acc-lena", "Your second factor was reset. <b>Not you?</b>", key="n")
    phone = page.get_by_test_id("phone")
    expect(phone).to_contain_text("No device is signed in.")
    expect(page.get_by_test_id("factor")).to_have_text(["Security key"])
    expect(page.get_by_test_id("notice")).to_contain_text("Your second factor was reset. <b>Not you?</b>")
    expect(phone).to_contain_text("Mail to lena.fischer@northwind.example")
    keep_shot(page, "phone_after_reset_dark")
    page.get_by_test_id("person-U0PRIYA").click()
    expect(phone).to_contain_text("Mail to priya.nair@northwind.example")
    expect(phone).to_contain_text("No mail yet.")
    expect(page.get_by_test_id("code")).to_contain_text(" ")
    assert len(page.get_by_test_id("code").inner_text().replace(" ", "")) == totp.DIGITS
    keep_shot(page, "phone_of_approver_dark")
    page.get_by_test_id("person-U0NOOR").click()
    expect(phone).to_contain_text("The directory has no account of theirs.")
    page.set_viewport_size({"width": 390, "height": 780})
    keep_shot(page, "phone_narrow_dark")
