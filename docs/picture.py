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
        ts = ask(people, "U0MAYA", "I can't sign in since this morning, can you help?")
        ask(people, "U0LENA", "I lost my phone, so I can't do the second step of signing in.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SETTINGS)
        page = browser.new_page(viewport={"width": 1360, "height": 600}, device_scale_factor=1.5)
        show(page, f"{address}#user=U0PRIYA&channel=C0HELP", ts)
        page.screenshot(path=picture)
        browser.close()
    sys.stdout.write(f"{picture}: Maya's request is {ts}\n")


def ask(people: httpx.Client, user: str, text: str) -> str:
    """Write in the help channel and wait for the answer."""
    ts = str(people.post("/sandbox/say", json={"user": user, "channel": "C0HELP", "text": text}).json()["ts"])
    for _ in range(200):
        state = people.get("/sandbox/state", params={"user": user}).json()
        if any(m.get("thread_ts") == ts and m["ts"] != ts for m in state["messages"]["C0HELP"]):
            return ts
        time.sleep(0.1)
    raise RuntimeError(f"{user} got no answer")


def show(page: Page, address: str, ts: str) -> None:
    """Open the channel and one of its threads."""
    page.goto(address)
    page.get_by_test_id(f"open-thread-{ts}").click()
    page.get_by_test_id("thread").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(2500)


if __name__ == "__main__":
    main(*sys.argv[1:3])
