"""The one call that says a message: a post, an update, a deletion, an answer to a command."""

import html
from typing import Any

import structlog
from slack_sdk import WebClient

from bot.slack import client as slack
from bot.slack import enclosures, mrkdwn, response_urls
from bot.store.errands import Errand
from bot.store.messages import AFTERWARDS

log = structlog.get_logger()

EVENT_TYPE = "deskhand_message"
AS_USER = "as_user"
"In a body: the person whose name and picture go on it."
NAMELESS = "A colleague"
"Who speaks when Slack no longer knows them; never the bot."
NAME_CHARACTERS = 80
RESPONSE_URL_TRIES = 5
"Slack takes a response_url five times."

WRONG_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"Then the text alone is said: plain words beat silence."
UPDATE_BYTES = 4_000
"""Of the text of an update once `&`, `<` and `>` are escaped: a longer one is `msg_too_long`, where a post may have
40,000 characters. Slack does not document it (gitlab.com/gitlab-org/gitlab/-/merge_requests/258898)."""


def say(client: WebClient, errand: Errand) -> dict[str, Any]:
    """Make the one call; return Slack's `channel` and `ts` where it gives them."""
    if errand.op == "respond":
        return _respond(client, errand)
    if errand.op == "ephemeral":
        slack.call(
            client.chat_postEphemeral,
            channel=errand.channel,
            user=errand.user,
            thread_ts=errand.thread_ts,
            **errand.body,
        )
        return {}
    return post(client, errand, errand.body)


def post(client: WebClient, errand: Errand, body: dict[str, Any]) -> dict[str, Any]:
    """Post it; where Slack refuses its blocks in the plainer ones that came with it, and at last without any.

    Raises:
        Transient, OutcomeUnknown, Rejected: see `bot.slack.client`.
    """
    shown = {key: value for key, value in body.items() if key not in ("plainer", AFTERWARDS)}
    try:
        return _write(client, errand, shown)
    except slack.Rejected as error:
        if error.code not in WRONG_BLOCKS or "blocks" not in shown:
            raise
        log.error("message.plainer", key=errand.key, error=error.code)  # noqa: TRY400 - Slack's word says it all
    bare = {key: value for key, value in shown.items() if key != "blocks"}
    return post(client, errand, {**bare, **body.get("plainer", {})})


def _write(client: WebClient, errand: Errand, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("deleted") and (errand.ts is not None or errand.file_id is not None):
        _delete(client, errand)
        return {"ts": errand.ts, "channel": errand.channel}
    if errand.ts is not None:
        blocks = {"blocks": body["blocks"]} if "blocks" in body else {}
        slack.call(client.chat_update, channel=errand.channel, ts=errand.ts, text=_short(body["text"]), **blocks)
        return {"ts": errand.ts, "channel": errand.channel}
    return slack.call(
        client.chat_postMessage,
        channel=errand.channel,
        thread_ts=errand.thread_ts,
        metadata={"event_type": EVENT_TYPE, "event_payload": {"key": errand.key}},
        unfurl_links=False,
        **_signed(client, body),
    )


def _short(text: str) -> str:
    """Return what an update takes of a text; people read the blocks."""
    while (size := len(html.escape(text, quote=False).encode())) > UPDATE_BYTES:
        text = mrkdwn.clamp(text, len(text) * UPDATE_BYTES // size - 1)
    return text


def _delete(client: WebClient, errand: Errand) -> None:
    if errand.file_id is not None:
        enclosures.delete(client, errand.file_id)
    if errand.ts is None:
        return
    try:
        slack.call(client.chat_delete, channel=errand.channel, ts=errand.ts)
    except slack.Rejected as error:
        if error.code != "message_not_found":
            raise  # else somebody was faster


def _signed(client: WebClient, body: dict[str, Any]) -> dict[str, Any]:
    """Put a responder's name and picture on their words."""
    if AS_USER not in body:
        return body
    person = slack.person(client, body[AS_USER])
    unsigned = {key: value for key, value in body.items() if key != AS_USER}
    if person is None:
        return {**unsigned, "username": NAMELESS}
    face = {"icon_url": person.image} if person.image else {}
    return {**unsigned, "username": person.name[:NAME_CHARACTERS], **face}


def _respond(client: WebClient, errand: Errand) -> dict[str, Any]:
    """Answer a command; in plainer blocks where Slack refuses the charts."""
    body = {key: value for key, value in errand.body.items() if key not in ("response_url", "plainer")}
    try:
        _respond_once(client, errand, body)
    except slack.Rejected as error:
        if "invalid_blocks" not in error.code or "plainer" not in errand.body:
            raise
        _respond_once(client, errand, {**body, **errand.body["plainer"]})
    return {}


def _respond_once(client: WebClient, errand: Errand, body: dict[str, Any]) -> None:
    if errand.attempts > RESPONSE_URL_TRIES:
        raise slack.Rejected("response_url_used_up")
    response_urls.respond(errand.body["response_url"], body, slack_api_url=client.base_url)
