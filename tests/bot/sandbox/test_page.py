"""The page of the local workspace, driven in a real browser against a real workspace and a small bot."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.slack.handoffs import queue_card
from tests.support.chromium import browser
from tests.support.handoff_views import OPEN_HANDOFF
from tests.support.json_object import Json
from tests.support.local_workspace import KEY, LocalWorkspace, ToldRequest

__all__ = ["browser"]

BANNER = "The stand-in model answers."
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> & <b>bold</b>"

pytestmark = pytest.mark.browser


def plain(text: str) -> Json:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": text}


def button(text: str, action_id: str, **more: Any) -> Json:
    """Return a button element."""
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": "1", **more}


def card(*buttons: Json) -> list[Json]:
    """Return the blocks of a message with buttons."""
    return [
        {"type": "header", "text": plain("Lost second factor")},
        {"type": "actions", "block_id": "acts", "elements": list(buttons)},
    ]


MODAL: Json = {
    "type": "modal",
    "title": plain("Resolve the handoff"),
    "submit": plain("Resolve"),
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": plain("What was done?"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "could",
            "label": plain("Could the agent have done it?"),
            "element": {
                "type": "radio_buttons",
                "action_id": "pick",
                "options": [{"text": plain(name), "value": name.lower()} for name in ("Yes", "No")],
            },
        },
    ],
}


REASSIGN: Json = {
    "type": "modal",
    "title": plain("Reassign"),
    "submit": plain("Reassign"),
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": plain("Why?"),
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        },
        {
            "type": "input",
            "block_id": "to",
            "label": plain("To whom?"),
            "element": {"type": "users_select", "action_id": "pick"},
        },
    ],
}


@pytest.fixture
def workspace(workspace: LocalWorkspace) -> LocalWorkspace:
    """Teach the bot to open a modal on `resolve`, to judge what is submitted, and to sleep on `claim`."""

    def answer(heard: ToldRequest) -> tuple[int, str]:
        payload = heard.body
        if payload["type"] == "view_submission":
            text = payload["view"]["state"]["values"]["what"]["text"]["value"]
            complaint = {"response_action": "errors", "errors": {"what": "Say a little more."}}
            return 200, json.dumps(complaint) if len(text) < 10 else ""
        action = payload["actions"][0]["action_id"] if payload["type"] == "block_actions" else ""
        if action in {"resolve", "reassign"}:
            workspace.slack.views_open(
                trigger_id=payload["trigger_id"], view=MODAL if action == "resolve" else REASSIGN
            )
        if action == "claim":
            time.sleep(1.3)
        return 200, ""

    workspace.bot.answer = answer
    return workspace


def shots(otherwise: Path) -> Path:
    """Return the folder that screenshots go to; DESKHAND_SHOTS names another."""
    folder = Path(os.environ.get("DESKHAND_SHOTS") or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


Opener = Callable[..., Page]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console held against the page; must be empty at the end of a test."""
    return []


