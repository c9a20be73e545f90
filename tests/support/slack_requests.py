"""A request of every kind that Slack sends, as its documentation shows it, and ways to make it another."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.support.json_object import Json
from tests.support.workspace_names import BOT, HELP, TEAM

_WHO = {"id": "U0MAYA", "team_id": TEAM, "name": "maya", "username": "maya"}
_WORDS = {"type": "rich_text", "block_id": "w", "elements": [{"type": "rich_text_section", "elements": []}]}
_SAID: Json = {
    "type": "message",
    "user": "U0MAYA",
    "channel": HELP,
    "ts": "1.1",
    "event_ts": "1.1",
    "channel_type": "channel",
    "team": TEAM,
    "client_msg_id": "5e1f",
    "blocks": [_WORDS],
    "parent_user_id": "U0MAYA",
    "user_profile": {"name": "maya", "team": TEAM, "is_restricted": False},
}
_BELOW = {
    "thread_ts": "1.0",
    "files": [
        {"id": "F1", "name": "a.png", "title": "a", "mimetype": "image/png", "permalink": "https://x.slack.com/f"}
    ],
    "attachments": [
        {"is_share": True, "text": "forwarded", "author_id": "U0IVAN", "ts": "1.0", "files": [{"id": "F2"}]}
    ],
}
_WRITTEN = {**_SAID, "text": "x", "edited": {"user": "U0MAYA", "ts": "2.0"}, "source_team": TEAM, "user_team": TEAM}
_AUTHORIZED = {
    "authorizations": [
        {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}
    ]
}
_SENT = {
    "token": "t",
    "api_app_id": "A1",
    "event_time": 1,
    "event_context": "4-abc",
    "is_ext_shared_channel": False,
    "context_team_id": TEAM,
    "context_enterprise_id": None,
}
_PRESSED: Json = {
    "team": {"id": TEAM, "domain": "x"},
    "user": _WHO,
    "api_app_id": "A1",
    "token": "t",
    "enterprise": None,
    "is_enterprise_install": False,
    "trigger_id": "1.2.abc",
}
_CLICK: Json = {
    **_PRESSED,
    "type": "block_actions",
    "channel": {"id": "C0QUEUE", "name": "queue"},
    "container": {"type": "message", "channel_id": "C0QUEUE", "message_ts": "1.1", "thread_ts": "1.0"},
    "message": {"type": "message", "bot_id": "B1", "ts": "1.1", "thread_ts": "1.0", "text": "card", "blocks": [_WORDS]},
    "state": {"values": {}},
    "response_url": "https://hooks.slack.com/actions/T1/2/abc",
}
_FORM: Json = {**_PRESSED, "type": "view_submission", "response_urls": []}
SLASH_COMMAND: Json = {
    "command": "/agent-cost",
    "trigger_id": "1.2.abc",
    "text": "week",
    "api_app_id": "A1",
    "token": "t",
    "team_id": TEAM,
    "team_domain": "x",
    "channel_id": HELP,
    "channel_name": "help",
    "is_enterprise_install": "false",
    "user_id": "U0MAYA",
    "user_name": "maya",
    "response_url": "https://hooks.slack.com/commands/T1/2/abc",
}
_SHORTCUT: Json = {
    **_PRESSED,
    "type": "message_action",
    "callback_id": "hand_to_person",
    "channel": {"id": HELP, "name": "help"},
    "message": {"type": "message", "user": "U0MAYA", "ts": "1.1", "thread_ts": "1.0", "text": "locked"},
    "message_ts": "1.1",
    "action_ts": "1.3",
    "response_url": "https://hooks.slack.com/app-actions/T1/2/abc",
}

FORGED_IDS = ("", "0", "-1", "+1", "7e3", "999", "9" * 18, "9" * 40, "1 OR 1=1", "\u0661", " 1", None)


def _wrapped(**event: Any) -> Json:
    """Return an event as Slack wraps it."""
    return {"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event, **_AUTHORIZED, **_SENT}


def _values(*names: str) -> Json:
    """Return the fields of a form."""
    one = {"value": "words", "selected_option": {"value": "other"}, "selected_user": "U0IVAN"}
    return {name: {"input": dict(one)} for name in names}


_FIELDS = _values("text", "done", "category", "agent_could", "to", "note", "why", "amount")


_VIEW: Json = {
    "id": "V1",
    "type": "modal",
    "private_metadata": "1",
    "state": {"values": _FIELDS},
    "team_id": TEAM,
    "hash": "1.h",
    "root_view_id": "V1",
    "previous_view_id": None,
    "external_id": "",
    "bot_id": "B1",
    "app_id": "A1",
    "app_installed_team_id": TEAM,
    "blocks": [_WORDS],
    "title": {"type": "plain_text", "text": "Reply"},
}


REQUEST_KINDS: dict[str, Json] = {
    "mention": _wrapped(**{**_SAID, **_BELOW, "type": "app_mention", "text": f"<@{BOT}> locked"}),
    "message": _wrapped(**{**_SAID, **_BELOW, "text": "locked", "subtype": "file_share", "team": TEAM}),
    "edit": _wrapped(**{**_SAID, "subtype": "message_changed", "message": _WRITTEN, "previous_message": _SAID}),
    "deletion": _wrapped(**{**_SAID, "subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": _SAID}),
    "home": _wrapped(
        type="app_home_opened", user="U0MAYA", channel="D1", tab="home", view={"id": "V1"}, event_ts="1.1"
    ),
    "member": _wrapped(type="user_change", user={**_WHO, "deleted": False, "profile": {"email": "m@x.example"}}),
    "stop": _wrapped(type="agent_session_stopped", user="U0MAYA", channel=HELP, channel_id=HELP, thread_ts="1.1"),
    "another event": _wrapped(
        type="reaction_added", user="U0MAYA", item={"type": "message", "channel": HELP, "ts": "1.1"}
    ),
    "question": {"type": "url_verification", "challenge": "c4t"},
    "command": SLASH_COMMAND,
    "shortcut": _SHORTCUT,
    "thumb": {
        **_CLICK,
        "actions": [{"action_id": "feedback", "block_id": "b", "value": "good:1", "type": "feedback_buttons"}],
    },
    "claim": {**_CLICK, "actions": [{"action_id": "handoff.claim", "block_id": "b", "value": "1", "type": "button"}]},
    "send": {**_CLICK, "actions": [{"action_id": "handoff.send", "block_id": "b", "value": "1", "type": "button"}]},
    "reply": {**_CLICK, "actions": [{"action_id": "handoff.reply", "block_id": "b", "value": "1", "type": "button"}]},
    "go on": {**_CLICK, "actions": [{"action_id": "budget.go_on", "block_id": "b", "value": "1", "type": "button"}]},
    "raise": {**_CLICK, "actions": [{"action_id": "budget.raise", "block_id": "b", "value": "1", "type": "button"}]},
    "resolved": {**_FORM, "view": {**_VIEW, "callback_id": "handoff.resolved"}},
    "reassigned": {**_FORM, "view": {**_VIEW, "callback_id": "handoff.reassigned"}},
    "raised": {**_FORM, "view": {**_VIEW, "callback_id": "budget.raised"}},
    "options": {**_CLICK, "type": "block_suggestion", "action_id": "a", "block_id": "b", "value": "typed"},
}


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every field of a request, inner ones too."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield (*path, name)
        yield from paths_in(one, (*path, name))


def with_field(body: Json, path: tuple[str | int, ...], odd: Any, *, gone: bool) -> Json:
    """Return a request with another value in one place, or with nothing there."""
    other = copy.deepcopy(body)
    at: Any = other
    for name in path[:-1]:
        at = at[name]
    if gone:
        at.pop(path[-1])
    else:
        at[path[-1]] = odd
    return other
