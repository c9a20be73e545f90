"""The workspace misbehaves when a test says so."""

import http.client
import time
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


def test_a_fault_lasts_as_often_as_it_is_told(workspace: Any) -> None:
    """The fault `fail` answers with its error so many times, then all is well."""
    workspace.faults({"method": "chat.postMessage", "kind": "fail", "error": "fatal_error", "times": 2})
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            workspace.slack.chat_postMessage(channel="C0HELP", text="x")
    assert workspace.slack.chat_postMessage(channel="C0HELP", text="x")["ok"]
    assert workspace.get("/sandbox/faults") == []


def test_a_rate_limit_says_how_long_to_wait(workspace: Any) -> None:
    """rate_limit is HTTP 429 with Retry-After, in the named channel only."""
    workspace.faults({"method": "*", "kind": "rate_limit", "seconds": 7, "times": -1, "channel": "C0HELP"})
    with pytest.raises(SlackApiError) as caught:
        workspace.slack.chat_postMessage(channel="C0HELP", text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    assert workspace.slack.chat_postMessage(channel="C0QUEUE", text="x")["ok"]


def test_a_dropped_answer_has_done_its_work(workspace: Any) -> None:
    """drop_answer posts the message and closes the connection without a byte."""
    workspace.faults({"method": "chat.postMessage", "kind": "drop_answer"})
    client = workspace.slack
    client.retry_handlers.clear()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        client.chat_postMessage(channel="C0HELP", text="posted all the same")
    (message,) = workspace.sees("U0MAYA")["messages"]["C0HELP"]
    assert message["text"] == "posted all the same"
    assert workspace.get("/sandbox/log")[0]["faults"] == ["drop_answer"]


def test_a_server_error_and_a_slow_answer(workspace: Any) -> None:
    """http_500 does nothing and says 500; slow answers after the seconds asked for."""
    workspace.faults(
        {"method": "chat.postMessage", "kind": "http_500"},
        {"method": "auth.test", "kind": "slow", "seconds": 0.3},
    )
    with pytest.raises(SlackApiError) as caught:
        workspace.slack.chat_postMessage(channel="C0HELP", text="x")
    assert caught.value.response.status_code == 500
    assert workspace.sees("U0MAYA")["messages"]["C0HELP"] == []
    started = time.monotonic()
    workspace.slack.auth_test()
    assert time.monotonic() - started >= 0.3


def test_wrong_faults_are_refused(workspace: Any) -> None:
    """A fault that does not exist is refused with its field."""
    answer = workspace.send("/sandbox/faults", [{"method": "*", "kind": "explode"}], "PUT")
    assert (answer["http"], answer["ok"]) == (400, False)
    assert "0.kind" in answer["error"]


def test_reset_clears_what_was_said_and_broken(workspace: Any) -> None:
    """Reset drops messages, faults and the journal; people and channels stay."""
    workspace.faults({"method": "*", "kind": "fail", "times": -1})
    workspace.say("U0MAYA", "C0HELP", "help")
    assert workspace.send("/sandbox/reset", {})["ok"]
    assert workspace.sees("U0MAYA")["messages"]["C0HELP"] == []
    assert workspace.get("/sandbox/faults") == []
    assert workspace.slack.chat_postMessage(channel="C0HELP", text="x")["ok"]