@pytest.fixture
def open_page(browser: Browser, workspace: LocalWorkspace, complaints: list[str]) -> Iterator[Opener]:
    """Open the page as a person."""
    contexts = []

    def opened(user: str, channel: str = "C0HELP", **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{workspace.base}/?key={KEY}#user={user}&channel={channel}")
        expect(page.get_by_test_id(f"person-{user}")).to_have_attribute("aria-current", "true")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_banner_says_who_answers(open_page: Opener) -> None:
    """The banner says that this is a local workspace and which model answers."""
    banner = open_page("U0MAYA").get_by_test_id("banner")
    expect(banner).to_contain_text("Local workspace")
    expect(banner).to_contain_text(BANNER)


def test_request_is_shown_to_all(open_page: Opener, workspace: LocalWorkspace) -> None:
    """What a requester types appears to them and, live, to others; the mention is a real mention."""
    maya, priya = open_page("U0MAYA"), open_page("U0PRIYA")
    maya.get_by_test_id("composer").press_sequentially("@deskhand I am locked out")
    maya.get_by_test_id("composer").press("Enter")
    for page in (maya, priya):
        shown = page.locator("article", has_text="I am locked out")
        expect(shown).to_have_count(1)
        expect(shown.locator(".mention")).to_have_text("@Deskhand")
    expect(maya.get_by_test_id("composer")).to_have_value("")
    history = workspace.slack.conversations_history(channel="C0HELP")
    assert history["messages"][0]["text"] == "<@U0DESKHAND> I am locked out"


def test_bot_post_appears_live_and_its_click_arrives(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A post with buttons appears without reloading, a click reaches the bot, an update changes the card."""
    page = open_page("U0PRIYA", "C0QUEUE")
    buttons = (button("Claim", "claim", style="primary"), button("Note", "note"))
    posted = workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=card(*buttons))
    message = page.get_by_test_id(f"message-{posted['ts']}")
    message.locator("[data-action-id=note]").click()
    expect(message.locator("[aria-busy=true]")).to_have_count(0)
    clicked = workspace.bot.heard[-1].body
    assert clicked["user"]["id"] == "U0PRIYA"
    assert clicked["actions"][0]["action_id"] == "note"
    workspace.slack.chat_update(channel="C0QUEUE", ts=posted["ts"], text="Priya has it", blocks=[])
    expect(message).to_contain_text("Priya has it")
    expect(message.locator("[data-action-id]")).to_have_count(0)


def test_click_without_an_answer_is_told(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A click that the bot does not answer in time is said in a notice."""
    blocks = card(button("Claim", "claim"))
    workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=blocks)
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=claim]").click()
    expect(page.get_by_test_id("toast")).to_contain_text("did not answer")


def test_markup_in_messages_stays_text(open_page: Opener, workspace: LocalWorkspace) -> None:
    """HTML from a person and from the bot, in text, mrkdwn and Markdown, is shown as text and runs nothing."""
    page = open_page("U0MAYA")
    page.get_by_test_id("composer").fill(HOSTILE)
    page.get_by_test_id("send").click()
    blocks: list[Json] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}},
        {"type": "markdown", "text": f"**x** {HOSTILE} [y](javascript:alert(1))"},
    ]
    workspace.slack.chat_postMessage(channel="C0HELP", text=HOSTILE, blocks=blocks)
    expect(page.locator("article")).to_have_count(2)
    expect(page.locator("article").first.locator(".body")).to_have_text(HOSTILE)
    expect(page.locator("article").last).to_contain_text("<script>document.title='owned'</script>")
    expect(page.locator(".body :is(img, script, b, a[href^=javascript])")).to_have_count(0)
    assert "owned" not in page.title()


