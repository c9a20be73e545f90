"""What people do on the page of the local workspace: write, press, fill in, move by keyboard, open threads and Home."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.local_workspace import LocalWorkspace
from tests.support.page_blocks import REASSIGN_MODAL, button_element, card_blocks, plain_object
from tests.support.page_browser import OpenPage, keep_shot

pytestmark = pytest.mark.browser


def test_request_is_shown_to_all(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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


@pytest.mark.parametrize("workspace", [0.5], indirect=True)
def test_click_without_an_answer_is_told(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """A click that the bot does not answer in time is said in a notice."""
    blocks = card_blocks(button_element("Claim", "claim"))
    workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=blocks)
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=claim]").click()
    expect(page.get_by_test_id("toast")).to_contain_text("did not answer")


def test_modal_shows_errors_beside_its_inputs(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """A modal keeps the focus, shows what is missing and what the bot objects to, and closes when all is well."""
    blocks = card_blocks(button_element("Resolve", "resolve"))
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
    picked = workspace.bot.last("view_submission")["view"]["state"]["values"]["could"]["pick"]
    assert picked["selected_option"]["value"] == "no"


def test_a_list_in_a_modal_shows_what_is_said_of_its_options(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """What is chosen comes back as that option, whole; nothing is chosen before."""
    workspace.slack.chat_postMessage(
        channel="C0QUEUE", text="Handoff", blocks=card_blocks(button_element("Give", "give"))
    )
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=give]").click()
    trigger = workspace.bot.last("block_actions")["trigger_id"]
    people = [
        {"text": plain_object("Ben Castillo"), "value": "U0BEN", "description": plain_object("On call")},
        {"text": plain_object("Olivia Hart"), "value": "U0OLIVIA"},
    ]
    why, to = REASSIGN_MODAL["blocks"]
    chooses = {
        "type": "static_select",
        "action_id": "pick",
        "placeholder": plain_object("Choose one"),
        "options": people,
    }
    view = {**REASSIGN_MODAL, "blocks": [why, {**to, "element": chooses}]}
    workspace.slack.views_open(trigger_id=trigger, view=view)
    modal = page.get_by_test_id("modal")
    field = modal.get_by_label("To whom?")
    expect(field.locator("option")).to_have_text(["Choose one", "Ben Castillo (On call)", "Olivia Hart"])
    modal.get_by_label("Why?").fill("Knows the new phones")
    page.get_by_test_id("modal-submit").click()
    expect(modal.get_by_text("Please complete this required field.")).to_have_count(1)
    field.select_option(label="Ben Castillo (On call)")
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)
    picked = workspace.bot.last("view_submission")["view"]["state"]["values"]["to"]["pick"]
    assert picked == {"type": "static_select", "selected_option": people[0]}


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_what_is_pressed_while_news_comes_counts(open_page: OpenPage, workspace: LocalWorkspace, by: str) -> None:
    """A message that comes between press and release is shown after it, and the click is not lost."""
    page = open_page("U0PRIYA", "C0HELP")
    other = page.get_by_test_id("channel-C0QUEUE" if by == "mouse" else "person-U0BEN")
    expect(other).to_be_visible()
    if by == "mouse":
        other.hover()
        page.mouse.down()
    else:
        other.focus()
        page.keyboard.down("Space")
    workspace.slack.chat_postMessage(channel="C0HELP", text="Good morning")
    expect(page.locator("#announcer")).to_contain_text("Good morning")  # it has come
    expect(page.locator("#scroll article", has_text="Good morning")).to_have_count(0)
    (page.mouse.up if by == "mouse" else lambda: page.keyboard.up("Space"))()
    expect(other).to_have_attribute("aria-current", "page" if by == "mouse" else "true")
    page.get_by_test_id("channel-C0HELP").click()
    expect(page.locator("#scroll article", has_text="Good morning")).to_have_count(1)


STATES = """async () => {
  const page = await import("/static/store.js");
  const said = (seq, ts) => ({seq, type: "message", channel: "C1", message: {ts, text: ts}});
  const state = (seq, ...messages) => ({seq, channels: [{id: "C1"}], messages: {C1: messages.map((ts) => ({ts}))}});
  const shown = () => page.topLevel("C1").map((message) => message.ts);
  page.load("U0", state(5, "1.0"));
  page.apply(said(6, "2.0"));
  page.load("U0", state(5, "1.0"));
  const afterAsOld = shown();
  page.load("U0", state(7, "1.0", "2.0", "3.0"));
  page.load("U0", state(6, "1.0", "2.0"));
  const afterNewer = shown();
  page.apply(said(8, "4.0"));
  page.load("U1", state(4));
  return [afterAsOld, afterNewer, shown()];
}"""
"What comes while a state is read: a message, then a newer state, then another person."


def test_what_comes_while_a_state_is_read_is_kept(open_page: OpenPage) -> None:
    """A message that came after the reading of a state is kept, an older state changes nothing, and nobody inherits."""
    assert open_page("U0MAYA").evaluate(STATES) == [["1.0", "2.0"], ["1.0", "2.0", "3.0"], []]


def test_a_menu_stays_while_its_message_is_drawn_anew(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """An answer that comes while its button is pressed or it is open takes away neither the menu nor the focus."""
    asked = workspace.say("U0IVAN", "C0HELP", "My account is locked")
    page = open_page("U0MAYA", "C0HELP")
    more, thread = page.get_by_test_id(f"more-{asked}"), page.get_by_test_id(f"open-thread-{asked}")
    page.get_by_test_id(f"message-{asked}").hover()
    more.hover()
    page.mouse.down()
    workspace.slack.chat_postMessage(channel="C0HELP", thread_ts=asked, text="I will look")
    expect(page.locator("#announcer")).to_contain_text("I will look")  # it has come
    expect(thread).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_role("menuitem", name="Forward message")).to_be_visible()
    expect(thread).to_contain_text("1 reply")
    workspace.slack.chat_postMessage(channel="C0HELP", thread_ts=asked, text="It is open again")
    expect(thread).to_contain_text("2 replies")
    expect(page.get_by_role("menuitem", name="Forward message")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("menu")).to_have_count(0)
    expect(more).to_be_focused()
    more.press("Enter")
    page.get_by_role("menuitem", name="Forward message").click()
    expect(page.get_by_test_id("forward-text")).to_be_visible()


def test_escape_closes_a_modal(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """Escape closes the modal in the workspace too and the focus goes back to the button."""
    blocks = card_blocks(button_element("Resolve", "resolve"))
    workspace.slack.chat_postMessage(channel="C0QUEUE", text="Handoff", blocks=blocks)
    page = open_page("U0PRIYA", "C0QUEUE")
    page.locator("[data-action-id=resolve]").click()
    expect(page.get_by_test_id("modal")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("modal")).to_have_count(0)
    expect(page.locator("[data-action-id=resolve]")).to_be_focused()
    assert workspace.sees("U0PRIYA")["view"] is None


def test_person_is_switched_by_keyboard(open_page: OpenPage) -> None:
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
    expect(page).to_have_url(re.compile("user=U0TOMAS"))


def test_keyboard_reaches_the_message_box_at_once(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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


def test_thread_is_opened_and_answered(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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
    expect(thread.locator("article[data-ts]", has_text="thank you")).to_have_count(1)
    replies = workspace.slack.conversations_replies(channel="C0HELP", ts=ts)["messages"]
    assert replies[-1]["text"] == "thank you"


def test_message_that_cannot_be_sent_says_so(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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


def test_commands_are_completed(open_page: OpenPage) -> None:
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


def test_own_message_is_edited_and_deleted(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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


def test_a_message_is_forwarded_and_shown_with_its_author(open_page: OpenPage, workspace: LocalWorkspace) -> None:
    """With a word of one's own, into the direct conversation; who wrote what is forwarded stays plain to see."""
    other = workspace.say("U0IVAN", "C0HELP", "error 5 <b> & more")
    page = open_page("U0MAYA", viewport={"width": 1280, "height": 900})
    page.get_by_test_id(f"message-{other}").hover()
    page.get_by_test_id(f"more-{other}").click()
    page.get_by_role("menuitem", name="Forward message").click()
    page.get_by_test_id("forward-text").fill("What does this mean?")
    keep_shot(page, "forwarding")
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
    keep_shot(page, "forwarded")
    page.get_by_test_id("channel-C0HELP").click()
    expect(page.locator("#scroll article").last.locator(".head")).to_contain_text("IT request")


def test_home_is_lived_in(open_page: OpenPage, workspace: LocalWorkspace) -> None:
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
                "text": plain_object(text + waits),
                "accessory": button_element("Reassign", "reassign", value=number),
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
    sent = workspace.bot.last("view_submission")["view"]["state"]["values"]
    assert sent["to"]["pick"] == {"type": "users_select", "selected_user": "U0BEN"}
    clicked = next(one.body for one in workspace.bot.heard if one.body["type"] == "block_actions")
    assert clicked["actions"][0]["value"] == "2"
    assert len(opened) == len([one for one in workspace.bot.heard if one.event.get("tab") == "home"]) == 1
