"""What stands on the page of the local workspace, in a real browser against a real workspace and a small bot."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from bot.slack.handoffs import queue_card
from tests.support.handoff_views import OPEN_HANDOFF
from tests.support.json_object import Json
from tests.support.local_workspace import LocalWorkspace
from tests.support.page_blocks import button_element, card_blocks, plain_object
from tests.support.page_browser import OpenPage, expect_measure

pytestmark = pytest.mark.browser

BANNER = "The stand-in model answers."

COUNT_NEEDLESS_RAILS = """
  const rail = document.querySelector("#rail");
  let shown = rail.innerHTML;
  window.needless = 0;
  new MutationObserver(() => {
    window.needless += rail.innerHTML === shown;
    shown = rail.innerHTML;
  }).observe(rail, { childList: true });
"""
"Counts how often the rail of people is built anew and shows what it showed before."

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> & <b>bold</b>"


def test_banner_says_who_answers(open_page: OpenPage) -> None:
    """The banner says that this is a local workspace and which model answers."""
    banner = open_page("U0MAYA").get_by_test_id("banner")
    expect(banner).to_contain_text("Local workspace")
    expect(banner).to_contain_text(BANNER)


def test_bot_post_appears_live_and_its_click_arrives(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """A post with buttons appears without reloading, a click reaches the bot, an update changes the card.

    None of this builds the rail of people anew, which may be hundreds.
    """
    page = open_page("U0PRIYA", "C0QUEUE")
    page.evaluate(COUNT_NEEDLESS_RAILS)
    buttons = (button_element("Claim", "claim", style="primary"), button_element("Note", "note"))
    posted = workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=card_blocks(*buttons))
    message = page.get_by_test_id(f"message-{posted['ts']}")
    message.locator("[data-action-id=note]").click()
    clicked = workspace.bot.last("block_actions")
    assert clicked["user"]["id"] == "U0PRIYA"
    assert clicked["actions"][0]["action_id"] == "note"
    workspace.slack.chat_update(channel="C0QUEUE", ts=posted["ts"], text="Priya has it", blocks=[])
    expect(message).to_contain_text("Priya has it")
    expect(message.locator("[data-action-id]")).to_have_count(0)
    assert page.evaluate("window.needless") == 0


def test_looking_at_others_builds_no_rail(open_page: OpenPage) -> None:
    """The page counts what others have not read, one person after another: none found is nothing new to show."""
    page = open_page("U0PRIYA", "C0QUEUE")
    page.evaluate(COUNT_NEEDLESS_RAILS)
    for _ in range(2):  # when the second answer is there, the first has been drawn
        with page.expect_response(lambda answer: "/sandbox/state" in answer.url and "U0PRIYA" not in answer.url):
            pass
    assert page.evaluate("window.needless") == 0


def test_markup_in_messages_stays_text(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """HTML from a person and from the bot, in text, mrkdwn and Markdown, is shown as text and runs nothing."""
    page = open_page("U0MAYA")
    page.get_by_test_id("composer").fill(HOSTILE)
    page.get_by_test_id("send").click()
    expect(page.locator("article[data-ts]")).to_have_count(1)
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


@pytest.mark.parametrize(
    ("user", "sees_queue"), [("U0MAYA", False), ("U0PRIYA", True), ("U0BEN", True), ("U0OLIVIA", True)]
)
def test_people_see_what_is_theirs(open_page: OpenPage, workspace: LocalWorkspace, user: str, sees_queue: bool) -> None:  # noqa: FBT001 a parameter of the test
    """Only responders and the owner see the queue, and an ephemeral message is seen by its person alone."""
    workspace.slack.chat_postEphemeral(channel="C0HELP", user="U0MAYA", text="your account is locked")
    page = open_page(user)
    expect(page.get_by_test_id("channel-C0HELP")).to_be_visible()
    expect(page.get_by_test_id("channel-C0QUEUE")).to_have_count(int(sees_queue))
    expect(page.get_by_text("Only visible to you")).to_have_count(int(user == "U0MAYA"))


BECOME_THE_LAST = """() => {
  document.querySelector("[data-testid=person-U0LENA]").click();
  return document.querySelector("[data-testid=person-U0LENA]").getAttribute("aria-current");
}"""
"Press the last person without scrolling there first, as a click by Playwright would."
SCROLL_TO_THE_END = """() => {
  document.querySelector(".people-requester").scrollTo(0, 1_000_000);
  return document.querySelector(".people-more").checkVisibility({ visibilityProperty: true, opacityProperty: true });
}"""
"Whether the arrow still stands there with the rail at its end."
ABOVE_WHAT_FADES = """() => {
  const bottom = (found) => document.querySelector(found).getBoundingClientRect().bottom;
  return bottom("[data-testid=person-U0LENA]") <= bottom(".people-requester") - 20;
}"""
"Whether the last person stands above what fades at the end of the rail."


def test_rail_shows_that_more_people_follow(open_page: OpenPage) -> None:
    """An arrow stands at its end while somebody is below it, and is gone once everybody has been seen."""
    page = open_page("U0MAYA", viewport={"width": 1280, "height": 500})
    expect(page.locator(".people-more")).to_be_visible()
    expect_measure(page, BECOME_THE_LAST, "true")
    expect_measure(page, ABOVE_WHAT_FADES, True)
    expect_measure(page, SCROLL_TO_THE_END, False)


THREE_ARE_WHOLE = """() => {
  const top = (one) => one.getBoundingClientRect().top;
  return top(document.querySelectorAll("#scroll article")[1]) >= top(document.getElementById("scroll"));
}"""
"Whether the second of four cards, and so the three newest, stand on the screen."


@pytest.mark.parametrize("words", ["I'm locked out since this morning", "I'm locked out and nobody answers. " * 9])
def test_three_cards_fit_on_a_screen(open_page: OpenPage, workspace: LocalWorkspace, words: str) -> None:
    """However long the words and the summary are, the three newest stand there whole, each with its button."""
    summary = "The sign-ins of the last days look odd, and somebody has to look at each of them with care. " * 9
    seen = replace(OPEN_HANDOFF, words=words, summary=summary, account="locked", thread_link=None)
    for number in range(4):
        body = queue_card.card(replace(seen, ticket_id=number, waiting_since=datetime.now(UTC)))
        posted = workspace.slack.chat_postMessage(channel="C0QUEUE", **body)
        workspace.slack.chat_postMessage(channel="C0QUEUE", text="Transcript", thread_ts=posted["ts"])
    page = open_page("U0PRIYA", "C0QUEUE", viewport={"width": 1280, "height": 800})
    expect(page.get_by_text("1 reply")).to_have_count(4)
    expect_measure(page, THREE_ARE_WHOLE, True)


LINES_OF_NAME = """() => {
  const name = [...document.querySelectorAll("th")].find((one) => one.textContent === "Wolfeschlegelstein");
  const all = new Range();
  all.selectNodeContents(name);
  return all.getClientRects().length;
}"""
LABELS = "() => [...document.querySelectorAll('figure text.tick[transform]')].map((one) => one.firstChild.data)"
LABELS_LEFT_OF_FRAME = """() => {
  const left = (one) => one.getBoundingClientRect().left;
  const labels = [...document.querySelectorAll("figure text.tick[transform]")];
  return labels.filter((one) => left(one) < left(document.querySelector("figure"))).map((one) => one.textContent);
}"""
SCROLLED_SIDEWAYS = (
    "() => [...document.querySelectorAll('.table-scroll')].map((one) => one.scrollWidth - one.clientWidth)"
)
CUT_WORDS = """() => ["Tokens", "522,927", "failure:", "answering"].filter((words) => {
  const cell = [...document.querySelectorAll("td, th")].find((one) => one.textContent.includes(words));
  const all = new Range();
  all.selectNodeContents(cell);
  return all.getBoundingClientRect().width > cell.clientWidth;
})"""
"Words of a table that are wider than their cell."


def test_tables_and_charts_are_whole_on_a_small_screen(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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
    expect_measure(page, LINES_OF_NAME, 1)
    expect_measure(page, LABELS, names)
    expect_measure(page, LABELS_LEFT_OF_FRAME, [])
    expect_measure(
        page, "document.querySelector('figure svg').getScreenCTM().a >= 0.95", True
    )  # letters are not made small
    expect_measure(page, "document.getElementById('scroll').scrollWidth <= 380", True)


@pytest.mark.parametrize("width", [380, 1280])
def test_reports_need_no_scrolling_sideways(open_page: OpenPage, workspace: LocalWorkspace, width: int) -> None:
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
    expect_measure(page, SCROLLED_SIDEWAYS, [0, 0])
    expect_measure(page, CUT_WORDS, [])
    expect_measure(page, LABELS, names)
    expect(page.locator("figure text.tick:not([transform])")).to_have_text(["0", "1"])
    expect_measure(page, LABELS_LEFT_OF_FRAME, [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_small_screen(open_page: OpenPage, workspace: LocalWorkspace, scheme: str) -> None:
    """At 380 pixels nothing runs out of the page, and people and channels open as a drawer."""
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "word" * 200}}
    workspace.slack.chat_postMessage(
        channel="C0HELP", text="x", blocks=[long, *card_blocks(button_element("Claim", "claim"))]
    )
    page = open_page("U0MAYA", viewport={"width": 380, "height": 740}, color_scheme=scheme)
    expect(page.locator("article")).to_have_count(1)
    expect_measure(page, "document.documentElement.scrollWidth", 380)
    expect_measure(page, "document.getElementById('scroll').scrollWidth <= 380", True)
    page.get_by_role("button", name="People and channels").click()
    page.get_by_test_id("person-U0PRIYA").click()
    expect(page.get_by_test_id("channel-C0QUEUE")).to_be_hidden()
    expect(page.get_by_test_id("composer")).to_be_visible()


def test_page_finds_the_workspace_again(open_page: OpenPage, workspace: LocalWorkspace, complaints: list[str]) -> None:
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
def test_text_can_be_read(open_page: OpenPage, workspace: LocalWorkspace, scheme: str) -> None:
    """Every visible text has the contrast of WCAG AA (4.5 to 1) against what is behind it."""
    text = "*bold* `code` <@U0PRIYA> <@U0MAYA> <https://example.com|a link> :warning:\n> quoted"
    alert = {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    buttons = card_blocks(
        button_element("Claim", "a", style="primary"),
        button_element("Drop", "b", style="danger"),
        button_element("Note", "c"),
    )
    posted = workspace.slack.chat_postMessage(channel="C0QUEUE", text="x", blocks=[section, alert, *buttons])
    workspace.say("U0PRIYA", "C0QUEUE", "on it", thread_ts=str(posted["ts"]))
    page = open_page("U0PRIYA", "C0QUEUE", color_scheme=scheme)
    page.get_by_test_id(f"open-thread-{posted['ts']}").click()
    expect(page.get_by_test_id("thread").locator("article")).to_have_count(2)
    expect_measure(page, POORLY_VISIBLE, [])


def test_blocks_are_shown_with_their_meaning(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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
            "title": plain_object("Transcript"),
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
        channel="C0HELP", ts=str(posted["ts"]), text="x", blocks=[*blocks, *card_blocks(button_element("A", "a"))]
    )
    expect(page.locator("[data-action-id=a]")).to_be_visible()
    expect(page.get_by_text("two", exact=True)).to_be_visible()


def test_who_is_called_and_who_has_left_is_seen(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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