def test_modal_shows_errors_beside_its_inputs(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A modal keeps the focus, shows what is missing and what the bot objects to, and closes when all is well."""
    blocks = card(button("Resolve", "resolve"))
    workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=blocks)
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=resolve]").click()
    modal = page.get_by_test_id("modal")
    text = modal.get_by_label("What was done?")
    expect(text).to_be_focused()
    page.get_by_test_id("modal-submit").click()
    expect(modal.get_by_text("Please complete this required field.")).to_have_count(2)
    text.fill("Reset")
    modal.get_by_label("No").check()
    page.get_by_test_id("modal-submit").click()
    expect(modal.get_by_text("Say a little more.")).to_be_visible()
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(text).to_have_value("Reset")
    text.fill("Checked the caller and reset the factor")
    text.press("Enter")
    expect(modal).to_have_count(0)
    picked = workspace.bot.heard[-1].body["view"]["state"]["values"]["could"]["pick"]
    assert picked["selected_option"]["value"] == "no"


def test_a_list_in_a_modal_shows_what_is_said_of_its_options(open_page: Opener, workspace: LocalWorkspace) -> None:
    """What is chosen comes back as that option, whole; nothing is chosen before."""
    workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=card(button("Give", "give")))
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=give]").click()
    expect(page.locator("[data-action-id=give][aria-busy=true]")).to_have_count(0)
    people = [
        {"text": plain("Ben Castillo"), "value": "U0BEN", "description": plain("On call")},
        {"text": plain("Olivia Hart"), "value": "U0OLIVIA"},
    ]
    why, to = REASSIGN["blocks"]
    chooses = {"type": "static_select", "action_id": "pick", "placeholder": plain("Choose one"), "options": people}
    view = {**REASSIGN, "blocks": [why, {**to, "element": chooses}]}
    workspace.slack.views_open(trigger_id=workspace.bot.heard[-1].body["trigger_id"], view=view)
    modal = page.get_by_test_id("modal")
    field = modal.get_by_label("To whom?")
    expect(field.locator("option")).to_have_text(["Choose one", "Ben Castillo (On call)", "Olivia Hart"])
    modal.get_by_label("Why?").fill("Knows the new phones")
    page.get_by_test_id("modal-submit").click()
    expect(modal.get_by_text("Please complete this required field.")).to_have_count(1)
    field.select_option(label="Ben Castillo (On call)")
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)
    picked = workspace.bot.heard[-1].body["view"]["state"]["values"]["to"]["pick"]
    assert picked == {"type": "static_select", "selected_option": people[0]}


def test_escape_closes_a_modal(open_page: Opener, workspace: LocalWorkspace) -> None:
    """Escape closes the modal in the workspace too and the focus goes back to the button."""
    blocks = card(button("Resolve", "resolve"))
    workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=blocks)
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=resolve]").click()
    expect(page.get_by_test_id("modal")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("modal")).to_have_count(0)
    expect(page.locator("[data-action-id=resolve]")).to_be_focused()
    assert workspace.sees("U0PRIYA")["view"] is None


@pytest.mark.parametrize(
    ("user", "sees_queue"), [("U0MAYA", False), ("U0PRIYA", True), ("U0BEN", True), ("U0OLIVIA", True)]
)
def test_people_see_what_is_theirs(open_page: Opener, workspace: LocalWorkspace, user: str, sees_queue: bool) -> None:  # noqa: FBT001 a parameter of the test
    """Only responders and the owner see the queue, and an ephemeral message is seen by its person alone."""
    workspace.slack.chat_postEphemeral(channel="C0HELP", user="U0MAYA", text="your account is locked")
    page = open_page(user)
    expect(page.get_by_test_id("channel-C0HELP")).to_be_visible()
    expect(page.get_by_test_id("channel-C0QUEUE")).to_have_count(int(sees_queue))
    expect(page.get_by_text("Only visible to you")).to_have_count(int(user == "U0MAYA"))


def test_person_is_switched_by_keyboard(open_page: Opener) -> None:
    """The people are one tab stop; arrows walk, Enter switches, and the address follows."""
    page = open_page("U0MAYA")
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("person-U0MAYA")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("person-U0TOMAS")).to_have_attribute("aria-current", "true")
    expect(page.locator("#me")).to_contain_text("Tomás Rivera")
    assert "user=U0TOMAS" in page.url


def test_keyboard_reaches_the_message_box_at_once(open_page: Opener, workspace: LocalWorkspace) -> None:
    """The first stop of the Tab key leads to where one writes; to the messages where nobody may write."""
    page = open_page("U0MAYA")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("composer")).to_be_focused()
    workspace.send("/sandbox/channel", {"channel": "C0HELP", "archived": True})
    expect(page.get_by_test_id("composer")).to_be_disabled()
    page.locator("#skip").press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_rail_shows_that_more_people_follow(open_page: Opener) -> None:
    """An arrow stands at its end while somebody is below it, and is gone once everybody has been seen."""
    page = open_page("U0MAYA", viewport={"width": 1280, "height": 500})
    expect(page.locator(".people-more")).to_be_visible()
    page.get_by_test_id("person-U0LENA").evaluate("one => one.click()")
    expect(page.get_by_test_id("person-U0LENA")).to_have_attribute("aria-current", "true")
    bottom = "one => one.getBoundingClientRect().bottom"
    name, rail = (page.locator(one).evaluate(bottom) for one in ("[data-testid=person-U0LENA]", ".people-requester"))
    assert name <= rail - 20  # above what fades there
    page.locator(".people-requester").evaluate("one => one.scrollTo(0, one.scrollHeight)")
    expect(page.locator(".people-more")).to_be_hidden()


@pytest.mark.parametrize("words", ["I'm locked out since this morning", "I'm locked out and nobody answers. " * 9])
def test_three_cards_fit_on_a_screen(open_page: Opener, workspace: LocalWorkspace, words: str) -> None:
    """However long the words and the summary are, the three newest stand there whole, each with its button."""
    summary = "The sign-ins of the last days look odd, and somebody has to look at each of them with care. " * 9
    seen = replace(OPEN_HANDOFF, words=words, summary=summary, account="locked", thread_link=None)
    for number in range(4):
        body = queue_card.card(replace(seen, ticket_id=number, waiting_since=datetime.now(UTC)))
        posted = workspace.slack.chat_postMessage(channel="C0QUEUE", **body)
        workspace.slack.chat_postMessage(channel="C0QUEUE", text="Transcript", thread_ts=posted["ts"])
    page = open_page("U0PRIYA", "C0QUEUE", viewport={"width": 1280, "height": 800})
    expect(page.get_by_text("1 reply")).to_have_count(4)
    screen = page.locator("#scroll").bounding_box()
    third = page.locator("#scroll article").nth(1).bounding_box()
    assert screen is not None
    assert third is not None
    assert third["y"] >= screen["y"]


def test_tables_and_charts_are_whole_on_a_small_screen(open_page: Opener, workspace: LocalWorkspace) -> None:
    """No word is broken in a table, and each of many bars has its label."""
    names = [f"Administrator {number}" for number in range(12)]
    heads = [{"type": "raw_text", "text": text} for text in ("Person", "Model calls", "Tokens", "Cost of it all")]
    cells = [{"type": "raw_text", "text": text} for text in ("<@U0OLIVIA>", "1,000,000", "514,005,000", "$1,000.00")]
    points = [{"label": name, "value": 1} for name in names]
    spend = {"type": "bar", "series": [{"name": "Spent", "data": points}], "axis_config": {"categories": names}}
    blocks: list[Json] = [
        {
            "type": "data_table",
            "caption": "By person",
            "rows": [heads, [dict(cells[0], text="Wolfeschlegelstein"), *cells[1:]]],
        },
        {"type": "data_visualization", "title": "By person", "chart": spend},
    ]
    workspace.slack.chat_postMessage(channel="C0HELP", text="x", blocks=blocks)
    page = open_page("U0MAYA", viewport={"width": 380, "height": 740})
    lines = "one => { const all = new Range(); all.selectNodeContents(one); return all.getClientRects().length; }"
    assert page.get_by_role("rowheader", name="Wolfeschlegelstein").evaluate(lines) == 1
    labels = page.locator("figure text.tick[transform]")
    assert labels.evaluate_all("all => all.map((one) => one.firstChild.data)") == names
    frame = page.locator("figure").evaluate("one => one.getBoundingClientRect().left")
    assert min(labels.evaluate_all("all => all.map((one) => one.getBoundingClientRect().left)")) >= frame
    assert page.locator("figure svg").evaluate("one => one.getScreenCTM().a") >= 0.95  # letters are not made small
    assert page.evaluate("document.getElementById('scroll').scrollWidth") <= 380


@pytest.mark.parametrize("width", [380, 1280])
def test_reports_need_no_scrolling_sideways(open_page: Opener, workspace: LocalWorkspace, width: int) -> None:
    """Four columns of a report fit a telephone; a name goes on in the next line after an underscore, no word is cut."""

    def row(*cells: str) -> list[Json]:
        return [{"type": "raw_text", "text": text} for text in cells]

    spent = [
        row("Tool", "Spent", "Model calls", "Tokens"),
        row("answering without a tool", "$0.00206", "328", "522,927"),
    ]
    spent += [row("look_up_my_account", "$12.18720", "1,328", "1,522,927")]
    slices = [row("Slice", "Kind", "Passed", "Pass rate (95 %)")]
    slices += [row("always_human", "normal", "16 of 16", "no failure: at least 82.9 %")]
    names = [f"{letter}{'a' * 18}…" for letter in "abcdefghijkl"]
    series = [{"name": "Spent", "data": [{"label": name, "value": 1} for name in names]}]
    chart: Json = {"type": "bar", "series": series, "axis_config": {"categories": names}}
    blocks: list[Json] = [
        {"type": "data_table", "caption": "Spent by tool", "rows": spent},
        {"type": "data_table", "caption": "Results by slice, most failures first", "rows": slices},
        {"type": "data_visualization", "title": "By tool", "chart": chart},
    ]
    for block in blocks:
        workspace.slack.chat_postMessage(channel="C0HELP", text="x", blocks=[block])
    page = open_page("U0MAYA", viewport={"width": width, "height": 740})
    beyond = "all => all.map((one) => one.scrollWidth - one.clientWidth)"
    assert page.locator(".table-scroll").evaluate_all(beyond) == [0, 0]
    for words in ("Tokens", "522,927", "failure:", "answering"):
        cut = (
            "one => { const all = new Range(); all.selectNodeContents(one); return all.getBoundingClientRect().width; }"
        )
        inside = page.locator("td, th", has_text=words).first
        assert inside.evaluate(cut) <= inside.evaluate("one => one.clientWidth")
    labels = page.locator("figure text.tick[transform]")
    assert labels.evaluate_all("all => all.map((one) => one.firstChild.data)") == names
    assert page.locator("figure text.tick:not([transform])").all_text_contents() == ["0", "1"]
    left = labels.evaluate_all("all => all.map((one) => one.getBoundingClientRect().left)")
    assert min(left) >= page.locator("figure").evaluate("one => one.getBoundingClientRect().left")


def test_thread_is_opened_and_answered(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A reply typed in the thread pane lands in the thread, and a stream grows there live."""
    page = open_page("U0MAYA")
    page.get_by_test_id("composer").fill("I cannot sign in")
    page.get_by_test_id("composer").press("Enter")
    root = page.locator("article", has_text="I cannot sign in")
    expect(root).to_have_attribute("data-ts", re.compile(r"\d"))
    ts = root.get_attribute("data-ts") or ""
    started = workspace.slack.chat_startStream(
        channel="C0HELP", thread_ts=ts, recipient_team_id="T0DESKHAND", recipient_user_id="U0MAYA"
    )
    page.get_by_test_id(f"open-thread-{ts}").click()
    thread = page.get_by_test_id("thread")
    workspace.slack.chat_appendStream(channel="C0HELP", ts=started["ts"], markdown_text="You are **back**")
    expect(thread.locator("strong", has_text="back")).to_be_visible()
    thread.get_by_test_id("thread-composer").fill("thank you")
    thread.get_by_test_id("thread-composer").press("Enter")
    expect(thread.locator("article", has_text="thank you")).to_have_count(1)
    replies = workspace.slack.conversations_replies(channel="C0HELP", ts=ts)["messages"]
    assert replies[-1]["text"] == "thank you"


def test_message_that_cannot_be_sent_says_so(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A message to an archived channel is shown as not sent, with the reason and a way to try again."""
    page = open_page("U0MAYA")
    page.get_by_test_id("composer").fill("hello")
    workspace.send("/sandbox/channel", {"channel": "C0HELP", "archived": True})
    expect(page.get_by_test_id("composer")).to_be_disabled()
    workspace.send("/sandbox/channel", {"channel": "C0HELP", "archived": False})
    expect(page.get_by_test_id("composer")).to_be_enabled()
    page.route("**/sandbox/say", lambda route: route.fulfill(json={"ok": False, "error": "is_archived"}))
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("pending")).to_contain_text("This channel is archived.")
    page.unroute("**/sandbox/say")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_test_id("pending")).to_have_count(0)
    expect(page.locator("article", has_text="hello")).to_have_count(1)


def test_commands_are_completed(open_page: Opener) -> None:
    """A slash offers the commands with their usage, Tab takes one, and sending ends it; an unknown one is refused."""
    page = open_page("U0OLIVIA")
    composer = page.get_by_test_id("composer")
    composer.press_sequentially("/agent-c")
    expect(page.get_by_role("option", name="/agent-cost")).to_contain_text("by channel")
    composer.press("Tab")
    expect(composer).to_have_value("/agent-cost ")
    composer.fill("/nothing")
    composer.press("Enter")
    expect(page.locator("#composer")).to_contain_text("/nothing is not a command here")
    composer.fill("/agent-cost")
    expect(page.get_by_role("option")).to_have_count(1)
    composer.press("Enter")
    expect(composer).to_have_value("")
    expect(page.get_by_role("option")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_small_screen(open_page: Opener, workspace: LocalWorkspace, scheme: str) -> None:
    """At 380 pixels nothing runs out of the page, and people and channels open as a drawer."""
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "word" * 200}}
    workspace.slack.chat_postMessage(channel="C0HELP", text="x", blocks=[long, *card(button("Claim", "claim"))])
    page = open_page("U0MAYA", viewport={"width": 380, "height": 740}, color_scheme=scheme)
    expect(page.locator("article")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == 380
    assert page.evaluate("document.getElementById('scroll').scrollWidth") <= 380
    page.get_by_role("button", name="People and channels").click()
    page.get_by_test_id("person-U0PRIYA").click()
    expect(page.get_by_test_id("channel-C0QUEUE")).to_be_hidden()
    expect(page.get_by_test_id("composer")).to_be_visible()


def test_page_finds_the_workspace_again(open_page: Opener, workspace: LocalWorkspace, complaints: list[str]) -> None:
    """While the workspace cannot be reached the page says so; then it comes back with what was missed."""
    page = open_page("U0MAYA")
    page.context.set_offline(True)
    page.evaluate("location.hash = 'user=U0TOMAS'")
    expect(page.locator("#line")).to_contain_text("Connection lost")
    workspace.slack.chat_postMessage(channel="C0HELP", text="while you were away")
    page.context.set_offline(False)
    expect(page.locator("article", has_text="while you were away")).to_be_visible()
    expect(page.locator("#line")).to_be_empty()
    complaints[:] = [said for said in complaints if "net::ERR_INTERNET_DISCONNECTED" not in said]


POORLY_VISIBLE = """() => {
  const parts = (colour) => (colour.match(/[0-9.]+/g) || []).map(Number);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const colourOf = (node) => parts(getComputedStyle(node).backgroundColor);
  const behind = (node) => {
    const colour = colourOf(node);
    return colour.length === 3 || colour[3] === 1 ? colour : behind(node.parentElement);
  };
  const visible = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const skipped = ".sr-only, noscript, script, svg, :disabled";
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [text, node] = [walker.currentNode.data.trim(), walker.currentNode.parentElement];
    if (!text || node.closest(skipped) || !visible(node)) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.className} ${text.slice(0, 30)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(open_page: Opener, workspace: LocalWorkspace, scheme: str) -> None:
    """Every visible text has the contrast of WCAG AA (4.5 to 1) against what is behind it."""
    text = "*bold* `code` <@U0PRIYA> <@U0MAYA> <https://example.com|a link> :warning:\n> quoted"
    alert = {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    buttons = card(button("Claim", "a", style="primary"), button("Drop", "b", style="danger"), button("Note", "c"))
    posted = workspace.slack.chat_postMessage(channel="C0QUEUE", text="x", blocks=[section, alert, *buttons])
    workspace.say("U0PRIYA", "C0QUEUE", "on it", thread_ts=str(posted["ts"]))
    page = open_page("U0PRIYA", "C0QUEUE", color_scheme=scheme)
    page.get_by_test_id(f"open-thread-{posted['ts']}").click()
    expect(page.get_by_test_id("thread").locator("article")).to_have_count(2)
    assert page.evaluate(POORLY_VISIBLE) == []


def test_blocks_are_shown_with_their_meaning(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A chart has a name, a description and a table; a data table sorts; a fold stays open over an update."""
    points = [{"label": day, "value": value} for day, value in (("Mon", 3), ("Tue", 12), ("Wed", 7))]
    axis = {"categories": ["Mon", "Tue", "Wed"]}
    spend = {"type": "line", "series": [{"name": "Agent", "data": points}], "axis_config": axis}
    numbers = [{"type": "raw_number", "value": value, "text": str(value)} for value in (10, 9, 100)]
    heads = [{"type": "raw_text", "text": text} for text in ("Channel", "Cost")]
    rows = [heads, *([{"type": "raw_text", "text": f"#c{at}"}, cell] for at, cell in enumerate(numbers))]
    blocks: list[Json] = [
        {"type": "data_visualization", "title": "Spend", "chart": spend},
        {"type": "data_table", "caption": "By channel", "rows": rows},
        {
            "type": "container",
            "block_id": "fold",
            "title": plain("Transcript"),
            "is_collapsible": True,
            "default_collapsed": True,
            "child_blocks": [{"type": "markdown", "text": "- one\n- two"}],
        },
    ]
    page = open_page("U0MAYA")
    posted = workspace.slack.chat_postMessage(channel="C0HELP", text="x", blocks=blocks)
    expect(page.get_by_role("img", name="Spend line chart of Agent")).to_be_visible()
    expect(page.locator("figure tbody tr")).to_have_count(3)
    table = page.get_by_role("table", name="By channel")
    for cheapest in ("#c1", "#c2"):
        table.get_by_role("button", name="Cost").click()
        expect(table.get_by_role("rowheader").first).to_have_text(cheapest)
    expect(page.get_by_text("two", exact=True)).to_be_hidden()
    page.get_by_text("Transcript").click()
    workspace.slack.chat_update(
        channel="C0HELP", ts=str(posted["ts"]), text="x", blocks=[*blocks, *card(button("A", "a"))]
    )
    expect(page.locator("[data-action-id=a]")).to_be_visible()
    expect(page.get_by_text("two", exact=True)).to_be_visible()


def test_own_message_is_edited_and_deleted(open_page: Opener, workspace: LocalWorkspace) -> None:
    """The menu of one's own message edits and, after a question, deletes it; others' messages offer neither."""
    own = workspace.say("U0MAYA", "C0HELP", "tpyo")
    other = workspace.say("U0IVAN", "C0HELP", "mine")
    page = open_page("U0MAYA")
    page.get_by_test_id(f"message-{other}").hover()
    page.get_by_test_id(f"more-{other}").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Hand this to a person", "Forward message", "Copy link"])
    page.keyboard.press("Escape")
    expect(page.get_by_test_id(f"more-{other}")).to_be_focused()
    page.get_by_test_id("composer").press("ArrowUp")
    page.get_by_test_id("edit-box").fill("typo")
    page.get_by_test_id("edit-save").click()
    expect(page.get_by_test_id(f"message-{own}").locator(".body")).to_have_text("typo(edited)")
    page.get_by_test_id(f"message-{own}").hover()
    page.get_by_test_id(f"more-{own}").click()
    page.get_by_role("menuitem", name="Delete message").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id(f"message-{own}")).to_have_count(0)


def test_a_message_is_forwarded_and_shown_with_its_author(
    open_page: Opener, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    """With a word of one's own, into the direct conversation; who wrote what is forwarded stays plain to see."""
    other = workspace.say("U0IVAN", "C0HELP", "error 5 <b> & more")
    page = open_page("U0MAYA", viewport={"width": 1280, "height": 900})
    page.get_by_test_id(f"message-{other}").hover()
    page.get_by_test_id(f"more-{other}").click()
    page.get_by_role("menuitem", name="Forward message").click()
    page.get_by_test_id("forward-text").fill("What does this mean?")
    page.screenshot(path=shots(tmp_path) / "forwarding.png")
    page.get_by_test_id("forward-send").click()
    [heard] = workspace.bot.wait(lambda one: bool(one.event.get("attachments")))
    assert (heard.event["channel_type"], heard.event["text"]) == ("im", "What does this mean?")
    workspace.act("say", "U0MAYA", channel=heard.event["channel"], text="", table=[["App", "Error"], ["VPN", "locked"]])
    workspace.act("say", "U0MAYA", channel=heard.event["channel"], text="dictated", through="Dictation")
    workspace.send("/sandbox/workflow", {"channel": "C0HELP", "text": "A form"})
    page.get_by_test_id(f"channel-{heard.event['channel']}").click()
    body = page.locator("#scroll article").first.locator(".body")
    expect(body).to_contain_text("What does this mean?")
    expect(body.get_by_test_id("share")).to_contain_text("Forwarded: Ivan Petrov")
    expect(body.get_by_test_id("share")).to_contain_text("error 5 <b> & more")
    expect(page.locator("#scroll article").nth(1).locator("table")).to_contain_text("locked")
    expect(page.locator("#scroll article").nth(2).locator(".head")).to_contain_text("through Dictation")
    page.screenshot(path=shots(tmp_path) / "forwarded.png")
    page.get_by_test_id("channel-C0HELP").click()
    expect(page.locator("#scroll article").last.locator(".head")).to_contain_text("IT request")


def test_home_is_lived_in(open_page: Opener, workspace: LocalWorkspace) -> None:
    """Opening it is told once; what the app publishes appears; a button of it leads to a form that is sent."""
    workspace.act("dm", "U0PRIYA")
    workspace.send("/sandbox/user", {"user": "U0IVAN", "deleted": True})
    page = open_page("U0PRIYA", "D0PRIYA")
    page.get_by_test_id("tab-home").click()
    expect(page.locator("#home")).to_contain_text("has not published a Home tab")
    opened = workspace.bot.wait(lambda one: one.event.get("tab") == "home")
    rows = [("1", "Lena waits 4 min"), ("2", "Sam waits 9 min")]
    second = page.locator("[data-action-id=reassign][data-value='2']")
    for waits in ("", " or more"):
        blocks = [
            {
                "type": "section",
                "block_id": f"row-{number}",
                "text": plain(text + waits),
                "accessory": button("Reassign", "reassign", value=number),
            }
            for number, text in rows
        ]
        workspace.slack.views_publish(user_id="U0PRIYA", view={"type": "home", "blocks": blocks})
        expect(page.locator("#home")).to_contain_text(f"Sam waits 9 min{waits}")
        if not waits:
            second.focus()
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    modal = page.get_by_test_id("modal")
    modal.get_by_label("Why?").fill("Lunch")
    expect(modal.get_by_role("option", name="Ivan Petrov")).to_have_count(0)
    modal.get_by_label("To whom?").select_option(label="Ben Castillo")
    page.get_by_test_id("modal-submit").click()
    expect(modal.locator("[data-block-id=what]")).to_contain_text("Say a little more.")
    expect(modal.locator("[data-block-id=to] .field-error")).to_be_hidden()
    modal.get_by_label("Why?").fill("I am at lunch,\nBen is here")
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)
    sent = workspace.bot.heard[-1].body["view"]["state"]["values"]
    assert sent["to"]["pick"] == {"type": "users_select", "selected_user": "U0BEN"}
    clicked = next(one.body for one in workspace.bot.heard if one.body["type"] == "block_actions")
    assert clicked["actions"][0]["value"] == "2"
    assert len(opened) == len([one for one in workspace.bot.heard if one.event.get("tab") == "home"]) == 1


def test_who_is_called_and_who_has_left_is_seen(open_page: Opener, workspace: LocalWorkspace) -> None:
    """A group is a call for its members; files open; tombstones and other names show; an account can be taken away."""
    screen = {"name": "screen.png", "size": 1200}
    asked = workspace.say("U0MAYA", "C0HELP", "<!subteam^S0ONCALL> see this", files=[screen])
    lost = workspace.say("U0IVAN", "C0HELP", "never mind")
    workspace.say("U0BEN", "C0HELP", "what?", thread_ts=lost)
    workspace.act("delete", "U0IVAN", channel="C0HELP", ts=lost)
    reply = workspace.slack.chat_postMessage(channel="C0HELP", text="I", username="Priya Nair")["ts"]
    page = open_page("U0PRIYA")
    message = page.get_by_test_id(f"message-{asked}")
    expect(message.locator(".mention-me")).to_have_text("@access-oncall")
    expect(message.locator("a.chip")).to_have_attribute("href", re.compile(r"^/files/U0MAYA/F\w+/screen\.png$"))
    expect(page.get_by_test_id(f"message-{lost}")).to_contain_text("This message was deleted.")
    workspace.slack.chat_update(channel="C0HELP", ts=reply, text="I have it")
    expect(page.get_by_test_id(f"message-{reply}").locator(".body")).to_have_text("I have it(edited)")
    expect(page.get_by_test_id(f"message-{reply}").locator(".author")).to_have_text("Priya Nair")
    workspace.slack.chat_delete(channel="C0HELP", ts=reply)
    expect(page.get_by_test_id(f"message-{reply}")).to_have_count(0)
    page.get_by_test_id("composer").press_sequentially("@access-o")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("article .mention-me")).to_have_count(2)
    page.get_by_test_id("account").click()
    page.get_by_role("menuitem", name="Deactivate Priya Nair").click()
    expect(page.locator("#me")).to_contain_text("deactivated")
    expect(page.get_by_test_id("composer")).to_be_disabled()
    assert workspace.slack.users_info(user="U0PRIYA")["user"]["deleted"]
    page.get_by_test_id("account").click()
    page.get_by_role("menuitem", name="Bring Priya Nair").click()
    expect(page.get_by_test_id("composer")).to_be_enabled()
