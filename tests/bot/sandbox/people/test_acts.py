"""Clicks, commands, shortcuts and modals, as the app hears them and the person sees them."""

import json
import time
from threading import Event
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from tests.support.live_server import PATIENCE

BUTTONS = [
    {
        "type": "actions",
        "block_id": "claims",
        "elements": [
            {
                "type": "button",
                "action_id": "claim",
                "value": "handoff-1",
                "style": "primary",
                "text": {"type": "plain_text", "text": "Claim"},
            },
            {
                "type": "static_select",
                "action_id": "reason",
                "options": [{"text": {"type": "plain_text", "text": "Lost phone"}, "value": "phone"}],
            },
        ],
    }
]
MODAL = {
    "type": "modal",
    "callback_id": "answer",
    "title": {"type": "plain_text", "text": "Answer"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "private_metadata": "handoff-1",
    "blocks": [
        {
            "type": "input",
            "block_id": "words",
            "label": {"type": "plain_text", "text": "Your answer"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        }
    ],
}


def card(workspace: Any, channel: str = "C0QUEUE") -> str:
    """Post the buttons as the bot."""
    return str(workspace.slack.chat_postMessage(channel=channel, text="card", blocks=BUTTONS)["ts"])


def test_a_click_is_told_as_slack_tells_it(workspace: Any) -> None:
    """block_actions carries the button's own value, the message, a trigger_id and a response_url, signed."""
    ts = card(workspace)
    answer = workspace.act(
        "click", "U0PRIYA", channel="C0QUEUE", ts=ts, block_id="claims", action_id="claim", value="forged"
    )
    assert (answer["ok"], answer["delivered"], answer["status"]) == (True, True, 200)
    payload = workspace.bot.last("block_actions")
    assert payload["actions"][0]["value"] == "handoff-1"
    assert payload["user"]["id"] == "U0PRIYA"
    assert payload["message"]["ts"] == ts
    assert payload["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": "C0QUEUE",
        "is_ephemeral": False,
    }
    assert payload["response_url"].startswith(f"{workspace.base}/actions/T0DESKHAND/")
    assert workspace.bot.heard[-1].signed


def test_only_what_is_there_can_be_clicked(workspace: Any) -> None:
    """A person outside the channel, a missing element and a missing option are refused; a forgery is sent."""
    ts = card(workspace)
    at = {"channel": "C0QUEUE", "ts": ts, "block_id": "claims"}
    assert workspace.act("click", "U0MAYA", **at, action_id="claim")["error"] == "not_in_channel"
    assert workspace.act("click", "U0BEN", **at, action_id="other")["error"] == "element_not_found"
    wrong = workspace.act("click", "U0BEN", **at, action_id="reason", selected="nothing")
    assert wrong["error"] == "no such option: nothing"
    assert workspace.act("click", "U0BEN", **at, action_id="reason", selected="phone")["ok"]
    assert workspace.bot.last("block_actions")["actions"][0]["selected_option"]["value"] == "phone"
    assert workspace.act("click", "U0MAYA", **at, action_id="other", value="h-9", forge=True)["ok"]
    assert workspace.bot.last("block_actions")["actions"][0]["value"] == "h-9"
    assert workspace.act("click", "U0BEN", **at, action_id="claim", value="h-0", forge=True)["ok"]
    assert workspace.bot.last("block_actions")["actions"][0]["value"] == "h-0"


def test_a_bot_that_is_wrong_is_told_to_the_person(workspace: Any) -> None:
    """An error status is dispatch_failed."""
    at = {"channel": "C0QUEUE", "ts": card(workspace), "block_id": "claims", "action_id": "claim"}
    workspace.bot.answer = lambda _heard: (500, "")
    assert workspace.act("click", "U0BEN", **at)["error"] == "dispatch_failed"


def test_a_bot_that_is_late_is_told_to_the_person(serve_workspace: Any, listening_bot: Any) -> None:
    """No answer in time is operation_timeout."""
    workspace, over = serve_workspace(answer_seconds=0.2), Event()
    at = {"channel": "C0QUEUE", "ts": card(workspace), "block_id": "claims", "action_id": "claim"}

    def late(_heard: Any) -> tuple[int, str]:
        over.wait(PATIENCE)
        return 200, ""

    listening_bot.answer = late
    answer = workspace.act("click", "U0BEN", **at)
    over.set()
    assert (answer["ok"], answer["delivered"], answer["error"]) == (False, False, "operation_timeout")


def test_a_response_url_works_five_times(workspace: Any) -> None:
    """The SDK's webhook client answers through it, replaces the original, and is refused the sixth time."""
    ts = card(workspace)
    workspace.act("click", "U0PRIYA", channel="C0QUEUE", ts=ts, block_id="claims", action_id="claim")
    hook = WebhookClient(workspace.bot.last("block_actions")["response_url"])
    assert hook.send(text="only for you").status_code == 200
    assert workspace.sees("U0PRIYA")["ephemeral"][0]["text"] == "only for you"
    assert hook.send(text="for all", response_type="in_channel").status_code == 200
    assert hook.send(text="Claimed", replace_original=True).status_code == 200
    assert [one["text"] for one in workspace.sees("U0BEN")["messages"]["C0QUEUE"]] == ["Claimed", "for all"]
    assert hook.send(text=" ").status_code == 400
    assert hook.send(delete_original=True).status_code == 200
    used = hook.send(text="again")
    assert (used.status_code, json.loads(used.body)["error"]) == (404, "used_url")


def test_an_ephemeral_message_is_clicked_and_replaced(workspace: Any) -> None:
    """Its payload has no message, is_ephemeral is true, and its response_url changes it and takes it away."""
    slack = workspace.slack
    note = slack.chat_postEphemeral(channel="C0HELP", user="U0MAYA", text="sure?", blocks=BUTTONS)["message_ts"]
    at = {"ephemeral_id": note, "block_id": "claims", "action_id": "claim"}
    assert workspace.act("click", "U0IVAN", **at)["error"] == "message_not_found"
    assert workspace.act("click", "U0MAYA", **at)["ok"]
    payload = workspace.bot.last("block_actions")
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    hook = WebhookClient(payload["response_url"])
    hook.send(text="done", replace_original=True)
    (seen,) = workspace.sees("U0MAYA")["ephemeral"]
    assert (seen["text"], seen["blocks"]) == ("done", [])
    hook.send(delete_original=True)
    assert workspace.sees("U0MAYA")["ephemeral"] == []


def test_a_command_is_a_form_and_its_answer_is_shown(workspace: Any) -> None:
    """A slash command works where the bot is no member; a JSON answer is shown to the one who asked."""
    workspace.bot.answer = lambda _heard: (200, json.dumps({"text": "It has cost $1.20"}))
    answer = workspace.act("command", "U0OLIVIA", channel="C0RANDOM", command="/agent-cost", text="today")
    assert answer["response"]["text"] == "It has cost $1.20"
    form = workspace.bot.heard[-1].body
    assert (form["command"], form["text"], form["channel_id"]) == ("/agent-cost", "today", "C0RANDOM")
    assert form["user_name"] == "olivia.hart"
    assert [one["text"] for one in workspace.sees("U0OLIVIA")["ephemeral"]] == ["It has cost $1.20"]
    wrong = workspace.act("command", "U0OLIVIA", channel="C0HELP", command="/nothing", text="")
    assert wrong["error"] == "unknown_command"


def test_a_failed_command_is_said_by_slackbot(workspace: Any) -> None:
    """The person reads Slack's own sentence when the app fails."""
    workspace.bot.answer = lambda _heard: (500, "")
    assert not workspace.act("command", "U0MAYA", channel="C0HELP", command="/agent-eval", text="")["ok"]
    (note,) = workspace.sees("U0MAYA")["ephemeral"]
    assert note["text"] == '/agent-eval failed with the error "dispatch_failed"'
    assert note["username"] == "Slackbot"


def test_a_shortcut_carries_its_message(workspace: Any) -> None:
    """The message shortcut tells the bot which message it was used on."""
    ts = workspace.say("U0MAYA", "C0HELP", "help me")
    at = {"channel": "C0HELP", "ts": ts}
    assert workspace.act("shortcut", "U0MAYA", **at, callback_id="hand_to_person")["ok"]
    payload = workspace.bot.last("message_action")
    assert (payload["callback_id"], payload["message"]["text"]) == ("hand_to_person", "help me")
    assert workspace.act("shortcut", "U0MAYA", **at, callback_id="x")["error"] == "unknown_shortcut"


def test_a_modal_is_opened_filled_and_submitted(workspace: Any) -> None:
    """A required input is asked for by Slack itself; what was typed arrives in state.values; then it closes."""
    view = workspace.slack.views_open(trigger_id=workspace.trigger("U0PRIYA"), view=MODAL)["view"]
    assert workspace.sees("U0PRIYA")["view"]["id"] == view["id"]
    empty = workspace.act("submit", "U0PRIYA", view_id=view["id"], values={})
    assert empty["errors"] == {"words": "Please complete this required field."}
    values = {"words": {"text": {"type": "plain_text_input", "value": "Call me"}}}
    assert workspace.act("submit", "U0PRIYA", view_id=view["id"], values=values)["ok"]
    payload = workspace.bot.last("view_submission")
    assert payload["view"]["state"]["values"] == values
    assert (payload["view"]["private_metadata"], payload["view"]["callback_id"]) == ("handoff-1", "answer")
    assert workspace.sees("U0PRIYA")["view"] is None


def test_the_app_complains_about_a_form(workspace: Any) -> None:
    """response_action errors keeps the modal open and shows the words beside the input."""
    view = workspace.slack.views_open(trigger_id=workspace.trigger("U0PRIYA"), view=MODAL)["view"]
    errors = {"response_action": "errors", "errors": {"words": "Too rude."}}
    workspace.bot.answer = lambda _heard: (200, json.dumps(errors))
    values = {"words": {"text": {"type": "plain_text_input", "value": "No!"}}}
    answer = workspace.act("submit", "U0PRIYA", view_id=view["id"], values=values)
    assert answer["errors"] == {"words": "Too rude."}
    assert workspace.sees("U0PRIYA")["view"]["errors"] == {"words": "Too rude."}


def test_a_form_sent_twice_is_answered_once(workspace: Any) -> None:
    """What the app says of the second press finds the modal closed by the first, and changes nothing."""
    view = workspace.slack.views_open(trigger_id=workspace.trigger("U0PRIYA"), view=MODAL)["view"]
    refused = json.dumps({"response_action": "errors", "errors": {"words": "Too late."}})

    def too_late(_heard: object) -> tuple[int, str]:
        workspace.world.surfaces.close(view["id"])
        return 200, refused

    workspace.bot.answer = too_late
    values = {"words": {"text": {"type": "plain_text_input", "value": "Hello"}}}
    assert workspace.act("submit", "U0PRIYA", view_id=view["id"], values=values)["ok"]
    assert workspace.sees("U0PRIYA")["view"] is None


def test_a_form_may_lead_to_another(workspace: Any) -> None:
    """response_action update replaces the modal; a view that Slack would refuse is refused."""
    view = workspace.slack.views_open(trigger_id=workspace.trigger("U0PRIYA"), view=MODAL)["view"]
    values = {"words": {"text": {"type": "plain_text_input", "value": "Hello"}}}
    done = {"type": "modal", "title": {"type": "plain_text", "text": "Sent"}, "blocks": [{"type": "divider"}]}
    wrong = {"response_action": "update", "view": {**done, "title": {"type": "plain_text", "text": "x" * 25}}}
    workspace.bot.answer = lambda _heard: (200, json.dumps(wrong))
    refused = workspace.act("submit", "U0PRIYA", view_id=view["id"], values=values)
    assert refused["error"] == "invalid_arguments"
    workspace.bot.answer = lambda _heard: (200, json.dumps({"response_action": "update", "view": done}))
    assert workspace.act("submit", "U0PRIYA", view_id=view["id"], values=values)["ok"]
    assert workspace.sees("U0PRIYA")["view"]["title"]["text"] == "Sent"


def test_closing_is_told_when_asked_for(workspace: Any) -> None:
    """view_closed is sent for a modal with notify_on_close."""
    view = workspace.slack.views_open(trigger_id=workspace.trigger("U0PRIYA"), view=MODAL)["view"]
    assert workspace.act("close_view", "U0PRIYA", view_id=view["id"])["ok"]
    assert workspace.bot.last("view_closed")["view"]["id"] == view["id"]
    assert workspace.act("close_view", "U0PRIYA", view_id=view["id"])["error"] == "view_not_found"


def test_a_trigger_is_good_once_and_briefly(serve_workspace: Any) -> None:
    """A used trigger_id is exchanged, an old one expired, an invented one invalid."""
    workspace, hurried = serve_workspace(), serve_workspace(answer_seconds=0.1)
    trigger = workspace.trigger()
    workspace.slack.views_open(trigger_id=trigger, view=MODAL)
    old = hurried.world.issued.new_trigger("U0MAYA")
    for wrong, error in ((trigger, "exchanged_trigger_id"), ("1.2.3", "invalid_trigger_id")):
        with pytest.raises(SlackApiError, match=error):
            workspace.slack.views_open(trigger_id=wrong, view=MODAL)
    time.sleep(0.2)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        hurried.slack.views_open(trigger_id=old, view=MODAL)


def test_modals_stack_three_high(workspace: Any) -> None:
    """views.push works twice on an open modal and is refused the third time."""
    slack = workspace.slack
    slack.views_open(trigger_id=workspace.trigger(), view=MODAL)
    for _ in range(2):
        slack.views_push(trigger_id=workspace.trigger(), view=MODAL)
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        slack.views_push(trigger_id=workspace.trigger(), view=MODAL)


def test_home_is_published_opened_and_clicked(workspace: Any) -> None:
    """A Home tab is seen by its person alone, opening it is an event, and its buttons lead to a modal."""
    home = {"type": "home", "private_metadata": "m", "blocks": BUTTONS}
    view = workspace.slack.views_publish(user_id="U0OLIVIA", view=home)["view"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        workspace.slack.views_publish(user_id="U0OLIVIA", view=home, hash="old")
    assert workspace.act("home", "U0OLIVIA")["ok"]
    (opened,) = workspace.bot.wait(lambda one: one.event.get("type") == "app_home_opened")
    assert (opened.event["tab"], opened.event["view"]["id"]) == ("home", view["id"])
    assert workspace.act("click", "U0OLIVIA", home=True, block_id="claims", action_id="claim")["ok"]
    payload = workspace.bot.last("block_actions")
    assert payload["container"] == {"type": "view", "view_id": view["id"]}
    assert (payload["view"]["type"], payload["view"]["private_metadata"]) == ("home", "m")
    assert not {"channel", "message", "response_url"} & set(payload)
    workspace.slack.views_open(trigger_id=payload["trigger_id"], view=MODAL)
    assert workspace.sees("U0OLIVIA")["view"]["callback_id"] == "answer"
    assert workspace.act("click", "U0PRIYA", home=True, block_id="claims", action_id="claim")["error"] == (
        "home_not_found"
    )


def test_what_is_chosen_at_home_outlives_a_new_home(workspace: Any) -> None:
    """A choice is kept in the view's state while its block and action are there."""
    slack, home = workspace.slack, {"type": "home", "blocks": BUTTONS}
    slack.views_publish(user_id="U0PRIYA", view=home)
    at = {"home": True, "block_id": "claims", "action_id": "reason"}
    assert workspace.act("click", "U0PRIYA", **at, selected="phone")["ok"]
    chosen = workspace.bot.last("block_actions")["view"]["state"]["values"]["claims"]["reason"]
    assert chosen["selected_option"]["value"] == "phone"
    assert slack.views_publish(user_id="U0PRIYA", view=home)["view"]["state"]["values"]["claims"] == {"reason": chosen}
    empty = slack.views_publish(user_id="U0PRIYA", view={"type": "home", "blocks": []})["view"]
    assert empty["state"]["values"] == {}


def test_a_form_of_many_kinds_arrives_as_slack_shapes_it(workspace: Any) -> None:
    """A person, an option and radio buttons that nobody touched are null in state.values."""
    pick = {"action_id": "pick", "options": [{"text": {"type": "plain_text", "text": "Yes"}, "value": "yes"}]}
    kinds: dict[str, dict[str, Any]] = {
        "users_select": {"action_id": "pick"},
        "static_select": pick,
        "radio_buttons": pick,
    }
    blocks = [
        {
            "type": "input",
            "block_id": kind,
            "optional": True,
            "label": {"type": "plain_text", "text": kind},
            "element": {"type": kind, **more},
        }
        for kind, more in kinds.items()
    ]
    trigger = workspace.trigger("U0PRIYA")
    view = workspace.slack.views_open(trigger_id=trigger, view={**MODAL, "blocks": blocks})["view"]
    given = {"users_select": {"pick": {"type": "users_select", "selected_user": "U0BEN"}}}
    assert workspace.act("submit", "U0PRIYA", view_id=view["id"], values=given)["ok"]
    assert workspace.bot.last("view_submission")["view"]["state"]["values"] == {
        **given,
        "static_select": {"pick": {"type": "static_select", "selected_option": None}},
        "radio_buttons": {"pick": {"type": "radio_buttons", "selected_option": None}},
    }
