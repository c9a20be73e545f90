"""Take the README's picture: start the demo, play two requests, photograph the page.

make demo ARGS="--port 8700" &    # in one shell; it prints an address with a key
.venv/bin/python docs/picture.py 'http://127.0.0.1:8700/?key=...' docs/picture.png
"""

import shutil
import sys
import time

import httpx
from playwright.sync_api import Page, sync_playwright

from bot.sandbox.guard import KEY_HEADER

SETTINGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]


def main(address: str, picture: str) -> None:
    """Play and photograph."""
    key = httpx.URL(address).params["key"]
    with httpx.Client(base_url=httpx.URL(address, query=None), headers={KEY_HEADER: key}, timeout=30) as people:
        ask(people, "U0MAYA", "<@U0DESKHAND> I can't sign in since this morning, can you help?")
        ts = ask(people, "U0LENA", "<@U0DESKHAND> I lost my phone, so I can't do the second step of signing in.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SETTINGS)
        page = browser.new_page(viewport={"width": 1360, "height": 800}, device_scale_factor=1.5)
        show(page, f"{address}#user=U0PRIYA&channel=C0QUEUE")
        page.screenshot(path=picture)
        browser.close()
    sys.stdout.write(f"{picture}: Lena's request is {ts}\n")


def ask(people: httpx.Client, user: str, text: str) -> str:
    """Write in the help channel and wait for the answer."""
    ts = str(people.post("/sandbox/say", json={"user": user, "channel": "C0HELP", "text": text}).json()["ts"])
    for _ in range(200):
        state = people.get("/sandbox/state", params={"user": user}).json()
        if any(m.get("thread_ts") == ts and m["ts"] != ts for m in state["messages"]["C0HELP"]):
            return ts
        time.sleep(0.1)
    raise RuntimeError(f"{user} got no answer")


def show(page: Page, address: str) -> None:
    """Open a view and the first thread in it."""
    page.goto(address)
    page.locator("[data-action-id='handoff.claim']").first.wait_for()
    page.locator("[data-testid^='open-thread-']").first.click()
    page.get_by_test_id("thread").wait_for()
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main(*sys.argv[1:3])
