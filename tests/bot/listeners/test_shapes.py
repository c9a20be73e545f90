"""Requests that Slack has signed and that are not what we expect: each is taken or refused, none breaks anything."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.casework.heard import storable
from bot.listeners.reading import Malformed, whole
from tests.support.web_harness import BOT, HELP, TEAM, FrontDoor

Json = dict[str, Any]

WHO = {"id": "U0MAYA", "team_id": TEAM, "name": "maya", "username": "maya"}
WORDS = {"type": "rich_text", "block_id": "w", "elements": [{"type": "rich_text_section", "elements": []}]}
SAID: Json = {
    "type": "message",
    "user": "U0MAYA",
    "channel": HELP,
    "ts": "1.1",
    "event_ts": "1.1",
    "channel_type": "channel",
    "team": TEAM,
    "client_msg_id": "5e1f",
    "blocks": [WORDS],
    "parent_user_id": "U0MAYA",
    "user_profile": {"name": "maya", "team": TEAM, "is_restricted": False},
}
BELOW = {
    "thread_ts": "1.0",
    "files": [
        {"id": "F1", "name": "a.png", "title": "a", "mimetype": "image/png", "permalink": "https://x.slack.com/f"}
    ],
    "attachments": [
        {"is_share": True, "text": "forwarded", "author_id": "U0IVAN", "ts": "1.0", "files": [{"id": "F2"}]}
    ],
}
WRITTEN = {**SAID, "text": "x", "edited": {"user": "U0MAYA", "ts": "2.0"}, "source_team": TEAM, "user_team": TEAM}
AUTHORIZED = {
    "authorizations": [
        {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}
    ]
}
SENT = {
    "token": "t",
    "api_app_id": "A1",
    "event_time": 1,
    "event_context": "4-abc",
    "is_ext_shared_channel": False,
    "context_team_id": TEAM,
    "context_enterprise_id": None,
}


def event(**event: Any) -> Json:
    """Return an event as Slack wraps it."""
    return {"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event, **AUTHORIZED, **SENT}


def values(*names: str) -> Json:
    """Return the fields of a form."""
    one = {"value": "words", "selected_option": {"value": "other"}, "selected_user": "U0IVAN"}
    return {name: {"input": dict(one)} for name in names}


PRESSED: Json = {
    "team": {"id": TEAM, "domain": "x"},
    "user": WHO,
    "api_app_id": "A1",
    "token": "t",
    "enterprise": None,
    "is_enterprise_install": False,
    "trigger_id": "1.2.abc",
}
CLICK: Json = {
    **PRESSED,
    "type": "block_actions",
    "channel": {"id": "C0QUEUE", "name": "queue"},
    "container": {"type": "message", "channel_id": "C0QUEUE", "message_ts": "1.1", "thread_ts": "1.0"},
    "message": {"type": "message", "bot_id": "B1", "ts": "1.1", "thread_ts": "1.0", "text": "card", "blocks": [WORDS]},
    "state": {"values": {}},
    "response_url": "https://hooks.slack.com/actions/T1/2/abc",
}
FORM: Json = {**PRESSED, "type": "view_submission", "response_urls": []}
FIELDS = values("text", "done", "category", "agent_could", "to", "note", "why", "amount")
VIEW: Json = {
    "id": "V1",
    "type": "modal",
    "private_metadata": "1",
    "state": {"values": FIELDS},
    "team_id": TEAM,
    "hash": "1.h",
    "root_view_id": "V1",
    "previous_view_id": None,
    "external_id": "",
    "bot_id": "B1",
    "app_id": "A1",
    "app_installed_team_id": TEAM,
    "blocks": [WORDS],
    "title": {"type": "plain_text", "text": "Reply"},
}
COMMAND: Json = {
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
SHORTCUT: Json = {
    **PRESSED,
    "type": "message_action",
    "callback_id": "hand_to_person",
    "channel": {"id": HELP, "name": "help"},
    "message": {"type": "message", "user": "U0MAYA", "ts": "1.1", "thread_ts": "1.0", "text": "locked"},
    "message_ts": "1.1",
    "action_ts": "1.3",
    "response_url": "https://hooks.slack.com/app-actions/T1/2/abc",
}
KINDS: dict[str, Json] = {
    "mention": event(**{**SAID, **BELOW, "type": "app_mention", "text": f"<@{BOT}> locked"}),
    "message": event(**{**SAID, **BELOW, "text": "locked", "subtype": "file_share", "team": TEAM}),
    "edit": event(**{**SAID, "subtype": "message_changed", "message": WRITTEN, "previous_message": SAID}),
    "deletion": event(**{**SAID, "subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": SAID}),
    "home": event(type="app_home_opened", user="U0MAYA", channel="D1", tab="home", view={"id": "V1"}, event_ts="1.1"),
    "member": event(type="user_change", user={**WHO, "deleted": False, "profile": {"email": "m@x.example"}}),
    "stop": event(type="agent_session_stopped", user="U0MAYA", channel=HELP, channel_id=HELP, thread_ts="1.1"),
    "another event": event(
        type="reaction_added", user="U0MAYA", item={"type": "message", "channel": HELP, "ts": "1.1"}
    ),
    "question": {"type": "url_verification", "challenge": "c4t"},
    "command": COMMAND,
    "shortcut": SHORTCUT,
    "thumb": {
        **CLICK,
        "actions": [{"action_id": "feedback", "block_id": "b", "value": "good:1", "type": "feedback_buttons"}],
    },
    "claim": {**CLICK, "actions": [{"action_id": "handoff.claim", "block_id": "b", "value": "1", "type": "button"}]},
    "send": {**CLICK, "actions": [{"action_id": "handoff.send", "block_id": "b", "value": "1", "type": "button"}]},
    "reply": {**CLICK, "actions": [{"action_id": "handoff.reply", "block_id": "b", "value": "1", "type": "button"}]},
    "go on": {**CLICK, "actions": [{"action_id": "budget.go_on", "block_id": "b", "value": "1", "type": "button"}]},
    "raise": {**CLICK, "actions": [{"action_id": "budget.raise", "block_id": "b", "value": "1", "type": "button"}]},
    "resolved": {**FORM, "view": {**VIEW, "callback_id": "handoff.resolved"}},
    "reassigned": {**FORM, "view": {**VIEW, "callback_id": "handoff.reassigned"}},
    "raised": {**FORM, "view": {**VIEW, "callback_id": "budget.raised"}},
    "options": {**CLICK, "type": "block_suggestion", "action_id": "a", "block_id": "b", "value": "typed"},
}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["", "\x00", "\ud800", "x" * 300, "home", "U0MAYA", "message_changed", "view_submission", 2**70]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "ts"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every field of a request, inner ones too."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield (*path, name)
        yield from places(one, (*path, name))


def changed(body: Json, path: tuple[str | int, ...], odd: Any, *, gone: bool) -> Json:
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


PLACES = {kind: list(places(body)) for kind, body in KINDS.items()}


def deliver(front: FrontDoor, body: Json) -> int:
    """Deliver a request in the way of its kind; return the status."""
    if "command" in body and all(isinstance(one, str) and one.isascii() for one in body.values()):
        return front.form(body)[0]
    if body.get("type") in ("event_callback", "url_verification") or "command" in body:
        return front.post(json.dumps(body))[0]
    return front.payload(body)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_slack_sends_is_taken(front: FrontDoor, kind: str) -> None:
    """Whatever its answer is: with its own address for answers, and what nobody listens to as well."""
    assert whole(KINDS[kind]) == storable(KINDS[kind])
    with capture_logs() as said:
        assert deliver(front, KINDS[kind]) == 200
    assert {one["event"] for one in said} <= {"job.not_queued"}


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(data=st.data())
def test_odd_fields_are_never_an_error_of_ours(front: FrontDoor, data: st.DataObject) -> None:
    """Whatever stands in up to three places of a request: it is taken or refused as a whole, and is not even logged."""
    kind = data.draw(st.sampled_from(list(KINDS)))
    body = KINDS[kind]
    for path in data.draw(st.lists(st.sampled_from(PLACES[kind]), min_size=1, max_size=3)):
        with suppress(LookupError, TypeError, AttributeError):  # an earlier change has taken the place away
            body = changed(body, path, data.draw(ODD), gone=data.draw(st.booleans()))
    with capture_logs() as said:
        assert deliver(front, body) in (200, 400), body
    assert not [one for one in said if one["log_level"] in ("error", "critical")], body


@pytest.mark.parametrize("body", [None, [], "x", 1, {"type": []}, {"type": {}}, {"event": []}])
def test_what_is_no_request_at_all(body: object) -> None:
    """It is refused without a word of it."""
    with pytest.raises(Malformed) as malformed:
        whole(body)
    assert malformed.value.args == ()
