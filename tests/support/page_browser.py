"""The page of the local workspace, opened in a real browser as one person."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.local_workspace import KEY, LocalWorkspace

OpenPage = Callable[..., Page]


def keep_shot(page: Page, name: str, **options: Any) -> None:
    """Keep a picture of a page for people to look at, in the folder that DESKHAND_SHOTS names; without it, none."""
    if folder := os.environ.get("DESKHAND_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", **options)


PAGE_PATIENCE = 60_000
"Milliseconds that a busy machine may take to show something."


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
