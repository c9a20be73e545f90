"""Tokens, scopes and encodings, before any method runs."""

from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError


def test_a_wrong_token_is_refused(workspace: Any) -> None:
    """A missing, foreign or wrong kind of token has Slack's name for it."""
    base = f"{workspace.base}/api/"
    for token, error in (("", "not_authed"), ("xoxb-no", "invalid_auth"), ("xapp-local", "not_allowed_token_type")):
        with pytest.raises(SlackApiError, match=error):
            WebClient(token=token, base_url=base).auth_test()


def test_a_connection_is_opened_for_the_app_alone(workspace: Any) -> None:
    """With its own token, in the header; the bot's and a person's are of the wrong kind."""
    base = f"{workspace.base}/api/"
    wrong = {"xapp-no": "invalid_auth", "xoxb-local": "not_allowed_token_type", "xoxp-local": "not_allowed_token_type"}
    for token, error in wrong.items():
        with pytest.raises(SlackApiError, match=error):
            WebClient(base_url=base).apps_connections_open(app_token=token)
    assert WebClient(base_url=base).apps_connections_open(app_token="xapp-local")["url"].startswith("ws://")
    with pytest.raises(SlackApiError, match="not_authed"):
        WebClient(base_url=base).api_call("apps.connections.open", data={"token": "xapp-local"})


def test_a_persons_token_is_no_bots(workspace: Any) -> None:
    """Slack says whose it is, and names no bot."""
    me = WebClient(token="xoxp-local", base_url=f"{workspace.base}/api/").auth_test()
    assert (me["user_id"], me.get("bot_id")) == (workspace.world.seed.people[0].id, None)


def test_an_unknown_method_is_refused(workspace: Any) -> None:
    """A method that does not exist is unknown_method."""
    with pytest.raises(SlackApiError, match="unknown_method"):
        workspace.slack.api_call("chat.shout")


def test_scopes_of_our_own_manifest_decide(workspace: Any, serve_workspace: Any, tmp_path: Path) -> None:
    """What the manifest does not ask for is missing_scope, with what is needed and provided."""
    with pytest.raises(SlackApiError) as caught:
        workspace.slack.reactions_get(channel="C0HELP", timestamp="1.0")
    assert caught.value.response["needed"] == "reactions:read"
    assert "chat:write" in caught.value.response["provided"]
    text = workspace.world.config.manifest.read_text(encoding="utf-8")
    manifest = tmp_path / "manifest.yaml"
    kept = [line for line in text.splitlines() if line.strip() not in {"- users:read.email", "- groups:history"}]
    manifest.write_text("\n".join(kept), encoding="utf-8")
    narrow = serve_workspace(manifest=manifest).slack
    assert "email" not in narrow.users_info(user="U0MAYA")["user"]["profile"]
    assert workspace.slack.users_info(user="U0MAYA")["user"]["profile"]["email"].startswith("maya.")
    with pytest.raises(SlackApiError, match="groups:history"):
        narrow.conversations_history(channel="C0QUEUE")
    assert narrow.conversations_history(channel="C0HELP")["messages"] == []


def test_blocks_may_come_as_json_in_a_form(workspace: Any) -> None:
    """A form-encoded call with blocks as a JSON string is understood like a JSON body."""
    body = {"channel": "C0HELP", "text": "x", "blocks": '[{"type": "divider"}]'}
    answer = workspace.slack.api_call("chat.postMessage", data=body)
    assert answer["message"]["blocks"][0]["type"] == "divider"
