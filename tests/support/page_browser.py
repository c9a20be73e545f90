"""The page of the local workspace, opened in a real browser as one person."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.support.local_workspace import KEY, LocalWorkspace

OpenPage = Callable[..., Page]


def keep_shot(page: Page, name: str, **options: Any) -> None:
    """Keep a picture of a page for people to look at, in the folder that DESKHAND_SHOTS names; without it, none."""
    if folder := os.environ.get("DESKHAND_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", **options)


PAGE_PATIENCE = 60_000
"Milliseconds that a busy machine may take to show something."


def expect_measure(page: Page, script: str, wanted: object) -> None:
    """Measure by a script until it gives what is wanted: one look may fall between two drawings of the page.

    All that is compared is found within one script; of two looks one may meet an element that was replaced since.
    """
    deadline = time.monotonic() + PAGE_PATIENCE / 1000
    while (found := _measured(page, script)) != wanted:
        assert time.monotonic() < deadline, f"{found!r} is not {wanted!r}: {script}"
        page.wait_for_timeout(50)


def _measured(page: Page, script: str) -> object:
    try:
        return page.evaluate(script)
    except Error as error:  # what is measured is not there yet
        return error


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console held against the page; must be empty at the end of a test."""
    return []


@pytest.fixture
def open_page(browser: Browser, workspace: LocalWorkspace, complaints: list[str]) -> Iterator[OpenPage]:
    """Open the page as a person."""
    contexts = []

    def opened(user: str, channel: str = "C0HELP", **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PAGE_PATIENCE)
        expect.set_options(timeout=PAGE_PATIENCE)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{workspace.base}/?key={KEY}#user={user}&channel={channel}")
        expect(page.get_by_test_id(f"person-{user}")).to_have_attribute("aria-current", "true")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
